# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that the role web_server runs on the control node, as modules, and sites to try them with."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.checkout import ROOT


def load(name: str) -> ModuleType:
    """A script of the role web_server, as a module."""
    spec = importlib.util.spec_from_file_location(f"web_server_{name}", ROOT / "roles" / "web_server" / "files" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


def directory(root: Path, content: dict[str, bytes]) -> Path:
    """A directory of these files."""
    for name, data in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def tarball(path: Path, entries: Iterable[tuple[str, bytes | dict[str, Any]]], mode: str = "w") -> Path:
    """A tar of these names: the content of a file, or the fields of another entry."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            data = what if isinstance(what, bytes) else b""
            entry.size, entry.mode = len(data), 0o600
            for field, value in what.items() if isinstance(what, dict) else ():
                setattr(entry, field, value)
            tar.addfile(entry, io.BytesIO(data))
    return path


def zipped(path: Path, entries: Iterable[tuple[str, bytes]], *, system: int = 3, kind: int = 0) -> Path:
    """A zip of these names, made on this system (3 is Unix, 0 is Windows), of this kind of file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            item = zipfile.ZipInfo(name)
            item.create_system, item.external_attr = system, (kind | 0o644) << 16 if kind or system == 3 else 0
            archive.writestr(item, data)
    return path

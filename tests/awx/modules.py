# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection awx.awx, which comes with the package ``ansible``: of its hundreds of megabytes only that folder is kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from tests.checkout import CACHE

#: All of these have awx.awx 24.6.1, which asks for no certain ansible-core. The newer ones want a newer Python.
PACKAGE = "ansible>=10.7,<13"
FOLDER = "ansible_collections/awx/awx"


def awx_modules() -> Path:
    """The folder in which ``ansible_collections/awx/awx`` is; it is downloaded once."""
    tree = CACHE / "awx"
    if not (tree / FOLDER).exists():
        tree.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree) as folder:
            _unpack(Path(folder))
            (tree / FOLDER).parent.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):  # another process was faster
                os.rename(Path(folder) / FOLDER, tree / FOLDER)
    return tree


def _unpack(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=True, stdin=subprocess.DEVNULL)
    (wheel,) = folder.glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(f"{FOLDER}/")])

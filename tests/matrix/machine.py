# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine, and virtual environments with one of them and an ansible-core. No interpreter is downloaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..checkout import CACHE, ROOT
from .pairs import Pair, numbers

#: In the environment of a pair there is none.
UV = Path(os.environ.get("UV") or Path(sys.executable).parent / "uv")
#: A Python without these can't make the environments that ansible-test wants; Debian has some of them in a package of their own.
_PROBE = "import ensurepip, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


def pythons() -> dict[str, Path]:
    """An interpreter for each minor version of Python: the one that runs this, those on PATH, of pyenv, and of uv."""
    found: dict[str, Path] = {}
    for path in _candidates():
        version = _version(path)
        if version is not None:
            found.setdefault(version, path)
    return found


def _candidates() -> Iterator[Path]:
    yield Path(getattr(sys, "_base_executable", sys.executable))
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield from sorted(Path(folder).glob("python3.[0-9]*"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/3.*/bin/python3.[0-9]*"), key=lambda path: numbers(path.parents[1].name), reverse=True)
    if UV.exists():
        listed = subprocess.run([UV, "python", "list", "--only-installed", "--output-format", "json"], check=False, capture_output=True, text=True)
        yield from (Path(item["path"]) for item in (json.loads(listed.stdout) if listed.returncode == 0 else ()) if item.get("path"))


def _version(path: Path) -> str | None:
    """Its minor version, if it runs: a shim of pyenv's may not, and python3.11-config is no interpreter."""
    if not re.fullmatch(r"python[\d.]*", path.name):
        return None
    try:
        done = subprocess.run([path, "-I", "-c", _PROBE], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def own_pair() -> Pair:
    """What runs this."""
    from ansible.release import __version__

    return Pair(f"{sys.version_info.major}.{sys.version_info.minor}", ".".join(__version__.split(".")[:2]))


def folder(pair: Pair) -> Path:
    return CACHE / "matrix" / str(pair).replace("/", "-")


def install(pair: Pair, python: Path) -> Path | str:
    """Make the pair's environment, or bring it up to date, and return its interpreter, or why it can't be had.

    A release candidate is taken where there is no release yet.
    """
    environment = folder(pair) / "venv"
    interpreter = environment / "bin" / "python"
    wanted = ["--group", "matrix", f"ansible-core=={pair.core}.*"]
    pip = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    said = ""
    # As in the Makefile: uv takes seconds, and what it can't do pip may.
    if not interpreter.exists() and _failed(UV, "venv", "-q", "--seed", "--python", python, environment):
        said = _failed(python, "-m", "venv", "--clear", environment)
    if not said and _failed(UV, "pip", "install", "-q", "--python", interpreter, "--upgrade-package", "ansible-core", *wanted):
        said = _failed(*pip, "pip>=25.1") or _failed(*pip, "--upgrade", *wanted)
    return f"ansible-core {pair.core} does not install on Python {pair.python}: {said}" if said else interpreter


def _failed(*command: str | Path) -> str:
    """What a command said, if it failed, in one line."""
    if not Path(command[0]).exists():
        return f"there is no {command[0]}"
    done = subprocess.run(command, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (" ".join(done.stdout.split())[:400] or f"status {done.returncode}") if done.returncode else ""


def versions(interpreter: Path) -> str:
    code = "import platform, ansible.release; print(f'Python {platform.python_version()}, core {ansible.release.__version__}')"
    return subprocess.run([interpreter, "-c", code], check=True, capture_output=True, text=True).stdout.strip()

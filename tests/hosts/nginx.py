# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This machine's nginx, borrowed for the demo and the tests of the role web_server, and left as it was."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

_LOCK = Path("/run/cloudnexus-web-server.lock")
_PID = Path("/run/nginx.pid")
_DEFAULT_SITE = Path("/etc/nginx/sites-enabled/default")
#: Where the role puts what belongs to a site, and the package the page that its removal leaves.
_FOLDERS = tuple(Path(name) for name in ("/etc/nginx/conf.d", "/etc/nginx/cloudnexus", "/var/www/cloudnexus", "/var/www/html", "/var/www"))


def why_not() -> str:
    """Why nginx can't be had here; empty where it can."""
    if sys.platform != "linux":
        return "this machine does not run Linux"
    if os.geteuid() != 0:
        return "it takes root to install nginx"
    if not shutil.which("apt-get") and not shutil.which("dnf"):
        return "this machine has neither apt nor dnf to install nginx with"
    return ""


class BorrowedNginx:
    """Within the ``with`` block nobody else uses it. After it, what was not there before is gone: packages, sites, and nginx itself if it did not run."""

    def __enter__(self) -> BorrowedNginx:
        self._lock: IO[bytes] = _LOCK.open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._packages = _packages()
        self._paths = _paths()
        self._ran = _PID.exists()
        self._default_site = os.readlink(_DEFAULT_SITE) if _DEFAULT_SITE.is_symlink() else None
        return self

    @property
    def was_installed(self) -> bool:
        return "nginx" in self._packages

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for path in sorted(_paths() - self._paths, reverse=True):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if self._default_site and not _DEFAULT_SITE.is_symlink():
            _DEFAULT_SITE.symlink_to(self._default_site)
        if _PID.exists() and not self._ran:
            _run("service" if shutil.which("service") else "systemctl", *(("nginx", "stop") if shutil.which("service") else ("stop", "nginx")))
        if new := sorted(_packages() - self._packages):
            if shutil.which("apt-get"):
                _run("apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", "-y", "purge", *new)
            else:
                _run("dnf", "-q", "-y", "remove", *new)
        if _PID.exists():
            _run("nginx", "-s", "reload")
        self._lock.close()


def _packages() -> set[str]:
    command = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"] if shutil.which("dpkg-query") else ["rpm", "-qa", "--qf", "%{NAME} installed\n"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[0] for line in lines if line.endswith(" installed")}


def _paths() -> set[Path]:
    return {path for folder in _FOLDERS if folder.exists() for path in (folder, *folder.iterdir())} - {_FOLDERS[0]}


def _run(*command: str) -> None:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")

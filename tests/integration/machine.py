# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This machine as the demo and the tests find it, and have to leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def this_machine() -> dict[str, Any]:
    """What a package manager, a service or a mount would leave on it."""
    etc = {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in Path("/etc").rglob("*")}
    packages = Path("/var/lib/dpkg/status")
    return {
        "etc": etc,
        "packages": packages.read_bytes() if packages.exists() else b"",
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "nginx": Path("/usr/sbin/nginx").exists(),
        "home": sorted(path.name for path in (Path.home() / ".ssh").glob("*")),
    }

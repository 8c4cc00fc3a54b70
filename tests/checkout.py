# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as Ansible's tools want to see it: below ``ansible_collections``, with an environment of its own.

``python -m tests.checkout ansible-lint ...`` runs a command there; without a command it makes the folder.
"""

from __future__ import annotations

import functools
import locale
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"


def link_tree() -> Path:
    """Return a folder in which ``ansible_collections/cloudnexus/cloud`` is this checkout."""
    tree = CACHE / "collections"
    link = tree / "ansible_collections" / "cloudnexus" / "cloud"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        with suppress(FileExistsError):  # another process was faster
            link.symlink_to(ROOT, target_is_directory=True)
    return tree


def ansible_environment(**changes: str) -> dict[str, str]:
    """The environment for Ansible's commands: this checkout, and none of the user's own settings or credentials."""
    link_tree()
    # Without bytecode each command of Ansible's takes twice as long to start.
    left_out = ("ANSIBLE_", "CLOUDNEXUS_", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, **utf8_locale(), "PATH": path, "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"), **changes}


def installed_environment(folder: Path, **changes: str) -> dict[str, str]:
    """The environment for Ansible's commands of ``folder/venv``, with the collections of ``folder/collections`` and nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CLOUDNEXUS_", "PYTHON", "VIRTUAL_ENV"))}
    path = os.pathsep.join([str(folder / "venv" / "bin"), kept.get("PATH", os.defpath)])
    own = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOWS": "true"}
    return {**kept, **utf8_locale(), "PATH": path, **own, **changes}


@functools.cache
def utf8_locale() -> dict[str, str]:
    """What to set if Ansible would refuse the locale of this environment: one that is not UTF-8, or that this machine doesn't have."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        for candidate in ("", "C.UTF-8", "en_US.UTF-8"):
            with suppress(locale.Error, ValueError):
                locale.setlocale(locale.LC_ALL, candidate)
                if (locale.getlocale()[1] or "").lower() in ("utf-8", "utf8"):
                    return {"LC_ALL": candidate} if candidate else {}
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return {}


def copy_to(target: Path) -> Path:
    """Bring the files that git knows or would add to ``target``, which is a repository of its own, and take away the others.

    ansible-test works on a copy only (a symbolic link hides half of it), and asks git which files there are.
    """
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    if target.exists():
        known = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=target, check=True, capture_output=True, text=True).stdout
        for name in set(filter(None, known.split("\0"))) - names:
            (target / name).unlink(missing_ok=True)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def main(command: list[str]) -> int:
    folder = link_tree() / "ansible_collections" / "cloudnexus" / "cloud"
    # Each tool has a home of its own: ansible-lint puts stand-ins for the modules of other collections there while it runs.
    environment = ansible_environment(ANSIBLE_HOME=str(CACHE / command[0])) if command else {}
    return subprocess.run(command, check=False, cwd=folder, env=environment, stdin=subprocess.DEVNULL).returncode if command else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

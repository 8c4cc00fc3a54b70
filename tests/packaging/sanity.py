# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ansible-test sanity`` on a copy of what is shipped, as Automation Hub runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from ..checkout import CACHE, ROOT, ansible_environment
from . import tarball

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: In the environment of a pair of the matrix there is no uv.
UV = os.environ.get("UV") or shutil.which("uv") or str(Path(sys.executable).parent / "uv")
COLLECTION = Path("ansible_collections", "cloudnexus", "cloud")


def main() -> int:
    copy = _shipped()
    if list(copy.glob("tests/sanity/ignore*")):
        print("There is an ignore file below tests/sanity.")
        return 1
    home = CACHE / "home"
    _bring_pip_installer(home)
    for instead in _requirements_of_the_package_index():
        print(f"with {instead}", flush=True)
    # ansible-test runs the interpreters that it finds; pyenv's shims are found, but don't run.
    path = [str(Path(sys.executable).parent), *(part for part in os.environ["PATH"].split(os.pathsep) if "pyenv" not in part)]
    environment = {**ansible_environment(), "HOME": str(home), "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8"}
    environment.pop("ANSIBLE_CONFIG")
    command = ["ansible-test", "sanity", "--color", "no", "--python", PYTHON_VERSION]
    done = subprocess.run(
        command, check=False, cwd=copy, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    passed = len(re.findall(r"^Running sanity test", done.stdout, re.MULTILINE))
    print(f"{passed} sanity tests passed" if done.returncode == 0 and passed else done.stdout)
    # It finds no file in a copy that git ignores, and calls that a success.
    return done.returncode or (0 if passed else 1)


def _shipped() -> Path:
    """What the tarball holds, in a repository of its own."""
    target = CACHE / "shipped" / COLLECTION
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(tarball.build(ROOT, CACHE / "tarball")) as archive:
        archive.extractall(target, **({"filter": "data"} if sys.version_info >= (3, 12) else {}))
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def _bring_pip_installer(home: Path) -> None:
    """ansible-test downloads an installer of pip for its virtual environments; this stand-in does it from the registry."""
    import ansible_test._internal.python_requirements as requirements

    stand_in = (
        "import os, subprocess, sys\n"
        "packages = [item for item in sys.argv[1:] if not item.startswith('-')]\n"
        f"if not os.path.exists({UV!r}) or subprocess.call([{UV!r}, 'pip', 'install', '-q', '--python', sys.executable, *packages]):\n"
        "    subprocess.run([sys.executable, '-m', 'ensurepip'], check=True)\n"
        "    subprocess.run([sys.executable, '-m', 'pip', 'install', *packages], check=True)\n"
    )
    folder = home / ".ansible" / "test" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([0-9.]+)'", Path(requirements.__file__).read_text(encoding="utf-8")):
        (folder / f"get_pip_{version.replace('.', '_')}.py").write_text(stand_in, encoding="utf-8")


def _requirements_of_the_package_index() -> list[str]:
    """Replace what ansible-test would install from an address that can't be reached with the package of that name; returns those."""
    import ansible_test

    found = []
    for path in (Path(ansible_test.__file__).parent / "_data" / "requirements").glob("sanity.*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if named := re.fullmatch(r"(\S+) (?:@|# instead of) (https://\S+)", line):
                name, address = named.groups()
                reached = _reached(address)
                lines[number] = f"{name} @ {address}" if reached else f"{name} # instead of {address}"
                found += [] if reached else [f"{name} of the package index"]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return found


def _reached(address: str) -> bool:
    import requests

    try:
        return requests.head(address, timeout=10).status_code < 400
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())

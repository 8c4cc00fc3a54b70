# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make release VERSION=1.2.3``: the release as it would be, made and tried in a clone. Nothing is published, and the checkout stays as it is."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from ansible.utils.version import SemanticVersion

from ..checkout import CACHE, ROOT, ansible_environment, installed_environment

FOLDER = CACHE / "release"
BIN = Path(sys.executable).parent
#: The requirements of a control node, apart from the collection: README, Requirements.
NEEDED = ("ansible-core", "requests")
#: Where a collection says since when it has something.
DOCUMENTED = ("plugins/**/*.py", "extensions/**/*.py", "roles/*/meta/argument_specs.yml")
TAKE_OVER = """
The release is commit {commit} of {clone}.
Where it is to be published:

  git pull --ff-only {clone} HEAD
  git tag {version}
  git push origin HEAD {version}
  ansible-galaxy collection publish {tarball}
"""


class Refused(Exception):
    """The release can't be made; a sentence says why."""


def check(version: str, current: str, fragments: Sequence[str], uncommitted: str, added: Iterable[tuple[str, str]]) -> None:
    """Raise Refused where this can't be the next version. ``added`` are the files that say ``version_added``, and what they say. Pure."""
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?", version):
        raise Refused(f"VERSION: expected a semantic version such as 1.2.3, got {version or 'nothing'}.")
    if SemanticVersion(version) <= SemanticVersion(current):
        raise Refused(f"VERSION: expected one after {current}, which galaxy.yml has, got {version}.")
    if uncommitted:
        raise Refused(f"There are changes that are not committed, and would not be part of it: {', '.join(line[3:] for line in uncommitted.splitlines())}.")
    if not fragments:
        raise Refused("There is no fragment in changelogs/fragments, so nothing to release.")
    for file, since in added:
        if SemanticVersion(since) > SemanticVersion(version):
            raise Refused(f"{file} has something that version {since} adds, which is after {version}.")


def bumped(text: str, pattern: str, version: str) -> str:
    """``text`` with the version in the one place that matches ``pattern``, whose group it is. Pure."""
    ((start, end),) = [match.span(1) for match in re.finditer(pattern, text, re.MULTILINE)]
    return text[:start] + version + text[end:]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.packaging.release", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--without-web-servers", action="store_true", help="leave nginx out of the demo")
    arguments = parser.parse_args()
    try:
        check(arguments.version, _galaxy(ROOT)["version"], _fragments(ROOT), _output("git", "status", "--porcelain", cwd=ROOT), _added(ROOT))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    clone = FOLDER / "tree" / "ansible_collections" / "cloudnexus" / "cloud"
    _say(f"Version {arguments.version} of a clone of this checkout")
    _run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=ROOT)
    _bump(clone, arguments.version)
    _say("The changelog and the tarball, as Galaxy's importer sees it")
    _run(sys.executable, "-m", "nox", "--envdir", str(CACHE / "nox"), "-s", "changelog", "certification", cwd=clone)
    (tarball,) = (clone / ".cache" / "certification" / "tarball").glob("*.tar.gz")
    tarball = tarball.rename(FOLDER / tarball.name)
    _say(f"The tarball, installed beside nothing but {' and '.join(NEEDED)}")
    _install(tarball, arguments.version)
    _say("The demo from what was installed")
    _run(sys.executable, "-m", "tests.demo", "--installation", str(FOLDER), *(["--without-web-servers"] if arguments.without_web_servers else []), cwd=ROOT)
    _say(f"Version {arguments.version} can be released. Nothing was published")
    commit = _output("git", "rev-parse", "--short", "HEAD", cwd=clone).strip()
    print(TAKE_OVER.format(clone=clone.relative_to(ROOT), commit=commit, version=arguments.version, tarball=tarball.relative_to(ROOT)))
    return 0


def _galaxy(folder: Path) -> dict[str, str]:
    data: dict[str, str] = yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8"))
    return data


def _fragments(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "changelogs" / "fragments").glob("*.y*ml"))


def _added(folder: Path) -> list[tuple[str, str]]:
    paths = sorted(path for pattern in DOCUMENTED for path in folder.glob(pattern))
    found = {
        (str(path.relative_to(folder)), since) for path in paths for since in re.findall(r"^ *version_added: *['\"]?([\d.]+)", path.read_text(), re.MULTILINE)
    }
    return sorted(found)


def _bump(clone: Path, version: str) -> None:
    for name, pattern in (("galaxy.yml", r"^version: (.*)$"), ("plugins/module_utils/version.py", r'^VERSION = "(.*)"$')):
        path = clone / name
        path.write_text(bumped(path.read_text(encoding="utf-8"), pattern, version), encoding="utf-8")
    # It asks ansible-doc for what is new.
    environment = {**ansible_environment(), "ANSIBLE_COLLECTIONS_PATH": str(FOLDER / "tree")}
    _run("antsibull-changelog", "release", "--version", version, cwd=clone, env=environment)
    _run("git", "add", "--all", cwd=clone)
    _run("git", "commit", "--quiet", "--message", f"Version {version}", cwd=clone)


def _install(tarball: Path, version: str) -> None:
    environment = installed_environment(FOLDER)
    venv.create(FOLDER / "venv", with_pip=True)
    python = str(FOLDER / "venv" / "bin" / "python")
    # As in the Makefile: uv takes seconds, and what it can't do pip may.
    if not (BIN / "uv").exists() or subprocess.run([BIN / "uv", "pip", "install", "-q", "--python", python, *NEEDED], check=False).returncode:
        _run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDED, cwd=FOLDER)
    collections = FOLDER / "collections"
    _run("ansible-galaxy", "collection", "install", "--offline", "-p", str(collections), str(tarball), cwd=FOLDER, env=environment)
    listed = _output("ansible-galaxy", "collection", "list", "cloudnexus.cloud", cwd=FOLDER, env=environment)
    print(listed)
    if not re.search(rf"^cloudnexus\.cloud +{re.escape(version)}", listed, re.MULTILINE) or str(collections) not in listed:
        sys.exit("What was installed is not what was built.")


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    """Run a command and show its output. Ends the process where it fails."""
    if subprocess.run(command, check=False, cwd=cwd, env=env, stdin=subprocess.DEVNULL).returncode:
        sys.exit(f"{command[0]} failed.")


def _output(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    return subprocess.run(command, check=True, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout


def _say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

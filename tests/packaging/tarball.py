# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball that Galaxy and Automation Hub get: built, looked into, and shown to their importer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from ..checkout import CACHE, ansible_environment, copy_to

#: What is shipped. Of the tests it is the emulator, which docs/emulator.md starts from an installed collection.
SHIPPED = re.compile(
    r"(\.ansible-lint|MANIFEST\.json|FILES\.json|README\.md|CHANGELOG\.rst|CONTRIBUTING\.md|SECURITY\.md|LICENSE|requirements\.txt|meta/\w[\w-]*\.yml"
    r"|changelogs/(config|changelog)\.yaml|changelogs/fragments/[\w.-]+\.yml|docs/\w+\.(md|yml)|docs/docsite/links\.yml"
    r"|(extensions|playbooks|plugins|roles)/(?!.*(__pycache__|/\.)).*|tests/(__init__\.py|config\.yml)|tests/emulator/\w+\.py)"
)


class Refused(Exception):
    """The importer or a look into the tarball found something: what there is to show of it."""


def build(checkout: Path, folder: Path) -> Path:
    """Build the tarball of a checkout below ``folder``, which is emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(folder)]
    done = _run(command, checkout)
    if done.returncode:
        raise Refused(done.stdout)
    (tarball,) = folder.glob("*.tar.gz")
    return tarball


def surplus(names: Iterable[str]) -> list[str]:
    """What is in a tarball and does not belong there."""
    return sorted(name for name in names if not SHIPPED.fullmatch(name))


def look(tarball: Path) -> None:
    """Raises Refused where the importer warns of something, or a file is in it that nobody needs."""
    with tarfile.open(tarball) as archive:
        names = [member.name for member in archive if member.isfile()]
    if unwanted := surplus(names):
        raise Refused(f"In the tarball, and not meant to be (build_ignore of galaxy.yml, SHIPPED of tests/packaging/tarball.py): {', '.join(unwanted)}")
    config = tarball.parent / "importer.cfg"
    config.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\nRUN_ANSIBLE_TEST = False\n", encoding="utf-8")
    done = _run(
        [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
        tarball.parent,
        ANSIBLE_HOME=str(tarball.parent / "home"),
        GALAXY_IMPORTER_CONFIG=str(config),
    )
    # Its exit status is 0 whatever it warns of.
    if done.returncode or re.search(r"^(WARNING|ERROR)", done.stdout, re.MULTILINE):
        raise Refused(done.stdout)


def _run(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=ansible_environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    try:
        look(build(copy_to(CACHE / "certification" / "ansible_collections" / "cloudnexus" / "cloud"), CACHE / "certification" / "tarball"))
    except Refused as refused:
        print(refused)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

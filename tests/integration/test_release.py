# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make release`, rehearsed in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = [pytest.mark.once, pytest.mark.ci]
AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, env={**os.environ, **AUTHOR}, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The checkout as it is, all of it committed, with a fragment for the changelog."""
    folder = tmp_path / "repository"
    for name in filter(None, git("ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
    (folder / "changelogs" / "fragments" / "rehearsal.yml").write_text("minor_changes:\n  - a rehearsal.\n")
    git("init", "-q", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "-qm", "All", cwd=folder)
    return folder


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.packaging.release", version, "--without-web-servers"]
    return subprocess.run(command, check=False, cwd=folder, env={**os.environ, **AUTHOR}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)


def test_a_rehearsal(repository: Path) -> None:
    refused = release(repository, "0.0.1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("VERSION: expected one after ")
    done = release(repository, "99.0.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done: the tier stood, stood the same on the second run, and is gone" in done.stdout
    assert "Version 99.0.0 can be released. Nothing was published" in done.stdout
    # What it tells to do is what the release is; until then the checkout is as it was.
    assert not git("status", "--porcelain", cwd=repository)
    assert "\nversion: 99.0.0\n" not in (repository / "galaxy.yml").read_text()
    (pull,) = [line.split() for line in done.stdout.splitlines() if "git pull" in line]
    git(*pull[1:], cwd=repository)
    assert "\nversion: 99.0.0\n" in (repository / "galaxy.yml").read_text()
    assert "v99.0.0" in (repository / "CHANGELOG.rst").read_text()
    assert not list((repository / "changelogs" / "fragments").glob("*.yml"))
    assert (repository / ".cache" / "release" / "cloudnexus-cloud-99.0.0.tar.gz").is_file()

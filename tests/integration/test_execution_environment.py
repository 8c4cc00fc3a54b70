# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of the collection for an execution environment; it takes no container engine up to here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml
from ansible_collections.cloudnexus.cloud.plugins.module_utils import supported

from tests.checkout import ROOT, ansible_environment, link_tree

from .pages import blocks

#: The page's example.
PAGE = ROOT / "docs" / "execution_environments.md"
SHIPPED = ROOT / "extensions" / "awx" / "execution-environment.yml"


def builder(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        ["ansible-builder", *arguments], check=False, cwd=cwd, env=ansible_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_it_needs_is_found() -> None:
    found = yaml.safe_load(builder("introspect", str(link_tree())))
    assert found == {"python": ["requests>=2.31  # from collection cloudnexus.cloud"], "system": []}


def test_the_oldest_version_is_the_one_that_the_tests_allow() -> None:
    (requirement,) = (ROOT / "requirements.txt").read_text().split()
    assert re.fullmatch(r"requests>=[\d.]+", requirement)  # Automation Hub takes no upper bound, and no ansible
    assert f'"{requirement},<' in (ROOT / "pyproject.toml").read_text()


def test_the_file_that_is_shipped_is_the_documented_one() -> None:
    (documented,) = [block.text for block in blocks(PAGE) if block.file == "execution-environment.yml"]
    assert yaml.safe_load(documented) == yaml.safe_load(SHIPPED.read_text())


def test_the_context_of_the_image(tmp_path: Path) -> None:
    builder("create", "--file", str(SHIPPED), "--context", str(tmp_path / "context"), "--output-filename", "Containerfile", cwd=tmp_path)
    recipe = (tmp_path / "context" / "Containerfile").read_text()
    assert "ansible-galaxy collection install" in recipe
    assert 'PYCMD="/usr/bin/python3.12"' in recipe
    made = tmp_path / "context" / "_build"
    galaxy = yaml.safe_load((made / "requirements.yml").read_text())
    assert galaxy == {"collections": [{"name": "cloudnexus.cloud", "version": ">=1.0.0,<2.0.0"}]}
    assert {"openssh-clients", "git-core"} <= {line.split()[0] for line in (made / "bindep.txt").read_text().splitlines()}


def test_the_image_has_what_the_collection_runs_on() -> None:
    dependencies = yaml.safe_load(SHIPPED.read_text())["dependencies"]
    (python,) = re.findall(r"python(\d+)\.(\d+)$", dependencies["python_interpreter"]["python_path"])
    assert supported.problem((int(python[0]), int(python[1]), 0), "2.16.0") is None
    (oldest,) = re.findall(r">=([\d.]+)", dependencies["ansible_core"]["package_pip"])
    assert supported.problem((3, 12, 0), oldest) is None

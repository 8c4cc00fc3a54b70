# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of the collection for an execution environment; it takes no container engine up to here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from tests.checkout import ROOT, ansible_environment, link_tree

from .pages import blocks

#: The page's example.
PAGE = ROOT / "docs" / "execution_environments.md"


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


def test_the_context_of_the_documented_image(tmp_path: Path) -> None:
    (definition,) = [block.text for block in blocks(PAGE) if block.file == "execution-environment.yml"]
    (tmp_path / "execution-environment.yml").write_text(definition)
    builder("create", "--output-filename", "Containerfile", cwd=tmp_path)
    recipe = (tmp_path / "context" / "Containerfile").read_text()
    assert "ansible-galaxy collection install" in recipe
    made = tmp_path / "context" / "_build"
    galaxy = yaml.safe_load((made / "requirements.yml").read_text())
    assert galaxy == {"collections": [{"name": "cloudnexus.cloud", "version": ">=1.0.0,<2.0.0"}]}
    assert "openssh-clients" in (made / "bindep.txt").read_text()

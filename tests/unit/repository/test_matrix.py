# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of noxfile.py, and the documents and workflows that repeat it."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def noxfile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_each_pair_is_supported_and_they_run_from_the_oldest_to_the_newest(noxfile: ModuleType) -> None:
    assert all(python in noxfile.CORES[core] for python, core in noxfile.PAIRS)
    assert {core for _python, core in noxfile.PAIRS} == set(noxfile.CORES)
    assert set(noxfile.CERTIFIED) <= set(noxfile.CORES)
    order = [(numbers(core), numbers(python)) for python, core in noxfile.PAIRS]
    assert order == sorted(order)


def test_the_makefile_runs_sessions_that_there_are(noxfile: ModuleType) -> None:
    makefile = (ROOT / "Makefile").read_text()
    (beside,) = re.findall(r"^ON_ONE_CORE := (.*)$", makefile, re.MULTILINE)
    named = {*beside.split(), *re.findall(r"\.session-(\w+)", makefile), *re.findall(r"NOX\) -s ([\w ]+)", makefile)[0].split()}
    assert {"units", "integration", "sanity", "style"} <= named
    assert all(callable(getattr(noxfile, name)) for name in named)


# --- What is written of it -------------------------------------------------------------------------------------------


def test_the_guide_has_the_same_table(noxfile: ModuleType) -> None:
    rows = re.findall(r"^\| (2\.\d+) \| ([\d., ]+) \|", (ROOT / "docs" / "upgrading.md").read_text(), re.MULTILINE)
    assert rows == [(core, ", ".join(python for python, of in noxfile.PAIRS if of == core)) for core in noxfile.CORES]


def test_the_bounds_are_those_of_the_table(noxfile: ModuleType) -> None:
    oldest, *_others, newest = noxfile.CORES
    runtime: dict[str, Any] = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={oldest}.0"
    major, minor = newest.split(".")
    assert (ROOT / "pyproject.toml").read_text().count(f'"ansible-core>={oldest},<{major}.{int(minor) + 1}"') == 2


def test_the_nightly_workflow_runs_every_pair(noxfile: ModuleType) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]
    assert [(pair["python"], pair["core"]) for pair in jobs["matrix"]["strategy"]["matrix"]["include"]] == list(noxfile.PAIRS)


def test_the_nightly_workflow_runs_every_debian(noxfile: ModuleType) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]
    assert jobs["debian"]["strategy"]["matrix"]["release"] == list(noxfile.RELEASES)


def test_workflows_and_hooks_run_what_the_makefile_has() -> None:
    targets = set(re.findall(r"^([\w ]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets = {target for line in targets for target in line.split()}
    run = set()
    for path in [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"]:
        run |= set(re.findall(r"\bmake ([a-z]+)", "\n".join(line for line in path.read_text().split("\n") if not line.startswith("#"))))
    nightly = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())
    run |= set(nightly["jobs"]["longer"]["strategy"]["matrix"]["target"])
    assert run >= {"test", "matrix", "devel", "mutants", "certification", "docs"}
    assert run <= targets

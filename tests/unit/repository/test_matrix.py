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

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pairs of Python and ansible-core `make matrix` and `make test` run, and that the documents say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.checkout import ROOT
from tests.matrix import run
from tests.matrix.machine import pythons
from tests.matrix.pairs import CERTIFIED, CORES, PAIRS, Pair, parsed, plan
from tests.matrix.run import Ran, ends, table

ALL = {"3.10", "3.11", "3.12", "3.13"}


def shown(pairs: object) -> list[str]:
    return [str(pair) for pair in pairs]  # type: ignore[attr-defined]


def test_where_all_pythons_are_all_pairs_run_from_the_oldest_to_the_newest() -> None:
    planned = plan(ALL)
    assert shown(planned.run) == ["3.10/2.16", "3.11/2.16", "3.11/2.18", "3.11/2.19", "3.12/2.20", "3.12/2.21", "3.13/2.22"]
    assert planned.not_run == {}


def test_what_has_no_python_is_told() -> None:
    planned = plan({"3.9", "3.11"})
    assert shown(planned.run) == ["3.11/2.16", "3.11/2.18", "3.11/2.19"]
    assert {str(pair): why for pair, why in planned.not_run.items()} == {
        f"{python}/{core}": f"there is no Python {python} on this machine"
        for python, core in (("3.10", "2.16"), ("3.12", "2.20"), ("3.12", "2.21"), ("3.13", "2.22"))
    }


def test_another_python_that_the_core_takes_stands_in() -> None:
    assert shown(plan({"3.13"}).run) == ["3.13/2.18", "3.13/2.19", "3.13/2.20", "3.13/2.21", "3.13/2.22"]
    assert plan({"3.9"}).run == ()


def test_what_is_asked_for_is_run_and_nothing_stands_in() -> None:
    planned = plan({"3.12"}, parsed("3.12/2.19 3.10/2.16"))
    assert (shown(planned.run), shown(planned.not_run)) == (["3.12/2.19"], ["3.10/2.16"])
    with pytest.raises(ValueError, match=r"^2\.16: expected a Python and an ansible-core, such as 3\.11/2\.19\.$"):
        parsed("2.16")


@pytest.mark.parametrize(
    ("own", "broken", "expected"),
    [
        ("3.11/2.19", "", ["3.10/2.16", "3.13/2.22"]),
        ("3.13/2.22", "", ["3.10/2.16"]),
        ("3.10/2.16", "", ["3.13/2.22"]),
        ("3.11/2.19", "3.13/2.22", ["3.10/2.16", "3.12/2.21"]),
        ("3.12/2.21", "3.13/2.22", ["3.10/2.16"]),
    ],
)
def test_make_test_runs_both_ends_once(monkeypatch: pytest.MonkeyPatch, own: str, broken: str, expected: list[str]) -> None:
    monkeypatch.setattr(run, "install", lambda pair, python: "it does not install" if str(pair) == broken else python)
    found, missing = ends(plan(ALL), parsed(own)[0], {python: Path(python) for python in ALL})
    assert shown(found) == expected
    assert shown(missing) == [broken] * bool(broken)


def test_the_table_shows_what_failed_and_what_was_not_run() -> None:
    ran = {Pair("3.10", "2.16"): Ran("core 2.16.1", {"units": (True, "5 passed, 1 s"), "sanity": (False, "no test ran, 2 s")})}
    assert table(ran, {Pair("3.13", "2.22"): "it is too new"}, ("units", "sanity")).split("\n") == [
        "| pair      | versions    | units         | sanity                   |",
        "| --------- | ----------- | ------------- | ------------------------ |",
        "| 3.10/2.16 | core 2.16.1 | 5 passed, 1 s | FAILED: no test ran, 2 s |",
        "not run: 3.13/2.22, because it is too new",
    ]


def test_the_pythons_of_this_machine_are_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin")
    found = pythons()
    assert "3.99" not in found
    assert all(re.fullmatch(r"3\.\d+", version) for version in found)


# --- What is written of it -------------------------------------------------------------------------------------------


def test_the_guide_has_the_same_table() -> None:
    rows = re.findall(r"^\| (2\.\d+) \| ([\d., ]+) \|", (ROOT / "docs" / "upgrading.md").read_text(), re.MULTILINE)
    assert rows == [(core, ", ".join(pair.python for pair in PAIRS if pair.core == core)) for core in CORES]


def test_the_bounds_are_those_of_the_table() -> None:
    oldest, *_others, newest = CORES
    assert yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"] == f">={oldest}.0"
    major, minor = newest.split(".")
    assert f'"ansible-core>={oldest},<{major}.{int(minor) + 1}"' in (ROOT / "pyproject.toml").read_text()
    assert set(CERTIFIED) <= {pair.core for pair in PAIRS}
    assert all(pair.python in CORES[pair.core] for pair in PAIRS)

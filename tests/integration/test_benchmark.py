# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the benchmarks run. What they measure on a busy machine decides nothing here."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.once


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.benchmark", *arguments]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env={**os.environ, "PAIRS": "1"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_a_case_is_measured() -> None:
    output = bench("loop")
    assert re.search(r"^\| loop of 100, an item \| [\d.]+ ms \| an empty action plugin \+ the bare request \| [\d.]+ ms \| [\d.]+ \|", output, re.MULTILINE), (
        output
    )


def test_every_reach_is_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "benchmarks.md").read_text()
    cases = (ROOT / "tests" / "benchmark" / "cases.py").read_text()
    reaches = re.findall(r'Row\(.*(?:"ms"|"s"|"MiB"), ([\d.]+)\)', cases)
    assert len(reaches) >= 8
    for reach in reaches:
        assert f"at most {reach} |" in documented

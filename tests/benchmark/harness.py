# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of measurements, their ratios, and the table of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.checkout import ROOT, link_tree
from tests.emulator.process import EmulatorProcess

from .playbook import Failed, declared

#: How often each pair is measured; the median of an odd number is one that was measured.
PAIRS = int(os.environ.get("PAIRS") or 5)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. Each pair is what was measured of the case, and right before or after it of what it is compared with."""

    case: str
    against: str
    pairs: list[tuple[float, float]]
    unit: str
    reach: float
    #: Whether the ratio says how many times as fast the case is, and should be large.
    faster: bool = False

    @property
    def ratios(self) -> list[float]:
        return sorted(theirs / ours if self.faster else ours / theirs for ours, theirs in self.pairs)

    @property
    def reached(self) -> bool:
        ratio = median(self.ratios)
        return ratio >= self.reach if self.faster else ratio <= self.reach

    def cells(self) -> list[str]:
        ours, theirs = (median(side) for side in zip(*self.pairs, strict=True))
        ratios = self.ratios
        return [
            self.case,
            f"{ours:.2f} {self.unit}",
            self.against,
            f"{theirs:.2f} {self.unit}",
            f"{median(ratios):.2f}",
            f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
            f"{'at least' if self.faster else 'at most'} {self.reach:g}",
            "yes" if self.reached else "**no**",
        ]


TITLES = ["case", "it takes", "against", "which takes", "ratio", "from, to", "reach", "reached"]


def table(titles: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [titles, ["---"] * len(titles), *rows])


@dataclass(frozen=True, slots=True)
class Bench:
    """What a case needs to measure."""

    folder: Path

    @contextmanager
    def emulator(self, **settings: Any) -> Iterator[EmulatorProcess]:
        """An emulator that does not check what it is asked and answers: that takes longer than what is measured."""
        with EmulatorProcess("--no-validate", "--boot-seconds", "0") as emulator:
            emulator.set(**settings)
            yield emulator

    def script(self, name: str, *arguments: Any, api: dict[str, str]) -> dict[str, float]:
        """Run ``bare`` or ``core`` in a process of its own, and return what it measured of itself."""
        environment = {**os.environ, **api, "PYTHONPATH": str(link_tree())}
        command = [sys.executable, "-m", f"tests.benchmark.{name}", *(item if isinstance(item, str) else json.dumps(item) for item in arguments)]
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr[-4000:])
        measured: dict[str, float] = json.loads(done.stdout)
        return measured

    def bare(self, what: str, api: dict[str, str], **arguments: Any) -> dict[str, float]:
        return self.script("bare", what, arguments, api=api)

    def core(self, module: str, api: dict[str, str], **options: Any) -> dict[str, float]:
        # Not on the command line: 10,000 declarations don't fit there.
        file = self.folder / "options.json"
        file.write_text(json.dumps(options), encoding="utf-8")
        return self.script("core", module, str(file), api=api)


def api_of(emulator: EmulatorProcess) -> dict[str, str]:
    return {"CLOUDNEXUS_API_URL": emulator.api_url, "CLOUDNEXUS_API_KEY": emulator.api_key}


def fill(emulator: EmulatorProcess, count: int, instance: Callable[[int], dict[str, str]] = declared) -> None:
    for number in range(count):
        emulator.create(**instance(number))


#: A case prints what it has to say beside its rows.
Case = Callable[[Bench], list[Row]]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ansible-core is tested on which Python, and which of these pairs a machine can run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Pair(NamedTuple):
    """A minor version of Python with one of ansible-core, such as 3.11/2.19."""

    python: str
    core: str

    def __str__(self) -> str:
        return f"{self.python}/{self.core}"

    @property
    def age(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What sorts the oldest ansible-core to the front."""
        return numbers(self.core), numbers(self.python)


#: The Pythons on which a controller may run each ansible-core, by its own support matrix. 2.17 is left out: its life ended in 2025, and
#: Automation Hub does not ask for it.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
    "2.22": ("3.13", "3.14"),
}
#: Those on whose sanity tests Automation Hub insists.
CERTIFIED = ("2.16", "2.18", "2.20")
#: What is tested: each ansible-core on the oldest Python that it takes, and 2.16 on a second one.
PAIRS = {
    Pair("3.10", "2.16"): "the oldest of both that is promised",
    Pair("3.11", "2.16"): "the execution environments of Ansible Automation Platform",
    Pair("3.11", "2.18"): "certification",
    Pair("3.11", "2.19"): "the first with templates that are trusted or not",
    Pair("3.12", "2.20"): "certification; the first that wants Python 3.12",
    Pair("3.12", "2.21"): "the newest release",
    Pair("3.13", "2.22"): "the next one, a release candidate",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, from the oldest ansible-core to the newest, and why the others are not."""

    run: tuple[Pair, ...]
    not_run: dict[Pair, str]


def plan(pythons: Collection[str], wanted: Iterable[Pair] = ()) -> Plan:
    """What runs on a machine with these Pythons: the pairs that are wanted, or the table.

    Where no Python of an ansible-core in the table is there, another one that it takes stands in.
    """
    asked = list(wanted)
    pairs = asked or list(PAIRS)
    run = [pair for pair in pairs if pair.python in pythons]
    for core in dict.fromkeys(pair.core for pair in pairs if not asked):
        others = [python for python in CORES[core] if python in pythons]
        if others and core not in {pair.core for pair in run}:
            run.append(Pair(others[0], core))
    return Plan(
        tuple(sorted(set(run), key=lambda pair: pair.age)), {pair: f"there is no Python {pair.python} on this machine" for pair in pairs if pair not in run}
    )


def parsed(words: str) -> list[Pair]:
    """``3.10/2.16 3.13/2.22`` as pairs. Raises ValueError."""
    found = []
    for word in words.split():
        match = re.fullmatch(r"(3\.\d+)/(2\.\d+)", word)
        if not match:
            raise ValueError(f"{word}: expected a Python and an ansible-core, such as 3.11/2.19.")
        found.append(Pair(match.group(1), match.group(2)))
    return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))

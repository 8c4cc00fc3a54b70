# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks on each pair, in a copy of the checkout for each, some pairs at the same time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..checkout import copy_to
from .machine import UV, folder, install, versions
from .pairs import Pair, Plan


@dataclass(slots=True)
class Ran:
    """What came of a pair."""

    versions: str
    #: For each check: whether it passed, and a line about it.
    checks: dict[str, tuple[bool, str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(passed for passed, _line in self.checks.values())


def installed(pairs: Iterable[Pair], pythons: dict[str, Path]) -> tuple[dict[Pair, Path], dict[Pair, str]]:
    """The interpreters of those that can be had, and why the others can't."""
    with ThreadPoolExecutor() as pool:
        results = dict(pool.map(lambda pair: (pair, install(pair, pythons[pair.python])), pairs))
    return (
        {pair: result for pair, result in results.items() if isinstance(result, Path)},
        {pair: result for pair, result in results.items() if isinstance(result, str)},
    )


def ends(planned: Plan, own: Pair, pythons: dict[str, Path]) -> tuple[dict[Pair, Path], dict[Pair, str]]:
    """The oldest and the newest pair that can be had, but for what runs this, with their interpreters; and what could not be had on the way."""
    found: dict[Pair, Path] = {}
    missing: dict[Pair, str] = {}
    for pairs in (planned.run, planned.run[::-1]):
        for pair in pairs:
            if pair in found or pair == own:
                break
            more, not_had = installed([pair], pythons)
            found |= more
            missing |= not_had
            if more:
                break
    return found, missing


def run(interpreters: dict[Pair, Path], checks: Sequence[str]) -> dict[Pair, Ran]:
    """The checks on all of them, as many at a time as there are cores."""
    cores = os.cpu_count() or 1
    workers = max(1, cores // max(1, len(interpreters)))
    pool = ThreadPoolExecutor(cores)
    try:
        results = {pair: pool.submit(_run_pair, pair, interpreter, checks, workers) for pair, interpreter in interpreters.items()}
        return {pair: result.result() for pair, result in results.items()}
    finally:  # Ctrl-C begins nothing more
        pool.shutdown(cancel_futures=True)


def _run_pair(pair: Pair, interpreter: Path, checks: Sequence[str], workers: int) -> Ran:
    # Caches, links and bytecode of one pair are not those of another. Not below `ansible_collections`: in there ansible-console of 2.16 does not start.
    copy = copy_to(folder(pair) / "checkout")
    left_out = ("ANSIBLE_", "CLOUDNEXUS_", "PYTEST_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {
        "MATRIX_PAIR": str(pair),
        "WORKERS": str(workers),
        "UV": str(UV),
        "PATH": os.pathsep.join([str(interpreter.parent), os.environ.get("PATH", os.defpath)]),
    }
    ran = Ran(versions(interpreter))
    for check in checks:
        results = copy / ".cache" / "results.json"
        results.unlink(missing_ok=True)
        with (folder(pair) / f"{check}.log").open("w", encoding="utf-8") as log:
            subprocess.run([interpreter, "-m", "tests.checks", check], check=False, cwd=copy, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        result = json.loads(results.read_text(encoding="utf-8"))[check] if results.exists() else {"passed": False, "seconds": 0, "summary": "did not run"}
        line = f"{result['summary'] or ('passed' if result['passed'] else 'FAILED')}, {result['seconds']:.0f} s"
        ran.checks[check] = (result["passed"], line)
        print(f"    {pair} {check}: {'' if result['passed'] else 'FAILED: '}{line}", flush=True)
        if not result["passed"]:
            print(_last_part(Path(log.name)), flush=True)
    return ran


def _last_part(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"    The whole of it is in {log}; its end:", *lines[-80:]])


def table(ran: dict[Pair, Ran], not_run: dict[Pair, str], checks: Sequence[str]) -> str:
    rows = [["pair", "versions", *checks]]
    rows += [[str(pair), of.versions, *(("" if passed else "FAILED: ") + line for passed, line in of.checks.values())] for pair, of in ran.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join([*lines, *(f"not run: {pair}, because {why}" for pair, why in not_run.items())])

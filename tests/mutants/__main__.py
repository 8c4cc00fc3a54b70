# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make mutants``: change the core at random places, and count the changes that the unit tests notice.

cosmic-ray makes the mutants. A sample of places is drawn with a seed, one mutant a place; each core tests them in a copy of the checkout.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.checkout import CACHE, ROOT, copy_to

from .statements import Provider

#: What is mutated: everything that decides. `module.py` is two lines that only Ansible runs.
MUTATED = sorted({*ROOT.glob("plugins/module_utils/**/*.py"), *ROOT.glob("plugins/plugin_utils/[!a]*.py")} - {ROOT / "plugins" / "module_utils" / "module.py"})
#: Seconds that the tests may take with a mutant; a mutant that hangs is noticed.
PATIENCE = 400
#: Mutants that change nothing which a user could see: the place, and why. They don't count.
EQUIVALENT: dict[str, str] = {}


@dataclass(frozen=True)
class Mutant:
    path: Path
    operator: str
    occurrence: int
    line: int
    code: str

    @property
    def diff(self) -> str:
        before, after = (text.splitlines() for text in (self.path.read_text(encoding="utf-8"), self.code))
        changed = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        return "\n".join(f"      {line}" for line in changed)

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.operator.partition('/')[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--minutes", type=float, default=120, help="begin no other one after this time")
    parser.add_argument("--at-least", type=float, default=95, help="the percentage that must be noticed")
    parser.add_argument("--only", default="", help="a part of the path")
    arguments = parser.parse_args()
    cosmic_ray.plugins.OPERATOR_PROVIDERS["statements"] = Provider()
    mutants = _sample(arguments.sample, random.Random(arguments.seed), arguments.only)
    if output := _failure(_copy(0), sorted(str(path) for path in Path("tests/unit").glob("[!_]*"))):
        print(f"The tests fail without a mutant:\n{output}")
        return 1
    ends_at = time.monotonic() + arguments.minutes * 60
    survived, ran = _run(mutants, ends_at)
    noticed = ran - len(survived)
    print(f"\nSeed {arguments.seed}: {noticed} of {ran} mutants were noticed, {100 * noticed / max(ran, 1):.1f} %.")
    for mutant in survived:
        print(f"  not noticed: {mutant}\n{mutant.diff}")
    return 0 if ran and 100 * noticed / ran >= arguments.at_least else 1


def _sample(count: int, chance: random.Random, only: str) -> list[Mutant]:
    """So many places of the core, and one mutant of each."""
    places: dict[tuple[Path, Any, str], list[tuple[str, int]]] = defaultdict(list)
    for path in MUTATED:
        if only not in str(path):
            continue
        tree = get_ast(path.read_text(encoding="utf-8"))
        for name in cosmic_ray.plugins.operator_names():
            operator = cosmic_ray.plugins.get_operator(name)
            if operator.arguments():
                continue
            positions = (position for node in ast_nodes(tree) for position in operator().mutation_positions(node))
            for occurrence, (start, _end) in enumerate(positions):
                places[path, start, name.partition("_")[0]].append((name, occurrence))
    ordered = sorted(places, key=str)
    chance.shuffle(ordered)
    found: list[Mutant] = []
    for place in ordered:
        if len(found) == count:
            break
        path, (line, _column), _family = place
        name, occurrence = chance.choice(places[place])
        source = path.read_text(encoding="utf-8")
        code = mutate_code(source, cosmic_ray.plugins.get_operator(name)(), occurrence)
        mutant = code and Mutant(path, name, occurrence, line, code)
        if mutant and not _means_the_same(source, code) and not _is_equivalent(mutant):
            found.append(mutant)
    return found


def _means_the_same(source: str, code: str) -> bool:
    """Whether only what nothing reads at run time differs: an annotation, ``frozen`` or ``slots``; or whether it is no Python at all."""
    try:
        return _bare(source) == _bare(code)
    except SyntaxError:
        return True


def _bare(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dataclass":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in ("frozen", "slots", "eq")]
    return ast.dump(tree)


def _is_equivalent(mutant: Mutant) -> bool:
    return any(line.strip().lstrip("-+ ") in EQUIVALENT for line in mutant.diff.splitlines() if line.strip().startswith("-"))


def _run(mutants: list[Mutant], ends_at: float) -> tuple[list[Mutant], int]:
    """Those that nobody noticed, and how many were tested."""
    left: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        left.put(mutant)
    survived: list[Mutant] = []
    ran = 0
    lock = threading.Lock()

    def work(number: int) -> None:
        nonlocal ran
        copy = _copy(number)
        while time.monotonic() < ends_at and (mutant := _next(left)):
            started = time.monotonic()
            noticed = _noticed(mutant, copy)
            with lock:
                ran += 1
                survived.extend([] if noticed else [mutant])
                print(f"{ran:4} of {len(mutants)} {'noticed    ' if noticed else 'NOT NOTICED'} {time.monotonic() - started:5.0f} s  {mutant}", flush=True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(os.cpu_count() or 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return survived, ran


def _next(left: queue.SimpleQueue[Mutant]) -> Mutant | None:
    try:
        return left.get_nowait()
    except queue.Empty:
        return None


def _copy(number: int) -> Path:
    return copy_to(CACHE / "mutants" / str(number))


def _noticed(mutant: Mutant, copy: Path) -> bool:
    target = copy / mutant.path.relative_to(ROOT)
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.code, encoding="utf-8")
    try:
        return bool(_failure(copy, _in_order(mutant, copy)))
    finally:
        target.write_text(original, encoding="utf-8")


def _failure(copy: Path, tests: list[str]) -> str:
    """The end of what pytest said if a test failed; empty if all passed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not once", *tests]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(command, check=False, cwd=copy, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"not at its end after {PATIENCE} s"
    return done.stdout[-2000:] if done.returncode else ""


def _in_order(mutant: Mutant, copy: Path) -> list[str]:
    """The unit tests of the mutant's own folder first, and those of the repository last: the sooner one fails, the better."""
    tests = copy / "tests" / "unit"
    own = mutant.path.relative_to(ROOT / "plugins").parts[1].removesuffix(".py")
    ranks: dict[str, int] = {own: 0, f"test_{own}.py": 0, "operations": 1, "apply": 1, "promises": 3, "repository": 4}
    paths: Iterator[Path] = (path for path in tests.iterdir() if path.is_dir() or path.name.startswith("test_"))
    order: Callable[[Path], tuple[int, str]] = lambda path: (ranks.get(path.name, 2), path.name)  # noqa: E731
    return [str(path.relative_to(copy)) for path in sorted(paths, key=order) if path.name != "__pycache__"]


if __name__ == "__main__":
    sys.exit(main())

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
import warnings
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
#: Mutants that change nothing which a user could see, and why. They don't count. A key is the line of the source (all of its mutants), the line
#: of a mutant, or both: ``before -> after``.
EQUIVALENT: dict[str, str] = {
    # A little more or less of it, and nobody could tell.
    "MAX_PAGES = 20_000": "No account has so many pages. A test sets another number.",
    "LONGEST_INTERVAL = 5.0": "A wait looks a second sooner or later.",
    "TICK = 1.0": "A line of progress comes every five seconds.",
    "_LONGEST_LIFE = 365 * 24 * 3600": "A token that lives for a year less a day.",
    "_CONCURRENCY = 8": "It takes a little longer or shorter.",
    "_CHUNK = 64 * 1024": "How much is read at a time.",
    "_MOST_BYTES = 64 * 1024": "A token has some hundred bytes.",
    "_MOST_ERROR = 64 * 1024": "A message is cut long before.",
    "_SHOWN = 300": "The end of a long text of the API.",
    "_LONGEST_IN_A_SENTENCE = 100": "The end of a long text of the API.",
    "_LONGEST = 200": "The end of a long line of progress.",
    "@lru_cache(maxsize=1024)  # a status is the same for thousands of hosts, and to mark it is not cheap": "It saves time.",
    # A default that nobody relies on.
    "api_timeout: int = 30": "Settings of a task have all values.",
    "api_retries: int = 5": "Settings of a task have all values.",
    "validate_certs: bool = True": "Settings of a task have all values.",
    "recreate: bool = False": "Both modules pass it.",
    "wait: bool = True": "Both modules pass it.",
    "wait_timeout: int = 600": "Both modules pass it.",
    "concurrency: int = 1": "Only the module for one instance leaves it out.",
    "max_unavailable: int = 1": "Only the module for one instance leaves it out.",
    "def init_poolmanager(self, connections: int, maxsize: int, block: bool = True, **pool_kwargs: Any) -> None:": "requests passes it.",
    # It saves work, or does what something else does too.
    "if not works: -> if False:": "Nothing is done with none.",
    "if not missing: -> if False:": "Nothing is read of none.",
    "if self._compose: -> if True:": "Nothing is composed of none.",
    "if self._groups: -> if True:": "Nothing is added to none.",
    "if not self._ordered: -> if False:": "Nothing is masked without a secret.",
    "if key not in _contexts: -> if True:": "A TLS context is built once more.",
    "if key not in _proxies: -> if True:": "The environment is read once more.",
    "if not _is_plain(text) or text.count('\":') != _keys(data): -> if True:": "Keys that are known to be harmless are looked at once more.",
    "if not _is_plain(text) or text.count('\":') > _keys(data):": "Each key has its colon, so there are never fewer.",
    "if not _is_plain(text) or text.count('\":') >= _keys(data):": "Keys that are known to be harmless are looked at once more.",
    "if not _is_plain(text) or text.count('\":') is not _keys(data):": "Keys that are known to be harmless are looked at once more.",
    r'if "\\" in text and "\\u" in text: -> if True:': "A text without half a character is encoded for nothing.",
    r'if "\\" in text and "\\u" in text: -> if "\\" in text or "\\u" in text:': "A text without half a character is encoded for nothing.",
    "self._stop.set()": "The threads that there may be are told by in_parallel.",
    "super().close()": "The socket is closed already, and nothing is buffered.",
    "self._raw.close()": "It is closed a moment later, with its last reference.",
    "super().__init__(message)": "Python keeps the arguments of an exception anyway, and its text is its message.",
    "self._until = 0.0": "A moment before the machine's start.",
    "self._next = 0.0": "A moment before the machine's start.",
    "if len(finished) < len(works): -> if len(finished) != len(works):": "No more are finished than there are.",
    "return int(self._clock.now() * 999999999.0)": "All processes of a machine count so.",
    "return int(self._clock.now() * 1000000001.0)": "All processes of a machine count so.",
    "if left <= 0: -> if left < 0:": "It is never exactly none.",
    'change = _present(params, desired, current) if params["state"] >= "present" else changes.absent(INSTANCE, current)': "It is present or absent.",
    'listed = _listed(params["name"], reader, "unique_name=false to make one without looking" if params["state"] >= "present" else None)': "As above.",
    "except ImportError:  # ansible-core 2.18 and older": "The matrix runs the tests on those.",
    "redirect=False,": "urllib3 follows none without retries either.",
    "decode_content=False,": "What comes encoded is refused.",
    "for chunk in response.stream(_CHUNK, decode_content=True):": "What comes encoded is refused.",
    "continue  # the list is all that there is -> break  # the list is all that there is": "What the API does not offer it offers for none of them.",
    # There is only one.
    "work.created(found[0]) -> work.created(found[-1])": "Two have ended it before.",
    'others = [name for name in ("plan", "region") if found[-1].get(name) not in (None, work.change.body[name])]': "Two have ended it before.",
    "return (staying[0] if staying else None), leaving -> return (staying[-1] if staying else None), leaving": "Two have ended it before.",
    'replaced = [work for work in works if work.action <= "delete" and work.change.action == "recreate"]': "A replacement is never done as a create.",
    # Nobody comes there, or reads it.
    "return tuple(key.split(None, 3)[:2])": "The first two parts are the same.",
    '(Field("cache_ttl", mutable=True), Field("ssl_enabled", mutable=True), Field("compression", mutable=True)),': "A configuration is replaced as a whole.",
    "reasons = tuple(name for name in body if body[name] != before.get(name))": "No result shows the reasons of a configuration's change.",
}


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
        code = _mutated(source, name, occurrence)
        mutant = code and Mutant(path, name, occurrence, line, code)
        if mutant and not _means_the_same(source, code) and not _is_equivalent(mutant):
            found.append(mutant)
    return found


def _mutated(source: str, name: str, occurrence: int) -> str:
    """The source with one mutation; empty if cosmic-ray can't make it."""
    try:
        return mutate_code(source, cosmic_ray.plugins.get_operator(name)(), occurrence) or ""
    except AttributeError:  # it knows no exception of a dotted name, such as ``re.error``
        return ""


def _means_the_same(source: str, code: str) -> bool:
    """Whether only what nothing reads at run time differs (an annotation, ``frozen``, ``slots``), or whether Python refuses it or warns of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)  # such as for ``is "create"``
        try:
            compile(code, "mutant", "exec")
            return _bare(source) == _bare(code)
        except SyntaxError:
            return True


def _bare(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            _name_all(node)
        if isinstance(node, ast.Compare):
            node.ops = [_identity(op) if any(map(_is_unique, (node.left, *node.comparators))) else op for op in node.ops]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor | ast.Add) and _is_flag(node.right):
            node.op = ast.BitOr()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dataclass":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in ("frozen", "slots", "eq")]
    return ast.dump(tree)


def _name_all(arguments: ast.arguments) -> None:
    """Drop a bare ``/`` or ``*``: no caller passes by position what could only be passed by name, nor the other way round."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required = [None] * (len(positional) - len(arguments.defaults))
    arguments.args = [*positional, *arguments.kwonlyargs]
    arguments.kw_defaults = [*required, *arguments.defaults, *arguments.kw_defaults]
    arguments.posonlyargs, arguments.kwonlyargs, arguments.defaults = [], [], []


def _is_unique(node: ast.expr) -> bool:
    """None and classes equal nothing but themselves."""
    return (isinstance(node, ast.Constant) and node.value is None) or (isinstance(node, ast.Attribute) and node.attr == "__class__")


def _identity(op: ast.cmpop) -> ast.cmpop:
    return ast.Is() if isinstance(op, ast.Eq) else ast.IsNot() if isinstance(op, ast.NotEq) else op


def _is_flag(node: ast.expr) -> bool:
    """``os.O_CREAT``, ``fcntl.LOCK_NB``: one bit, so that it can be added as well."""
    return isinstance(node, ast.Attribute) and node.attr.startswith(("O_", "LOCK_"))


def _is_equivalent(mutant: Mutant) -> bool:
    lines = [line.strip() for line in mutant.diff.splitlines()]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    # cosmic-ray changes the white space, too.
    return not {_squeezed(key) for key in EQUIVALENT}.isdisjoint(map(_squeezed, (before, after, f"{before} -> {after}")))


def _squeezed(line: str) -> str:
    return "".join(line.split())


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

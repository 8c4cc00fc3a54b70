# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of the core (docs/architecture.md): imports run downwards, and one place makes a Writer."""

from __future__ import annotations

import ast
import graphlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, ansible_environment, link_tree

CORE = ROOT / "plugins" / "module_utils"
#: From the top to the bottom. A folder, and a file beside them, imports only what is on a lower floor.
FLOORS: list[set[str]] = [
    {"module"},
    {"operations"},
    {"operation", "watch"},
    {"apply"},
    {"api"},
    {"client", "plan"},
    {"addresses", "ages", "checks", "clock", "errors", "interrupts", "lifeline", "masking", "matching", "printable", "supported", "version"},
]
FILES = sorted(path.relative_to(CORE) for path in CORE.rglob("*.py") if path.name != "__init__.py")


def _floor(name: str) -> int:
    (found,) = [number for number, rooms in enumerate(FLOORS) if name in rooms]
    return found


def _room(path: Path) -> str:
    """The folder of a file, or the file if it has none."""
    return path.parts[0].removesuffix(".py")


def _imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(ast.parse((CORE / path).read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]


def _own_imports(path: Path) -> set[Path]:
    """The files of the core that one of them imports."""
    found = set()
    for node in _imports(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
            of_package = {base / f"{alias.name}.py" for alias in node.names}
            found |= {base.with_suffix(".py")} if node.module and base.with_suffix(".py") in FILES else of_package
    return found


def test_every_room_has_its_floor() -> None:
    assert {_room(path) for path in FILES} == set().union(*FLOORS)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_run_downwards(path: Path) -> None:
    for imported in _own_imports(path):
        here, there = _floor(_room(path)), _floor(_room(imported))
        # Those on the lowest floor know each other; that there is no circle is tested below.
        assert _room(imported) == _room(path) or there > here or here == there == len(FLOORS) - 1, imported


def test_there_is_no_circle() -> None:
    graphlib.TopologicalSorter({path: _own_imports(path) for path in FILES}).prepare()


def test_every_file_says_in_its_first_line_what_it_is_for() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse((CORE / path).read_text())), path


def test_the_core_knows_neither_ansible_nor_the_terminal() -> None:
    of_ansible = {Path("module.py"), Path("client/argument_spec.py"), Path("supported.py")}
    for path in FILES:
        modules = {alias.name for node in _imports(path) if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module or "" for node in _imports(path) if isinstance(node, ast.ImportFrom)}
        if path not in of_ansible:
            assert not [name for name in modules if name.startswith("ansible")], path
        assert not re.search(r"\bprint\(", (CORE / path).read_text()), path


def test_one_place_makes_a_writer() -> None:
    """It is the line that has ruled out check mode."""
    files = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py")]
    assert [path for path in files if re.search(r"\bWriter\(", path.read_text())] == [CORE / "operation.py"]
    (line,) = [line for line in (CORE / "operation.py").read_text().split("\n") if "Writer(" in line]
    assert "if context.check_mode" in line


def test_what_an_action_plugin_imports_before_the_fork() -> None:
    """Every command pays for it: it is kept to requests, the core, and no other module's operation."""
    code = """
import importlib, json, sys
for name in ("ansible.cli.playbook", "ansible.plugins.action.normal", "ansible.executor.process.worker"):
    importlib.import_module(name)
before = set(sys.modules)
importlib.import_module("ansible_collections.cloudnexus.cloud.plugins.action.cloudnexus_instance")
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    path = {"PYTHONPATH": str(link_tree())}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**ansible_environment(), **path})
    imported = set(json.loads(done.stdout))
    # What requests brings; the compiled parts of charset_normalizer have names of their own.
    brought = {"requests", "urllib3", "certifi", "idna", "charset_normalizer", "chardet"}
    packages = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert {name for name in packages if not name.endswith("__mypyc") and not name.startswith("_cython")} <= brought | {"ansible", "ansible_collections"}
    assert not {"asyncio", "concurrent", "unittest", "xml", "sqlite3"} & {name.partition(".")[0] for name in imported}
    operations = {name.rpartition(".")[2] for name in imported if ".operations." in name}
    assert operations == {"instance"}

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a Python or an ansible-core that is too old, every entry point says so in one sentence."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.module_utils import supported

from tests.checkout import ROOT, ansible_environment, link_tree

PLUGINS = ROOT / "plugins"
#: What Ansible or ansible-rulebook loads by itself.
KINDS = [*(PLUGINS / kind for kind in ("modules", "action", "inventory", "lookup", "filter", "test")), ROOT / "extensions" / "eda" / "plugins" / "event_source"]
#: All but the documentation of an action plugin that has no module, which is never imported.
ENTRY_POINTS = sorted(path for folder in KINDS for path in folder.glob("*.py") if folder.name != "modules" or "main()" in path.read_text())
BOTH = "needs Python 3.10 or newer and ansible-core 2.16 or newer, and this is Python"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> str:
    return "ansible_collections.cloudnexus.cloud." + ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize(
    ("python", "core", "refused"),
    [
        ((3, 9, 18), "2.15.12", True),
        ((3, 9, 18), "2.16.0", True),
        ((3, 11, 7), "2.15.12", True),
        ((3, 10, 0), "2.16.0", False),
        ((3, 13, 0), "2.22.0rc1", False),
        ((4, 0, 0), "3.0.0.dev0", False),
    ],
)
def test_both_versions_count(python: tuple[int, int, int], core: str, refused: bool) -> None:
    found = supported.problem(python, core)
    assert (found is not None) == refused
    if found:
        assert f"{BOTH} {'.'.join(map(str, python))} with ansible-core {core}: install newer ones" in found


def test_the_versions_are_those_that_are_promised() -> None:
    requires = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert requires == f">={'.'.join(map(str, supported.ANSIBLE_CORE))}.0"
    assert f'target-version = "py{"".join(map(str, supported.PYTHON))}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("path", [*ENTRY_POINTS, PLUGINS / "module_utils" / "supported.py"], ids=named)
def test_an_old_python_understands_the_file(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", ENTRY_POINTS, ids=named)
def test_the_check_comes_before_anything_else_of_the_collection(path: Path) -> None:
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    own = [node for node in statements if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("ansible_collections"))]
    assert (own[0].module or "").endswith("module_utils.supported")
    (check,) = [node for node in statements if isinstance(node, ast.Expr) and ast.unparse(node).startswith(f"{own[0].names[0].name}(")]
    assert check.lineno < own[1].lineno


#: As on an older Python and ansible-core: each entry point is imported, and what comes of it is told.
IMPORT_ALL = """
import contextlib, importlib, io, json, sys
import ansible.module_utils.ansible_release as release
import ansible.module_utils.basic, ansible.errors
real = sys.version_info
release.__version__ = "2.15.12"
told = {}
for name in sys.argv[1:]:
    output = io.StringIO()
    try:
        sys.version_info = (3, 9, 18, "final", 0)
        with contextlib.redirect_stdout(output):
            importlib.import_module(name)
    except BaseException as error:
        told[name] = [type(error).__name__, json.loads(output.getvalue())["msg"] if output.getvalue() else str(error)]
    finally:
        sys.version_info = real
        # Each entry point comes first.
        for loaded in [loaded for loaded in sys.modules if loaded.startswith("ansible_collections.cloudnexus.cloud.plugins.module_utils")]:
            del sys.modules[loaded]
print(json.dumps(told))
"""


def test_every_entry_point_says_so_in_one_sentence() -> None:
    names = [imported(path) for path in ENTRY_POINTS]
    environment = {**ansible_environment(), "PYTHONPATH": str(link_tree())}
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], check=True, capture_output=True, text=True, env=environment)
    told = json.loads(done.stdout)
    assert sorted(told) == sorted(names)
    for name, (kind, message) in told.items():
        assert f"{BOTH} 3.9.18 with ansible-core 2.15.12: install newer ones, or in AWX select an execution environment that has them." in message, name
        expected = {"modules": "SystemExit", "inventory": "AnsibleParserError", "event_source": "RuntimeError"}
        assert kind == expected.get(name.split(".")[-2], "AnsibleError"), name

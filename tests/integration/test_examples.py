# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the modules, lookups and filters shows runs: their examples, and the ad-hoc line of each module."""

from __future__ import annotations

import importlib
import re
import shlex
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

from .commands import FQCN, Ansible

#: Those that send requests. tests/integration/test_connection.py runs the examples of the other one, which takes hosts.
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if "OPERATION" in path.read_text())
FILTERS = sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("*.py"))
LOOKUPS = sorted(path.stem for path in (ROOT / "plugins" / "lookup").glob("*.py"))


def examples(name: str, kind: str = "modules") -> str:
    return str(documentation(name, kind).EXAMPLES)


def documentation(name: str, kind: str) -> ModuleType:
    return importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.{kind}.{name}")


def test_examples(in_process: Ansible) -> None:
    """Those of all modules in one playbook, a play each."""
    in_process.emulator.create("web-prod-primary", id="inst_8x92a1b3", region="us-east")
    # The examples of cloudnexus_instance create that one, so they are the last.
    modules = sorted(MODULES, key=lambda name: name == "cloudnexus_instance")
    plays: list[dict[str, Any]] = [{"tasks": [{**item, "ignore_errors": False} for item in yaml.safe_load(examples(module))]} for module in modules]
    plays[-1]["tasks"].insert(0, {f"{FQCN}cloudnexus_instance": {"id": "inst_8x92a1b3", "state": "absent"}})
    run = in_process.command("ansible-playbook", in_process.plays(*plays))
    assert run.status == 0, run.output
    assert {entry["action"] for entry in run.entries} >= {f"{FQCN}{module}" for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_ad_hoc_examples(in_process: Ansible, module: str) -> None:
    line = re.search(r"^# (ansible localhost .*)$", examples(module), re.MULTILINE)
    assert line
    run = in_process.command(*shlex.split(line.group(1)))
    assert run.status == 0, run.output
    assert "localhost | " in run.output


def test_filter_examples(in_process: Ansible) -> None:
    in_process.emulator.create("web-prod-primary", "professional", "us-east")
    # The example of expand creates instances, so it is the last.
    names = sorted(FILTERS, key=lambda name: name == "expand")
    tasks: list[dict[str, Any]] = [item for name in names for item in yaml.safe_load(examples(name, "filter"))]
    run = in_process.play(*({**item, "ignore_errors": False} for item in tasks))
    assert run.status == 0, run.output
    assert len(run.entries) == len(tasks)
    shown = [entry["result"]["msg"] for entry in run.entries if entry["action"].endswith("debug")]
    for name in ("to_declaration", "to_vars_file"):
        assert yaml.safe_load(documentation(name, "filter").RETURN)["_value"]["sample"] in shown


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_lookup_examples(in_process: Ansible, lookup: str) -> None:
    in_process.use_refresh_token()
    in_process.emulator.set(clients={CLIENT_ID: REFRESH_TOKEN, "other": "cn_refresh_other"})
    tasks: list[dict[str, Any]] = yaml.safe_load(examples(lookup, "lookup"))
    run = in_process.play(*({**item, "ignore_errors": False} for item in tasks), vars={"other_refresh_token": "cn_refresh_other"})
    assert run.status == 0, run.output
    assert len(run.entries) == len(tasks)
    refreshes = [entry for entry in in_process.emulator.requests() if entry["path"] == "/auth/token/refresh"]
    assert refreshes

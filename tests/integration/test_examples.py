# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows runs: every module's examples, its ad-hoc line, and ad-hoc arguments in other forms."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

from .commands import FQCN, Ansible

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB")


def examples(module: str) -> str:
    return str(importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.modules.{module}").EXAMPLES)


@pytest.mark.parametrize("module", MODULES)
def test_examples(ansible: Ansible, module: str) -> None:
    ansible.emulator.create("web-prod-primary", id="inst_8x92a1b3", region="us-east")
    tasks: list[dict[str, Any]] = yaml.safe_load(examples(module))
    if module == "cloudnexus_instance":
        ansible.emulator.delete("inst_8x92a1b3")
    run = ansible.play(*({**item, "ignore_errors": False} for item in tasks))
    assert run.status == 0, run.output
    assert run.results


@pytest.mark.parametrize("module", MODULES)
def test_ad_hoc_examples(in_process: Ansible, module: str) -> None:
    line = re.search(r"^# (ansible localhost .*)$", examples(module), re.MULTILINE)
    assert line
    run = in_process.command(*shlex.split(line.group(1)))
    assert run.status == 0, run.output
    assert "localhost | " in run.output


def ad_hoc(ansible: Ansible, module: str, arguments: str, *more: str) -> str:
    return ansible.command("ansible", "localhost", "-m", FQCN + module, "-a", arguments, *more).output


def test_lists_and_nested_options_as_key_value(in_process: Ansible) -> None:
    policy = json.dumps({"min_instances": 1, "max_instances": 2})
    arguments = f"name=web-01 plan=starter region=us-east ssh_keys='{','.join(KEYS)}' auto_scale='{policy}' wait=false"
    assert "CHANGED" in ad_hoc(in_process, "cloudnexus_instance", arguments)
    assert in_process.emulator.writes()[0]["body"] == {
        "name": "web-01",
        "plan": "starter",
        "region": "us-east",
        "ssh_keys": list(KEYS),
        "auto_scale": {"min_instances": 1, "max_instances": 2},
    }


def test_half_json_is_refused(in_process: Ansible) -> None:
    arguments = f"name=web-01 plan=starter region=us-east ssh_keys='{json.dumps(list(KEYS))[:-1]},]'"
    output = ad_hoc(in_process, "cloudnexus_instance", arguments)
    assert "ssh_keys: element 1 looks like a piece of JSON" in output
    assert not in_process.emulator.requests()


def test_check_mode_and_diff(in_process: Ansible) -> None:
    output = ad_hoc(in_process, "cloudnexus_cdn", json.dumps({"cache_ttl": 5}), "-C", "-D")
    assert '-    "cache_ttl": 3600' in output
    assert '+    "cache_ttl": 5' in output
    assert not in_process.emulator.writes()

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules without a playbook: the commands ``ansible`` and ``ansible-console``, and arguments in their forms (docs/ad_hoc.md)."""

from __future__ import annotations

import importlib
import json
import re

import pytest
import yaml

from tests.checkout import ROOT

from .commands import FQCN, Ansible

pytestmark = pytest.mark.core

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB")
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


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


def test_the_same_as_one_json_object(in_process: Ansible) -> None:
    instance = {"name": "web-01", "plan": "starter", "region": "us-east", "ssh_keys": list(KEYS), "auto_scale": {"min_instances": 1, "max_instances": 2}}
    assert "CHANGED" in ad_hoc(in_process, "cloudnexus_instance", json.dumps({**instance, "wait": False}))
    assert in_process.emulator.writes()[0]["body"] == instance


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


# --- ansible-console -------------------------------------------------------------------------------------------------


def console(ansible: Ansible, *lines: str) -> str:
    run = ansible.command("ansible-console", "localhost", typed="".join(f"{line}\n" for line in (*lines, "exit")))
    assert run.status == 0, run.output
    return run.output


def test_the_console_reads_and_changes(in_process: Ansible) -> None:
    in_process.emulator.create("web-01")
    in_process.emulator.create("db-01", region="eu-west")
    output = console(in_process, f"{FQCN}cloudnexus_instance_info region=us-east", f"{FQCN}cloudnexus_cdn cache_ttl=5")
    assert '"name": "web-01"' in output
    assert "db-01" not in output
    assert "localhost | CHANGED" in output
    assert in_process.emulator.state()["cdn"]["cache_ttl"] == 5


def test_check_mode_and_diff_of_the_console(in_process: Ansible) -> None:
    output = console(in_process, "check yes", "diff yes", f"{FQCN}cloudnexus_cdn cache_ttl=5")
    assert '-    "cache_ttl": 3600' in output
    assert '+    "cache_ttl": 5' in output
    assert not in_process.emulator.writes()


def test_help_of_the_console(in_process: Ansible) -> None:
    """It shows the first element of each description: a whole sentence, and not the first letter of one."""
    output = console(in_process, *(f"help {FQCN}{module}" for module in MODULES))
    shown = re.split(r"^.*\$ (?=[A-Z])", output, flags=re.MULTILINE)[1:]
    assert len(shown) == len(MODULES)
    for module, text in zip(MODULES, shown, strict=True):
        documentation = yaml.safe_load(importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.modules.{module}").DOCUMENTATION)
        assert text.startswith(documentation["short_description"])
        described = dict(re.findall(r"^  (\w+) (.*)$", text, re.MULTILINE))
        of_the_api = {"api_key", "token_cache"} if "extends_documentation_fragment" in documentation else set()
        assert set(described) >= {*documentation.get("options", {}), *of_the_api}
        for option, sentence in described.items():
            assert re.fullmatch(r"[A-Z].{10,}\.", sentence), f"{module}, {option}: {sentence}"

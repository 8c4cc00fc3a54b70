# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation and the rulebooks shipped for Event-Driven Ansible."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.cloudnexus.cloud.extensions.eda.plugins.event_source import instance_changes
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments.cloudnexus import ModuleDocFragment
from ansible_collections.cloudnexus.cloud.plugins.module_utils import watch
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT, SECRET_OPTIONS
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan import instances

from tests.checkout import ROOT, link_tree

from ..repository.test_roles import role_spec

DOCUMENTATION = yaml.safe_load(instance_changes.DOCUMENTATION)
RULEBOOKS = sorted(ROOT.glob("extensions/eda/rulebooks/*.yml"))


def test_the_options_are_documented_as_they_are() -> None:
    described = DOCUMENTATION["options"]
    assert set(described) == set(instance_changes.SPEC)
    for name, spec in instance_changes.SPEC.items():
        for part in ("type", "elements", "choices", "default"):
            assert described[name].get(part) == spec.get(part), f"{name}: {part}"
        assert all(re.fullmatch(r"[A-Z(VOECM].*\.", sentence, re.DOTALL) for sentence in described[name]["description"]), name
    # Those who show the documentation of event sources know no fragments. It is said again, and the same.
    shared = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: described[name]["description"] for name in shared} == {name: option["description"] for name, option in shared.items()}


def test_the_documentation_tells_of_all_changes_and_fields() -> None:
    text = " ".join(DOCUMENTATION["description"])
    event = watch.events({}, {"inst_1": {"id": "inst_1", "name": "web-01"}})[0]
    for name in (*watch.CHANGES, *event):
        assert f"C({name})" in text, name


SCHEMA = json.loads((ROOT / "extensions" / "eda" / "plugins" / "event_source" / "schemas" / "instance_changes.json").read_text())
#: The type of JSON Schema for each type of an option.
JSON_TYPES = {"str": "string", "path": "string", "int": "integer", "bool": "boolean", "list": "array"}


def test_the_schema_has_the_options_as_they_are() -> None:
    """A user interface makes a form of it, without loading the source."""
    assert set(SCHEMA["properties"]) == set(instance_changes.SPEC)
    for name, option in instance_changes.SPEC.items():
        described = SCHEMA["properties"][name]
        assert described["type"] == JSON_TYPES[option["type"]], name
        assert described.get("default") == option.get("default"), name
        assert described.get("items", {}).get("enum") == option.get("choices"), name
        assert (described.get("format") == "password") == (name in SECRET_OPTIONS), name
        assert (f"CLOUDNEXUS_{name.upper()}" in described["description"]) == (name in ENVIRONMENT), name
        limits = re.search(r"From (\d+) to (\d+)", " ".join(DOCUMENTATION["options"][name]["description"]))
        assert (described.get("minimum"), described.get("maximum")) == (tuple(map(int, limits.groups())) if limits else (None, None)), name


@pytest.mark.parametrize(
    ("options", "valid"),
    [
        ({}, True),
        ({"interval": 30, "initial": True, "regions": ["us-east"], "name_prefix": "web-"}, True),
        ({"interval": 0}, False),
        ({"regions": ["mars"]}, False),
        ({"plans": "starter"}, False),
        ({"name": "web"}, False),
    ],
)
def test_the_schema_is_one(options: dict[str, Any], valid: bool) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(options) == valid


def test_it_is_loaded_as_ansible_rulebook_does_it(tmp_path: Path) -> None:
    """By its path, in a Python that knows no collections."""
    path = link_tree() / "ansible_collections" / "cloudnexus" / "cloud" / "extensions" / "eda" / "plugins" / "event_source" / "instance_changes.py"
    code = f"import runpy; main = runpy.run_path({str(path)!r})['main']; import asyncio; asyncio.run(main(asyncio.Queue(), {{'interval': 0}}))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "InvalidOption: interval: expected a whole number" in done.stderr, done.stderr


def test_the_extensions_are_where_they_are_said_to_be() -> None:
    listed = yaml.safe_load((ROOT / "meta" / "extensions.yml").read_text())["extensions"]
    assert [entry["args"]["ext_dir"] for entry in listed] == ["eda/plugins/event_source"]
    assert [path.stem for path in (ROOT / "extensions" / "eda" / "plugins" / "event_source").glob("*.py")] == ["instance_changes"]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_a_rulebook_is_one(path: Path) -> None:
    validators = pytest.importorskip("ansible_rulebook.validators", reason="ansible-rulebook is not installed")
    rulesets = yaml.safe_load(path.read_text())
    validators.Validate.rulebook(rulesets)
    (ruleset,) = rulesets
    (source,) = ruleset["sources"]
    assert set(source["cloudnexus.cloud.instance_changes"]) <= set(instance_changes.ARGUMENT_SPEC)
    action = ruleset["rules"][0]["action"]
    given = action.get("run_playbook") or action["run_job_template"]["job_args"]
    assert set(given["extra_vars"]) <= set(role_spec("web_tier"))


def test_the_rulebooks_differ_in_their_action_alone() -> None:
    first, second = (yaml.safe_load(path.read_text()) for path in RULEBOOKS)
    for rulesets in (first, second):
        action = rulesets[0]["rules"][0].pop("action")
        given = action.get("run_playbook") or action["run_job_template"]["job_args"]
        rulesets.append({name: str(value).lower() for name, value in given["extra_vars"].items()})
    assert first == second


def test_the_rulebooks_know_the_statuses() -> None:
    for path in RULEBOOKS:
        condition = yaml.safe_load(path.read_text())[0]["rules"][0]["condition"]
        lists = {tuple(json.loads(found)) for found in re.findall(r"\[.*?\]", condition)}
        ended = (*instances.BROKEN, instances.LEAVING)
        assert lists == {ended, ("provisioning", *ended)}

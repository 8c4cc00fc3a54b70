# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the collection that must agree with each other."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments.cloudnexus import ModuleDocFragment
from ansible_collections.cloudnexus.cloud.plugins.module_utils import api, masking, matching, version
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply import cdn, creation
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import argument_spec, auth, bounds, client, pace, retry, trace, transport

from tests.checkout import ROOT
from tests.packaging.tarball import surplus

PLUGINS = ROOT / "plugins"
#: Those that send requests. The others run on the control node alone.
MODULES = sorted(path.stem for path in PLUGINS.glob("modules/*.py") if "OPERATION" in path.read_text())
OTHERS = sorted(path.stem for path in PLUGINS.glob("modules/*.py") if path.stem not in MODULES)
GALAXY: dict[str, Any] = yaml.safe_load((ROOT / "galaxy.yml").read_text())
RUNTIME: dict[str, Any] = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
PACKAGE = "ansible_collections.cloudnexus.cloud.plugins"


def documentation(module: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{module}").DOCUMENTATION)
    return loaded


def test_the_modules_that_were_promised() -> None:
    assert MODULES == [
        "cloudnexus_bucket_info",
        "cloudnexus_cdn",
        "cloudnexus_cdn_info",
        "cloudnexus_fleet",
        "cloudnexus_health_info",
        "cloudnexus_instance",
        "cloudnexus_instance_info",
    ]
    assert OTHERS == ["cloudnexus_connection"]


def test_the_action_group_lists_every_module_that_takes_a_credential() -> None:
    assert RUNTIME["action_groups"] == {"all": MODULES}


def test_every_module_has_its_action_plugin_and_its_operation() -> None:
    assert sorted(path.stem for path in PLUGINS.glob("action/*.py")) == sorted(MODULES + OTHERS)
    for name in MODULES:
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        action = importlib.import_module(f"{PACKAGE}.action.{name}")
        assert module.OPERATION is action.ActionModule.operation


def test_the_version_is_one() -> None:
    assert GALAXY["version"] == version.VERSION
    assert RUNTIME["requires_ansible"] == ">=2.16.0"


def argument_spec_of(name: str) -> dict[str, Any]:
    if name in OTHERS:
        spec: dict[str, Any] = importlib.import_module(f"{PACKAGE}.action.{name}").ARGUMENT_SPEC
    else:
        spec = importlib.import_module(f"{PACKAGE}.modules.{name}").OPERATION.argument_spec
    return spec


@pytest.mark.parametrize("name", MODULES + OTHERS)
def test_options_are_documented_as_they_are(name: str) -> None:
    """Sanity compares types and choices; this is what it does not: sentences, ranges, where a default comes from."""
    described = documentation(name).get("options", {})
    assert set(described) == set(argument_spec_of(name))
    for option, description in _options(described):
        assert isinstance(description["description"], list), option
        for sentence in description["description"]:
            assert re.fullmatch(r"[A-Z(VOECM].*\.", sentence, re.DOTALL), f"{option}: {sentence}"
        if description["type"] == "int":
            assert any(re.search(r"[Ff]rom \d+ to \d+|at least 1", sentence) for sentence in description["description"]), option


def _options(options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, description in options.items():
        found += [(name, description), *_options(description.get("suboptions", {}))]
    return found


def test_the_connection_options_are_documented_once_with_their_environment_variables() -> None:
    described = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = argument_spec.with_connection({})
    assert set(described) == set(spec) == set(argument_spec.ENVIRONMENT)
    for name, option in spec.items():
        assert f"E({argument_spec.ENVIRONMENT[name]})" in " ".join(described[name]["description"])
        assert described[name].get("default") == option.get("default")


@pytest.mark.parametrize("name", MODULES + OTHERS)
def test_every_module_has_attributes_examples_and_samples(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    described = documentation(name)
    attributes = yaml.safe_load(ModuleDocFragment.INFO)["attributes"] if name.endswith("_info") else described["attributes"]
    assert ("cloudnexus.cloud.cloudnexus.info" in described.get("extends_documentation_fragment", ())) == name.endswith("_info")
    assert set(attributes) >= {"check_mode", "diff_mode", "idempotent"}
    assert attributes["check_mode"]["support"] == "full"
    assert yaml.safe_load(module.EXAMPLES)
    assert re.search(rf"^# ansible localhost -m cloudnexus\.cloud\.{name} -a '{{.*}}'$", module.EXAMPLES, re.MULTILINE)
    returned = yaml.safe_load(module.RETURN)
    assert returned
    assert all("sample" in value for value in returned.values())


def test_figures_in_the_documentation_are_those_of_the_code() -> None:
    contract = (ROOT / "docs" / "contract.md").read_text()
    assert f"{creation.SETTLING_TIME:g} seconds" in contract
    for most in (bounds.OBJECT, bounds.PAGE, bounds.TOTAL):
        assert f"{bounds.in_words(most.size)}, {most.values:,} JSON values" in contract
    assert f"{bounds.TOTAL.items:,} items" in contract
    assert f"interim responses, and a proxy's response to CONNECT | {bounds.in_words(transport.MAX_HEAD)} |" in contract
    assert f"more than {api.MAX_PAGES:,} pages" in contract
    assert f"for {matching.TIMEOUT:g} seconds at most" in contract
    assert f"may take {matching.TIMEOUT:g} seconds." in documentation("cloudnexus_fleet")["options"]["prune_pattern"]["description"][2]
    assert f"The first {trace.MOST // 2:,} and the newest {trace.MOST // 2:,} requests" in (ROOT / "docs" / "tracing.md").read_text()
    assert f"newest {masking.TOKENS} tokens" in (ROOT / "docs" / "guarantees.md").read_text()
    assert f"L = {api.LIST_REQUESTS} R" in contract
    assert f"{client._DEEPEST} levels" in contract
    assert (api.READINGS, "up to three times" in contract) == (3, True)
    assert f"{auth.EARLY:g} seconds before it expires" in (ROOT / "docs" / "guarantees.md").read_text()
    assert f"{cdn.CDN_PROPAGATION:g} seconds" in documentation("cloudnexus_cdn")["options"]["wait"]["description"][0]
    assert f"{retry.LONGEST_PAUSE:g} seconds" in contract
    assert f"{pace.FIRST_DISTANCE:g} seconds apart, {pace._LONGER:g} times that with each further one, up to {pace.LONGEST_DISTANCE:g} seconds" in contract
    assert f"{pace._FASTER:g} times as fast as the API takes them" in contract
    assert f"read over {creation.SHOWING_TIME:g} seconds again" in contract
    assert f"From 1 to {transport.MOST_CONNECTIONS}." in documentation("cloudnexus_fleet")["options"]["concurrency"]["description"]


def test_every_test_that_the_guarantees_name_is_there() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", text))
    assert len(named) >= 8
    for name in named:
        assert [path for path in ROOT.glob("tests/**/test_*.py") if str(path.relative_to(ROOT)).endswith(name)], name


def test_there_are_no_sanity_ignores() -> None:
    assert not list((ROOT / "tests").glob("sanity/ignore*"))


# --- The repository ----------------------------------------------------------------------------------------------------


def test_the_tables_of_the_readme_are_what_there_is() -> None:
    tables: dict[str, set[str]] = {}
    title = ""
    for line in (ROOT / "README.md").read_text().split("\n"):
        if not line.startswith("|"):
            continue
        first, *more = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"module|plugin|role|playbook", first):
            title = first
        elif named := re.match(r"\[?`([\w.]+)`", first):
            tables.setdefault(title, set()).add(" ".join([named.group(1), *more[:-1]]))
    assert tables == {
        "module": {*MODULES, *OTHERS},
        "plugin": {f"{path.stem} {kind}" for kind in ("filter", "inventory", "lookup") for path in ROOT.glob(f"plugins/{kind}/*.py")}
        | {f"{path.stem} event source" for path in ROOT.glob("extensions/eda/plugins/event_source/*.py")},
        "role": {path.name for path in ROOT.glob("roles/*")},
        "playbook": {f"cloudnexus.cloud.{path.stem}" for path in ROOT.glob("playbooks/*.yml")},
    }


#: The sections that Automation Hub wants, in its order.
SECTIONS = ["Description", "Requirements", "Installation", "Use cases", "Testing", "Support", "Release notes", "License"]


def test_the_readme_has_the_sections_that_automation_hub_wants() -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.findall(r"^## (.+)$", readme, re.MULTILINE)
    assert [title for title in found if title in SECTIONS] == SECTIONS
    # It is shown on Galaxy, where a relative link leads nowhere.
    assert not re.findall(r"\]\((?!https://|#)", readme)


def test_the_metadata_is_what_automation_hub_asks_for() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", GALAXY["version"])
    assert (GALAXY["readme"], GALAXY["license_file"]) == ("README.md", "LICENSE")
    assert "license" not in GALAXY  # one of the two
    for name in ("repository", "documentation", "homepage", "issues"):
        assert GALAXY[name].startswith("https://github.com/cloudnexus/cloudnexus.cloud"), name
    assert "cloud" in GALAXY["tags"]
    assert all(re.fullmatch(r"[a-z][a-z0-9]{0,63}", tag) for tag in GALAXY["tags"])
    assert len(GALAXY["tags"]) <= 20
    assert GALAXY["authors"]
    assert len(GALAXY["description"]) < 200
    assert not GALAXY.get("dependencies")
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"(?!ansible)[\w-]+>=[\d.]+", line)
    changelog = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())
    assert GALAXY["version"] in changelog["releases"]


def test_what_does_not_belong_into_the_tarball_is_found() -> None:
    wanted = ["README.md", "MANIFEST.json", "plugins/modules/cloudnexus_cdn.py", "roles/web_tier/README.md", "docs/openapi.yml", "tests/emulator/server.py"]
    wanted += ["extensions/audit/event_query.yml"]
    unwanted = [".git/HEAD", "Makefile", "plugins/__pycache__/a.pyc", "roles/web_tier/.swp", "tests/unit/test_links.py", "x.tar.gz", ".cache/a"]
    assert surplus(wanted + unwanted) == sorted(unwanted)


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"

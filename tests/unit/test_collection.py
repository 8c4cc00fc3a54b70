# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the collection that must agree with each other."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments.cloudnexus import ModuleDocFragment
from ansible_collections.cloudnexus.cloud.plugins.module_utils import api, apply, version
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply import creation
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import argument_spec, auth, client, retry, transport

from tests.checkout import ROOT, ansible_environment, link_tree
from tests.tarball import surplus

PLUGINS = ROOT / "plugins"
MODULES = sorted(path.stem for path in PLUGINS.glob("modules/*.py"))
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


def test_the_action_group_lists_every_module() -> None:
    assert RUNTIME["action_groups"] == {"all": MODULES}


def test_every_module_has_its_action_plugin_and_its_operation() -> None:
    assert sorted(path.stem for path in PLUGINS.glob("action/*.py")) == MODULES
    for name in MODULES:
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        action = importlib.import_module(f"{PACKAGE}.action.{name}")
        assert module.OPERATION is action.ActionModule.operation


def test_the_version_is_one() -> None:
    assert GALAXY["version"] == version.VERSION
    assert RUNTIME["requires_ansible"] == ">=2.16.0"


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name: str) -> None:
    """Sanity compares types and choices; this is what it does not: sentences, ranges, where a default comes from."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    described = documentation(name).get("options", {})
    assert set(described) == set(module.OPERATION.argument_spec)
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


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_attributes_examples_and_samples(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    described = documentation(name)
    attributes = yaml.safe_load(ModuleDocFragment.INFO)["attributes"] if name.endswith("_info") else described["attributes"]
    assert ("cloudnexus.cloud.cloudnexus.info" in described["extends_documentation_fragment"]) == name.endswith("_info")
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
    assert f"{transport.MAX_BODY // 1024 // 1024} MiB" in contract
    assert f"L = {api.LIST_REQUESTS} R" in contract
    assert f"{client._DEEPEST} levels" in contract
    assert (api.READINGS, "up to three times" in contract) == (3, True)
    assert f"{auth.EARLY:g} seconds before it expires" in (ROOT / "docs" / "guarantees.md").read_text()
    assert f"{apply.CDN_PROPAGATION:g} seconds" in documentation("cloudnexus_cdn")["options"]["wait"]["description"][0]
    assert f"{retry.LONGEST_PAUSE:g} seconds" in contract
    assert f"{retry.SHORTEST_DISTANCE:g} seconds apart, twice that with each further pause, up to {retry.LONGEST_DISTANCE:g} seconds" in contract
    assert f"From 1 to {transport.MOST_CONNECTIONS}." in documentation("cloudnexus_fleet")["options"]["concurrency"]["description"]


# --- The core ----------------------------------------------------------------------------------------------------------

#: What may import what: each file only those before it (docs/architecture.md).
LAYERS = [
    "version", "errors", "masking", "interrupts", "clock", "checks", "token_store", "settings", "links", "transport", "auth", "retry", "client",
    "access_token", "api", "wait", "progress", "parallel", "resource", "changes", "instances", "fleet", "apply", "writes", "status", "watch", "creation",
    "rollout", "operation", "operations", "argument_spec", "module",
]  # fmt: skip


def _imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]


def _own_imports(path: Path) -> set[str]:
    """The files of module_utils that one of them imports."""
    found = set()
    for node in _imports(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def test_imports_run_downwards_only() -> None:
    files = sorted(PLUGINS.glob("module_utils/*.py"))
    assert {path.stem for path in files} == set(LAYERS) - {"operations"}
    for path in files:
        assert _own_imports(path) <= set(LAYERS[: LAYERS.index(path.stem)]), path.name
    for path in PLUGINS.glob("module_utils/operations/*.py"):
        assert _own_imports(path) <= set(LAYERS[: LAYERS.index("operations")]), path.name


def test_the_core_knows_neither_ansible_nor_the_terminal() -> None:
    doors = {"module.py", "argument_spec.py"}
    for path in PLUGINS.glob("module_utils/**/*.py"):
        modules = {alias.name for node in _imports(path) if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module or "" for node in _imports(path) if isinstance(node, ast.ImportFrom)}
        if path.name not in doors:
            assert not [name for name in modules if name.startswith("ansible")], path.name
        assert not re.search(r"\bprint\(", path.read_text()), path.name


def test_only_apply_writes() -> None:
    for path in PLUGINS.glob("module_utils/**/*.py"):
        if path.name not in ("apply.py", "api.py"):
            assert "Writer" not in path.read_text(), path.name


def test_every_test_that_the_guarantees_name_is_there() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = set(re.findall(r"`(?:tests/\w+/)?(test_\w+\.py)`", text))
    assert len(named) >= 8
    assert named <= {path.name for path in ROOT.glob("tests/*/test_*.py")}


def test_there_are_no_sanity_ignores() -> None:
    assert not list((ROOT / "tests").glob("sanity/ignore*"))


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


# --- The roles ---------------------------------------------------------------------------------------------------------

ROLES = sorted(path.name for path in ROOT.glob("roles/*"))


def role_spec(role: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = loaded["argument_specs"]["main"]["options"]
    return options


def test_the_roles_that_were_promised() -> None:
    assert ROLES == ["web_server", "web_tier"]


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_of_a_role_are_those_of_its_specification(role: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    assert defaults == {name: option["default"] for name, option in role_spec(role).items() if "default" in option}


@pytest.mark.parametrize("role", ROLES)
def test_the_variables_of_a_role_are_in_its_readme(role: str) -> None:
    documented = set(re.findall(rf"^\| `({role}_\w+)`", (ROOT / "roles" / role / "README.md").read_text(), re.MULTILINE))
    # What belongs to the playbook alone is beside them.
    assert documented - {"web_tier_configure"} == set(role_spec(role))


@pytest.mark.parametrize("role", ROLES)
def test_names_of_a_role_are_prefixed(role: str) -> None:
    for path in (ROOT / "roles" / role).glob("tasks/*.yml"):
        for name in re.findall(r"register: (\w+)|set_fact:\n\s+(\w+):|index_var: (\w+)", path.read_text()):
            assert "".join(name).startswith(f"__{role}_"), path.name
    for path in (ROOT / "roles" / role).glob("vars/*.yml"):
        assert all(name.startswith(f"__{role}_") for name in yaml.safe_load(path.read_text())), path.name


def test_the_families_of_the_web_server_set_the_same() -> None:
    debian, red_hat = (set(yaml.safe_load((ROOT / "roles" / "web_server" / "vars" / f"{name}.yml").read_text())) for name in ("Debian", "RedHat"))
    assert debian == red_hat


def test_the_web_servers_of_a_tier_fall_back_to_the_defaults_of_their_role() -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / "web_tier.yml").read_text())
    for name, value in plays[1]["vars"].items():
        assert re.search(r"\| default\('?(\w+)'?\) }}$", value).group(1) == str(role_spec("web_server")[name]["default"])  # type: ignore[union-attr]


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
        "module": set(MODULES),
        "plugin": {f"{path.stem} {kind}" for kind in ("inventory", "lookup") for path in ROOT.glob(f"plugins/{kind}/*.py")}
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
    unwanted = [".git/HEAD", "Makefile", "plugins/__pycache__/a.pyc", "roles/web_tier/.swp", "tests/unit/test_links.py", "x.tar.gz", ".cache/a"]
    assert surplus(wanted + unwanted) == sorted(unwanted)


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"

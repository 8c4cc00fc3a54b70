# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the wrong kind in every variable of the roles: one sentence that names the variable, and nothing done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

from .commands import Ansible, Run

KINDS: dict[str, Any] = {"null": None, "true": True, "number": 5, "fraction": 1.5, "list": [1], "mapping": {"a": 1}, "empty text": ""}
#: What a variable accepts of these. Everything else is refused.
ACCEPTED = {
    "web_server": {
        "number": {"web_server_port", "web_server_tls_port", "web_server_cache_ttl"},
        "true": {"web_server_tls_redirect"},
        "empty text": {
            "web_server_site", "web_server_server_names", "web_server_address", "web_server_tls_certificate", "web_server_tls_key", "web_server_health_path",
            "web_server_directives",
        },
    },
    "web_tier": {
        "number": {
            "web_tier_count", "web_tier_max_creations", "web_tier_max_deletions", "web_tier_max_replacements",
            "web_tier_max_unavailable", "web_tier_wait_timeout", "web_tier_auto_scale.min_instances",
            "web_tier_auto_scale.max_instances", "web_tier_auto_scale.cpu_threshold", "web_tier_cdn.cache_ttl",
        },
        "true": {
            "web_tier_recreate", "web_tier_require_approval", "web_tier_wait_for_connection", "web_tier_accept_new_host_keys", "web_tier_rolling",
            "web_tier_cdn.ssl_enabled", "web_tier_cdn.wait",
        },
        "empty text": {
            "web_tier_image_id", "web_tier_ssh_keys", "web_tier_asset_bucket", "web_tier_approved_digest", "web_tier_approved_plan", "web_tier_plan_file",
            "web_tier_protected",
        },
    },
}  # fmt: skip
for known in ACCEPTED.values():
    known["null"] = set(known["empty text"])  # an empty answer of a survey, since ansible-core 2.19
# An empty answer to a question with several choices is an empty list.
ACCEPTED["web_tier"]["null"].add("web_tier_recreate_for")
ACCEPTED["web_server"]["null"].add("web_server_headers")
#: What each host has in the first place.
GIVEN: dict[str, dict[str, Any]] = {"web_server": {"web_server_state": "absent"}, "web_tier": {"web_tier_name": "shop", "web_tier_wait_for_connection": False}}


def names(role: str) -> Iterator[str]:
    """Every variable of a role, and every ``variable.key`` of those that are dictionaries."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    for name, option in spec["argument_specs"]["main"]["options"].items():
        yield name
        yield from (f"{name}.{key}" for key in option.get("options", {}))


def hosts(role: str) -> dict[str, dict[str, Any]]:
    """For each kind a host with that kind of value in every variable, and one with it in every key."""
    found: dict[str, dict[str, Any]] = {}
    for kind, value in KINDS.items():
        found[kind] = {**GIVEN[role], **{name: value for name in names(role) if "." not in name}}
        keys: dict[str, Any] = {}
        for name, _dot, key in (name.partition(".") for name in names(role) if "." in name):
            keys.setdefault(name, {})[key] = value
        if keys:
            found[f"{kind} in keys"] = {**GIVEN[role], **keys}
    return found


def refused(role: str, host: str) -> list[str]:
    """The variables that are wrong on a host."""
    kind = host.removesuffix(" in keys")
    return sorted(name for name in names(role) if ("." in name) == (host != kind) and name not in ACCEPTED[role].get(kind, ()))


def run_role(ansible: Ansible, role: str, tasks: str) -> Run:
    """The role once on each host, in check mode: a value that should be refused and isn't must not change this machine."""
    inventory = ansible.folder / "cases.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts(role), "vars": {"ansible_connection": "local"}}}))
    include = {"ansible.builtin.include_role": {"name": f"cloudnexus.cloud.{role}", "tasks_from": tasks}}
    playbook = ansible.folder / "cases.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "check_mode": True, "tasks": [include]}]))
    return ansible.command("ansible-playbook", "-i", str(inventory), str(playbook), "--check")


def failures(run: Run) -> list[tuple[str, str]]:
    """What a run says of each host that failed."""
    return [(entry["host"], str(entry["result"]["msg"])) for entry in run.entries if entry["status"] == "failed"]


@pytest.mark.core
@pytest.mark.parametrize("role", ["web_server", "web_tier"])
def test_every_kind_of_value_in_every_variable(in_process: Ansible, role: str) -> None:
    """As `tasks_from: check`, which a play runs before the hosts exist, and as the role itself, which begins with Ansible's own check."""
    checked, whole = run_role(in_process, role, "check"), run_role(in_process, role, "main")
    for run in (checked, whole):
        assert sorted(host for host, _text in failures(run)) == sorted(hosts(role))
        assert run.changed == 0
        assert "Traceback" not in run.output
    for host, text in failures(checked):
        assert sorted(re.findall(r"(?:^|\. )(web_[a-z_.]+): expected ", text)) == refused(role, host), (host, text)
        assert text.count("expected ") == len(refused(role, host))
        assert "\n" not in text
    for host, text in failures(whole):
        if "is not iterable" in text:
            continue  # Ansible's own check stumbles over another type than a dictionary, and fails before the role begins
        assert any(all(part in text for part in name.split(".")) for name in refused(role, host)), (host, text)
    assert not in_process.emulator.requests()


@pytest.mark.core
def test_null_counts_as_not_given(in_process: Ansible) -> None:
    """Where an empty text does: by Ansible's own check too. The site that is removed in check mode is none."""
    nothing = dict.fromkeys(ACCEPTED["web_server"]["null"])
    include = {"ansible.builtin.include_role": {"name": "cloudnexus.cloud.web_server"}}
    run = in_process.play({**include, "vars": {"web_server_state": "absent", "web_server_name": "no-such-site", **nothing}}, arguments=("--check",))
    assert (run.status, run.changed, failures(run)) == (0, 0, []), run.output


def test_nothing_is_removed_but_what_is_below_a_site(in_process: Ansible) -> None:
    """On folders of the test's own: if one of the paths isn't strictly below a base, none is removed, even if a play ignores the refusal."""
    base = in_process.folder / "base"
    for name in ("first", "second", "third"):
        (base / name / "releases").mkdir(parents=True)
    wrong = [str(base), f"{base}/", f"{base}/second/..", str(in_process.folder / "elsewhere")]
    include = {"ansible.builtin.include_role": {"name": "cloudnexus.cloud.web_server", "tasks_from": "remove"}}
    cases = [*([f"{base}/first", path] for path in wrong), [f"{base}/second", f"{base}/third/releases"]]
    tasks = [{"block": [include], "vars": {"__web_server_removed": paths, "__web_server_bases": [str(base)]}} for paths in cases]
    run = in_process.play(*tasks, vars={"ansible_connection": "local"})
    assert run.status == 0, run.output
    assert [text for _host, text in failures(run)] == [f"Nothing was removed: {json.dumps(path)} is not below {base}." for path in wrong]
    assert sorted(str(path.relative_to(base)) for path in base.rglob("*")) == ["first", "first/releases", "third"]

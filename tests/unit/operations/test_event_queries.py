# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indirect node counting: the queries of extensions/audit, run on results as the controller of Automation Platform runs them."""

from __future__ import annotations

import importlib
import re
from typing import Any

import jq
import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import instance_info

from tests.checkout import ROOT

from ..fake_api import FakeApi, answer, run_operation
from .runs import run_fleet, run_instance, web, webs

FQCN = "cloudnexus.cloud.cloudnexus_"
QUERIES: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "extensions" / "audit" / "event_query.yml").read_text())
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
#: Results of any task that say nothing of an instance.
OTHERS: tuple[dict[str, Any], ...] = (
    {},
    {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result", "changed": True},
    {"failed": True, "msg": "No.", "changed": False},
    {"ansible_job_id": "j1", "started": 1, "finished": 0, "changed": False},
    {"skipped": True, "skip_reason": "Conditional result was False"},
)


def rows(module: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the controller would store of an event. It drops a row without what is asserted here, or all rows of the job."""
    found = jq.compile(QUERIES[FQCN + module]["query"]).input(result).all()
    for row in found:
        assert isinstance(row["name"], str)
        assert row["canonical_facts"] == {"id": row["name"]}
        assert {name: row["facts"][name] for name in ("infra_type", "infra_bucket", "device_type")} == {
            "infra_type": "public_cloud",
            "infra_bucket": "compute",
            "device_type": "virtual_machine",
        }
    ids = [row["name"] for row in found]
    assert len(set(ids)) == len(ids)
    return list(found)


def ids(module: str, result: dict[str, Any]) -> list[str]:
    return sorted(row["name"] for row in rows(module, result))


def instance(api: FakeApi, name: str = "web-01", **given: Any) -> dict[str, Any]:
    return run_instance(api, **{"name": name, "plan": "starter", "region": "us-east", **given})


def test_every_module_that_returns_instances_has_a_query() -> None:
    returning = []
    for name in MODULES:
        returned = yaml.safe_load(importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.modules.{name}").RETURN)
        returning += [f"cloudnexus.cloud.{name}"] if {"instance", "instances"} & set(returned) else []
    assert sorted(QUERIES) == returning
    for name, query in QUERIES.items():
        assert re.fullmatch(r"\w+\.\w+\.\w+", name)  # the controller ignores any other key
        assert list(query) == ["query"]


@pytest.mark.parametrize("module", ["instance", "instance_info", "fleet"])
@pytest.mark.parametrize("result", OTHERS, ids=lambda result: next(iter(result), "empty"))
def test_a_result_without_instances_has_no_row(module: str, result: dict[str, Any]) -> None:
    assert rows(module, result) == []


def test_one_instance_is_one_node_for_every_module() -> None:
    """Touched by all of them, it counts once: the controller tells nodes apart by canonical_facts."""
    api = FakeApi()
    made = rows("instance", instance(api))
    assert [row["facts"]["name"] for row in made] == ["web-01"]
    assert rows("instance_info", run_operation(api, instance_info.OPERATION)) == made
    assert rows("fleet", run_fleet(api, webs(1))) == made
    assert rows("instance", instance(api, plan="enterprise")) == made


def test_an_instance() -> None:
    api = FakeApi()
    assert ids("instance", instance(api, check_mode=True)) == []
    created = instance(api)
    (instance_id,) = ids("instance", created)
    assert instance_id == created["instance"]["id"]
    # It is there, so check mode knows its id.
    assert ids("instance", instance(api, plan="enterprise", check_mode=True)) == [instance_id]
    assert ids("instance", instance(api, region="eu-west")) == [instance_id]  # a failure, by its drift
    replaced = instance(api, region="eu-west", recreate=True)
    assert ids("instance", replaced) == [replaced["instance"]["id"]] != [instance_id]
    assert ids("instance", instance(api, state="absent")) == [replaced["instance"]["id"]]
    assert ids("instance", instance(api, state="absent")) == []
    assert ids("instance", instance(api, state="absent", check_mode=True)) == []


def test_a_loop_counts_by_its_items() -> None:
    api = FakeApi()
    items = [instance(api, f"web-{number}") for number in range(3)]
    assert [len(ids("instance", item)) for item in items] == [1, 1, 1]
    assert ids("instance", {"changed": True, "msg": "All items completed", "results": items}) == []


def test_a_reading() -> None:
    api = FakeApi()
    made = [api.make(f"web-{number}")["id"] for number in range(3)]
    assert ids("instance_info", run_operation(api, instance_info.OPERATION)) == made
    assert ids("instance_info", run_operation(api, instance_info.OPERATION, name="web-1")) == made[1:2]
    assert ids("instance_info", run_operation(api, instance_info.OPERATION, id="inst_99")) == []


def test_a_fleet() -> None:
    api = FakeApi()
    fleet: dict[str, Any] = {"name_prefix": "web-", "prune": True, "max_deletions": 2, "recreate": True}
    assert ids("fleet", run_fleet(api, webs(3), check_mode=True)) == []
    created = run_fleet(api, webs(3))
    known = [item["id"] for item in created["instances"]]
    assert ids("fleet", created) == known
    # web-01 stays, web-02 is replaced, web-03 is deleted.
    wanted = [web(1), web(2, region="eu-west")]
    predicted = run_fleet(api, wanted, **fleet, check_mode=True)
    assert ids("fleet", predicted) == [known[0], known[2]]
    real = run_fleet(api, wanted, **fleet)
    assert ids("fleet", real) == sorted([known[0], known[2], real["instances"][1]["id"]])
    assert real["instances"][1]["id"] not in known
    assert ids("fleet", run_fleet(api, [], **fleet)) == sorted(item["id"] for item in real["instances"])
    assert ids("fleet", run_fleet(api, [], **fleet)) == []


def test_a_fleet_that_fails() -> None:
    api = FakeApi()
    (item,) = run_fleet(api, webs(1))["instances"]
    refused = run_fleet(api, [], name_prefix="web-", prune=True)
    assert (refused["failed"], ids("fleet", refused)) == (True, [])  # nothing was touched
    api.spoil("POST", "/instances", lambda right: answer(403, {}))
    half = run_fleet(api, [web(1, region="eu-west")], recreate=True)
    assert (half["failed"], half["deleted"]) == (True, ["web-01"])
    assert ids("fleet", half) == [item["id"]]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode, the diff and the approval of a fleet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.approval import digest

from tests.emulator.settings import Key

from ..fake_api import FakeApi, answer
from ..operations.runs import KEY, NAMES, run_fleet, web, webs

MIXED: dict[str, Any] = {"name_prefix": "web-", "prune": True, "max_deletions": 5, "recreate": True}


def mixed(api: FakeApi) -> list[dict[str, Any]]:
    """One of each: created, updated, recreated, deleted, unchanged."""
    api.make("web-02")
    api.make("web-03", region="eu-west")
    api.make("web-04")
    api.make("web-05", ssh_keys=[KEY])
    return [web(1, ssh_keys=[KEY]), web(2, plan="enterprise"), web(3), web(5)]


@pytest.mark.parametrize("show_all", [False, True])
def test_check_mode_writes_nothing_and_predicts_exactly(show_all: bool) -> None:
    api = FakeApi(show_all=show_all)
    wanted = mixed(api)
    predicted = run_fleet(api, wanted, check_mode=True, **MIXED)
    assert not api.writes()
    result = run_fleet(api, wanted, **MIXED)
    for key in ("changed", *NAMES, "failed_instances", "changes", "changes_digest", "diff"):
        assert predicted[key] == result[key], key
    assert [len(result[name]) for name in NAMES] == [1, 1, 1, 1, 1]
    for before, after in zip(predicted["instances"], result["instances"], strict=True):
        assert {**after, **before, "status": None} == {**after, "status": None}
    again = run_fleet(api, wanted, **MIXED)
    assert (again["changed"], again["changes"]) == (False, [])


def test_the_diff_has_a_line_for_each_that_changes() -> None:
    api = FakeApi()
    wanted = mixed(api)
    diff = run_fleet(api, wanted, check_mode=True, **MIXED)["diff"]
    assert diff["before"].splitlines() == [
        "web-02: plan=starter region=us-east",
        "web-03: id=inst_00000002 plan=starter region=eu-west",
        "web-04: id=inst_00000003 plan=starter region=us-east",
    ]
    assert diff["after"].splitlines() == [
        "web-01: plan=starter region=us-east ssh_keys=...QtU0Dz0Y",
        "web-02: plan=enterprise region=us-east (plan was starter)",
        "web-03: id=(given by the API) plan=starter region=us-east (region was eu-west)",
    ]


def test_the_diff_says_why_one_is_of_no_use() -> None:
    api = FakeApi()
    api.make("web-01")
    api.account.set_status("inst_00000001", "failed")
    diff = run_fleet(api, webs(1), recreate=True, check_mode=True)["diff"]
    assert diff["after"] == "web-01: id=(given by the API) plan=starter region=us-east (its status is failed)\n"


def test_what_the_api_shows_breaks_no_line() -> None:
    api = FakeApi(boot_seconds=40)
    api.make("web-01", plan="pro\nfessional")
    diff = run_fleet(api, webs(1), check_mode=True)["diff"]
    assert diff["before"] == "web-01: plan=pro\\nfessional region=us-east\n"
    assert diff["after"] == "web-01: plan=starter region=us-east (plan was pro\\nfessional)\n"
    lines: list[str] = []
    api.account.set_status("inst_00000001", "odd\n" + "x" * 1000)
    result = run_fleet(api, [{"name": "web-01", "id": "inst_00000001"}], wait_timeout=20, show=lines.append)
    assert len(lines[0]) < 250
    assert lines[0].startswith("web-01 odd\\nxxx")
    assert len(result["msg"]) < 400
    assert result["msg"].isprintable()


def test_policies_in_the_diff() -> None:
    api = FakeApi()
    policy = {"min_instances": 1, "max_instances": 3, "cpu_threshold": 70}
    diff = run_fleet(api, [web(1, auto_scale=policy), web(2, auto_scale={"min_instances": 2})], check_mode=True)["diff"]
    assert [line.split("auto_scale=")[1] for line in diff["after"].splitlines()] == ["1..3@70%", "2.."]


def test_approved_changes_are_carried_out() -> None:
    api = FakeApi()
    wanted = mixed(api)
    approved = run_fleet(api, wanted, check_mode=True, **MIXED)["changes_digest"]
    api.clock.time += 1000
    result = run_fleet(api, wanted, approved_digest=approved, **MIXED)
    assert not result.get("failed")
    assert result["changes_digest"] == approved
    warnings: list[str] = []
    again = run_fleet(api, wanted, approved_digest=approved, warnings=warnings, **MIXED)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert "Nothing is left to be done" in warnings[0]


@pytest.mark.parametrize("check_mode", [True, False])
def test_other_changes_than_the_approved_ones_are_refused(check_mode: bool) -> None:
    api = FakeApi()
    wanted = mixed(api)
    approved = run_fleet(api, wanted, check_mode=True, **MIXED)["changes_digest"]
    api.account.update_instance("inst_00000001", {"plan": "enterprise"}, Key())  # web-02 is as wanted now
    api.account.update_instance("inst_00000002", {"plan": "professional"}, Key())  # web-03 is replaced from another plan
    api.make("web-06")
    result = run_fleet(api, wanted, approved_digest=approved, check_mode=check_mode, **MIXED)
    assert (
        "approved_digest: the changes are not the ones that were approved, so nothing was changed; not approved: delete web-06; "
        "approved in another form: recreate web-03; approved, and not to be done any more: web-02. "
    ) in result["msg"]
    assert result["changed"] is False
    assert result["changes_digest"] != approved
    assert not api.writes()


def test_an_approved_change_in_place_is_not_replaced_instead() -> None:
    api = FakeApi()
    api.make("web-01")
    wanted = webs(1, plan="enterprise")
    approved = run_fleet(api, wanted, check_mode=True, recreate=True)["changes_digest"]
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(405))
    result = run_fleet(api, wanted, recreate=True, approved_digest=approved)
    assert "the API does not offer PATCH" in result["msg"]
    assert ("DELETE", "/instances/inst_00000001") not in api.calls


def test_the_digest_is_of_the_changes_and_of_what_they_change() -> None:
    api = FakeApi()
    api.make("app-01")
    first = run_fleet(api, webs(2), check_mode=True)["changes_digest"]
    assert run_fleet(api, list(reversed(webs(2))), check_mode=True)["changes_digest"] == first
    api.make("app-02")  # which has nothing to do with it
    assert run_fleet(api, webs(2), check_mode=True)["changes_digest"] == first
    assert run_fleet(api, webs(3), check_mode=True)["changes_digest"] != first
    assert run_fleet(api, webs(2, plan="enterprise"), check_mode=True)["changes_digest"] != first
    api.make("web-02", plan="enterprise")
    assert run_fleet(api, webs(2), check_mode=True)["changes_digest"] != first


# --- A plan that is kept as a file ---------------------------------------------------------------------------------------


def kept(result: dict[str, Any]) -> dict[str, Any]:
    """The plan of a result, after it was a file."""
    plan: dict[str, Any] = json.loads(json.dumps(result["plan"]))
    return plan


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_summary_and_the_plan_are_the_same_in_check_mode_and_for_real(check_mode: bool) -> None:
    api = FakeApi()
    wanted = mixed(api)
    result = run_fleet(api, wanted, check_mode=check_mode, **MIXED)
    assert result["summary"] == "1 to create, 1 to update, 1 to replace (region), 1 to delete, 1 unchanged"
    assert result["plan_markdown"].startswith(f"**{result['summary']}**\n")
    assert result["plan"] == {
        "format_version": 1, "summary": result["summary"], "changes": result["changes"], "changes_digest": result["changes_digest"],
    }  # fmt: skip


def test_an_approved_plan_is_carried_out_and_another_one_refused() -> None:
    api = FakeApi()
    wanted = mixed(api)
    approved = kept(run_fleet(api, wanted, check_mode=True, **MIXED))
    other = run_fleet(api, [*wanted, web(6)], approved_plan=approved, **MIXED)
    assert "approved_plan: the changes are not the ones that were approved, so nothing was changed; not approved: create web-06. " in other["msg"]
    # A name that nothing else knows any more is in the plan.
    api.account.delete_instance("inst_00000003", Key())
    fewer = run_fleet(api, wanted, approved_plan=approved, **MIXED)
    assert "approved, and not to be done any more: web-04. " in fewer["msg"]
    assert not api.writes()
    api.make("web-04")
    approved = kept(run_fleet(api, wanted, check_mode=True, **MIXED))
    assert run_fleet(api, wanted, approved_plan=approved, approved_digest=approved["changes_digest"], **MIXED)["changes_digest"] == approved["changes_digest"]
    warnings: list[str] = []
    assert not run_fleet(api, wanted, approved_plan=approved, warnings=warnings, **MIXED).get("failed")
    assert warnings == ["Nothing is left to be done of the changes that were approved (approved_plan)."]


def test_a_plan_that_is_none_or_of_another_approval_is_refused_before_any_request() -> None:
    api = FakeApi()
    approved = kept(run_fleet(api, webs(1), check_mode=True))
    api.calls.clear()
    for plan in ({}, {**approved, "changes": []}):
        assert run_fleet(api, webs(1), approved_plan=plan)["msg"].startswith("approved_plan: expected ")
    both = run_fleet(api, webs(1), approved_plan=approved, approved_digest=digest([]))
    assert both["msg"] == "approved_plan: expected the plan of approved_digest, or one of the two alone."
    assert not api.calls


def test_an_update_of_an_approved_plan_is_not_replaced_instead() -> None:
    api = FakeApi()
    api.make("web-01")
    wanted = webs(1, plan="enterprise")
    approved = kept(run_fleet(api, wanted, check_mode=True, recreate=True))
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(405))
    assert "the API does not offer PATCH" in run_fleet(api, wanted, recreate=True, approved_plan=approved)["msg"]
    assert ("DELETE", "/instances/inst_00000001") not in api.calls


# --- What the approval covers, and that there is one ---------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"approved_digest": None}])
def test_without_an_approval_nothing_is_done_if_one_is_required(given: dict[str, Any]) -> None:
    api = FakeApi()
    result = run_fleet(api, webs(1), require_approval=True, **given)
    assert result["msg"] == "approved_digest: is required with require_approval=true, or approved_plan; check mode returns both."
    assert not api.calls
    preview = run_fleet(api, webs(1), require_approval=True, check_mode=True)
    assert preview["changed"]
    assert run_fleet(api, webs(1), require_approval=True, approved_digest=preview["changes_digest"])["created"] == ["web-01"]
    assert not run_fleet(api, webs(1), require_approval=True, approved_plan=kept(preview)).get("failed")


CDN: dict[str, Any] = {"cdn": {"cache_ttl": 60}, "site": "5d6b"}


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_approved_with_the_changes_must_be_the_same_too(done: bool, check_mode: bool) -> None:
    """Also if nothing is left to be done with the instances: what follows in the play is not done yet."""
    api = FakeApi()
    preview = run_fleet(api, webs(1), also_approved=CDN, check_mode=True)
    assert preview["changes_digest"] != run_fleet(api, webs(1), check_mode=True)["changes_digest"]
    if done:
        api.make("web-01")
    other = {**CDN, "cdn": {"cache_ttl": 61}}
    for approval, settings, message in (
        ({"approved_digest": preview["changes_digest"]}, other, "approved_digest: also_approved (cdn, site) is not what was approved, so nothing was changed."),
        ({"approved_plan": kept(preview)}, other, "approved_plan: also_approved (cdn) is not what was approved, so nothing was changed."),
        ({"approved_digest": preview["changes_digest"]}, None, "approved_digest: the approval covers also_approved, which is not given, so nothing "),
        ({"approved_digest": digest(preview["changes"])}, CDN, "approved_digest: also_approved (cdn, site) is not what was approved"),
    ):
        result = run_fleet(api, webs(1), also_approved=settings, check_mode=check_mode, **approval)
        assert result["msg"].startswith(message)
    assert not api.writes()
    for approval in ({"approved_digest": preview["changes_digest"]}, {"approved_plan": kept(preview)}):
        assert not run_fleet(api, webs(1), also_approved=CDN, **approval).get("failed")

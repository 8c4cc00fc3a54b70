# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard rails: bounds on what a task creates and replaces, replacement by reason, protected names, and what could not be compared."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.settings import Key

from ..fake_api import FakeApi, answer
from ..operations.runs import KEY, WEB, names, run_fleet, run_instance, web, webs
from ..spoilers import POST

BOTH = pytest.mark.parametrize("check_mode", [True, False])
OTHER_KEY = "ssh-rsa AAAAB3NzaC1yc2E you"
POLICY = {"min_instances": 1, "max_instances": 3, "cpu_threshold": 70}


def fleet_of(count: int, **fields: Any) -> FakeApi:
    api = FakeApi()
    for number in range(1, count + 1):
        api.make(f"web-{number:02}", **fields)
    return api


# --- How many ----------------------------------------------------------------------------------------------------------


@BOTH
def test_more_creations_than_allowed_fail_before_anything_is_changed(check_mode: bool) -> None:
    api = fleet_of(1)
    result = run_fleet(api, [web(1, plan="enterprise"), web(2), web(3)], max_creations=1, check_mode=check_mode)
    assert result["msg"] == (
        "max_creations: 2 instances would be created, and 1 may be. They are web-02, web-03. Nothing was changed. If it is meant, set max_creations to 2."
    )
    assert (result["changed"], result["summary"]) == (False, "2 to create, 1 to update, 0 to replace, 0 to delete, 0 unchanged")
    assert not api.writes()
    assert run_fleet(api, webs(3), max_creations=2)["created"] == ["web-02", "web-03"]


def test_a_fleet_that_is_there_needs_no_creation() -> None:
    assert run_fleet(fleet_of(12), webs(12), max_creations=0)["unchanged"] == [f"web-{number:02}" for number in range(1, 13)]


def test_a_sentence_lists_the_first_of_many() -> None:
    result = run_fleet(FakeApi(), webs(12), max_creations=0)
    assert "They are web-01, web-02, web-03, web-04, web-05, web-06, web-07, web-08, web-09, web-10 and 2 more. " in result["msg"]
    assert len(result["changes"]) == 12


@BOTH
def test_more_replacements_than_allowed_fail_before_anything_is_changed(check_mode: bool) -> None:
    api = fleet_of(3, region="eu-west")
    result = run_fleet(api, webs(3), recreate=True, max_replacements=2, check_mode=check_mode)
    assert "max_replacements: 3 instances would be replaced, and 2 may be. They are web-01 (inst_00000001), " in result["msg"]
    assert not api.writes()
    assert len(run_fleet(api, webs(3), recreate=True, max_replacements=3)["recreated"]) == 3


def test_what_the_api_does_not_update_in_place_counts_as_a_replacement() -> None:
    api = fleet_of(3)
    for number in (1, 2, 3):
        api.spoil("PATCH", f"/instances/inst_{number:08x}", lambda right: answer(405))
    wanted = webs(3, plan="enterprise")
    result = run_fleet(api, wanted, recreate=True, max_replacements=2)
    assert {item["msg"].partition(".")[0] for item in result["failed_instances"]} == {"max_replacements: 3 instances would be replaced, and 2 may be"}
    assert (result["changed"], result["recreated"], result["deleted"], len(api.account.state()["instances"])) == (False, [], [], 3)
    for number in (1, 2, 3):
        api.spoil("PATCH", f"/instances/inst_{number:08x}", lambda right: answer(405))
    assert len(run_fleet(api, wanted, recreate=True, max_replacements=3)["recreated"]) == 3


def test_all_limits_are_told_at_once() -> None:
    api = fleet_of(3, region="eu-west")
    result = run_fleet(
        api, [web(1), web(8), web(9)], name_prefix="web-", prune=True, recreate=True, max_deletions=1, max_replacements=0, max_creations=1, max_total=2
    )
    assert result["msg"].endswith("If it is meant, set max_deletions to 2 and max_replacements to 1 and max_creations to 2.")
    assert [result["msg"].count(f"{option}: ") for option in ("max_deletions", "max_replacements", "max_creations", "max_total")] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("wanted", "given", "refused"),
    [
        (webs(3), {}, "max_total: the fleet would have 4 instances, and may have 3. It has 3."),
        (webs(2), {}, None),
        ([web(2), web(4)], {}, "max_total: the fleet would have 4 instances"),
        ([web(1), web(3)], {"prune": True, "max_deletions": 9}, None),
        (webs(4), {"prune": True, "max_deletions": 9}, "max_total: the fleet would have 4 instances"),
        (webs(3), {"prune_pattern": "[0-9]+"}, None),
        ([web(1), web(7, id="inst_00000004")], {}, "max_total: the fleet would have 4 instances"),
    ],
)
@BOTH
def test_no_more_instances_of_the_prefix_than_allowed(wanted: list[dict[str, Any]], given: dict[str, Any], refused: str | None, check_mode: bool) -> None:
    api = fleet_of(2)
    api.make("web-db")
    api.make("app-01")
    result = run_fleet(api, wanted, name_prefix="web-", max_total=3, check_mode=check_mode, **given)
    assert (refused or "") in result.get("msg", "")
    assert bool(result.get("failed")) is (refused is not None)
    assert not (api.writes() and refused)


def test_a_fleet_that_has_more_than_allowed_may_shrink_and_stay() -> None:
    api = fleet_of(5)
    assert run_fleet(api, webs(5, plan="enterprise"), name_prefix="web-", max_total=1)["updated"] == [f"web-{number:02}" for number in range(1, 6)]
    assert len(run_fleet(api, webs(4), name_prefix="web-", max_total=1, prune=True, max_deletions=1)["deleted"]) == 1


# --- For which reasons -------------------------------------------------------------------------------------------------

REASONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("region", {"region": "eu-west"}, {}),
    ("image_id", {"image_id": "img_1"}, {"image_id": "img_2"}),
    ("ssh_keys", {"ssh_keys": [KEY]}, {"ssh_keys": [KEY, OTHER_KEY]}),
]


@pytest.mark.parametrize(("reason", "there", "wanted"), REASONS, ids=[reason for reason, _there, _wanted in REASONS])
@BOTH
def test_a_reason_that_is_allowed_replaces_and_another_one_fails(reason: str, there: dict[str, Any], wanted: dict[str, Any], check_mode: bool) -> None:
    others = [other for other in ("region", "image_id", "ssh_keys", "status") if other != reason]
    api = FakeApi(show_all=True)
    api.make("web-01", **there)
    # What is not allowed fails, also beside recreate=true.
    for recreate in (True, False):
        given = {**WEB, **wanted, "recreate": recreate, "check_mode": check_mode}
        refused = run_instance(api, **given, recreate_for=others)
        assert "can't be changed in place" in refused["msg"]
        assert refused["msg"].endswith(f"recreate_for allows no replacement for {reason}.")
        assert run_fleet(api, [{**WEB, **wanted}], recreate=recreate, recreate_for=[], check_mode=check_mode)["failed"]
    assert not api.writes()
    result = run_instance(api, **WEB, **wanted, recreate_for=[reason], check_mode=check_mode)
    assert (result["action"], result["reasons"]) == ("recreate", [reason])
    assert result["diff"]["after_header"] == f"instance web-01 (replaced: {reason})"


@BOTH
def test_one_reason_is_enough_and_the_diff_has_all(check_mode: bool) -> None:
    api = FakeApi(show_all=True)
    api.make("web-01", region="eu-west", ssh_keys=[KEY], plan="enterprise")
    result = run_fleet(api, [web(1, ssh_keys=[OTHER_KEY])], recreate_for=["region"], check_mode=check_mode)
    assert result["changes"][0]["reasons"] == ["plan", "region", "ssh_keys"]
    assert result["summary"] == "0 to create, 0 to update, 1 to replace (region, ssh_keys), 0 to delete, 0 unchanged"


@BOTH
def test_one_that_failed_to_boot_is_replaced_for_its_status_alone(check_mode: bool) -> None:
    api = fleet_of(1)
    api.account.set_status("inst_00000001", "failed")
    assert "its status is 'failed'" in run_instance(api, **WEB, recreate_for=["region"], check_mode=check_mode)["msg"]
    result = run_instance(api, **WEB, recreate_for=["status"], check_mode=check_mode)
    assert (result["action"], result["reasons"], result["diff"]["after_header"]) == (
        "recreate", ["its status is failed"], "instance web-01 (replaced: its status is failed)",
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["plan", "region"])
def test_what_the_api_does_not_update_in_place_is_replaced_if_that_is_allowed(reason: str) -> None:
    api = fleet_of(1)
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(405))
    result = run_instance(api, **{**WEB, "plan": "enterprise"}, recreate_for=[reason])
    if reason == "plan":
        assert (result["action"], result["reasons"]) == ("recreate", ["plan"])
    else:
        assert result["msg"].endswith("to change it in place. recreate_for allows no replacement for plan.")
        assert ("DELETE", "/instances/inst_00000001") not in api.calls


# --- Protected ---------------------------------------------------------------------------------------------------------


@BOTH
def test_what_is_protected_is_neither_deleted_nor_replaced(check_mode: bool) -> None:
    api = fleet_of(3)
    kept = {"protected": ["web-01", "web-03"], "check_mode": check_mode}
    result = run_fleet(api, [web(1, region="eu-west"), web(4)], name_prefix="web-", prune=True, max_deletions=9, recreate=True, **kept)
    assert result["msg"] == "protected: web-01 (inst_00000001) would be replaced, web-03 (inst_00000003) would be deleted. Nothing was changed."
    assert (result["changed"], len(result["changes"])) == (False, 4)
    absent = run_instance(api, name="web-03", state="absent", **kept)
    assert absent["msg"] == "protected: web-03 (inst_00000003) would be deleted. Nothing was changed."
    assert (absent["changed"], absent["action"], absent["instance"]["id"]) == (False, "none", "inst_00000003")
    moved = run_instance(api, **{**WEB, "region": "eu-west"}, recreate=True, **kept)
    assert moved["msg"] == "protected: web-01 (inst_00000001) would be replaced. Nothing was changed."
    assert run_instance(api, id="inst_00000003", state="absent", **kept)["failed"]
    assert not api.writes()


def test_what_is_protected_is_still_created_and_updated() -> None:
    api = fleet_of(1)
    result = run_fleet(api, [web(1, plan="enterprise"), web(2)], protected=["web-01", "web-02"], recreate=True)
    assert (result["updated"], result["created"]) == (["web-01"], ["web-02"])
    assert run_instance(api, name="web-09", state="absent", protected=["web-09"])["action"] == "none"


def test_what_is_protected_is_not_replaced_if_the_api_does_not_update_it() -> None:
    api = fleet_of(2)
    for number in (1, 2):
        api.spoil("PATCH", f"/instances/inst_{number:08x}", lambda right: answer(405), times=2)
    result = run_fleet(api, webs(2, plan="enterprise"), protected=["web-01"], recreate=True)
    assert result["failed_instances"][0]["msg"].endswith("to change it in place. It is protected, so it was not replaced.")
    assert "It is protected" in run_instance(api, **{**WEB, "plan": "enterprise"}, protected=["web-01"], recreate=True)["msg"]
    assert not [call for call in api.calls if call[0] == "DELETE"]


def test_a_name_is_protected_as_the_api_may_show_it() -> None:
    api = fleet_of(1)
    assert run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=1, protected=["Web-01"])["failed"]
    assert not run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=1, protected=["web-0"]).get("failed")


# --- What the API does not show ----------------------------------------------------------------------------------------


def test_what_could_not_be_compared_is_told() -> None:
    api = fleet_of(2)
    wanted = [web(1, ssh_keys=[KEY], auto_scale=POLICY), web(2, ssh_keys=[KEY], image_id="img"), web(3, ssh_keys=[KEY])]
    for check_mode in (True, False):
        one = run_instance(api, **wanted[0], check_mode=check_mode)
        assert (one["changed"], one["not_compared"]) == (False, ["ssh_keys", "auto_scale"])
        assert one["diff"]["prepared"] == "not compared, because the API does not show it: ssh_keys, auto_scale\n"
        many = run_fleet(api, wanted, check_mode=check_mode)
        assert many["not_compared"] == [{"name": "web-01", "options": ["ssh_keys", "auto_scale"]}, {"name": "web-02", "options": ["image_id", "ssh_keys"]}]
        assert many["diff"]["prepared"] == "not compared, because the API does not show it: ssh_keys of 2 instances, auto_scale of web-01, image_id of web-02\n"


def test_what_the_api_shows_is_compared() -> None:
    api = FakeApi(show_all=True)
    api.make("web-01", ssh_keys=[KEY], auto_scale={"max_instances": 3})
    result = run_instance(api, **WEB, ssh_keys=[KEY], auto_scale={"max_instances": 3, "cpu_threshold": 70})
    assert (result["changed"], result["not_compared"]) == (False, ["auto_scale.cpu_threshold"])
    again = run_instance(api, **WEB, ssh_keys=[KEY], auto_scale={"max_instances": 3})
    assert again["not_compared"] == []
    assert "prepared" not in again["diff"]


def test_nothing_is_left_to_compare_if_an_instance_is_created_or_replaced() -> None:
    api = FakeApi()
    assert run_instance(api, **WEB, ssh_keys=[KEY])["not_compared"] == []
    assert run_instance(api, **{**WEB, "region": "eu-west"}, ssh_keys=[KEY], recreate=True)["not_compared"] == []


@pytest.mark.parametrize("update", ["on_create", "always"])
def test_a_policy_that_the_api_does_not_show_is_sent_if_that_is_asked_for(update: str) -> None:
    api = fleet_of(1)
    given = {"auto_scale": POLICY, "auto_scale_update": update}
    for _run in range(2):
        api.calls.clear()
        predicted = run_instance(api, **WEB, **given, check_mode=True)
        result = run_instance(api, **WEB, **given)
        assert [predicted[key] for key in ("changed", "action", "reasons", "diff")] == [result[key] for key in ("changed", "action", "reasons", "diff")]
        if update == "always":
            assert (result["action"], result["reasons"], result["not_compared"]) == ("update", ["auto_scale"], ["auto_scale"])
            assert api.writes() == [("PATCH", "/instances/inst_00000001")]
            assert api.account.state()["instances"][0]["auto_scale"] == POLICY
        else:
            assert (result["action"], api.writes()) == ("none", [])


def test_a_policy_that_the_api_shows_is_sent_only_if_it_differs() -> None:
    api = FakeApi(show_all=True)
    api.make("web-01", auto_scale=POLICY)
    assert not run_instance(api, **WEB, auto_scale=POLICY, auto_scale_update="always")["changed"]
    api.make("web-02", auto_scale={"max_instances": 3})
    result = run_fleet(api, [web(1), web(2, auto_scale={"cpu_threshold": 80})], auto_scale_update="always")
    assert (result["updated"], api.bodies[-2]) == (["web-02"], {"auto_scale": {"max_instances": 3, "cpu_threshold": 80}})


def test_the_diff_of_a_policy_that_is_sent() -> None:
    diff = run_fleet(fleet_of(1), [web(1, auto_scale=POLICY)], auto_scale_update="always", check_mode=True)["diff"]
    assert diff["before"] == "web-01: plan=starter region=us-east\n"
    assert diff["after"] == "web-01: plan=starter region=us-east auto_scale=1..3@70% (auto_scale was not shown)\n"


def test_no_instance_is_replaced_for_a_policy_that_may_not_differ() -> None:
    api = fleet_of(1)
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(405))
    result = run_instance(api, **WEB, auto_scale=POLICY, auto_scale_update="always", recreate=True)
    assert result["msg"].endswith("Use auto_scale_update=on_create: the API does not show the policy, so that nothing tells whether it differs.")
    assert api.writes() == [("PATCH", "/instances/inst_00000001")]
    assert POST not in api.calls


# --- Options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_creations": -1}, "max_creations: expected a whole number from 0 to 100000, got -1."),
        ({"max_replacements": 100_001}, "max_replacements: expected a whole number from 0 to 100000, got 100001."),
        ({"max_total": True, "name_prefix": "web-"}, "max_total: expected a whole number from 0 to 100000, got True."),
        ({"max_total": 5}, "name_prefix: is required with max_total: it says which other instances belong to the fleet."),
        ({"max_total": 5, "name_prefix": "db-"}, "instances[0].name: expected a name that begins with name_prefix (db-), got web-01."),
        ({"protected": ["web-01", ""]}, "protected[1]: expected a text that is not empty."),
    ],
)
def test_bad_bounds_are_refused_before_any_request(given: dict[str, Any], message: str) -> None:
    api = FakeApi()
    assert run_fleet(api, webs(1), **given)["msg"] == message
    assert not api.calls


def test_bad_protected_names_of_an_instance() -> None:
    api = FakeApi()
    assert run_instance(api, **WEB, protected=[" web"])["msg"] == "protected[0]: expected one line of text without white space around it."
    assert not api.calls


def test_without_bounds_nothing_is_bounded() -> None:
    """The defaults are what they were."""
    api = fleet_of(3, region="eu-west")
    result = run_fleet(api, webs(30), recreate=True, max_unavailable=3, concurrency=1)
    assert (len(result["recreated"]), len(result["created"]), len(names(api))) == (3, 27, 30)
    assert not run_instance(api, id=api.account.state()["instances"][0]["id"], state="absent").get("failed")
    assert api.account.instances(None, Key()).total == 29

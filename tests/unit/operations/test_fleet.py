# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_fleet`` from options to result, against an account in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply import rollout
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.approval import digest

from tests.emulator.settings import API_KEY, Key

from ..fake_api import FakeApi, answer, run_operation
from ..operations.runs import names, run_fleet, web, webs
from ..spoilers import LIST, POST, lost_after


def test_all_are_made_and_the_second_run_takes_one_reading() -> None:
    api = FakeApi()
    result = run_fleet(api, webs(12))
    assert (result["changed"], result["created"], result["failed_instances"]) == (True, [f"web-{number:02}" for number in range(1, 13)], [])
    assert [item["name"] for item in result["instances"]] == result["created"]
    assert {item["status"] for item in result["instances"]} == {"running"}
    first = len(api.calls)
    again = run_fleet(api, webs(12))
    assert (again["changed"], again["unchanged"], again["instances"]) == (False, result["created"], result["instances"])
    assert api.calls[first:] == [LIST]


def test_the_order_is_the_one_asked_for() -> None:
    api = FakeApi()
    api.make("web-02")
    result = run_fleet(api, [web(3), web(2), web(1)])
    assert [item["name"] for item in result["instances"]] == ["web-03", "web-02", "web-01"]
    assert (result["created"], result["unchanged"]) == (["web-03", "web-01"], ["web-02"])


def test_no_wait() -> None:
    api = FakeApi(boot_seconds=1000)
    result = run_fleet(api, webs(3), wait=False)
    assert [item["status"] for item in result["instances"]] == ["provisioning"] * 3
    assert not api.clock.sleeps


def test_an_id_says_which_one_is_meant_and_renames() -> None:
    api = FakeApi()
    first, second = api.make("web-01"), api.make("web-01")
    refused = run_fleet(api, webs(1))
    assert refused["failed_instances"] == [{"name": "web-01", "msg": f"There are 2 instances of the name web-01: {first['id']} and {second['id']}. "
                                            "Which one is meant can be told with id."}]  # fmt: skip
    assert not api.writes()
    result = run_fleet(api, [web(1, id=first["id"]), {"name": "web-02", "id": second["id"]}])
    assert (result["updated"], result["unchanged"], names(api)) == (["web-02"], ["web-01"], ["web-01", "web-02"])


def test_without_a_list_nothing_is_made() -> None:
    api = FakeApi(profile="documented")
    result = run_fleet(api, webs(2))
    assert "does not offer GET /instances" in result["msg"]
    assert not api.writes()


def test_a_failure_of_some_does_not_hide_the_others() -> None:
    api = FakeApi()
    api.settings.keys[API_KEY] = Key(regions=("us-east",))
    result = run_fleet(api, [web(1), web(2, region="eu-west"), web(3)])
    assert result["failed"]
    assert (result["changed"], result["created"]) == (True, ["web-01", "web-03"])
    assert [item["name"] for item in result["instances"]] == ["web-01", "web-03"]
    (failed,) = result["failed_instances"]
    assert failed["name"] == "web-02"
    assert "The key's scope does not allow POST /instances in region eu-west" in failed["msg"]
    assert result["msg"].startswith("1 of 3 instances failed. web-02: POST /instances: the API returned 403")
    assert result["api_error"]["status"] == 403
    assert names(api) == ["web-01", "web-03"]


def test_one_that_fails_to_boot_is_told_at_once_and_the_others_are_awaited() -> None:
    api = FakeApi(failing=["web-02"])
    api.settings.boot_seconds = 30
    result = run_fleet(api, webs(3))
    assert result["created"] == ["web-01", "web-02", "web-03"]
    assert [item["status"] for item in result["instances"]] == ["running", "failed", "running"]
    assert "does not come up: its status is 'failed'" in result["failed_instances"][0]["msg"]


def test_all_that_is_wrong_is_said_at_once_and_before_anything_is_changed() -> None:
    api = FakeApi()
    api.make("web-01", region="eu-west")
    api.make("web-02")
    api.make("web-02")
    result = run_fleet(api, webs(3))
    assert [item["name"] for item in result["failed_instances"]] == ["web-01", "web-02"]
    assert result["msg"].endswith("Nothing was changed.")
    assert result["changed"] is False
    assert not api.writes()


def test_prune_deletes_what_is_of_the_prefix_and_the_pattern() -> None:
    api = FakeApi(delete_seconds=5)
    for name in ("web-01", "web-02", "web-03", "web-db", "web-01-old", "app-01"):
        api.make(name)
    result = run_fleet(api, webs(1), name_prefix="web-", prune=True, prune_pattern="[0-9]+", max_deletions=2)
    assert (result["deleted"], result["unchanged"]) == (["web-02", "web-03"], ["web-01"])
    assert names(api) == ["app-01", "web-01", "web-01-old", "web-db"]
    assert [item["name"] for item in result["instances"]] == ["web-01"]


def test_prune_to_nothing() -> None:
    api = FakeApi()
    for name in ("web-01", "web-02", "app-01"):
        api.make(name)
    assert run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=2)["deleted"] == ["web-01", "web-02"]
    assert names(api) == ["app-01"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_more_deletions_than_allowed_fail_before_anything_is_changed(check_mode: bool) -> None:
    api = FakeApi()
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    result = run_fleet(api, [web(1, plan="enterprise")], name_prefix="web-", prune=True, max_deletions=1, check_mode=check_mode)
    assert "max_deletions: 2 instances would be deleted, and 1 may be. They are web-02 (inst_00000002), web-03 (inst_00000003)." in result["msg"]
    assert [item["action"] for item in result["changes"]] == ["update", "delete", "delete"]
    assert result["changed"] is False
    assert not api.writes()


def test_what_is_gone_already_counts_as_deleted() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("DELETE", "/instances/inst_00000001", lost_after)
    assert run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=1)["deleted"] == ["web-01"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"instances": [web(1), web(2), web(1)]}, "instances: expected each name once, got web-01 in instances[0] and in instances[2]."),
        ({"instances": [web(1, id="i1"), web(2, id="i1")]}, "instances: expected each id once, got i1 in instances[0] and in instances[1]."),
        ({"instances": [web(1), web(2, id="i1"), web(3, id="i1")]}, "instances: expected each id once, got i1 in instances[1] and in instances[2]."),
        ({"instances": [web(1), web(2, plan=None)]}, "instances[1].plan: is required, unless id says"),
        ({"instances": [web(1, region=None)]}, "instances[0].region: is required, unless id says"),
        ({"instances": [web(1, name="")]}, "instances[0].name: expected a text that is not empty."),
        ({"instances": [web(1, id="a/b")]}, "instances[0].id: expected an id as the API shows it"),
        ({"instances": [web(1, ssh_keys=["hello"])]}, "instances[0].ssh_keys: element 1 is no OpenSSH public key"),
        ({"instances": [web(1, auto_scale={"cpu_threshold": 140})]}, "instances[0].auto_scale.cpu_threshold: expected a whole number from 1 to 100"),
        ({"prune": True}, "name_prefix: is required with prune=true"),
        ({"prune": True, "name_prefix": ""}, "name_prefix: expected a text that is not empty."),
        ({"prune_pattern": "("}, "prune_pattern: expected a regular expression"),
        ({"prune_pattern": "x{99999999999999999999}"}, "prune_pattern: expected a regular expression"),
        ({"prune_pattern": "(" * 5000 + ")" * 5000}, "prune_pattern: expected a regular expression"),
        ({"max_deletions": -1}, "max_deletions: expected a whole number from 0 to 100000, got -1."),
        ({"concurrency": 0}, "concurrency: expected a whole number from 1 to 64, got 0."),
        ({"max_unavailable": 0}, "max_unavailable: expected a whole number from 1 to 1000, got 0."),
        ({"wait_timeout": 0}, "wait_timeout: expected a whole number from 1 to 86400, got 0."),
        ({"approved_digest": ""}, "approved_digest: expected the changes_digest of an earlier run"),
        ({"approved_digest": digest([])[:-1] + "x."}, "approved_digest: expected the changes_digest of an earlier run"),
        ({"approved_digest": digest([]) + "?"}, "approved_digest: expected the changes_digest of an earlier run"),
        ({"approved_digest": digest([]) + "QQ=="}, "approved_digest: expected the changes_digest of an earlier run"),
    ],
)
def test_bad_input_is_refused_before_any_request(given: dict[str, Any], message: str) -> None:
    api = FakeApi()
    result = run_operation(api, fleet.OPERATION, **{"instances": webs(1), **given})
    assert result["msg"].startswith(message)
    assert not api.calls


# --- Each instance once ---------------------------------------------------------------------------------------------------


def test_two_members_that_are_one_instance_are_refused_before_any_write() -> None:
    api = FakeApi()
    api.make("web-01")
    wanted = [web(2, id="inst_00000001"), web(1, region="eu-west")]
    for check_mode in (True, False):
        result = run_fleet(api, wanted, recreate=True, check_mode=check_mode)
        assert "web-01 and web-02 are one instance, web-01 (inst_00000001); expected each instance once." in result["msg"]
        assert result["changed"] is False
    assert not api.writes()


def test_members_whose_names_the_api_may_make_one_of_are_refused() -> None:
    api = FakeApi()
    result = run_fleet(api, [web(1), web(2, name="Web-01")])
    assert result["msg"] == "instances: expected names that differ in more than case or length: the API may make web-01 of Web-01."
    assert not api.calls


def test_a_name_that_the_api_may_have_made_something_else_of_is_not_created_again() -> None:
    api = FakeApi()
    api.make("web-01")
    result = run_fleet(api, [web(2, name="WEB-01")])
    assert "There is no instance of the name WEB-01, but web-01 (inst_00000001), whose name the API may have made of it." in result["msg"]
    assert not api.writes()


def test_a_member_that_prune_would_not_know_is_refused() -> None:
    api = FakeApi()
    result = run_fleet(api, [web(1), web(2, name="db-01")], prune=True, name_prefix="web-")
    assert result["msg"] == "instances[1].name: expected a name that begins with name_prefix (web-), got db-01."
    assert not api.calls


@pytest.mark.parametrize("status", ["failed", "error", "stopped"])
@pytest.mark.parametrize("wait", [True, False])
def test_check_mode_predicts_a_status_that_ends_the_wait(status: str, wait: bool) -> None:
    api = FakeApi()
    api.account.set_status(api.make("web-01")["id"], status)
    for check_mode in (True, False):
        assert run_fleet(api, webs(1), wait=wait, check_mode=check_mode).get("failed", False) is wait
    assert not api.writes()


def test_a_fault_of_the_collection_hides_none_of_what_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError("x")

    api = FakeApi()
    monkeypatch.setattr(rollout.Rollout, "_wait_until_up", broken)
    result = run_fleet(api, webs(3))
    assert (result["failed"], result["changed"], len(result["created"]), len(result["failed_instances"])) == (True, True, 3, 3)
    assert [item["id"] for item in result["instances"]] == ["inst_00000001", "inst_00000002", "inst_00000003"]
    assert "This is a fault of the collection, please report it: ZeroDivisionError: x" in result["msg"]


@pytest.mark.parametrize("gone", [True, False])
def test_an_id_that_there_is_not(gone: bool) -> None:
    api = FakeApi(delete_seconds=1000)
    made = api.make("web-01")
    if gone:
        api.account.delete_instance(made["id"], Key())
    result = run_fleet(api, [web(1, id=made["id"] if gone else "inst_9")])
    assert result["changed"] is False
    assert result["failed_instances"][0]["msg"].startswith(f"id: there is no instance {made['id'] if gone else 'inst_9'}; ")
    assert not api.writes()


@pytest.mark.parametrize("leaving", [True, False])
def test_a_rename_to_a_name_that_another_one_has(leaving: bool) -> None:
    """One that is being deleted keeps no name from others."""
    api = FakeApi(delete_seconds=5)
    first, second = api.make("web-01"), api.make("web-02")
    if leaving:
        api.account.delete_instance(second["id"], Key())
    result = run_fleet(api, [{"name": "web-02", "id": first["id"]}])
    if leaving:
        assert (result["updated"], names(api)) == (["web-02"], ["web-02"])
    else:
        assert result["failed_instances"][0]["msg"] == f"{first['id']} can't be called web-02: {second['id']} has that name already."
        assert not api.writes()


def test_prune_leaves_those_alone_that_are_being_deleted() -> None:
    api = FakeApi(delete_seconds=1000)
    api.account.delete_instance(api.make("web-01")["id"], Key())
    result = run_fleet(api, [], name_prefix="web-", prune=True)
    assert (result["changed"], result["deleted"], api.writes()) == (False, [], [])


def test_one_that_was_deleted_and_not_replaced_is_none_of_the_instances() -> None:
    api = FakeApi(delete_seconds=10_000)
    api.make("web-01")
    result = run_fleet(api, webs(1, region="eu-west"), recreate=True, wait_timeout=60)
    assert (result["failed"], result["changed"], result["deleted"], result["instances"]) == (True, True, ["web-01"], [])
    assert "was deleted, but the API still shows it after 60 s" in result["failed_instances"][0]["msg"]


@pytest.mark.parametrize(("count", "rest"), [(3, ""), (5, " failed_instances has 2 more.")])
def test_the_message_tells_the_first_failures(count: int, rest: str) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(422), times=count)
    result = run_fleet(api, webs(count))
    sentences = " ".join(f"web-{number:02}: POST /instances: the API returned 422." for number in (1, 2, 3))
    assert result["msg"] == f"{count} of {count} instances failed. {sentences}{rest}"
    assert (result["changed"], result["unchanged"], len(result["failed_instances"])) == (False, [], count)


def test_what_was_not_begun_is_no_reason() -> None:
    api = FakeApi()
    api.make("web-01", region="eu-west")
    api.spoil(*POST, lambda right: answer(422))
    result = run_fleet(api, webs(2), recreate=True)
    assert result["msg"] == "2 of 2 instances failed. web-02: POST /instances: the API returned 422. failed_instances has 1 more."
    assert (result["failed_instances"][0]["msg"], result["api_error"]["status"]) == ("Not replaced, because something else failed before.", 422)


@pytest.mark.parametrize("leaving", [True, False])
def test_one_of_the_very_name_is_no_look_alike(leaving: bool) -> None:
    api = FakeApi(delete_seconds=5)
    api.make("web-01")
    made = api.make("Web-01")
    if leaving:
        api.account.delete_instance(made["id"], Key())
    result = run_fleet(api, [web(1, name="Web-01")])
    assert (result["created"], result["unchanged"]) == ((["Web-01"], []) if leaving else ([], ["Web-01"]))


def test_failures_are_told_in_the_order_asked_for() -> None:
    api = FakeApi()
    api.make("web-01", region="eu-west")
    api.make("WEB-02".lower())
    result = run_fleet(api, [web(1), web(2, name="Web-02"), web(3, id="inst_9")])
    assert [item["name"] for item in result["failed_instances"]] == ["web-01", "Web-02", "web-03"]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets from options to result, against an account in memory."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.parallel import in_parallel
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.progress import INTERVAL
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Answer
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import AnswerLost, NotSent
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.fleet import digest

from tests.emulator.settings import API_KEY, Key

from .fake_api import FakeApi, answer, run_operation

POST, LIST = ("POST", "/instances"), ("GET", "/instances")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Y me"
Right = Callable[[], Answer]
NAMES = ("created", "updated", "recreated", "deleted", "unchanged")


def web(number: int, **fields: Any) -> dict[str, Any]:
    return {"name": f"web-{number:02}", "plan": "starter", "region": "us-east", **fields}


def webs(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [web(number, **fields) for number in range(1, count + 1)]


def run_fleet(api: FakeApi, instances: list[dict[str, Any]], *, concurrency: int = 1, **given: Any) -> dict[str, Any]:
    """With one request at a time, so that their order is known; others say so."""
    return run_operation(api, fleet.OPERATION, instances=instances, concurrency=concurrency, **given)


def lost_before(right: Right) -> Answer:
    raise AnswerLost("The connection was reset.")


def lost_after(right: Right) -> Answer:
    right()
    raise AnswerLost("The connection was reset.")


def names(api: FakeApi) -> list[str]:
    return sorted(item["name"] for item in api.account.state()["instances"])


def posts(api: FakeApi) -> int:
    return api.calls.count(POST)


# --- The whole set in one task -----------------------------------------------------------------------------------------


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


def test_what_boots_is_polled_by_the_list_which_also_shows_twins() -> None:
    api = FakeApi(boot_seconds=0.1)
    run_fleet(api, webs(12))
    assert api.calls == [LIST, *[POST] * 12, LIST, LIST]
    assert api.clock.sleeps == [0.5]


def test_what_boots_is_polled_one_by_one_where_that_takes_fewer_requests() -> None:
    api = FakeApi(page_size=1, boot_seconds=0.1)
    for number in range(1, 6):
        api.make(f"web-{number:02}")
    run_fleet(api, webs(6))
    assert api.calls == [*[LIST] * 5, POST, *[("GET", "/instances/inst_00000006")] * 2, *[LIST] * 6]


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


def test_updates_in_place_are_read_again() -> None:
    api = FakeApi()
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    result = run_fleet(api, webs(3, plan="enterprise"))
    assert result["updated"] == ["web-01", "web-02", "web-03"]
    assert {item["plan"] for item in result["instances"]} == {"enterprise"}
    assert api.calls[-1] == LIST


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


# --- A failure of some -------------------------------------------------------------------------------------------------


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
    assert result["msg"].startswith("1 of 3 instances failed. web-02: POST /instances: the API answered 403")
    assert result["api_error"]["status"] == 403
    assert names(api) == ["web-01", "web-03"]


def test_one_that_fails_to_boot_is_told_at_once_and_the_others_are_awaited() -> None:
    api = FakeApi(failing=["web-02"])
    api.settings.boot_seconds = 30
    result = run_fleet(api, webs(3))
    assert result["created"] == ["web-01", "web-02", "web-03"]
    assert [item["status"] for item in result["instances"]] == ["running", "failed", "running"]
    assert "does not come up: its status is 'failed'" in result["failed_instances"][0]["msg"]


def test_what_takes_something_away_is_not_begun_after_a_failure() -> None:
    api = FakeApi(failing=["web-03"])
    api.make("web-01", region="eu-west")
    api.make("web-09")
    result = run_fleet(api, [web(1), web(3)], recreate=True, name_prefix="web-", prune=True, max_deletions=1)
    assert {item["name"]: item["msg"][:12] for item in result["failed_instances"]} == {
        "web-03": "The instance",
        "web-01": "Not replaced",
        "web-09": "Not deleted,",
    }
    assert api.writes() == [POST]
    assert result["msg"].startswith("3 of 3 instances failed. web-03: ")


def test_all_that_is_wrong_is_said_at_once_and_before_anything_is_changed() -> None:
    api = FakeApi()
    api.make("web-01", region="eu-west")
    api.make("web-02")
    api.make("web-02")
    result = run_fleet(api, webs(3))
    assert [item["name"] for item in result["failed_instances"]] == ["web-01", "web-02"]
    assert result["msg"].endswith("Nothing was changed.")
    assert not api.writes()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_api_that_takes_nothing_more_is_not_asked_a_thousand_times(concurrency: int) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(401, {"error": {"message": "Revoked."}}), times=1000)
    result = run_fleet(api, webs(1000), concurrency=concurrency)
    assert len(result["failed_instances"]) == 1000
    assert posts(api) <= concurrency
    assert result["msg"].endswith("failed_instances has 999 more.") or concurrency > 1


def test_after_the_deadline_nothing_is_begun() -> None:
    api = FakeApi(boot_seconds=1000)

    def slow(right: Right) -> Answer:
        api.clock.time += 10
        return right()

    api.spoil(*POST, slow, times=20)
    result = run_fleet(api, webs(20), wait_timeout=45)
    assert posts(api) == 5
    assert len(result["created"]) == 5
    messages = [item["msg"] for item in result["failed_instances"]]
    assert sum("the time (wait_timeout) was over before it was its turn" in message for message in messages) == 15
    assert sum("its last status is 'provisioning'" in message for message in messages) == 5


# --- Never two for one (docs/contract.md, rule 4) ----------------------------------------------------------------------


def test_one_reading_of_the_list_settles_all_lost_answers() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lost_after, times=6)
    result = run_fleet(api, webs(10))
    assert (len(result["created"]), result["failed_instances"]) == (10, [])
    assert api.calls == [LIST, *[POST] * 10, LIST]
    assert len(names(api)) == 10


def test_what_the_list_does_not_show_is_sent_once_more() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lost_before, times=3)
    api.spoil(*POST, lost_after, times=1)
    result = run_fleet(api, webs(5))
    assert (len(result["created"]), posts(api), len(names(api))) == (5, 5 + 3, 5)
    assert sum(api.clock.sleeps) >= 5


def test_lost_twice_says_what_may_exist() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lost_before, times=8)
    result = run_fleet(api, webs(2))
    assert posts(api) == 4
    assert all("so that an instance may exist; it was sent twice" in item["msg"] for item in result["failed_instances"])
    assert len(result["failed_instances"]) == 2


def test_lost_and_then_refused_says_that_it_may_exist() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lost_before)
    api.spoil(*POST, lambda right: answer(409, {"error": {"message": "Exists."}}))
    result = run_fleet(api, webs(1))
    assert "may exist; sent once more, it was refused: POST /instances: the API answered 409: Exists." in result["failed_instances"][0]["msg"]


def test_a_twin_that_somebody_else_made_at_the_same_moment() -> None:
    api = FakeApi(boot_seconds=0)

    def twin(right: Right) -> Answer:
        api.make("web-01")
        return right()

    api.spoil(*POST, twin)
    result = run_fleet(api, webs(3))
    assert result["created"] == ["web-01", "web-02", "web-03"]
    (failed,) = result["failed_instances"]
    assert re.match(r"This task has made inst_00000002, and the list shows inst_00000001 of the same name web-01 besides", failed["msg"])


def test_one_that_is_being_deleted_is_waited_for() -> None:
    api = FakeApi(delete_seconds=20)
    old = api.make("web-01")
    api.account.delete_instance(old["id"], Key())
    result = run_fleet(api, webs(2))
    assert result["created"] == ["web-01", "web-02"]
    assert names(api) == ["web-01", "web-02"]


# --- Prune -------------------------------------------------------------------------------------------------------------


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
    assert not api.writes()


def test_what_is_gone_already_counts_as_deleted() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("DELETE", "/instances/inst_00000001", lost_after)
    assert run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=1)["deleted"] == ["web-01"]


# --- Replacements ------------------------------------------------------------------------------------------------------


def watched(api: FakeApi) -> list[int]:
    """How many of the instances were not running at each creation, the new one left out."""
    down: list[int] = []
    original = api.account.create_instance

    def create(*args: Any) -> dict[str, Any]:
        running = sum(item["status"] == "running" for item in api.account.state()["instances"])
        down.append(running)
        return original(*args)

    api.account.create_instance = create  # type: ignore[method-assign]
    return down


@pytest.mark.parametrize(("max_unavailable", "wait"), [(1, True), (2, True), (2, False), (5, True)])
def test_so_many_are_replaced_at_a_time(max_unavailable: int, wait: bool) -> None:
    api = FakeApi(boot_seconds=30, delete_seconds=3)
    for number in range(1, 6):
        api.make(f"web-{number:02}")
    running = watched(api)
    result = run_fleet(api, webs(5, region="eu-west"), recreate=True, max_unavailable=max_unavailable, wait=wait)
    assert not result.get("failed"), result
    assert result["recreated"] == [f"web-{number:02}" for number in range(1, 6)]
    assert min(running) == 5 - max_unavailable
    assert {item["region"] for item in api.account.state()["instances"]} == {"eu-west"}


def test_the_first_batch_that_does_not_come_up_ends_it() -> None:
    api = FakeApi()
    for number in range(1, 7):
        api.make(f"web-{number:02}")
    api.settings.failing = ["web-03"]
    result = run_fleet(api, webs(6, region="eu-west"), recreate=True, max_unavailable=2)
    assert result["recreated"] == ["web-01", "web-02", "web-03", "web-04"]
    assert [item["name"] for item in result["failed_instances"]] == ["web-03", "web-05", "web-06"]
    assert "the batch before it did not come up" in result["failed_instances"][1]["msg"]
    untouched = {item["name"]: item["region"] for item in api.account.state()["instances"] if item["name"] in ("web-05", "web-06")}
    assert untouched == {"web-05": "us-east", "web-06": "us-east"}


def test_what_is_of_no_use_is_replaced_first() -> None:
    api = FakeApi(boot_seconds=0)
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    api.account.set_status("inst_00000003", "failed")
    run_fleet(api, webs(3, region="eu-west"), recreate=True)
    assert [call[1][-1] for call in api.calls if call[0] == "DELETE"] == ["3", "1", "2"]


def test_a_replacement_that_can_not_be_made_says_that_the_old_one_is_gone() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil(*POST, lambda right: answer(422, {"error": {"message": "Quota."}}))
    result = run_fleet(api, webs(1, region="eu-west"), recreate=True)
    assert "Quota. The old instance web-01 (inst_00000001) has been deleted to make room for it." in result["msg"]
    assert (result["deleted"], result["recreated"], result["instances"]) == (["web-01"], [], [])


def test_what_was_deleted_gets_its_successor_though_the_time_is_over() -> None:
    api = FakeApi(delete_seconds=59)
    for number in (1, 2):
        api.make(f"web-{number:02}")

    def slow(right: Right) -> Answer:
        api.clock.time += 2
        return right()

    api.spoil("GET", "/instances/inst_00000001", slow, times=100)
    result = run_fleet(api, webs(2, region="eu-west"), recreate=True, wait_timeout=60)
    assert (result["recreated"], names(api)) == (["web-01"], ["web-01", "web-02"])
    assert [item["msg"][:28] for item in result["failed_instances"]] == ["The instance web-01 (inst_00", "Not replaced, because the ba"]


@pytest.mark.parametrize("recreate", [True, False])
def test_without_patch(recreate: bool) -> None:
    api = FakeApi()
    for number in (1, 2):
        api.make(f"web-{number:02}")
    for number in (1, 2):
        api.spoil("PATCH", f"/instances/inst_{number:08x}", lambda right: answer(405))
    result = run_fleet(api, webs(2, plan="enterprise"), recreate=recreate)
    assert result["recreated"] == (["web-01", "web-02"] if recreate else [])
    if not recreate:
        assert "the API does not offer PATCH" in result["failed_instances"][0]["msg"]


# --- Check mode, diff, approval ----------------------------------------------------------------------------------------

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
    assert diff["before"] == "web-01: plan='pro\\nfessional' region=us-east\n"
    assert diff["after"] == "web-01: plan=starter region=us-east (plan was 'pro\\nfessional')\n"
    lines: list[str] = []
    api.account.set_status("inst_00000001", "odd\n" + "x" * 1000)
    result = run_fleet(api, [{"name": "web-01", "id": "inst_00000001"}], wait_timeout=20, show=lines.append)
    assert len(lines[0]) < 250
    assert lines[0].startswith("web-01 odd?xxx")
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


# --- Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"instances": [web(1), web(2), web(1)]}, "instances: expected each name once, got web-01 in instances[0] and in instances[2]."),
        ({"instances": [web(1, id="i1"), web(2, id="i1")]}, "instances: expected each id once, got i1 in instances[0] and in instances[1]."),
        ({"instances": [web(1), web(2, plan=None)]}, "instances[1].plan: is required, unless id says"),
        ({"instances": [web(1, region=None)]}, "instances[0].region: is required, unless id says"),
        ({"instances": [web(1, name="")]}, "instances[0].name: expected a text that is not empty."),
        ({"instances": [web(1, id="a/b")]}, "instances[0].id: expected an id as the API shows it"),
        ({"instances": [web(1, ssh_keys=["hello"])]}, "instances[0].ssh_keys: element 1 is no OpenSSH public key"),
        ({"instances": [web(1, auto_scale={"cpu_threshold": 140})]}, "instances[0].auto_scale.cpu_threshold: expected a whole number from 1 to 100"),
        ({"prune": True}, "name_prefix: is required with prune=true"),
        ({"prune": True, "name_prefix": ""}, "name_prefix: expected a text that is not empty."),
        ({"prune_pattern": "("}, "prune_pattern: expected a regular expression"),
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


# --- In parallel -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [2, 8])
def test_so_many_requests_are_under_way_at_a_time(concurrency: int) -> None:
    barrier = threading.Barrier(concurrency)
    most, now, lock = 0, 0, threading.Lock()

    def work(number: int) -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait(timeout=30)  # nobody passes before so many are here
        with lock:
            now -= 1

    done: list[int] = []
    in_parallel(range(concurrency * 5), lambda number: (work(number), done.append(number))[0], concurrency, threading.Event(), lambda: None)
    assert (most, sorted(done)) == (concurrency, list(range(concurrency * 5)))


def test_a_fault_in_one_thread_reaches_the_caller_and_begins_nothing_more() -> None:
    def work(number: int) -> None:
        if number == 3:
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        in_parallel(range(1000), work, 4, threading.Event(), lambda: None)


def test_an_interruption_begins_nothing_more() -> None:
    begun: list[int] = []
    goes_on = threading.Event()
    stop = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        goes_on.wait(timeout=30)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(range(100), work, 4, stop, interrupted)
    goes_on.set()
    assert stop.is_set()
    assert len(begun) == 4


def test_a_fleet_in_parallel_with_lost_answers() -> None:
    api = FakeApi(boot_seconds=0)
    for _time in range(10):
        api.spoil(*POST, lost_after)
        api.spoil(*POST, lost_before)
        api.spoil(*POST, lambda right: answer(429, {}, {"Retry-After": "1"}))
    result = run_fleet(api, webs(100), concurrency=8)
    assert not result.get("failed"), result["msg"]
    assert len(result["created"]) == len(names(api)) == len(set(names(api))) == 100


@pytest.mark.parametrize("effect", [True, False])
def test_an_interruption_says_what_was_made_and_what_was_under_way(effect: bool) -> None:
    api = FakeApi()

    def interrupted(right: Right) -> Answer:
        if effect:
            right()
        raise KeyboardInterrupt

    api.script[4] = interrupted
    warnings: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_fleet(api, webs(10), warnings=warnings)
    assert warnings == [
        "Interrupted. These 3 instances were created: web-01 (inst_00000001), web-02 (inst_00000002), web-03 (inst_00000003). "
        "The creation of web-04 was under way, and may or may not have had its effect. The same task again finds what there is, and goes on from there."
    ]
    assert run_fleet(api, webs(10))["failed_instances"] == []
    assert len(names(api)) == 10


# --- Progress ----------------------------------------------------------------------------------------------------------


def test_progress_is_told_now_and_then() -> None:
    api = FakeApi(boot_seconds=40)
    lines: list[str] = []
    times: list[float] = []

    def show(line: str) -> None:
        lines.append(line)
        times.append(api.clock.time)

    api.make("web-01")
    api.account.set_status("inst_00000001", "running")
    assert not run_fleet(api, webs(12), show=show).get("failed")
    assert all(re.fullmatch(r"0 of 11 running, 11 provisioning, \d+ s", line) for line in lines)
    assert len(lines) >= 3
    assert times[0] - 1000 >= INTERVAL
    assert min(after - before for before, after in itertools.pairwise(times)) >= INTERVAL


def test_progress_of_replacements() -> None:
    api = FakeApi(boot_seconds=20)
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    lines: list[str] = []
    run_fleet(api, webs(3, region="eu-west"), recreate=True, show=lines.append)
    told = [line.rpartition(",")[0] for line in lines]
    assert sorted(set(told)) == [f"{number} of 3 replaced; web-{number + 1:02} provisioning" for number in (0, 1, 2)]


def test_a_short_task_tells_nothing() -> None:
    lines: list[str] = []
    run_fleet(FakeApi(boot_seconds=2), webs(3), show=lines.append)
    assert not lines


def test_progress_holds_no_secret() -> None:
    api = FakeApi(boot_seconds=40)
    lines: list[str] = []
    run_fleet(api, [{**web(1), "name": f"web-{API_KEY}"}], show=lines.append)
    assert lines
    assert API_KEY not in "".join(lines)


def test_writes_that_take_their_time_are_told() -> None:
    api = FakeApi(boot_seconds=0)

    def slow(right: Right) -> Answer:
        api.clock.time += 2
        return right()

    api.spoil(*POST, slow, times=10)
    lines: list[str] = []
    run_fleet(api, webs(10), show=lines.append)
    assert lines[0] == "3 of 10 created, 6 s"


def test_an_api_that_can_not_be_reached_ends_it() -> None:
    api = FakeApi()

    def not_sent(right: Right) -> Answer:
        raise NotSent("Connection refused.")

    api.spoil(*POST, not_sent, times=1000)
    result = run_fleet(api, webs(50))
    assert posts(api) == 6
    assert "Nothing was sent, because the API would not have taken it: POST /instances: Connection refused." in result["failed_instances"][1]["msg"]

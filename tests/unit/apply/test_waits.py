# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits: until an instance is up, or gone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response

from tests.emulator.settings import Key

from ..fake_api import FakeApi, answer
from ..operations.runs import WEB, names, run_fleet, run_instance, webs
from ..spoilers import LIST, POST, Right, lost_before


def test_the_wait_has_one_deadline() -> None:
    api = FakeApi(boot_seconds=10_000)
    result = run_instance(api, **WEB, wait_timeout=120)
    assert "is not up after 120 s (wait_timeout); its last status is 'provisioning'. It exists" in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["id"]) == (True, "create", "inst_00000001")
    assert api.clock.now() - 1000 == pytest.approx(120, abs=1)


def test_a_wait_bears_faults_within_its_deadline() -> None:
    api = FakeApi(boot_seconds=30)
    api.spoil("GET", "/instances/inst_00000001", lost_before, times=3)
    assert run_instance(api, **WEB)["instance"]["status"] == "running"


def test_a_wait_ends_when_the_api_stays_away() -> None:
    api = FakeApi(boot_seconds=30)
    api.spoil("GET", "/instances/inst_00000001", lost_before, times=999)
    result = run_instance(api, **WEB, wait_timeout=60)
    assert result["failed"]
    assert (result["action"], result["instance"]["id"]) == ("create", "inst_00000001")
    assert api.clock.now() - 1000 < 70


def test_no_wait() -> None:
    api = FakeApi()
    assert run_instance(api, **WEB, wait=False)["instance"]["status"] == "provisioning"
    assert api.calls == [LIST, POST, LIST]


def test_an_instance_that_still_boots_is_awaited_by_the_next_run() -> None:
    api = FakeApi()
    run_instance(api, **WEB, wait=False)
    result = run_instance(api, **WEB)
    assert (result["changed"], result["instance"]["status"]) == (False, "running")


@pytest.mark.parametrize("status", ["failed", "error"])
def test_an_instance_that_fails_to_boot(status: str) -> None:
    api = FakeApi(failing=["web"])
    result = run_instance(api, **WEB)
    assert "does not come up: its status is 'failed'" in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["status"]) == (True, "create", "failed")
    api.account.set_status("inst_00000001", status)
    result = run_instance(api, **WEB)
    assert f"does not come up: its status is '{status}'. recreate=true" in result["msg"]
    assert (result["changed"], result["action"]) == (False, "none")
    api.settings.failing.clear()
    result = run_instance(api, **WEB, recreate=True)
    assert (result["action"], result["instance"]["id"], result["instance"]["status"]) == ("recreate", "inst_00000002", "running")


def test_a_new_instance_may_be_missing_for_a_moment() -> None:
    api = FakeApi()
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(404), times=2)
    assert run_instance(api, **WEB)["instance"]["status"] == "running"


def test_an_instance_that_vanishes_while_it_boots() -> None:
    api = FakeApi()
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(404), times=99)
    result = run_instance(api, **WEB)
    assert "is gone: the API no longer shows it" in result["msg"]
    assert api.clock.now() - 1000 < 40


def test_an_update_that_the_api_takes_its_time_for() -> None:
    api = FakeApi()
    old = api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(200, old), times=2)
    assert run_instance(api, **{**WEB, "plan": "enterprise"})["instance"]["plan"] == "enterprise"


def test_a_deletion_that_does_not_end() -> None:
    api = FakeApi(delete_seconds=10_000)
    api.make("web-01")
    result = run_instance(api, name="web-01", state="absent", wait_timeout=60)
    assert "was deleted, but the API still shows it after 60 s (wait_timeout); its last status is 'deleting'" in result["msg"]
    assert (result["changed"], result["action"]) == (True, "delete")
    assert run_instance(api, name="web-01", state="absent", wait=False)["action"] == "none"


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


def test_updates_in_place_are_read_again() -> None:
    api = FakeApi()
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    result = run_fleet(api, webs(3, plan="enterprise"))
    assert result["updated"] == ["web-01", "web-02", "web-03"]
    assert {item["plan"] for item in result["instances"]} == {"enterprise"}
    assert api.calls[-1] == LIST


def test_one_that_is_being_deleted_is_waited_for() -> None:
    api = FakeApi(delete_seconds=20)
    old = api.make("web-01")
    api.account.delete_instance(old["id"], Key())
    result = run_fleet(api, webs(2))
    assert result["created"] == ["web-01", "web-02"]
    assert names(api) == ["web-01", "web-02"]


ONE = ("GET", "/instances/inst_00000001")


def enterprise_without_a_wait(api: FakeApi) -> dict[str, Any]:
    return run_instance(api, **{**WEB, "plan": "enterprise"}, wait=False)


def test_an_update_without_a_wait_returns_what_the_api_shows() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("PATCH", ONE[1], lambda right: (right(), api.account.set_status("inst_00000001", "resizing"))[0])
    result = enterprise_without_a_wait(api)
    assert (result["action"], result["instance"]["plan"], result["instance"]["status"]) == ("update", "enterprise", "resizing")


@pytest.mark.parametrize(("status", "failed"), [(418, True), (404, False)])
def test_an_update_that_can_not_be_read_again(status: int, failed: bool) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil(*ONE, lambda right: answer(status))
    result = enterprise_without_a_wait(api)
    assert (result.get("failed", False), result["changed"], result["action"]) == (failed, True, "update")
    assert not failed or result["msg"].startswith("GET /instances/inst_00000001: the API returned 418")


@pytest.mark.parametrize("given", [{"state": "absent"}, {"region": "eu-west", "recreate": True}])
def test_a_deletion_that_can_not_be_watched(given: dict[str, Any]) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil(*ONE, lambda right: answer(418))
    result = run_instance(api, **{**WEB, **given})
    assert (result["failed"], result["changed"], result["action"]) == (True, True, "delete")
    assert result["msg"].startswith("GET /instances/inst_00000001: the API returned 418")
    assert POST not in api.calls


def test_an_old_instance_that_the_list_lacks_is_not_gone() -> None:
    """The list may lag or shift. Two of one name would be ambiguous."""
    api = FakeApi(delete_seconds=10, boot_seconds=0)
    for number in (1, 2):
        api.make(f"web-{number:02}")
        api.spoil("DELETE", f"/instances/inst_{number:08x}", lambda right: (right(), api.spoil(*LIST, empty_list))[0])
    before_each: list[list[str]] = []
    api.spoil(*POST, lambda right: (before_each.append(names(api)), right())[1], times=2)
    result = run_fleet(api, webs(2, region="eu-west"), recreate=True, max_unavailable=2)
    assert (result["recreated"], before_each) == (["web-01", "web-02"], [[], ["web-01"]])


def empty_list(_right: Right) -> Response:
    return answer(200, {"items": [], "pagination": {"next_page": None, "total_count": 0}})


def test_one_that_stays_does_not_hide_that_the_other_is_gone() -> None:
    api = FakeApi(page_size=1)
    stays = {**api.make("web-01"), "status": "deleting"}
    api.make("web-02")
    api.spoil(*ONE, lambda right: answer(200, stays), times=100)
    result = run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=2, wait_timeout=20)
    assert (result["deleted"], [item["name"] for item in result["failed_instances"]]) == (["web-01", "web-02"], ["web-01"])


@pytest.mark.parametrize(("seconds", "message"), [(0, "GET /instances: the API returned 418"), (40, "is not up after 30 s (wait_timeout)")])
def test_a_wait_by_a_list_that_can_not_be_read(seconds: int, message: str) -> None:
    """A refusal is told at once. If the time is over by then, that is what there is to tell."""
    api = FakeApi(boot_seconds=100)

    def refused(right: Right) -> Response:
        api.clock.time += seconds
        return answer(418)

    api.spoil(*POST, lambda right: (right(), api.spoil(*LIST, refused, times=99))[0])
    result = run_fleet(api, webs(3), wait_timeout=30)
    assert result["created"] == ["web-01", "web-02", "web-03"]
    assert [message in item["msg"] for item in result["failed_instances"]] == [True] * 3


def test_one_that_is_being_deleted_is_waited_for_by_its_id_too() -> None:
    """The one that stays gets the name only after the other one has gone."""
    api = FakeApi(delete_seconds=20)
    old, other = api.make("web-01"), api.make("web-02")
    api.account.delete_instance(old["id"], Key())
    result = run_fleet(api, [{"name": "web-01", "id": other["id"]}])
    assert (result["updated"], names(api)) == (["web-01"], ["web-01"])
    assert api.clock.now() - 1000 >= 20


def test_a_wait_names_the_change_that_the_api_does_not_show() -> None:
    api = FakeApi()
    old = api.make("web-01")
    api.spoil(*ONE, lambda right: answer(200, old), times=100)
    result = run_instance(api, **{**WEB, "plan": "enterprise"}, wait_timeout=20)
    assert "its last status is 'running', and the API does not show the change of plan. It exists" in result["msg"]
    assert (result["changed"], result["action"]) == (True, "update")


def test_a_wait_by_a_list_that_contradicts_itself_reads_each_instance() -> None:
    api = FakeApi(boot_seconds=5)

    def contradiction(right: Right) -> Response:
        return answer(200, {**json.loads(right().body), "pagination": {"total_count": 99}})

    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
        api.account.set_status(f"inst_{number:08x}", "resizing")
    api.script[1] = api.script[2] = api.script[3] = contradiction
    api.script[4] = lambda right: ([api.account.set_status(f"inst_{number:08x}", "running") for number in (1, 2, 3)], right())[1]
    result = run_fleet(api, webs(3))
    assert (result.get("msg"), [item["status"] for item in result["instances"]]) == (None, ["running"] * 3)


@pytest.mark.parametrize("wait", [True, False])
def test_a_name_is_taken_over_only_after_the_one_that_has_it_is_gone(wait: bool) -> None:
    api = FakeApi(delete_seconds=20)
    first, second = api.make("web-01"), api.make("web-02")
    api.account.delete_instance(second["id"], Key())
    before: list[list[str]] = []
    api.spoil("PATCH", ONE[1], lambda right: (before.append(names(api)), right())[1])
    assert run_fleet(api, [{"name": "web-02", "id": first["id"]}], wait=wait)["updated"] == ["web-02"]
    assert before == [["web-01"]]


def test_a_task_waits_for_a_slow_rate_as_long_as_it_may() -> None:
    """The attempts of one request would have ended after 30 seconds."""
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lambda right: answer(429, None, {"Retry-After": "20"}), times=3)
    assert run_instance(api, **WEB, api_retries=0, wait_timeout=100)["action"] == "create"
    api.spoil(*POST, lambda right: answer(429, None, {"Retry-After": "20"}), times=9)
    result = run_instance(api, **{**WEB, "name": "web-02"}, api_retries=0, wait_timeout=50)
    assert "It asked for a pause of 20 s, which is longer than this task may take." in result["msg"]

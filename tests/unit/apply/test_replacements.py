# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacements: deleted first, then created, a batch at a time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response

from ..fake_api import FakeApi, answer
from ..operations.runs import WEB, names, run_fleet, run_instance, web, webs
from ..spoilers import POST, Right


def test_another_region_takes_a_new_one() -> None:
    api = FakeApi(delete_seconds=8.0)
    api.make("web-01")
    wanted = {**WEB, "region": "eu-west"}
    result = run_instance(api, **wanted)
    assert "region is 'us-east', wanted is 'eu-west'" in result["msg"]
    assert result["instance"]["id"] == "inst_00000001"
    assert not api.writes()
    result = run_instance(api, **wanted, recreate=True)
    assert (result["action"], result["instance"]["region"], result["instance"]["status"]) == ("recreate", "eu-west", "running")
    assert api.writes() == [("DELETE", "/instances/inst_00000001"), POST]
    # The old one was gone before the new one was made.
    assert len(api.account.state()["instances"]) == 1


def test_a_creation_that_is_refused_after_the_deletion() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil(*POST, lambda right: answer(422, {"message": "Sold out."}))
    result = run_instance(api, **{**WEB, "region": "eu-west"}, recreate=True)
    assert "Sold out. The old instance web-01 (inst_00000001) has been deleted to make room for it." in result["msg"]
    assert (result["changed"], result["action"], result["instance"]) == (True, "delete", None)


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

    def slow(right: Right) -> Response:
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

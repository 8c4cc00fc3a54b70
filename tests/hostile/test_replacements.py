# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is deleted unless its replacement can be created, and no instance is meant twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .api import Habits, Json
from .server import LOST, NOT_HANDLED
from .world import WEB, World

# --- A PATCH that is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(404, "plan_not_found"), (404, "not_found"), (400, "plan_sold_out"), (409, "busy"), (422, "not_valid")])
def test_a_refused_change_is_no_reason_to_delete(status: int, code: str) -> None:
    with World(Habits(patch=(status, code))) as world:
        existing = world.api.put()
        for result in (
            world.instance(**{**WEB, "plan": "enterprise"}, recreate=True),
            world.fleet([{**WEB, "plan": "enterprise"}], recreate=True),
        ):
            assert result["failed"]
            assert code.replace("_", " ") in result["msg"]
        assert list(world.api.instances()) == [existing]
        assert not world.api.deleted


@pytest.mark.parametrize("status", [405, 501])
def test_a_change_that_the_api_does_not_offer_is_a_replacement_with_leave(status: int) -> None:
    with World(Habits(patch=(status, "not_offered"))) as world:
        existing = world.api.put()
        assert world.instance(**{**WEB, "plan": "enterprise"})["failed"]
        assert not world.api.deleted
        result = world.instance(**{**WEB, "plan": "enterprise"}, recreate=True)
        assert result["action"] == "recreate"
        assert world.api.deleted == [existing]


# --- Members that resolve to one instance ------------------------------------------------------------------------------


def check_and_run_agree(world: World, fleet: list[Json], **options: Any) -> Json:
    """The result of the run. A refusal writes nothing."""
    predicted = world.fleet(fleet, check_mode=True, **options)
    assert not world.api.writes()
    result = world.fleet(fleet, **options)
    assert predicted.get("failed", False) == result.get("failed", False)
    if result.get("failed"):
        assert not world.api.writes(), "refused before anything was changed"
    else:
        for key in ("created", "updated", "recreated", "deleted", "unchanged"):
            assert predicted[key] == result[key], key
    return result


@pytest.mark.parametrize("region", ["us-east", "eu-west"])
@pytest.mark.parametrize("turned", [False, True])
def test_two_members_that_are_one_instance_are_refused(region: str, turned: bool) -> None:
    with World() as world:
        existing = world.api.put("web-01")
        fleet = [{**WEB, "id": existing, "name": "web-02"}, {**WEB, "name": "web-01", "region": region}]
        assert check_and_run_agree(world, fleet[::-1] if turned else fleet, recreate=True)["failed"]
        assert list(world.api.instances()) == [existing]


@pytest.mark.parametrize("turned", [False, True])
def test_names_that_are_swapped_are_swapped_or_refused(turned: bool) -> None:
    with World() as world:
        one, two = world.api.put("web-01"), world.api.put("web-02")
        fleet = [{"id": one, "name": "web-02"}, {"id": two, "name": "web-01"}]
        result = check_and_run_agree(world, fleet[::-1] if turned else fleet)
        names = {instance_id: item["name"] for instance_id, item in world.api.instances().items()}
        assert names == ({one: "web-01", two: "web-02"} if result.get("failed") else {one: "web-02", two: "web-01"})


def test_a_rename_onto_a_name_that_another_member_gives_up_is_done_or_refused() -> None:
    with World() as world:
        one, two = world.api.put("web-01"), world.api.put("web-02")
        result = check_and_run_agree(world, [{"id": one, "name": "web-02"}, {"id": two, "name": "web-03"}])
        names = sorted(item["name"] for item in world.api.instances().values())
        assert names == (["web-01", "web-02"] if result.get("failed") else ["web-02", "web-03"])


def test_a_rename_onto_an_instance_that_is_pruned_is_done_or_refused() -> None:
    with World() as world:
        one, two = world.api.put("web-01"), world.api.put("web-02")
        result = check_and_run_agree(world, [{"id": one, "name": "web-02"}], name_prefix="web-", prune=True, max_deletions=1)
        names = {instance_id: item["name"] for instance_id, item in world.api.instances().items()}
        assert names == ({one: "web-01", two: "web-02"} if result.get("failed") else {one: "web-02"})


RENAMES: dict[str, Callable[[World, str, bool], Json]] = {
    "instance": lambda world, existing, check: world.instance(id=existing, name="web-02", check_mode=check, wait_timeout=60),
    "fleet": lambda world, existing, check: world.fleet([{"id": existing, "name": "web-02"}], check_mode=check, wait_timeout=60),
}


@pytest.mark.parametrize("deletes_in", [20, 600])
def test_instance_and_fleet_agree_on_a_rename_onto_one_that_is_being_deleted(deletes_in: float) -> None:
    refused: dict[str, bool] = {}
    for way, rename in RENAMES.items():
        for check_mode in (True, False):
            with World(Habits(deletes_in=deletes_in)) as world:
                existing = world.api.put("web-01")
                world.api.put("web-02", status="deleting")
                result = rename(world, existing, check_mode)
                # That it takes too long can't be predicted.
                refused[f"{way}, check mode {check_mode}"] = bool(result.get("failed")) and "wait_timeout" not in result["msg"]
                assert not result.get("failed") or not world.api.deleted
    assert len(set(refused.values())) == 1, refused


@pytest.mark.parametrize("way", list(RENAMES))
def test_a_rename_onto_a_name_that_is_taken_is_refused_in_check_mode_too(way: str) -> None:
    with World() as world:
        existing = world.api.put("web-01")
        world.api.put("web-02")
        for check_mode in (True, False):
            assert RENAMES[way](world, existing, check_mode)["failed"]
        assert not world.api.writes()


# --- Lost responses in the middle --------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["direct", "forward", "connect"])
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_replacement_whose_response_is_lost_leaves_one(route: str, end: str, method: str) -> None:
    with World(Habits(deletes_in=3), route) as world:  # type: ignore[arg-type]
        old = world.api.put(region="eu-west")
        world.faults.add(method, "/instances" if method == "POST" else f"/instances/{old}", LOST[end])
        result = world.instance(**WEB, recreate=True)
        assert (result["action"], len(world.api.creates())) == ("recreate", 1)
        assert list(world.api.instances()) == [result["instance"]["id"]]


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_deletion_that_had_no_effect_is_repeated(end: str) -> None:
    with World() as world:
        existing = world.api.put()
        world.faults.add("DELETE", f"/instances/{existing}", NOT_HANDLED[end])
        assert world.instance(name="web-01", state="absent")["action"] == "delete"
        assert not world.api.instances()

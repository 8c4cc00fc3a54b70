# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A success status proves that an instance exists, whatever the body and the list show of it: nothing creates a second one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .api import Habits, Json, normalized
from .server import LOST
from .world import WEB, World

POST, LIST = ("POST", "/instances"), ("GET", "/instances")

#: How an API may say that it has created something.
CREATED = {
    "201, all of it": Habits(created=201),
    "200, all of it": Habits(created=200),
    "202, all of it": Habits(created=202),
    "202, id and status": Habits(created=202, created_body="id and status"),
    "201 in data": Habits(created_body="data"),
    "200 in instance": Habits(created=200, created_body="instance"),
    "201, Location": Habits(created_body="empty", location=True),
    "202, Location": Habits(created=202, created_body="empty", location=True),
    "204, Location": Habits(created=204, created_body="empty", location=True),
    "204": Habits(created=204, created_body="empty"),
    "202, nothing": Habits(created=202, created_body="empty"),
}
of_each_habit = pytest.mark.parametrize("habits", CREATED.values(), ids=list(CREATED))
of_each_lag = pytest.mark.parametrize("lag", [0, 8, 25])


def says_that_it_exists(text: str, name: str) -> bool:
    """If nothing gives its id, the name must do."""
    return name in text and ("exist" in text or "has created" in text)


def has_one_or_names_it(world: World, result: Json) -> None:
    """One instance exists, and the result is it, or says that it exists."""
    assert len(world.api.creates()) == 1
    (only,) = world.api.instances()
    if result.get("failed"):
        assert only in result["msg"] or says_that_it_exists(result["msg"], WEB["name"])
    else:
        assert (result["changed"], result["action"], result["instance"]["id"]) == (True, "create", only)
        assert result["instance"]["status"] == "running"


@of_each_habit
@of_each_lag
def test_any_success_is_one_instance(habits: Habits, lag: float) -> None:
    with World(replace(habits, list_lag=lag)) as world:
        has_one_or_names_it(world, world.instance(**WEB))
        world.settle()
        again = world.instance(**WEB)
        assert (again["changed"], again["instance"]["id"]) == (False, *world.api.instances())
        assert len(world.api.creates()) == 1


@of_each_habit
def test_a_body_or_a_location_that_names_the_instance_is_believed(habits: Habits) -> None:
    """However long the list lags: the id is known."""
    with World(replace(habits, list_lag=600)) as world:
        result = world.instance(**WEB)
        has_one_or_names_it(world, result)
        if habits.created_body != "empty" or habits.location:
            assert not result.get("failed"), result["msg"]


@of_each_habit
def test_any_success_is_one_instance_without_unique_names_too(habits: Habits) -> None:
    with World(habits) as world:
        has_one_or_names_it(world, world.instance(**WEB, unique_name=False))


@of_each_habit
@of_each_lag
def test_any_success_is_one_instance_for_each_member_of_a_fleet(habits: Habits, lag: float) -> None:
    names = ["web-01", "web-02", "web-03"]
    fleet = [{**WEB, "name": name} for name in names]
    with World(replace(habits, list_lag=lag)) as world:
        result = world.fleet(fleet)
        assert len(world.api.creates()) == 3
        assert sorted(world.api.made()) == names
        told = [item["name"] for item in result["instances"]]
        told += [item["name"] for item in result["failed_instances"] if says_that_it_exists(item["msg"], item["name"])]
        assert sorted(told) == names
        world.settle()
        again = world.fleet(fleet)
        assert (again["changed"], again.get("failed", False)) == (False, False)
        assert len(world.api.creates()) == 3


@of_each_habit
def test_any_success_replaces_one_instance_by_one(habits: Habits) -> None:
    with World(replace(habits, list_lag=8)) as world:
        old = world.api.put(region="eu-west")
        result = world.instance(**WEB, recreate=True)
        assert world.api.deleted == [old]
        assert len(world.api.creates()) == 1
        (new,) = world.api.instances()
        assert new in str(result) or says_that_it_exists(result["msg"], WEB["name"])


# --- Names that the API changes ----------------------------------------------------------------------------------------

NAMES = [("lower", "Web-01"), ("cut", "w" * 70), ("NFC", "cafe\u0301-01")]
with_another_name = pytest.mark.parametrize(("habit", "name"), NAMES, ids=[habit for habit, _name in NAMES])


@with_another_name
@pytest.mark.parametrize("body", ["whole", "id and status", "data", "empty"])
@pytest.mark.parametrize("lists_names_as_sent", [False, True])
def test_a_name_that_the_api_changes_is_created_once(habit: str, name: str, body: str, lists_names_as_sent: bool) -> None:
    wanted = {**WEB, "name": name}
    with World(Habits(names=habit, created_body=body, lists_names_as_sent=lists_names_as_sent)) as world:  # type: ignore[arg-type]
        result = world.instance(**wanted)
        (only,) = world.api.instances()
        if not lists_names_as_sent:
            assert result["failed"], "the second run would not find it"
        if result.get("failed"):
            shown = normalized(name, world.api.habits)
            assert (only in result["msg"] and shown in result["msg"]) or (body == "empty" and says_that_it_exists(result["msg"], name))
            assert result["changed"]
        for check_mode in (True, False, False):
            world.settle()
            again = world.instance(**wanted, check_mode=check_mode)
            assert again.get("failed") or again["changed"] is False
            assert not lists_names_as_sent or not again.get("failed")
        assert len(world.api.creates()) == 1


@with_another_name
def test_a_name_that_is_taken_but_for_its_form_is_refused_before_a_create(habit: str, name: str) -> None:
    wanted = {**WEB, "name": name}
    with World() as world:
        existing = world.api.put(normalized(name, Habits(names=habit)))  # type: ignore[arg-type]
        for check_mode in (True, False):
            for result in (world.instance(**wanted, check_mode=check_mode), world.fleet([wanted], check_mode=check_mode)):
                assert result["failed"]
                assert existing in result["msg"]
        assert not world.api.writes()


@with_another_name
def test_a_fleet_with_a_name_that_the_api_changes_creates_each_once(habit: str, name: str) -> None:
    fleet = [{**WEB, "name": name}, {**WEB, "name": "db-01"}]
    with World(Habits(names=habit)) as world:  # type: ignore[arg-type]
        result = world.fleet(fleet)
        assert result["failed"]
        assert all(instance_id in str(result) for instance_id in world.api.instances())
        for check_mode in (True, False):
            assert world.fleet(fleet, check_mode=check_mode)["failed"]
        assert len(world.api.creates()) == len(world.api.instances()) == 2


@with_another_name
@pytest.mark.parametrize("as_fleet", [False, True])
def test_a_lost_create_whose_name_the_api_changes_is_not_repeated(habit: str, name: str, as_fleet: bool) -> None:
    """The list shows a new instance that differs from what was asked for by its name's form alone."""
    wanted = {**WEB, "name": name}
    with World(Habits(names=habit, list_lag=8)) as world:  # type: ignore[arg-type]
        world.faults.add(*POST, LOST["close"])
        result = world.fleet([wanted]) if as_fleet else world.instance(**wanted)
        assert len(world.api.creates()) == 1
        assert result["failed"]
        assert all(instance_id in result["msg"] for instance_id in world.api.instances())


@with_another_name
def test_absent_does_not_say_that_nothing_is_there_if_the_api_has_changed_the_name(habit: str, name: str) -> None:
    """Its list shows the instance under another name: it is deleted, or the task fails and names it."""
    with World(Habits(names=habit)) as world:  # type: ignore[arg-type]
        world.instance(**{**WEB, "name": name})
        (only,) = world.api.instances()
        result = world.instance(name=name, state="absent")
        assert (result.get("failed") and only in result["msg"]) or not world.api.instances()


def test_two_members_that_the_api_would_call_the_same_are_refused() -> None:
    fleet = [{**WEB, "name": "web-01"}, {**WEB, "name": "Web-01"}]
    with World(Habits(names="lower")) as world:
        assert world.fleet(fleet, check_mode=True)["failed"]
        assert world.fleet(fleet)["failed"]
        assert len(world.api.instances()) < 2


@with_another_name
def test_a_rename_to_a_name_that_the_api_changes_says_so(habit: str, name: str) -> None:
    with World(Habits(names=habit)) as world:  # type: ignore[arg-type]
        existing = world.api.put()
        result = world.instance(id=existing, name=name, wait_timeout=30)
        assert result["failed"]
        assert existing in str(result)
        assert not world.api.creates()

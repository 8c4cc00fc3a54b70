# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A create whose response is lost is adopted and never repeated, whatever stands between the collection and the API."""

from __future__ import annotations

import pytest

from .api import Habits
from .clock import SkippingClock
from .server import BROKEN, LOST, NOT_HANDLED, Fault
from .world import ROUTES, WEB, Route, World, webs

POST, LIST = ("POST", "/instances"), ("GET", "/instances")

through = pytest.mark.parametrize("route", ROUTES)
ending = pytest.mark.parametrize("end", list(LOST))


@through
@ending
@pytest.mark.parametrize("lag", [0, 4, 20])
def test_a_lost_create_is_found_in_the_list(route: Route, end: str, lag: float) -> None:
    with World(Habits(list_lag=lag), route) as world:
        world.faults.add(*POST, LOST[end])
        result = world.instance(**WEB)
        assert len(world.api.creates()) == 1
        (only,) = world.api.instances()
        assert (result["changed"], result["action"], result["instance"]["id"]) == (True, "create", only)


@through
@ending
def test_without_unique_names_a_lost_create_may_exist(route: Route, end: str) -> None:
    with World(route=route) as world:
        world.faults.add(*POST, LOST[end])
        result = world.instance(**WEB, unique_name=False)
        assert len(world.api.creates()) == 1
        assert result["failed"]
        assert "may exist" in result["msg"]


@through
@ending
def test_a_fleet_whose_creates_are_lost_has_each_instance_once(route: Route, end: str) -> None:
    with World(route=route) as world:
        world.faults.add(*POST, LOST[end], times=5)
        result = world.fleet(webs(5))
        assert len(world.api.creates()) == len(world.api.instances()) == 5
        assert sorted(item["id"] for item in result["instances"]) == sorted(world.api.instances())
        assert not result.get("failed")


@through
@ending
def test_a_create_that_had_no_effect_is_repeated_after_a_look(route: Route, end: str) -> None:
    with World(route=route) as world:
        world.server.script.add(*POST, NOT_HANDLED[end])
        began = world.clock.now()
        result = world.instance(**WEB)
        assert world.clock.now() - began >= 30, "a second create costs money, and the list may lag"
        assert len(world.api.instances()) == 1
        assert not result.get("failed")


def test_a_twin_that_appears_late_is_told_if_two_were_sent() -> None:
    """The list doesn't show the first one for longer than the collection looks for it."""
    with World() as world:
        world.api.lags = [33, 0]
        world.faults.add(*POST, LOST["close"])
        result = world.instance(**WEB)
        if len(world.api.creates()) > 1:
            assert result["failed"]
            assert all(instance_id in result["msg"] for instance_id in world.api.instances())
        else:
            assert result.get("failed") or [result["instance"]["id"]] == list(world.api.instances())


def test_a_create_that_the_proxy_sends_twice_is_told() -> None:
    with World(route="forward") as world:
        world.faults.add(*POST, Fault(twice=True))
        result = world.instance(**WEB)
        assert result["failed"]
        assert all(instance_id in result["msg"] for instance_id in world.api.instances())


def test_two_creates_whose_responses_are_swapped_make_no_third() -> None:
    with World(route="forward") as world:
        world.faults.add(*POST, Fault(crossed=True), times=2)
        result = world.fleet(webs(2), concurrency=2)
        assert sorted(world.api.made()) == ["web-01", "web-02"]
        names = {instance_id: item["name"] for instance_id, item in world.api.instances().items()}
        assert all(names[item["id"]] == item["name"] for item in result["instances"])


# --- Refused before anything was sent ----------------------------------------------------------------------------------


class ListensLater(SkippingClock):
    """The first pause is when the API comes up."""

    world: World

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.world.listen()
        super().sleep(seconds)


@through
def test_a_refused_connection_is_tried_again(route: Route) -> None:
    clock = ListensLater()
    with World(route=route, clock=clock, listening=False) as world:
        clock.world = world
        result = world.instance(**WEB)
        assert not result.get("failed")
        assert len(world.api.creates()) == 1


@pytest.mark.parametrize("fault", [Fault(effect=False, sent="nothing", end="close"), Fault(effect=False, sent="nothing", end="reset"), Fault(status=502)])
def test_a_refused_tunnel_is_tried_again(fault: Fault) -> None:
    """No byte of the create has left."""
    with World(route="connect") as world:
        world.faults.add("CONNECT", "", fault)
        # A create without a look is the first request, and needs the first tunnel.
        result = world.instance(**WEB, unique_name=False)
        assert not result.get("failed")
        assert len(world.api.creates()) == 1


@pytest.mark.parametrize("route", ["forward", "connect"])
def test_a_proxy_that_wants_a_password_gets_no_create(route: Route) -> None:
    with World(route=route) as world:
        for method, path in (LIST, ("CONNECT", "")):
            world.faults.add(method, path, Fault(effect=False, status=407), times=20)
        assert world.instance(**WEB)["failed"]
        assert not world.api.seen


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("effect", [False, True])
def test_a_gateway_that_gives_up_is_a_lost_response(status: int, effect: bool) -> None:
    """In both cases the collection can't know."""
    with World(route="direct") as world:
        world.faults.add(*POST, Fault(effect=effect, status=status))
        result = world.instance(**WEB)
        assert len(world.api.instances()) == 1
        assert not result.get("failed")


# --- Broken framing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_response_to_a_create_is_a_lost_one(fault: Fault) -> None:
    with World() as world:
        world.faults.add(*POST, fault)
        result = world.instance(**WEB)
        assert len(world.api.creates()) == 1
        assert [result["instance"]["id"]] == list(world.api.instances())


@pytest.mark.parametrize("fault", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_response_to_a_read_is_read_again(fault: Fault) -> None:
    with World() as world:
        existing = world.api.put()
        world.faults.add(*LIST, fault)
        result = world.instance(**WEB)
        assert (result["changed"], result["instance"]["id"]) == (False, existing)


def test_a_broken_response_hides_nothing_of_a_fleet() -> None:
    with World() as world:
        world.faults.add(*POST, BROKEN["chunk of -5"])
        result = world.fleet(webs(5))
        assert sorted(world.api.made()) == sorted(item["name"] for item in result["instances"]) == [f"web-{number:02}" for number in range(1, 6)]


def test_a_response_that_trickles_is_whole_in_the_end() -> None:
    with World() as world:
        world.faults.add(*POST, Fault(trickle=0.001))
        assert world.instance(**WEB)["action"] == "create"
        assert len(world.api.creates()) == 1


def test_a_response_that_never_ends_is_lost() -> None:
    """Content-Length announces more than comes, and the connection stays open."""
    with World() as world:
        world.faults.add(*POST, Fault(longer=20))
        result = world.instance(**WEB, api_timeout=1)
        assert len(world.api.creates()) == 1
        assert [result["instance"]["id"]] == list(world.api.instances())

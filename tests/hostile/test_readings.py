# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that contradicts itself decides nothing, and no response is taken for another one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import urllib3
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, instance_info

from .api import ALWAYS, Habits, Json
from .server import BROKEN, Fault
from .world import ROUTES, WEB, Route, World, webs

POST, LIST = ("POST", "/instances"), ("GET", "/instances")

#: What reads a list.
READERS: dict[str, Callable[[World, bool], Json]] = {
    "present": lambda world, check: world.instance(**WEB, check_mode=check),
    "present, another plan": lambda world, check: world.instance(**{**WEB, "name": "db-01", "plan": "enterprise"}, check_mode=check),
    "absent": lambda world, check: world.instance(name="web-01", state="absent", check_mode=check),
    "fleet": lambda world, check: world.fleet(webs(2), check_mode=check),
    "fleet with prune": lambda world, check: world.fleet([], name_prefix="db-", prune=True, max_deletions=9, check_mode=check),
    "instance info": lambda world, check: world.run(instance_info.OPERATION, check_mode=check),
    "bucket info": lambda world, check: world.run(bucket_info.OPERATION, check_mode=check),
}
of_each_reader = pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))


@of_each_reader
@pytest.mark.parametrize("page_size", [1, 50])
def test_a_count_that_is_never_right_is_an_error_before_any_write(read: Callable[[World, bool], Json], page_size: int) -> None:
    with World(Habits(miscounts=ALWAYS, page_size=page_size)) as world:
        world.api.put("db-01")
        for check_mode in (True, False):
            assert read(world, check_mode)["failed"]
        assert not world.api.writes()


@of_each_reader
def test_a_count_that_is_wrong_once_is_read_again(read: Callable[[World, bool], Json]) -> None:
    with World(Habits(miscounts=1)) as world:
        world.api.put("db-01")
        assert not read(world, False).get("failed")


def test_a_count_that_is_wrong_hides_no_instance_that_was_made() -> None:
    """The list turns bad after the create: the failure says what exists."""
    with World() as world:
        original = world.api._created

        def created(body: Json) -> object:
            world.api.habits = Habits(miscounts=ALWAYS)
            return original(body)

        world.api._created = created  # type: ignore[method-assign,assignment]
        result = world.instance(**WEB)
        (only,) = world.api.instances()
        assert only in str(result)


# --- Interim responses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["direct", "forward", "connect"])
@pytest.mark.parametrize("interim", [(100,), (102,), (103,), (102, 102, 103, 100), (103,) * 40], ids=["100", "102", "103", "four", "forty"])
def test_interim_responses_are_skipped(route: Route, interim: tuple[int, ...]) -> None:
    with World(Habits(interim=interim), route) as world:
        assert world.instance(**WEB)["action"] == "create"
        assert world.instance(**{**WEB, "plan": "enterprise"})["action"] == "update"
        assert world.instance(name="web-01", state="absent")["action"] == "delete"
        assert [seen.method for seen in world.api.writes()] == ["POST", "PATCH", "DELETE"]


@pytest.mark.parametrize("status", [100, 102, 103])
def test_each_request_gets_its_own_response(status: int) -> None:
    """The final response comes late, and the next request on the same connection would meet it."""
    with World() as world:
        first, second = world.api.put("web-01"), world.api.put("web-02")
        world.faults.add("PATCH", f"/instances/{first}", Fault(interim=(status,), late=0.3))
        result = world.instance(id=first, plan="enterprise", wait=False)
        assert result["action"] == "update"
        world.api.habits = Habits(patch=(409, "not_now"))
        refused = world.instance(id=second, plan="enterprise", wait=False)
        assert (refused["failed"], refused["api_error"]["status"]) == (True, 409)
        assert world.api.instances()[second]["plan"] == "starter"


def test_the_late_response_to_a_refused_change_is_no_success_of_the_next() -> None:
    with World() as world:
        first, second = world.api.put("web-01"), world.api.put("web-02")
        world.faults.add("PATCH", f"/instances/{first}", Fault(interim=(102,), late=0.3))
        world.api.habits = Habits(patch=(409, "not_now"))
        refused = world.instance(id=first, plan="enterprise", wait=False)
        assert (refused["failed"], refused["api_error"]["status"]) == (True, 409)
        world.api.habits = Habits()
        assert world.instance(id=second, plan="enterprise", wait=False)["action"] == "update"


# --- A body that is shorter than it should be --------------------------------------------------------------------------


class Lenient(urllib3.HTTPResponse):
    """As urllib3 1.26 is: a body that is cut off is a whole one."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{**kwargs, "enforce_content_length": False})  # type: ignore[arg-type]


@pytest.fixture(params=["urllib3 2", "urllib3 1.26"])
def strictness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "urllib3 1.26":
        monkeypatch.setattr("urllib3.response.HTTPResponse", Lenient)


@pytest.mark.usefixtures("strictness")
@pytest.mark.parametrize("cut", ["head cut", "body cut", "Content-Length too long"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_log_that_is_cut_off_is_not_shown_as_a_whole_one(cut: str, route: Route) -> None:
    """Its shape is not documented, so that only the length can tell."""
    with World(route=route) as world:
        existing = world.api.put()
        world.faults.add("GET", f"/instances/{existing}/logs", BROKEN[cut])
        result = world.run(instance_info.OPERATION, logs=True)
        assert result["instances"][0]["logs"] == "line 1\nline 2\n"


@pytest.mark.usefixtures("strictness")
@pytest.mark.parametrize("cut", ["body cut", "Content-Length too long"])
def test_a_create_whose_body_is_cut_off_is_adopted(cut: str) -> None:
    with World() as world:
        world.faults.add(*POST, BROKEN[cut])
        result = world.instance(**WEB)
        assert len(world.api.creates()) == 1
        assert [result["instance"]["id"]] == list(world.api.instances())


@pytest.mark.usefixtures("strictness")
@pytest.mark.parametrize("cut", ["head cut", "body cut", "Content-Length too long"])
def test_a_log_that_is_always_cut_off_is_an_error(cut: str) -> None:
    with World() as world:
        existing = world.api.put()
        world.faults.add("GET", f"/instances/{existing}/logs", BROKEN[cut], times=50)
        assert world.run(instance_info.OPERATION, logs=True)["failed"]

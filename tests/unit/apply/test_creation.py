# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, and never two for one (contract: rules 4 and 9)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.creation import SHOWING_TIME
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import BadResponse, ResponseLost

from tests.emulator.settings import API_KEY

from ..fake_api import FakeApi, answer
from ..operations.runs import WEB, names, posts, run_fleet, run_instance, webs
from ..spoilers import LIST, LOST_AFTER, POST, Right, lost_after, lost_before, not_sent


@pytest.mark.parametrize("lost", LOST_AFTER)
def test_a_lost_answer_whose_create_worked(lost: Callable[[Right], Response]) -> None:
    api = FakeApi()
    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert (result["changed"], result["action"], result["instance"]["status"]) == (True, "create", "running")
    assert api.account.created == 1
    assert api.writes() == [POST]


@pytest.mark.parametrize("lost", [lost_before, lambda right: answer(503), lambda right: answer(500)])
def test_a_lost_answer_whose_create_did_not_work(lost: Callable[[Right], Response]) -> None:
    api = FakeApi()
    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert result["instance"]["status"] == "running"
    assert api.account.created == 1
    assert api.writes() == [POST, POST]
    # It was only sent again after the list had had the time to settle.
    first, second = [index for index, call in enumerate(api.calls) if call == POST]
    assert api.calls[first + 1 : second].count(LIST) >= 3


def test_a_list_that_lags_is_read_until_it_settles() -> None:
    api = FakeApi(list_lag=4.0)
    api.spoil(*POST, lost_after)
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.account.created == 1


def test_lost_twice_is_a_failure_that_says_what_may_exist() -> None:
    api = FakeApi()
    api.spoil(*POST, lost_before, times=2)
    result = run_instance(api, **WEB)
    assert result["failed"]
    assert "The response to the create of web-01 was lost, so that an instance may exist" in result["msg"]
    assert api.writes() == [POST, POST]
    assert api.account.created == 0


def test_lost_again_whose_second_create_worked() -> None:
    api = FakeApi()
    api.spoil(*POST, lost_before)
    api.spoil(*POST, lost_after)
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.account.created == 1


@pytest.mark.parametrize("lost", [*LOST_AFTER, lost_before])
def test_without_looking_a_lost_answer_ends_the_task(lost: Callable[[Right], Response]) -> None:
    api = FakeApi()
    api.spoil(*POST, lost)
    result = run_instance(api, **WEB, unique_name=False)
    assert result["failed"]
    assert "may exist" in result["msg"] or "has created web-01" in result["msg"]
    assert api.calls == [POST]


def test_a_list_that_fails_after_a_lost_answer_ends_the_task() -> None:
    api = FakeApi()

    def lost(right: Right) -> Response:
        right()
        api.spoil(*LIST, lambda _right: answer(503), times=99)
        raise ResponseLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "may exist; the list of instances could not be read to find out" in result["msg"]
    assert api.writes() == [POST]


def test_somebody_else_makes_one_of_the_name_at_the_same_time() -> None:
    api = FakeApi()

    def lost(right: Right) -> Response:
        right()
        api.make("web-01", region="eu-west")
        raise ResponseLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "There are 2 instances of the name web-01: inst_00000001 and inst_00000002" in result["msg"]
    assert "The response to this task's create request was lost, so it may have created one of them" in result["msg"]
    assert api.writes() == [POST]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("recreated", [False, True])
def test_two_runs_that_create_the_same_name_at_the_same_moment(wait: bool, recreated: bool) -> None:
    api = FakeApi()
    if recreated:
        api.make("web-01", region="eu-west")

    def beside(right: Right) -> Response:
        answer = right()
        api.make("web-01")
        return answer

    api.spoil(*POST, beside)
    result = run_instance(api, **WEB, wait=wait, recreate=True)
    ours = result["instance"]["id"]
    (theirs,) = {item["id"] for item in api.account.state()["instances"]} - {ours}
    assert result["failed"]
    assert result["changed"]
    assert result["action"] == ("recreate" if recreated else "create")
    assert result["msg"].startswith(f"This task created {ours}, but the list also shows {theirs} of the same name web-01.")
    assert "state=absent with its id" in result["msg"]


def test_a_list_that_fails_after_the_creation_hides_nothing() -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: (right(), api.spoil(*LIST, lambda _right: answer(418)))[0])
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"], result["instance"]["status"]) == (True, True, "running")
    assert result["msg"].startswith("This task has made inst_00000001. Whether there is another one of its name could not be seen: GET /instances: ")


def test_a_creation_whose_answer_was_lost_and_that_has_its_effect_late() -> None:
    """After the settling time the list shows nothing, so that the creation is sent once more; then the first one comes to pass."""
    api = FakeApi()

    def late(right: Right) -> Response:
        api.spoil(*POST, lambda second: (right(), second())[1])
        raise ResponseLost("The API gave no whole response within 30 s.")

    api.spoil(*POST, late)
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["instance"]["id"] == "inst_00000002"
    assert "the list also shows inst_00000001 of the same name web-01" in result["msg"]
    assert "a create request whose response was lost took effect late" in result["msg"]


@pytest.mark.parametrize("lag", [0, 2, 4])
def test_the_next_run_finds_what_a_list_that_lags_did_not_show_at_once(lag: int) -> None:
    api = FakeApi(list_lag=lag, boot_seconds=0)
    assert run_instance(api, **WEB, wait=False)["action"] == "create"
    assert run_instance(api, **WEB, wait=False)["action"] == "none"


def test_a_list_that_never_shows_it_is_no_failure() -> None:
    api = FakeApi(list_lag=1000)
    started = api.clock.time
    assert run_instance(api, **WEB, wait=False)["action"] == "create"
    assert api.clock.time - started < 10


def test_one_of_the_name_that_is_not_what_was_asked_for_is_not_taken_for_it() -> None:
    api = FakeApi()

    def lost(right: Right) -> Response:
        api.make("web-01", region="eu-west")
        raise ResponseLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "another region: somebody else may have made it" in result["msg"]
    assert api.writes() == [POST]


@pytest.mark.parametrize("refusal", [lambda right: answer(429, None, {"Retry-After": "7"}), not_sent])
def test_what_was_certainly_not_done_is_sent_again(refusal: Callable[[Right], Response]) -> None:
    api = FakeApi()
    api.spoil(*POST, refusal)
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.calls[:3] == [LIST, POST, POST]
    assert api.account.created == 1


def test_a_refusal_is_no_doubt() -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(422, {"error": {"code": "quota", "message": "Too many."}, "request_id": "req_9"}))
    result = run_instance(api, **WEB)
    assert result["msg"] == "POST /instances: the API returned 422: Too many."
    assert result["api_error"] == {"method": "POST", "path": "/instances", "status": 422, "code": "quota", "message": "Too many.", "request_id": "req_9"}
    assert (result["changed"], result["action"]) == (False, "none")
    assert api.calls == [LIST, POST]


def test_a_lost_answer_does_not_take_the_old_one_for_the_new_one() -> None:
    api = FakeApi(list_lag=0)
    old = api.make("web-01")
    api.spoil(*POST, lost_before)
    page = {"items": [old], "pagination": {"next_page": None, "total_count": 1}}
    api.spoil(*LIST, lambda right: right())
    api.spoil(*LIST, lambda right: answer(200, page), times=3)  # a list that lags still shows the old one
    result = run_instance(api, **{**WEB, "region": "eu-west"}, recreate=True)
    assert (result["action"], result["instance"]["id"]) == ("recreate", "inst_00000002")


def test_a_redirected_create_is_in_doubt() -> None:
    api = FakeApi()

    def redirect(right: Right) -> Response:
        raise BadResponse("The API redirected POST.")

    api.spoil(*POST, redirect, times=2)
    assert "may exist" in run_instance(api, **WEB)["msg"]


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
    assert "may exist; sent once more, it was refused: POST /instances: the API returned 409: Exists." in result["failed_instances"][0]["msg"]


def test_a_twin_that_somebody_else_made_at_the_same_moment() -> None:
    api = FakeApi(boot_seconds=0)

    def twin(right: Right) -> Response:
        api.make("web-01")
        return right()

    api.spoil(*POST, twin)
    result = run_fleet(api, webs(3))
    assert result["created"] == ["web-01", "web-02", "web-03"]
    (failed,) = result["failed_instances"]
    assert re.match(r"This task created inst_00000002, but the list also shows inst_00000001 of the same name web-01", failed["msg"])


def test_a_fleet_in_parallel_with_lost_answers() -> None:
    api = FakeApi(boot_seconds=0)
    for _time in range(10):
        api.spoil(*POST, lost_after)
        api.spoil(*POST, lost_before)
        api.spoil(*POST, lambda right: answer(429, {}, {"Retry-After": "1"}))
    result = run_fleet(api, webs(100), concurrency=8)
    assert not result.get("failed"), result["msg"]
    assert len(result["created"]) == len(names(api)) == len(set(names(api))) == 100


def test_the_looks_after_a_lost_response_and_after_a_create() -> None:
    """One at once, the next a second later, then more and more rarely, as long as the first create may still have its effect."""
    api = FakeApi(list_lag=1000, boot_seconds=0)
    times: list[tuple[str, float]] = []
    exchange = api._exchange

    def timed(method: str, url: str, *rest: Any) -> Response:
        times.append((method, api.clock.time))
        return exchange(method, url, *rest)

    api._exchange = timed  # type: ignore[method-assign]
    api.spoil(*POST, lost_after)
    run_instance(api, **WEB, wait=False)
    posts = [number for number, (method, _time) in enumerate(times) if method == "POST"]
    first, second = posts
    for looks, start in ((times[first + 1 : second], times[first][1]), (times[second + 1 :], times[second][1])):
        after = [time - start for _method, time in looks]
        assert after[:3] == pytest.approx([0, 1, 2.5])
        assert after[-1] == pytest.approx(SHOWING_TIME)


def test_one_that_is_being_deleted_is_not_taken_for_the_new_one() -> None:
    """Somebody else has made one of the name at that moment, and deletes it."""
    api = FakeApi(delete_seconds=1000, boot_seconds=0)

    def lost(right: Right) -> Response:
        api.account.delete_instance(api.make("web-01")["id"], api.account.key_for(API_KEY))
        return lost_before(right)

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert (result.get("msg"), result["action"], result["instance"]["id"]) == (None, "create", "inst_00000002")


def test_one_whose_plan_the_list_does_not_show_is_the_new_one() -> None:
    api = FakeApi(boot_seconds=0)

    def without_plan(right: Right) -> Response:
        page = json.loads(right().body)
        page["items"][0]["plan"] = None
        return answer(200, page)

    api.spoil(*POST, lambda right: (api.spoil(*LIST, without_plan), lost_after(right))[1])
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.writes() == [POST]


def test_one_that_may_exist_and_is_not_sent_again_says_so() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lost_before, times=2)
    api.spoil(*POST, not_sent, times=99)
    first, second = run_fleet(api, webs(2))["failed_instances"]
    assert "web-01 was lost, so that an instance may exist; sent once more, it was refused: POST /instances: Connection refused." in first["msg"]
    assert "web-02 was lost, so that an instance may exist; the list of instances shows none of that name. Nothing was sent, because" in second["msg"]


ONE = ("GET", "/instances/inst_00000001")


def named_alone(right: Right) -> Response:
    """The response to a create says the id, and nothing else."""
    return answer(201, {"id": json.loads(right().body)["id"]})


def test_an_instance_whose_response_names_the_id_alone_is_read() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, named_alone)
    api.spoil(*ONE, lambda right: answer(404), times=2)
    result = run_instance(api, **WEB, unique_name=False)
    assert (result.get("msg"), result["action"], result["instance"]["status"]) == (None, "create", "running")
    assert (api.calls, api.clock.sleeps) == ([POST, ONE, ONE, ONE], [1.0, 1.5])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "The API has created inst_00000001 for web-01, and does not show it after 30 s. It may appear later."),
        (418, "The API has created inst_00000001 for web-01, which could not be read: GET /instances/inst_00000001: the API returned 418"),
    ],
)
def test_an_instance_whose_response_names_the_id_alone_and_that_can_not_be_read(status: int, message: str) -> None:
    api = FakeApi()
    api.spoil(*POST, named_alone)
    api.spoil(*ONE, lambda right: answer(status), times=99)
    result = run_instance(api, **WEB)
    assert result["msg"].startswith(message)
    assert (result["changed"], result["action"], result["instance"]["id"]) == (True, "create", "inst_00000001")
    assert api.writes() == [POST]


def empty(right: Right) -> Response:
    right()
    return answer(201)


def cut_off(right: Right) -> Response:
    lost = ResponseLost("The connection was reset.")
    lost.came = right().status
    raise lost


@pytest.mark.parametrize("taken", [empty, cut_off])
@pytest.mark.parametrize("listed", [True, False])
def test_a_create_that_the_api_took_is_never_sent_again(listed: bool, taken: Callable[[Right], Response]) -> None:
    api = FakeApi(boot_seconds=0, list_lag=0 if listed else 1000)
    api.spoil(*POST, taken)
    result = run_instance(api, **WEB)
    assert api.writes() == [POST]
    assert (result["changed"], result["action"]) == (True, "create")
    if listed:
        assert result["instance"]["id"] == "inst_00000001"
    else:
        assert result["msg"].startswith("The API has created web-01, and its response does not show the instance; the list of instances shows none")


def test_the_effect_of_the_first_of_two_creates_is_looked_for_longer() -> None:
    api = FakeApi(boot_seconds=0)

    def second(right: Right) -> Response:
        api.spoil(*LIST, lambda look: look(), times=3)
        api.spoil(*LIST, lambda look: (api.make("web-01"), look())[1])  # the first one comes to pass
        return right()

    api.spoil(*POST, lost_before)
    api.spoil(*POST, second)
    result = run_instance(api, **WEB, wait=False)
    assert (result["failed"], result["instance"]["id"]) == (True, "inst_00000001")
    assert "the list also shows inst_00000002 of the same name web-01" in result["msg"]


def test_without_looking_nothing_tells_which_one_the_api_has_created() -> None:
    api = FakeApi()
    api.spoil(*POST, empty)
    result = run_instance(api, **WEB, unique_name=False)
    assert result["msg"].startswith(
        "The API has created web-01, and its response does not show the instance; with unique_name=false nothing can tell which one"
    )
    assert (result["changed"], result["action"], api.calls) == (True, "create", [POST])


def test_a_create_that_the_api_would_not_understand_again_is_not_sent_again() -> None:
    api = FakeApi()

    def nonsense(_right: Right) -> Response:
        raise BadResponse("The API returned a redirect.")

    api.spoil(*POST, nonsense)
    assert "may exist; the list of instances shows none of that name." in run_instance(api, **WEB)["msg"]
    assert api.writes() == [POST]


def test_an_instance_that_the_api_has_given_another_name_is_not_created_twice() -> None:
    api = FakeApi()

    def lower_case(right: Right) -> Response:
        right()
        api.account.update_instance("inst_00000001", {"name": "web-01"}, api.account.key_for(API_KEY))
        raise ResponseLost("The connection was reset.")

    api.spoil(*POST, lower_case)
    result = run_instance(api, **{**WEB, "name": "Web-01"})
    assert "an instance may exist; the list shows web-01 (inst_00000001), whose name the API may have made of it." in result["msg"]
    assert api.writes() == [POST]
    again = run_instance(api, **{**WEB, "name": "Web-01"})
    assert again["msg"].startswith("There is no instance of the name Web-01, but web-01 (inst_00000001)")
    assert api.writes() == [POST]


def contradiction(right: Right) -> Response:
    page = json.loads(right().body)
    return answer(200, {**page, "pagination": {"total_count": 99}})


def test_a_list_that_contradicts_itself_is_read_again_after_a_create() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lambda right: (api.spoil(*LIST, contradiction, times=3), lost_after(right))[1])
    result = run_instance(api, **WEB)
    assert (result.get("msg"), result["action"], api.account.created) == (None, "create", 1)
    api.spoil(*POST, lambda right: (api.spoil(*LIST, contradiction, times=3), right())[1])
    assert run_instance(api, **{**WEB, "name": "web-02"}).get("msg") is None


def test_an_instance_that_is_not_what_was_sent() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lambda right: answer(201, {**json.loads(right().body), "plan": "enterprise"}))
    result = run_instance(api, **WEB)
    assert "shows something else than was sent: plan is 'enterprise', sent was 'starter'." in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["plan"]) == (True, "create", "enterprise")

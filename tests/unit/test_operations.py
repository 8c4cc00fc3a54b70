# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations from options to result, against an account in memory: hours pass in no time, and every request is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Answer
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import AnswerLost, BadAnswer, NotSent
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, cdn, cdn_info, health_info, instance, instance_info

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from .fake_api import FakeApi, answer, run_operation

WEB = {"name": "web-01", "plan": "starter", "region": "us-east"}
POST, LIST = ("POST", "/instances"), ("GET", "/instances")
Right = Callable[[], Answer]


def run_instance(api: FakeApi, **given: Any) -> dict[str, Any]:
    return run_operation(api, instance.OPERATION, **{"name": None, "id": None, "plan": None, "region": None, **given})


def lost_before(right: Right) -> Answer:
    raise AnswerLost("The connection was reset.")


def lost_after(right: Right) -> Answer:
    right()
    raise AnswerLost("The connection was reset.")


def gateway_timeout_after(right: Right) -> Answer:
    right()
    return answer(504, {"error": {"message": "Gateway time-out"}})


def nonsense_after(right: Right) -> Answer:
    right()
    return Answer(201, {"Content-Type": "text/html"}, b"<html>")


def not_sent(right: Right) -> Answer:
    raise NotSent("Connection refused.")


LOST_AFTER = [lost_after, gateway_timeout_after, nonsense_after]


# --- Create, and never two for one (contract: rule 4) -----------------------------------------------------------------


def test_create_and_wait() -> None:
    api = FakeApi()
    result = run_instance(api, **WEB)
    assert (result["changed"], result["action"]) == (True, "create")
    assert result["instance"]["status"] == "running"
    assert api.writes() == [POST]
    again = run_instance(api, **WEB)
    assert (again["changed"], again["action"], again["instance"]) == (False, "none", result["instance"])
    assert api.writes() == [POST]


def test_what_is_running_already_takes_one_request_a_page() -> None:
    api = FakeApi(page_size=2)
    for name in ("web-01", "web-02", "web-03"):
        api.make(name)
    assert run_instance(api, **WEB)["action"] == "none"
    assert api.calls == [LIST, LIST]


@pytest.mark.parametrize("lost", LOST_AFTER)
def test_a_lost_answer_whose_create_worked(lost: Callable[[Right], Answer]) -> None:
    api = FakeApi()
    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert (result["changed"], result["action"], result["instance"]["status"]) == (True, "create", "running")
    assert api.account.created == 1
    assert api.writes() == [POST]


@pytest.mark.parametrize("lost", [lost_before, lambda right: answer(503), lambda right: answer(500)])
def test_a_lost_answer_whose_create_did_not_work(lost: Callable[[Right], Answer]) -> None:
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
    assert "The answer to the creation of web-01 was lost, so that an instance may exist" in result["msg"]
    assert api.writes() == [POST, POST]
    assert api.account.created == 0


def test_lost_again_whose_second_create_worked() -> None:
    api = FakeApi()
    api.spoil(*POST, lost_before)
    api.spoil(*POST, lost_after)
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.account.created == 1


@pytest.mark.parametrize("lost", [*LOST_AFTER, lost_before])
def test_without_looking_a_lost_answer_ends_the_task(lost: Callable[[Right], Answer]) -> None:
    api = FakeApi()
    api.spoil(*POST, lost)
    result = run_instance(api, **WEB, unique_name=False)
    assert result["failed"]
    assert "may exist" in result["msg"]
    assert api.calls == [POST]


def test_a_list_that_fails_after_a_lost_answer_ends_the_task() -> None:
    api = FakeApi()

    def lost(right: Right) -> Answer:
        right()
        api.spoil(*LIST, lambda _right: answer(503), times=99)
        raise AnswerLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "may exist; the list of instances could not be read to find out" in result["msg"]
    assert api.writes() == [POST]


def test_somebody_else_makes_one_of_the_name_at_the_same_time() -> None:
    api = FakeApi()

    def lost(right: Right) -> Answer:
        right()
        api.make("web-01", region="eu-west")
        raise AnswerLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "There are 2 instances of the name web-01: inst_00000001 and inst_00000002" in result["msg"]
    assert "The answer to this task's own creation was lost, so that one of them may be its" in result["msg"]
    assert api.writes() == [POST]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("recreated", [False, True])
def test_two_runs_that_create_the_same_name_at_the_same_moment(wait: bool, recreated: bool) -> None:
    api = FakeApi()
    if recreated:
        api.make("web-01", region="eu-west")

    def beside(right: Right) -> Answer:
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
    assert result["msg"].startswith(f"This task has made {ours}, and the list shows {theirs} of the same name web-01 besides.")
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

    def late(right: Right) -> Answer:
        api.spoil(*POST, lambda second: (right(), second())[1])
        raise AnswerLost("The API gave no whole answer within 30 s.")

    api.spoil(*POST, late)
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["instance"]["id"] == "inst_00000002"
    assert "the list shows inst_00000001 of the same name web-01 besides" in result["msg"]
    assert "a creation whose answer was lost had its effect late" in result["msg"]


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


def test_a_list_that_shifts_while_it_is_read() -> None:
    """The deletion of one on the first page moves another one from the second page to the first, out of sight."""
    api = FakeApi(page_size=2, shifting_pages=True)
    for name in ("a", "b", "web-01", "d"):
        api.make(name)

    def shifted(right: Right) -> Answer:
        answer = right()
        api.account.delete_instance("inst_00000001", api.account.key_for(API_KEY))
        return answer

    api.spoil(*LIST, shifted)
    assert run_instance(api, **WEB)["action"] == "none"
    assert not api.writes()


def test_without_looking_there_may_be_two() -> None:
    api = FakeApi()
    api.make("web-01")
    assert run_instance(api, **WEB, unique_name=False)["action"] == "create"
    assert LIST not in api.calls


def test_one_of_the_name_that_is_not_what_was_asked_for_is_not_taken_for_it() -> None:
    api = FakeApi()

    def lost(right: Right) -> Answer:
        api.make("web-01", region="eu-west")
        raise AnswerLost("The connection was reset.")

    api.spoil(*POST, lost)
    result = run_instance(api, **WEB)
    assert "another region: somebody else may have made it" in result["msg"]
    assert api.writes() == [POST]


@pytest.mark.parametrize("refusal", [lambda right: answer(429, None, {"Retry-After": "7"}), not_sent])
def test_what_was_certainly_not_done_is_sent_again(refusal: Callable[[Right], Answer]) -> None:
    api = FakeApi()
    api.spoil(*POST, refusal)
    assert run_instance(api, **WEB)["action"] == "create"
    assert api.calls[:3] == [LIST, POST, POST]
    assert api.account.created == 1


def test_a_refusal_is_no_doubt() -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(422, {"error": {"code": "quota", "message": "Too many."}, "request_id": "req_9"}))
    result = run_instance(api, **WEB)
    assert result["msg"] == "POST /instances: the API answered 422: Too many."
    assert result["api_error"] == {"method": "POST", "path": "/instances", "status": 422, "code": "quota", "message": "Too many.", "request_id": "req_9"}
    assert (result["changed"], result["action"]) == (False, "none")
    assert api.calls == [LIST, POST]


def test_a_key_that_is_not_for_the_region() -> None:
    api = FakeApi(keys={API_KEY: {"regions": ["eu-west"]}})
    result = run_instance(api, **WEB)
    assert "POST /instances: the API answered 403" in result["msg"]
    assert "The key's scope does not allow POST /instances in region us-east." in result["msg"]
    assert api.calls == [LIST, POST]


def test_two_of_one_name() -> None:
    api = FakeApi()
    api.make("web-01")
    api.make("web-01")
    for state in ("present", "absent"):
        result = run_instance(api, **WEB, state=state)
        assert "There are 2 instances of the name web-01: inst_00000001 and inst_00000002." in result["msg"]
    assert not api.writes()
    assert run_instance(api, id="inst_00000002", state="absent")["action"] == "delete"


def test_an_instance_that_moves_from_page_to_page_is_one() -> None:
    api = FakeApi()
    made = api.make("web-01")
    page = {"items": [made], "pagination": {"next_page": "/instances?cursor=2", "total_count": 2}}
    api.spoil(*LIST, lambda right: answer(200, page))
    api.spoil(*LIST, lambda right: answer(200, {"items": [made], "pagination": {"next_page": None, "total_count": 2}}))
    assert run_instance(api, **WEB)["action"] == "none"


def test_a_bucket_that_moves_from_page_to_page_is_one() -> None:
    api = FakeApi(buckets=1)
    (bucket,) = run_operation(api, bucket_info.OPERATION)["buckets"]
    page = {"items": [bucket], "pagination": {"next_page": "/storage/buckets?cursor=2", "total_count": 1}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, page))
    last_page = {"items": [bucket], "pagination": {"next_page": None, "total_count": 1}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, last_page))
    assert run_operation(api, bucket_info.OPERATION)["buckets"] == [bucket]


# --- Wait --------------------------------------------------------------------------------------------------------------


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
    assert api.clock.now() - 1000 < 30


# --- Update, recreate, delete ------------------------------------------------------------------------------------------


def test_update_in_place() -> None:
    api = FakeApi()
    api.make("web-01")
    result = run_instance(api, **{**WEB, "plan": "enterprise"})
    assert (result["action"], result["instance"]["plan"]) == ("update", "enterprise")
    assert api.calls == [LIST, ("PATCH", "/instances/inst_00000001"), ("GET", "/instances/inst_00000001")]
    assert api.bodies[1] == {"plan": "enterprise"}


def test_an_update_that_the_api_takes_its_time_for() -> None:
    api = FakeApi()
    old = api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(200, old), times=2)
    assert run_instance(api, **{**WEB, "plan": "enterprise"})["instance"]["plan"] == "enterprise"


def test_an_update_whose_answer_is_lost_is_sent_again() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("PATCH", "/instances/inst_00000001", lost_after)
    assert run_instance(api, **{**WEB, "plan": "enterprise"})["instance"]["plan"] == "enterprise"


def test_rename_by_id() -> None:
    api = FakeApi()
    api.make("web-01")
    api.make("web-02")
    assert run_instance(api, id="inst_00000001", name="web-09")["instance"]["name"] == "web-09"
    result = run_instance(api, id="inst_00000001", name="web-02")
    assert "inst_00000001 can't be called web-02: inst_00000002 has that name already" in result["msg"]
    assert run_instance(api, id="inst_00000001", name="web-02", unique_name=False)["action"] == "update"


def test_by_id_what_was_left_out_keeps_its_value() -> None:
    api = FakeApi()
    api.make("web-01", plan="enterprise", region="eu-west")
    result = run_instance(api, id="inst_00000001")
    assert (result["changed"], api.calls) == (False, [("GET", "/instances/inst_00000001")])


def test_an_id_that_there_is_not() -> None:
    api = FakeApi()
    assert "id: there is no instance inst_9; to make a new one, leave id out" in run_instance(api, id="inst_9")["msg"]
    assert run_instance(api, id="inst_9", state="absent")["action"] == "none"
    assert not api.writes()


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


def test_a_lost_answer_does_not_take_the_old_one_for_the_new_one() -> None:
    api = FakeApi(list_lag=0)
    old = api.make("web-01")
    api.spoil(*POST, lost_before)
    page = {"items": [old], "pagination": {"next_page": None, "total_count": 1}}
    api.spoil(*LIST, lambda right: right())
    api.spoil(*LIST, lambda right: answer(200, page), times=3)  # a list that lags still shows the old one
    result = run_instance(api, **{**WEB, "region": "eu-west"}, recreate=True)
    assert (result["action"], result["instance"]["id"]) == ("recreate", "inst_00000002")


def test_absent() -> None:
    api = FakeApi(delete_seconds=8.0)
    made = api.make("web-01")
    result = run_instance(api, name="web-01", state="absent")
    assert (result["changed"], result["action"], result["instance"]["id"]) == (True, "delete", made["id"])
    assert api.account.state()["instances"] == []
    assert run_instance(api, name="web-01", state="absent") == {
        "changed": False,
        "action": "none",
        "instance": None,
        "diff": {"before_header": "instance", "after_header": "instance", "before": {}, "after": {}},
    }


def test_a_deletion_whose_answer_is_lost() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("DELETE", "/instances/inst_00000001", lost_after)
    assert run_instance(api, name="web-01", state="absent")["action"] == "delete"


@pytest.mark.parametrize("wait", [True, False])
def test_one_that_is_being_deleted_is_as_good_as_gone(wait: bool) -> None:
    api = FakeApi(delete_seconds=20)
    api.make("web-01")
    assert run_instance(api, name="web-01", state="absent", wait=False)["action"] == "delete"
    again = run_instance(api, name="web-01", state="absent", wait=wait)
    assert (again["changed"], again["action"]) == (False, "none")
    assert bool(api.account.state()["instances"]) is not wait


@pytest.mark.parametrize("wait", [True, False])
def test_a_new_one_in_place_of_one_that_is_being_deleted(wait: bool) -> None:
    api = FakeApi(delete_seconds=20)
    api.make("web-01")
    run_instance(api, name="web-01", state="absent", wait=False)
    predicted = run_instance(api, **WEB, wait=wait, check_mode=True)
    result = run_instance(api, **WEB, wait=wait)
    assert (predicted["action"], result["action"]) == ("create", "create")
    assert predicted["diff"] == result["diff"]
    assert [item["id"] for item in api.account.state()["instances"]] == [result["instance"]["id"]]


def test_by_its_id_one_that_is_being_deleted_is_gone_too() -> None:
    api = FakeApi(delete_seconds=20)
    instance_id = api.make("web-01")["id"]
    run_instance(api, id=instance_id, state="absent", wait=False)
    assert "there is no instance inst_00000001" in run_instance(api, id=instance_id, plan="enterprise")["msg"]
    assert run_instance(api, id=instance_id, state="absent", wait=False)["action"] == "none"


def test_a_deletion_that_does_not_end() -> None:
    api = FakeApi(delete_seconds=10_000)
    api.make("web-01")
    result = run_instance(api, name="web-01", state="absent", wait_timeout=60)
    assert "was deleted, but the API still shows it after 60 s (wait_timeout); its last status is 'deleting'" in result["msg"]
    assert (result["changed"], result["action"]) == (True, "delete")
    assert run_instance(api, name="web-01", state="absent", wait=False)["action"] == "none"


# --- What the API may not offer (contract: rule 1) ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_without_a_list_nothing_is_made(status: int, state: str) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    result = run_instance(api, **WEB, state=state)
    assert f"The API does not offer GET /instances (status {status})" in result["msg"]
    assert "So the name web-01 can't be looked up, and nothing was changed; pass id" in result["msg"]
    assert ("unique_name=false" in result["msg"]) == (state == "present")
    assert not api.writes()


def test_without_a_list_one_is_made_without_looking() -> None:
    api = FakeApi(profile="documented")
    assert run_instance(api, **WEB, unique_name=False)["instance"]["status"] == "running"
    assert api.calls[0] == POST


@pytest.mark.parametrize("status", [404, 405, 501])
def test_without_patch_the_drift_is_reported(status: int) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    api.make("web-01")
    result = run_instance(api, id="inst_00000001", plan="enterprise")
    assert "plan is 'starter', wanted is 'enterprise'" in result["msg"]
    assert "the API does not offer PATCH /instances/{id}" in result["msg"]
    assert "recreate=true" in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["plan"]) == (False, "none", "starter")
    assert result["api_error"]["status"] == status


def test_without_patch_a_new_one_is_made_where_that_is_allowed() -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(405))
    result = run_instance(api, **{**WEB, "plan": "enterprise"}, recreate=True)
    assert (result["action"], result["instance"]["plan"], result["instance"]["id"]) == ("recreate", "enterprise", "inst_00000002")


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("given", [{"state": "absent"}, {"region": "eu-west", "recreate": True}])
def test_without_delete_nothing_is_changed(status: int, given: dict[str, Any]) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    api.make("web-01")
    result = run_instance(api, id="inst_00000001", **given)
    assert f"The API does not offer DELETE /instances/{{id}} (status {status})" in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["id"]) == (False, "none", "inst_00000001")
    assert POST not in api.calls


# --- Check mode --------------------------------------------------------------------------------------------------------

CASES = [
    ("create", {}, WEB),
    ("create", {}, {**WEB, "image_id": "img_1", "auto_scale": {"min_instances": 1, "max_instances": None, "cpu_threshold": None}}),
    ("none", {"web-01": {}}, WEB),
    ("update", {"web-01": {}}, {**WEB, "plan": "enterprise"}),
    ("recreate", {"web-01": {}}, {**WEB, "region": "ap-south", "recreate": True}),
    ("delete", {"web-01": {}}, {"name": "web-01", "state": "absent"}),
    ("none", {}, {"name": "web-01", "state": "absent"}),
]


@pytest.mark.parametrize(("action", "existing", "given"), CASES)
@pytest.mark.parametrize("show_all", [False, True])
def test_check_mode_writes_nothing_and_predicts_exactly(action: str, existing: dict[str, Any], given: dict[str, Any], show_all: bool) -> None:
    api = FakeApi(show_all=show_all)
    for name, fields in existing.items():
        api.make(name, **fields)
    predicted = run_instance(api, **given, check_mode=True)
    assert not api.writes()
    real = run_instance(api, **given)
    assert predicted["action"] == real["action"] == action
    assert predicted["changed"] == real["changed"] == (action != "none")
    assert predicted["diff"] == real["diff"]
    for name in ("name", "plan", "region"):
        assert (predicted["instance"] or {}).get(name) == (real["instance"] or {}).get(name)
    assert run_instance(api, **given)["action"] == "none"


# --- Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "name: is required, or id, to say which instance is meant."),
        ({"name": ""}, "name: expected a text that is not empty."),
        ({"name": "web", "plan": "starter"}, "region: is required with state=present"),
        ({"name": "web", "region": "us-east"}, "plan: is required with state=present"),
        ({"id": "../keys"}, "id: expected an id as the API shows it"),
        ({**WEB, "image_id": ""}, "image_id: expected a text that is not empty."),
        ({**WEB, "ssh_keys": ["no key"]}, "ssh_keys: element 1 is no OpenSSH public key"),
        ({**WEB, "auto_scale": {"min_instances": 3, "max_instances": 2}}, "auto_scale.min_instances: expected at most max_instances (2), got 3."),
        ({**WEB, "auto_scale": {"cpu_threshold": 140}}, "auto_scale.cpu_threshold: expected a whole number from 1 to 100, got 140."),
        ({**WEB, "wait_timeout": 0}, "wait_timeout: expected a whole number from 1 to 86400, got 0."),
        ({**WEB, "api_key": None}, "api_key: expected a credential"),
        ({**WEB, "api_url": "http://api.cloudnexus.io/v1"}, "api_url: expected https"),
    ],
)
def test_bad_input_is_refused_before_any_request(given: dict[str, Any], message: str) -> None:
    api = FakeApi()
    result = run_instance(api, **given)
    assert result["failed"]
    assert result["msg"].startswith(message)
    assert not api.calls


def test_a_policy_that_makes_no_sense_with_what_it_keeps() -> None:
    api = FakeApi(show_all=True)
    api.make("web-01", auto_scale={"min_instances": 1, "max_instances": 2})
    result = run_instance(api, **WEB, auto_scale={"min_instances": 5, "max_instances": None, "cpu_threshold": None})
    assert result["msg"].startswith("auto_scale.min_instances: expected at most max_instances (2), got 5.")
    assert not api.writes()


# --- Reading -----------------------------------------------------------------------------------------------------------


def test_instance_info() -> None:
    api = FakeApi(page_size=2)
    for number in range(5):
        api.make(f"web-{number}", plan="starter" if number % 2 else "enterprise", region="us-east")

    def names(**given: Any) -> list[str]:
        result = run_operation(api, instance_info.OPERATION, **given)
        assert result["changed"] is False
        return [item["name"] for item in result["instances"]]

    assert names() == [f"web-{number}" for number in range(5)]
    assert names(plan="starter") == ["web-1", "web-3"]
    assert names(plan="starter", name="web-3") == ["web-3"]
    assert names(region="eu-west") == []
    assert names(status="running") == names()
    assert names(id="inst_00000002") == ["web-1"]
    assert names(id="inst_00000002", name="web-4") == []
    assert names(id="inst_99") == []


def test_instance_info_without_a_list() -> None:
    api = FakeApi(profile="documented")
    api.make("web-01")
    assert "does not offer GET /instances" in run_operation(api, instance_info.OPERATION)["msg"]
    assert run_operation(api, instance_info.OPERATION, id="inst_00000001")["instances"][0]["name"] == "web-01"


@pytest.mark.parametrize(("body", "log"), [(b'{"lines": []}', {"lines": []}), (b"booted\n", "booted\n"), (b"", ""), (b"\xff", "\ufffd")])
def test_logs_of_any_shape(body: bytes, log: Any) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001/logs", lambda right: Answer(200, {}, body))
    assert run_operation(api, instance_info.OPERATION, logs=True)["instances"][0]["logs"] == log


def test_bucket_info() -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION)
    assert (len(result["buckets"]), result["total_count"], len(api.calls)) == (24, 24, 3)
    assert result["matched_object_count"] == sum(bucket["object_count"] for bucket in result["buckets"])
    result = run_operation(api, bucket_info.OPERATION, name="media-assets")
    assert (result["total_count"], result["matched_size_bytes"], result["matched_object_count"]) == (24, 4589231456, 12450)
    assert run_operation(api, bucket_info.OPERATION, region="ap-south")["buckets"][0]["region"] == "ap-south"


@pytest.mark.parametrize(("given", "found", "pages"), [({"name": "media-assets"}, 1, 1), ({"name": "bucket-00015"}, 1, 2), ({"name": "none"}, 0, 3)])
@pytest.mark.parametrize("region", [None, "us-east"])
def test_bucket_info_stops_reading_when_the_name_is_found(given: dict[str, str], found: int, pages: int, region: str | None) -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, **given, region=region)
    assert (len(result["buckets"]), result["total_count"], len(api.calls)) == (found, 24, pages)


def test_bucket_info_of_another_region_reads_on() -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, name="media-assets", region="eu-west")
    assert (result["buckets"], len(api.calls)) == ([], 3)


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (10, 1), (11, 2), (24, 3), (99, 3)])
def test_bucket_info_stops_reading_at_its_limit(limit: int, pages: int) -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, limit=limit)
    assert (len(result["buckets"]), len(api.calls)) == (min(limit, 24), pages)


def test_a_page_link_that_leads_back() -> None:
    api = FakeApi()
    page = {"items": [], "pagination": {"next_page": "/storage/buckets?cursor=x", "total_count": 0}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, page), times=99)
    result = run_operation(api, bucket_info.OPERATION)
    assert "a page link of the API leads back to a page that was read before" in result["msg"]
    assert len(api.calls) == 2


def test_a_page_link_to_somewhere_else() -> None:
    api = FakeApi()
    page = {"items": [], "pagination": {"next_page": "https://evil.test/buckets", "total_count": 0}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, page))
    assert "leads to https://evil.test:443, away from https://api.test" in run_operation(api, bucket_info.OPERATION)["msg"]
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], "an object"),
        ({"items": [], "pagination": None}, "an object in pagination"),
        ({"items": []}, "an object in pagination"),
        ({"items": {}, "pagination": {}}, "a list of objects in items"),
        ({"items": ["x"], "pagination": {}}, "a list of objects in items"),
        ({"items": [], "pagination": {"next_page": 5}}, "a text in pagination.next_page"),
        ({"items": [{"id": 1, "name": "a"}], "pagination": {}}, "buckets with an id and a name"),
        ({"items": [{"id": "a", "name": "a", "size_bytes": "1", "object_count": 1}], "pagination": {}}, "buckets with whole numbers"),
    ],
)
def test_a_page_of_another_shape(data: Any, expected: str) -> None:
    api = FakeApi()
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, data))
    message = run_operation(api, bucket_info.OPERATION)["msg"]
    assert message.startswith(f"GET /storage/buckets: the API's answer is not what the contract says: expected {expected}")


@pytest.mark.parametrize("body", [b"", b"<html>It works!</html>", b'{"items": [', b"NaN", b'"\\ud800"', b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_is_no_json(body: bytes) -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: Answer(200, {"Content-Type": "text/html", "X-Request-Id": "req_7"}, body))
    result = run_operation(api, health_info.OPERATION)
    assert (
        "GET /health: the API's answer is not the JSON that it should be (status 200, content type text/html, request req_7); it begins with:" in result["msg"]
    )
    assert len(result["msg"]) < 600
    assert result["api_error"]["status"] == 200


def test_a_fault_of_ours_is_told_without_a_traceback_or_secret() -> None:
    api = FakeApi()

    def broken(right: Right) -> Answer:
        raise KeyError(f"oops {API_KEY}")

    api.spoil("GET", "/health", broken)
    result = run_operation(api, health_info.OPERATION)
    assert "This is a fault of the collection, please report it: KeyError" in result["msg"]
    assert API_KEY not in str(result)


# --- CDN ---------------------------------------------------------------------------------------------------------------


def run_cdn(api: FakeApi, **given: Any) -> dict[str, Any]:
    return run_operation(api, cdn.OPERATION, **given)


def test_the_cdn_keeps_what_was_left_out() -> None:
    api = FakeApi()
    api.account.put_cdn_config({"cache_ttl": 60, "ssl_enabled": False, "compression": "brotli"})
    predicted = run_cdn(api, cache_ttl=90, check_mode=True)
    assert not api.writes()
    result = run_cdn(api, cache_ttl=90)
    assert result == predicted
    assert result["config"] == api.account.cdn_config() == {"cache_ttl": 90, "ssl_enabled": False, "compression": "brotli"}
    assert result["diff"]["before"]["cache_ttl"] == 60
    again = run_cdn(api, cache_ttl=90)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert api.writes() == [("PUT", "/cdn/config")]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_cdn_that_can_not_be_read(status: int) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    warnings: list[str] = []
    result = run_cdn(api, cache_ttl=90, check_mode=True, warnings=warnings)
    assert (result["changed"], api.writes()) == (True, [])
    assert run_cdn(api, cache_ttl=90, warnings=warnings) == result
    assert api.account.cdn_config()["cache_ttl"] == 90
    assert len(warnings) == 2
    assert "the current CDN configuration can't be read" in warnings[0]
    assert "does not offer GET /cdn/config" in run_operation(api, cdn_info.OPERATION)["msg"]


def test_the_cdn_waits_out_its_propagation() -> None:
    api = FakeApi()
    run_cdn(api, cache_ttl=90)
    assert api.clock.now() == 1000
    run_cdn(api, cache_ttl=91, wait=True)
    assert api.clock.now() == 1060
    run_cdn(api, cache_ttl=91, wait=True)
    assert api.clock.now() == 1060


def test_the_propagation_of_the_cdn_is_told() -> None:
    lines: list[str] = []
    run_operation(FakeApi(), cdn.OPERATION, cache_ttl=91, wait=True, show=lines.append)
    assert lines == [f"the CDN configuration is on its way to the edge, {seconds} s" for seconds in range(5, 65, 5)]


@pytest.mark.parametrize("cache_ttl", [-1, 31536001, True])
def test_a_cache_ttl_out_of_range(cache_ttl: int) -> None:
    api = FakeApi()
    assert run_cdn(api, cache_ttl=cache_ttl)["msg"].startswith("cache_ttl: expected a whole number from 0 to 31536000")
    assert not api.calls


@pytest.mark.parametrize("config", [{}, {"cache_ttl": "60"}, {"cache_ttl": True}, {"cache_ttl": 60, "ssl_enabled": "yes"}, []])
def test_a_cdn_configuration_of_another_shape_is_not_built_upon(config: Any) -> None:
    api = FakeApi()
    api.spoil("GET", "/cdn/config", lambda right: answer(200, config))
    assert "GET /cdn/config: the API's answer is not what the contract says" in run_cdn(api, cache_ttl=60)["msg"]
    assert not api.writes()


# --- Credentials -------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> dict[str, Any]:
    auth._known.clear()
    return {"api_key": None, "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID}


REFRESH = ("POST", "/auth/token/refresh")


def test_a_token_is_got_once_and_renewed_early(pair: dict[str, Any]) -> None:
    api = FakeApi(token_seconds=600)
    run_operation(api, health_info.OPERATION, **pair)
    run_operation(api, health_info.OPERATION, **pair)
    assert api.calls == [REFRESH, ("GET", "/health"), ("GET", "/health")]
    assert api.bearers[0] is None
    api.clock.time += 541
    run_operation(api, health_info.OPERATION, **pair)
    assert api.calls.count(REFRESH) == 2


@pytest.mark.parametrize("rotate", [False, True])
def test_a_token_that_is_refused_is_renewed_once(pair: dict[str, Any], rotate: bool) -> None:
    api = FakeApi(rotate=rotate)
    run_operation(api, health_info.OPERATION, **pair)
    api.account._tokens.clear()
    assert run_operation(api, health_info.OPERATION, **pair)["health"]["status"] == "healthy"
    api.spoil("GET", "/health", lambda right: answer(401), times=2)
    result = run_operation(api, health_info.OPERATION, **pair)
    assert "GET /health: the API answered 401" in result["msg"]


def test_a_create_that_was_refused_for_its_token_is_sent_again(pair: dict[str, Any]) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(401))
    assert run_instance(api, **WEB, **pair)["action"] == "create"
    assert api.account.created == 1


@pytest.mark.parametrize("spoilt", [lambda right: answer(503), lambda right: answer(200, {}), lambda right: answer(401)])
def test_a_create_that_got_no_token_is_in_no_doubt(pair: dict[str, Any], spoilt: Callable[[Right], Answer]) -> None:
    api = FakeApi(token_seconds=200)
    run_operation(api, health_info.OPERATION, **pair)
    api.spoil(*LIST, lambda right: (setattr(api.clock, "time", api.clock.time + 150), right())[1])  # the token ends meanwhile
    api.spoil(*REFRESH, spoilt, times=99)
    result = run_instance(api, **WEB, **pair)
    assert result["msg"].startswith("POST /auth/token/refresh: ")
    assert "may exist" not in result["msg"]
    assert POST not in api.calls


def test_a_refresh_token_that_is_refused(pair: dict[str, Any]) -> None:
    api = FakeApi()
    result = run_operation(api, health_info.OPERATION, **{**pair, "refresh_token": "cn_old"})
    assert "POST /auth/token/refresh: the API answered 401" in result["msg"]
    assert "log in again and set CLOUDNEXUS_REFRESH_TOKEN anew" in result["msg"]
    assert "cn_old" not in str(result)


def test_a_key_is_used_until_it_is_refused(pair: dict[str, Any]) -> None:
    api = FakeApi()
    run_operation(api, health_info.OPERATION, **{**pair, "api_key": API_KEY})
    assert REFRESH not in api.calls
    run_operation(api, health_info.OPERATION, **{**pair, "api_key": "cn_revoked"})
    assert api.calls[-3:] == [("GET", "/health"), REFRESH, ("GET", "/health")]


@pytest.mark.parametrize("data", [[], {}, {"access_token": 5}, {"access_token": ""}, {"access_token": "a b"}, {"access_token": "a\nX: y"}])
def test_a_refresh_without_a_usable_token(pair: dict[str, Any], data: Any) -> None:
    api = FakeApi()
    api.spoil(*REFRESH, lambda right: answer(200, data))
    assert "POST /auth/token/refresh" in run_operation(api, health_info.OPERATION, **pair)["msg"]
    assert api.calls == [REFRESH]


def test_a_token_that_arrives_at_run_time_is_masked(pair: dict[str, Any]) -> None:
    api = FakeApi()

    def echo(right: Right) -> Answer:
        return answer(422, {"error": {"message": f"You sent Bearer {api.bearers[-1]}"}})

    api.spoil("GET", "/health", echo)
    result = run_operation(api, health_info.OPERATION, **pair)
    assert result["msg"] == "GET /health: the API answered 422: You sent Bearer ********."


def test_the_api_says_nothing_usable_in_its_error() -> None:
    for body in (b"", b"[]", b'"no"', b'{"error": 5}', b'{"error": {"message": ["x"]}}', b"<html>"):
        api = FakeApi()
        api.spoil("GET", "/health", lambda right, body=body: Answer(418, {}, body))  # type: ignore[misc]
        result = run_operation(api, health_info.OPERATION)
        assert result["msg"] == "GET /health: the API answered 418."
        assert result["api_error"]["message"] is None


def test_a_secret_is_masked_before_a_long_text_is_cut() -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: answer(418, {"error": {"message": "x" * 295 + API_KEY}}))
    assert API_KEY[:4] not in run_operation(api, health_info.OPERATION)["msg"]


def test_a_redirected_create_is_in_doubt() -> None:
    api = FakeApi()

    def redirect(right: Right) -> Answer:
        raise BadAnswer("The API answered POST with a redirect.")

    api.spoil(*POST, redirect, times=2)
    assert "may exist" in run_instance(api, **WEB)["msg"]


# --- Interruptions -----------------------------------------------------------------------------------------------------


def interrupt_after(right: Right) -> Answer:
    right()
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("spoilt", "given", "sentence"),
    [
        (LIST, {}, None),
        (POST, {}, "The creation of web-01 was under way, and may or may not have had its effect."),
        (("GET", "/instances/inst_00000001"), {}, "The instance web-01 (inst_00000001) was created; its last status is 'provisioning'."),
        (("PATCH", "/instances/inst_00000001"), {"plan": "enterprise"}, "A change of the instance web-01 (inst_00000001) was under way"),
        (("DELETE", "/instances/inst_00000001"), {"state": "absent"}, "The deletion of the instance web-01 (inst_00000001) was under way"),
        (("GET", "/instances/inst_00000001"), {"state": "absent"}, "The instance web-01 (inst_00000001) was deleted."),
    ],
)
def test_an_interruption_says_what_is_left_behind(spoilt: tuple[str, str], given: dict[str, Any], sentence: str | None) -> None:
    api, warnings = FakeApi(), list[str]()
    if given:
        api.make("web-01")
    api.spoil(*spoilt, interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, instance.OPERATION, warnings=warnings, **{"name": None, "id": None, "plan": None, "region": None, **WEB, **given})
    if sentence is None:
        assert warnings == []
    else:
        assert warnings[0].startswith(f"Interrupted. {sentence}")
        assert warnings[0].endswith("The same task again finds what there is, and goes on from there.")
    assert not run_instance(api, **{**WEB, **given}).get("failed")


def test_an_interrupted_replacement_says_that_the_old_one_is_gone() -> None:
    api, warnings = FakeApi(), list[str]()
    api.make("web-01", region="eu-west")
    api.spoil(*POST, interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, instance.OPERATION, warnings=warnings, **{"id": None, **WEB, "recreate": True})
    assert "The old instance web-01 (inst_00000001) was deleted to make room for a new one. The creation of web-01 was under way" in warnings[0]


def test_an_interruption_while_the_cdn_propagates(monkeypatch: pytest.MonkeyPatch) -> None:
    api, warnings = FakeApi(), list[str]()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api.clock, "sleep", lambda seconds: interrupted(seconds) if seconds else None)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, cdn.OPERATION, warnings=warnings, cache_ttl=5, wait=True)
    assert warnings == ["Interrupted. The CDN configuration was changed; it reaches the edge within 60 s."]


# --- Bounds ------------------------------------------------------------------------------------------------------------


def test_a_list_that_never_ends_ends() -> None:
    """Each page comes just in time, and names another one."""
    api = FakeApi()
    numbers = iter(range(100_000))

    def slow(right: Right) -> Answer:
        api.clock.time += 29
        return answer(200, {"items": [], "pagination": {"next_page": f"/instances?cursor={next(numbers)}", "total_count": 0}})

    api.spoil(*LIST, slow, times=1000)
    started = api.clock.time
    result = run_operation(api, instance_info.OPERATION, name=None, id=None, region=None, plan=None, status=None)
    assert result["msg"] == "GET /instances: the list could not be read to its end in time (see api_timeout)."
    assert api.clock.time - started <= 20 * 30 * 6 + 30

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_instance`` from options to result, against an account in memory: hours pass in no time, and every request is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response

from tests.emulator.settings import API_KEY

from ..fake_api import FakeApi, answer
from ..operations.runs import WEB, run_instance
from ..spoilers import LIST, POST, Right, lost_after


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


def test_without_looking_there_may_be_two() -> None:
    api = FakeApi()
    api.make("web-01")
    assert run_instance(api, **WEB, unique_name=False)["action"] == "create"
    assert LIST not in api.calls


def test_a_key_that_is_not_for_the_region() -> None:
    api = FakeApi(keys={API_KEY: {"regions": ["eu-west"]}})
    result = run_instance(api, **WEB)
    assert "POST /instances: the API returned 403" in result["msg"]
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


def test_update_in_place() -> None:
    api = FakeApi()
    api.make("web-01")
    result = run_instance(api, **{**WEB, "plan": "enterprise"})
    assert (result["action"], result["instance"]["plan"]) == ("update", "enterprise")
    assert api.calls == [LIST, ("PATCH", "/instances/inst_00000001"), ("GET", "/instances/inst_00000001")]
    assert api.bodies[1] == {"plan": "enterprise"}


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
        "reasons": [],
        "not_compared": [],
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


def test_one_that_is_being_deleted_is_not_the_one_that_could_not_be_made() -> None:
    api = FakeApi(delete_seconds=20)
    api.make("web-01")
    run_instance(api, name="web-01", state="absent", wait=False)
    api.spoil(*POST, lambda right: answer(422))
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"], result["action"], result["instance"]) == (True, False, "none", None)


def test_by_its_id_one_that_is_being_deleted_is_gone_too() -> None:
    api = FakeApi(delete_seconds=20)
    instance_id = api.make("web-01")["id"]
    run_instance(api, id=instance_id, state="absent", wait=False)
    assert "there is no instance inst_00000001" in run_instance(api, id=instance_id, plan="enterprise")["msg"]
    assert run_instance(api, id=instance_id, state="absent", wait=False)["action"] == "none"


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


@pytest.mark.parametrize("recreate", [False, True])
def test_a_change_that_is_refused_with_404_is_not_one_that_the_api_does_not_offer(recreate: bool) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("PATCH", "/instances/inst_00000001", lambda right: answer(404, {"error": {"code": "plan_not_found", "message": "No such plan."}}))
    result = run_instance(api, **{**WEB, "plan": "enterprise"}, recreate=recreate)
    assert "No such plan." in result["msg"]
    assert (result["changed"], result["action"], result["api_error"]["code"]) == (False, "none", "plan_not_found")
    assert api.writes() == [("PATCH", "/instances/inst_00000001")]


@pytest.mark.parametrize("status", [405, 501])
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


@pytest.mark.parametrize("given", [{"state": "absent"}, {"region": "eu-west", "recreate": True}])
def test_a_deletion_that_is_refused_with_404_is_told_as_that(given: dict[str, Any]) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("DELETE", "/instances/inst_00000001", lambda right: answer(404, {"error": {"message": "Locked."}}))
    result = run_instance(api, id="inst_00000001", **given)
    assert "Locked." in result["msg"]
    assert (result["failed"], result["changed"], result["instance"]["id"]) == (True, False, "inst_00000001")
    assert POST not in api.calls


@pytest.mark.parametrize("status", [405, 501])
@pytest.mark.parametrize("given", [{"state": "absent"}, {"region": "eu-west", "recreate": True}])
def test_without_delete_nothing_is_changed(status: int, given: dict[str, Any]) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    api.make("web-01")
    result = run_instance(api, id="inst_00000001", **given)
    assert f"The API does not offer DELETE /instances/{{id}} (status {status})" in result["msg"]
    assert result["msg"].endswith("Nothing was changed; what the API does not offer can be done in the CloudNexus dashboard.")
    assert (result["changed"], result["action"], result["instance"]["id"]) == (False, "none", "inst_00000001")
    assert POST not in api.calls


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
        ({"id": "inst_1", "wait_timeout": 86401}, "wait_timeout: expected a whole number from 1 to 86400, got 86401."),
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


def test_an_update_of_one_that_is_gone_by_then() -> None:
    """A 404 may mean that PATCH is missing, or that somebody deleted the instance meanwhile; nothing takes its place."""
    api = FakeApi()
    api.make("web-01")

    def gone(right: Right) -> Response:
        api.account.delete_instance("inst_00000001", api.account.key_for(API_KEY))
        return right()

    api.spoil("PATCH", "/instances/inst_00000001", gone)
    result = run_instance(api, **{**WEB, "plan": "enterprise"}, recreate=True)
    assert (result["failed"], result["changed"], result["api_error"]["status"]) == (True, False, 404)
    assert result["msg"].startswith("PATCH /instances/inst_00000001: the API returned 404")
    assert POST not in api.calls


# --- What the API says of itself ------------------------------------------------------------------------------------------


def test_an_absent_id_at_a_wrong_address_is_no_success() -> None:
    """Everything is 404 there, and that says nothing of the instance."""
    api = FakeApi()
    api.spoil("GET", "/instances/inst_1", lambda right: answer(404))
    assert run_instance(api, id="inst_1", state="absent")["action"] == "none"
    api.spoil("GET", "/instances/inst_1", lambda right: answer(404))
    api.spoil("GET", "/health", lambda right: answer(404))
    result = run_instance(api, id="inst_1", state="absent")
    assert "The API does not offer GET /health (status 404)" in result["msg"]
    assert "If its address is not https://api.test/v1/health, change api_url, which ends in /v1 by default." in result["msg"]


def test_a_replacement_whose_create_would_be_refused_deletes_nothing() -> None:
    api = FakeApi()
    old = api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(200, {**old, "plan": "legacy"}), times=2)
    for check_mode in (True, False):
        result = run_instance(api, id="inst_00000001", region="eu-west", recreate=True, check_mode=check_mode)
        assert "can't be replaced as the API shows it, so it was not deleted. plan: expected one of starter, professional, enterprise" in result["msg"]
    assert not api.writes()


def test_a_rename_onto_one_that_is_being_deleted_waits_for_its_end() -> None:
    api = FakeApi(delete_seconds=10)
    leaving, stays = api.make("web-02"), api.make("web-01")
    api.account.delete_instance(leaving["id"], api.account.key_for(API_KEY))
    predicted = run_instance(api, id=stays["id"], name="web-02", check_mode=True)
    result = run_instance(api, id=stays["id"], name="web-02")
    assert (predicted["action"], result["action"], result["instance"]["name"]) == ("update", "update", "web-02")
    assert api.clock.now() >= 1010


def test_a_region_that_is_not_a_documented_one_is_no_reason_to_replace() -> None:
    api = FakeApi()
    old = api.make("web-01")
    api.spoil("GET", "/instances", lambda right: answer(200, {"items": [{**old, "region": "us-east-1a"}], "pagination": {"total_count": 1}}))
    assert run_instance(api, **WEB, recreate=True)["action"] == "none"
    assert not api.writes()


def test_an_instance_that_is_not_what_was_sent_is_told() -> None:
    api = FakeApi(boot_seconds=0)

    def other(right: Right) -> Response:
        made = json.loads(right().body)
        return answer(201, {**made, "plan": "enterprise"})

    api.spoil(*POST, other)
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"], result["action"], result["instance"]["id"]) == (True, True, "create", "inst_00000001")
    assert "shows something else than was sent: plan is 'enterprise', sent was 'starter'" in result["msg"]


@pytest.mark.parametrize(
    ("current", "given", "message"),
    [
        ({"region": "eu-west"}, WEB, "The instance web-01 (inst_00000001) can't be changed in place"),
        ({}, {"id": "inst_00000001", "name": "web-02"}, "inst_00000001 can't be called web-02"),
    ],
)
def test_a_plan_that_fails_says_what_exists(current: dict[str, Any], given: dict[str, Any], message: str) -> None:
    api = FakeApi()
    made = api.make("web-01", **current)
    api.make("web-02")
    result = run_instance(api, **given)
    assert result["msg"].startswith(message)
    assert (result["changed"], result["action"], result["instance"]) == (False, "none", made)


def test_an_operation_that_is_missing_after_a_change_does_not_say_that_nothing_was_changed() -> None:
    """The old instance is deleted by then."""
    api = FakeApi()
    api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001", lambda right: answer(405))
    result = run_instance(api, **{**WEB, "region": "eu-west"}, recreate=True)
    assert (result["changed"], result["action"]) == (True, "delete")
    assert "Nothing was changed" not in result["msg"]


@pytest.mark.parametrize(("method", "given"), [("PATCH", {"plan": "enterprise"}), ("DELETE", {"state": "absent"})])
def test_a_key_that_may_not_change_an_instance_of_its_region(method: str, given: dict[str, Any]) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil(method, "/instances/inst_00000001", lambda right: answer(403))
    result = run_instance(api, **{**WEB, **given})
    assert result["msg"].endswith(f"The key's scope does not allow {method} /instances/inst_00000001 in region us-east.")


@pytest.mark.parametrize("given", [{"plan": "enterprise"}, {"state": "absent"}])
def test_a_refused_write_changes_nothing(given: dict[str, Any]) -> None:
    api = FakeApi()
    made = api.make("web-01")
    api.spoil("PATCH" if "plan" in given else "DELETE", "/instances/inst_00000001", lambda right: answer(422))
    result = run_instance(api, **{**WEB, **given})
    assert (result["failed"], result["changed"], result["action"], result["instance"]) == (True, False, "none", made)


@pytest.mark.parametrize("leaving", [True, False])
def test_one_of_the_very_name_is_no_look_alike(leaving: bool) -> None:
    api = FakeApi(delete_seconds=5)
    api.make("web-01")
    made = api.make("Web-01")
    if leaving:
        api.account.delete_instance(made["id"], api.account.key_for(API_KEY))
    assert run_instance(api, **{**WEB, "name": "Web-01"})["action"] == ("create" if leaving else "none")

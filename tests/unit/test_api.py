# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, their pages and their bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import api as module
from ansible_collections.cloudnexus.cloud.plugins.module_utils.api import Made, Writer
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ResponseLost
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Operation
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, cdn_info, health_info, instance_info

from tests.emulator.settings import API_KEY

from .fake_api import FakeApi, answer, run_operation
from .operations.runs import WEB, run_instance
from .spoilers import LIST, POST, Right


def test_a_list_that_shifts_while_it_is_read() -> None:
    """The deletion of one on the first page moves another one from the second page to the first, out of sight."""
    api = FakeApi(page_size=2, shifting_pages=True)
    for name in ("a", "b", "web-01", "d"):
        api.make(name)

    def shifted(right: Right) -> Response:
        answer = right()
        api.account.delete_instance("inst_00000001", api.account.key_for(API_KEY))
        return answer

    api.spoil(*LIST, shifted)
    assert run_instance(api, **WEB)["action"] == "none"
    assert not api.writes()


def test_an_instance_that_moves_from_page_to_page_is_one() -> None:
    api = FakeApi()
    made = api.make("web-01")
    page = {"items": [made], "pagination": {"next_page": "/instances?cursor=2", "total_count": 2}}
    api.spoil(*LIST, lambda right: answer(200, page))
    api.spoil(*LIST, lambda right: answer(200, {"items": [made], "pagination": {"next_page": None, "total_count": 2}}))
    assert run_instance(api, **WEB)["action"] == "none"


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
    assert message.startswith(f"GET /storage/buckets: the API's response doesn't match the contract: expected {expected}")


def test_a_list_that_never_ends_ends() -> None:
    """Each page comes just in time, and names another one."""
    api = FakeApi()
    numbers = iter(range(100_000))

    def slow(right: Right) -> Response:
        api.clock.time += 29
        return answer(200, {"items": [], "pagination": {"next_page": f"/instances?cursor={next(numbers)}", "total_count": 0}})

    api.spoil(*LIST, slow, times=1000)
    started = api.clock.time
    result = run_operation(api, instance_info.OPERATION, name=None, id=None, region=None, plan=None, status=None)
    assert result["msg"] == "GET /instances: the list could not be read to its end in time (see api_timeout)."
    assert 20 * 30 * 6 <= api.clock.time - started <= 20 * 30 * 6 + 30


def test_a_list_of_more_pages_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 3)
    assert len(run_operation(FakeApi(buckets=3, page_size=1), bucket_info.OPERATION)["buckets"]) == 3
    result = run_operation(FakeApi(buckets=4, page_size=1), bucket_info.OPERATION)
    assert result["msg"] == "GET /storage/buckets: the list has more than 3 pages."


def paged(right: Right, **pagination: Any) -> Response:
    """The right page with another ``pagination``."""
    page = json.loads(right().body)
    return answer(200, {**page, "pagination": {**page["pagination"], **pagination}})


@pytest.mark.parametrize(("readings", "failed"), [(2, False), (3, True)])
def test_a_list_that_contradicts_itself_is_read_three_times(readings: int, failed: bool) -> None:
    api = FakeApi(page_size=1)
    for name in ("a", "b"):
        api.make(name)
    for total in (1, 3, 3, 3, 2, None)[: 2 * readings]:
        api.spoil(*LIST, lambda right, total=total: paged(right, total_count=total))  # type: ignore[misc]
    result = run_operation(api, instance_info.OPERATION)
    assert (len(api.calls), result.get("failed", False)) == (3 * 2, failed)
    if failed:
        assert "its list says total_count 2 and none and has 2 items" in result["msg"]
    else:
        assert [item["name"] for item in result["instances"]] == ["a", "b"]


@pytest.mark.parametrize(("total", "failed"), [(2, False), (None, False), (1, True), (3, True)])
def test_the_number_of_buckets_is_the_one_that_the_list_says(total: int | None, failed: bool) -> None:
    api = FakeApi(buckets=2)
    api.spoil("GET", "/storage/buckets", lambda right: paged(right, total_count=total), times=3)
    result = run_operation(api, bucket_info.OPERATION)
    assert (len(api.calls), result.get("failed", False)) == (3 if failed else 1, failed)


@pytest.mark.parametrize(("total", "shown"), [(0, 0), (-1, None), (True, None), (1.5, None), ("7", None), (None, None)])
def test_a_total_that_is_no_count_is_not_shown(total: Any, shown: int | None) -> None:
    api = FakeApi(buckets=0)
    api.spoil("GET", "/storage/buckets", lambda right: paged(right, total_count=total))
    assert run_operation(api, bucket_info.OPERATION)["total_count"] == shown


def test_an_empty_page_link_is_none() -> None:
    api = FakeApi(buckets=1)
    api.spoil("GET", "/storage/buckets", lambda right: paged(right, next_page=""))
    assert len(run_operation(api, bucket_info.OPERATION)["buckets"]) == 1


BUCKET = {"id": "bkt_1", "name": "media", "region": "us-east", "created_at": None, "size_bytes": 0, "object_count": 0}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "", "buckets with an id and a name"),
        ("name", None, "buckets with an id and a name"),
        ("region", 5, "region of type str"),
        ("created_at", True, "created_at of type str"),
        ("size_bytes", -1, "buckets with whole numbers in size_bytes and object_count"),
        ("size_bytes", 1.5, "buckets with whole numbers in size_bytes and object_count"),
        ("object_count", True, "buckets with whole numbers in size_bytes and object_count"),
        ("object_count", None, "buckets with whole numbers in size_bytes and object_count"),
    ],
)
def test_a_bucket_of_another_shape(field: str, value: Any, expected: str) -> None:
    def listed(bucket: dict[str, Any]) -> dict[str, Any]:
        api = FakeApi()
        api.spoil("GET", "/storage/buckets", lambda right: answer(200, {"items": [BUCKET, bucket], "pagination": {}}))
        return run_operation(api, bucket_info.OPERATION)

    assert listed({**BUCKET, "id": "bkt_2"})["buckets"][1]["id"] == "bkt_2"
    assert f"expected {expected}" in listed({**BUCKET, "id": "bkt_2", field: value})["msg"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", None, "an instance with a text in id"),
        ("id", "", "an instance with a text in id"),
        ("id", "inst/1", "an instance with an id that can stand in a path"),
        ("name", 5, "an instance with a text in name"),
        ("name", "", "an instance with a text in name"),
        *[(field, 5, f"an instance with a text in {field}") for field in ("status", "plan", "region", "ip")],
        ("ip", "-oProxyCommand=x", "an instance with an address in ip"),
        ("ip", "10.4.0.1 x", "an instance with an address in ip"),
    ],
)
def test_an_instance_of_another_shape(field: str, value: Any, expected: str) -> None:
    api = FakeApi()
    page = {"items": [{**api.make("web-01"), field: value}], "pagination": {}}
    api.spoil(*LIST, lambda right: answer(200, page))
    assert f"expected {expected}" in run_operation(api, instance_info.OPERATION)["msg"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "a" * 255), ("status", None), ("plan", None), ("region", None), ("ip", None), ("ip", ""), ("ip", "fe80::1%eth0"), ("ip", "web.example.com")],
)
def test_an_instance_that_can_be_used(field: str, value: Any) -> None:
    api = FakeApi()
    page = {"items": [{**api.make("web-01"), field: value}], "pagination": {}}
    api.spoil(*LIST, lambda right: answer(200, page))
    assert run_operation(api, instance_info.OPERATION)["instances"][0][field] == value


@pytest.mark.parametrize("other", ["inst_00000000", "inst_00000002"])
def test_a_response_about_another_instance(other: str) -> None:
    api = FakeApi()
    made = api.make("web-01")
    api.spoil("GET", f"/instances/{made['id']}", lambda right: answer(200, {**made, "id": other}))
    assert "expected the instance inst_00000001." in run_operation(api, instance_info.OPERATION, id=made["id"])["msg"]


@pytest.mark.parametrize("other", ["web-00", "web-02"])
def test_a_response_to_a_create_about_another_name(other: str) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(201, {**json.loads(right().body), "name": other}))
    result = run_instance(api, **WEB)
    assert (result["failed"], result["changed"], result["action"], api.account.created) == (True, True, "create", 1)
    assert f"name is '{other}', sent was 'web-01'" in result["msg"]


@pytest.mark.parametrize(
    ("operation", "path", "field", "value", "kind"),
    [
        (health_info.OPERATION, "/health", "status", 5, "str"),
        (health_info.OPERATION, "/health", "version", True, "str"),
        (health_info.OPERATION, "/health", "region", [], "str"),
        (cdn_info.OPERATION, "/cdn/config", "cache_ttl", True, "int"),
        (cdn_info.OPERATION, "/cdn/config", "ssl_enabled", 1, "bool"),
        (cdn_info.OPERATION, "/cdn/config", "compression", False, "str"),
    ],
)
def test_a_field_of_another_type(operation: Operation, path: str, field: str, value: Any, kind: str) -> None:
    def shown(changes: dict[str, Any]) -> dict[str, Any]:
        api = FakeApi()
        api.spoil("GET", path, lambda right: answer(200, {**json.loads(right().body), **changes}))
        return run_operation(api, operation)

    assert not shown({}).get("failed")
    assert shown({field: value})["msg"].endswith(f"expected {field} of type {kind}.")


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_of_a_list_is_no_missing_operation(status: int) -> None:
    api = FakeApi()
    api.spoil(*LIST, lambda right: answer(status))
    assert run_operation(api, instance_info.OPERATION)["msg"].startswith(f"GET /instances: the API returned {status}")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_missing_operation(status: int) -> None:
    """The list of buckets is documented, so it is never missing; logs are not."""
    api = FakeApi()
    api.spoil("GET", "/storage/buckets", lambda right: answer(status))
    api.spoil("GET", f"/instances/{api.make('web-01')['id']}/logs", lambda right: answer(status))
    assert run_operation(api, bucket_info.OPERATION)["msg"].startswith(f"GET /storage/buckets: the API returned {status}")
    assert run_operation(api, instance_info.OPERATION, logs=True)["msg"].startswith(f"The API does not offer GET /instances/{{id}}/logs (status {status}")


# --- What the response to a create says ---------------------------------------------------------------------------------

SHOWN = {"id": "inst_7", "name": "web-01", "status": "provisioning", "plan": "starter", "region": "us-east", "ip": None}
LOCATION = "https://api.test/v1/instances/inst_7"


def made(response: Callable[[Right], Response]) -> Made:
    api = FakeApi()
    api.spoil(*POST, response)
    return Writer(api.client()).create_instance(WEB)


@pytest.mark.parametrize("data", [SHOWN, {"data": SHOWN}, {"instance": SHOWN, "meta": {"request": "x"}}, {**SHOWN, "links": {"id": "x"}}])
def test_a_response_that_shows_the_instance(data: dict[str, Any]) -> None:
    found = made(lambda right: answer(201, data))
    assert found.instance is not None
    assert (found.instance["name"], found.id, found.error) == ("web-01", "inst_7", None)


@pytest.mark.parametrize(
    ("data", "location", "instance_id"),
    [
        (None, LOCATION, "inst_7"),
        (None, "/v1/instances/inst_7/", "inst_7"),
        (None, f"{LOCATION}?a=/instances/b#/instances/c", "inst_7"),
        (None, "/instances/inst%5F7", "inst_7"),
        (None, "/instances/inst%2F7", None),
        (None, "/instances/inst_7/logs", None),
        (None, "/instances/", None),
        (None, "", None),
        ([], LOCATION, "inst_7"),
        ({"id": "inst_7"}, "", "inst_7"),
        ({"id": "inst_7"}, "/instances/inst_8", "inst_7"),
        ({"id": 5}, LOCATION, "inst_7"),
        ({"id": "a/b"}, "", None),
        ({"data": {"id": "inst_7"}}, "", "inst_7"),
        ({"a": SHOWN, "b": SHOWN}, "", None),
    ],
)
def test_a_response_that_names_the_instance_at_most(data: Any, location: str, instance_id: str | None) -> None:
    found = made(lambda right: answer(201, data, {"Location": location}))
    assert (found.instance, found.id) == (None, instance_id)
    assert found.error is not None


@pytest.mark.parametrize(("came", "exists"), [(200, True), (299, True), (199, False), (300, False), (500, False), (None, False)])
def test_a_success_whose_rest_was_lost_is_proof_that_an_instance_exists(came: int | None, exists: bool) -> None:
    lost = ResponseLost("The connection was reset.")
    lost.came = came

    def response(_right: Right) -> Response:
        raise lost

    if exists:
        assert made(response) == Made(None, None, lost)
    else:
        with pytest.raises(ResponseLost):
            made(response)


def test_a_fault_of_the_collection_is_no_reason_to_create_a_second_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setattr(client, "_counted", broken)
    found = made(lambda right: answer(201, SHOWN, {"Location": LOCATION}))
    assert (found.instance, found.id) == (None, "inst_7")
    assert "This is a fault of the collection" in str(found.error)


@pytest.mark.parametrize(("status", "missing"), [(404, True), (403, False), (503, False)])
def test_an_address_that_is_wrong_says_nothing_of_an_instance(status: int, missing: bool) -> None:
    """Each path is 404 then, so the instance would count as gone."""
    api = FakeApi()
    api.spoil("GET", "/instances/inst_9", lambda right: answer(404))
    api.spoil("GET", "/health", lambda right: answer(status), times=99)
    result = run_instance(api, id="inst_9", state="absent")
    assert result.get("failed", False) is missing
    assert not missing or result["msg"].startswith("The API does not offer GET /health (status 404)")


def test_a_later_page_that_is_not_there_is_no_missing_operation() -> None:
    api = FakeApi(page_size=1)
    for name in ("a", "b"):
        api.make(name)
    api.spoil(*LIST, lambda right: right())
    api.spoil(*LIST, lambda right: answer(404))
    result = run_operation(api, instance_info.OPERATION)
    assert result["msg"].startswith("GET /instances: the API returned 404 at ")
    assert "does not offer" not in result["msg"]

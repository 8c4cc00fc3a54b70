# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations that only read: ``cloudnexus_instance_info``, ``cloudnexus_bucket_info``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Operation
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, instance_info

from ..fake_api import FakeApi, answer, run_operation


def test_a_bucket_that_moves_from_page_to_page_is_one() -> None:
    api = FakeApi(buckets=1)
    (bucket,) = run_operation(api, bucket_info.OPERATION)["buckets"]
    page = {"items": [bucket], "pagination": {"next_page": "/storage/buckets?cursor=2", "total_count": 1}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, page))
    last_page = {"items": [bucket], "pagination": {"next_page": None, "total_count": 1}}
    api.spoil("GET", "/storage/buckets", lambda right: answer(200, last_page))
    assert run_operation(api, bucket_info.OPERATION)["buckets"] == [bucket]


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


def test_instance_info_by_lists_and_by_the_beginning_of_a_name() -> None:
    api = FakeApi()
    for name, plan, region in (("web-1", "starter", "us-east"), ("web-2", "enterprise", "eu-west"), ("db-1", "starter", "ap-south")):
        api.make(name, plan=plan, region=region)

    def names(**given: Any) -> list[str]:
        return [item["name"] for item in run_operation(api, instance_info.OPERATION, **given)["instances"]]

    assert names(names=["db-1", "web-1", "none", "web-1"]) == ["web-1", "db-1"]
    assert names(name_prefix="web-") == ["web-1", "web-2"]
    assert names(regions=["us-east", "ap-south"]) == ["web-1", "db-1"]
    assert names(plans=["enterprise"]) == ["web-2"]
    assert names(statuses=["failed", "running"]) == names()
    assert names(statuses=["failed"]) == []
    # All options that are given must be met.
    assert names(name_prefix="web-", plans=["starter"], regions=["us-east", "eu-west"]) == ["web-1"]
    assert names(name="web-1", names=["web-1", "web-2"]) == ["web-1"]
    assert names(name="web-1", names=["web-2"]) == []
    # A list that a play computes may be empty. No names are not all names.
    assert names(names=[]) == names(ids=[]) == []
    assert names(regions=[], plans=[], statuses=[]) == names()


def test_instance_info_by_ids_needs_no_list() -> None:
    api = FakeApi(profile="documented")
    made = [api.make(f"web-{number}") for number in range(3)]
    ids = [made[2]["id"], "inst_99", made[0]["id"], made[2]["id"]]
    result = run_operation(api, instance_info.OPERATION, ids=ids, name_prefix="web-")
    assert result["instances"] == [made[2], made[0]]
    assert api.calls == [("GET", f"/instances/{instance_id}") for instance_id in ids[:3]]
    assert run_operation(api, instance_info.OPERATION, id=made[0]["id"], ids=[made[1]["id"]])["instances"] == []


def test_instance_info_without_a_list() -> None:
    api = FakeApi(profile="documented")
    api.make("web-01")
    message = run_operation(api, instance_info.OPERATION)["msg"]
    assert "does not offer GET /instances" in message
    assert message.endswith(" Pass id to read one instance.")
    assert run_operation(api, instance_info.OPERATION, id="inst_00000001")["instances"][0]["name"] == "web-01"


def test_logs_are_read_if_they_are_asked_for() -> None:
    api = FakeApi()
    made = api.make("web-01")
    assert run_operation(api, instance_info.OPERATION)["instances"] == [made]
    assert len(api.calls) == 1


@pytest.mark.parametrize(("body", "log"), [(b'{"lines": []}', {"lines": []}), (b"booted\n", "booted\n"), (b"", ""), (b"\xff", "\ufffd")])
def test_logs_of_any_shape(body: bytes, log: Any) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001/logs", lambda right: Response(200, {}, body))
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


@pytest.mark.parametrize(
    ("given", "found", "pages"),
    [
        ({"names": ["media-assets", "bucket-00015", "media-assets"]}, ["media-assets", "bucket-00015"], 2),
        ({"names": ["media-assets"], "regions": ["eu-west"]}, [], 3),
        ({"names": ["media-assets", "bucket-00015"], "limit": 1}, ["media-assets"], 1),
        ({"names": []}, [], 1),
        ({"name_prefix": "media-"}, ["media-assets"], 3),
        ({"name_prefix": "media-", "limit": 1}, ["media-assets"], 1),
        ({"name_prefix": "media-", "regions": ["us-east", "ap-south"]}, ["media-assets"], 3),
    ],
)
def test_bucket_info_by_lists_and_by_the_beginning_of_a_name(given: dict[str, Any], found: list[str], pages: int) -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, **given)
    assert ([bucket["name"] for bucket in result["buckets"]], result["total_count"], len(api.calls)) == (found, 24, pages)


def test_bucket_info_of_another_region_reads_on() -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, name="media-assets", region="eu-west")
    assert (result["buckets"], len(api.calls)) == ([], 3)


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (10, 1), (11, 2), (24, 3), (99, 3)])
def test_bucket_info_stops_reading_at_its_limit(limit: int, pages: int) -> None:
    api = FakeApi(page_size=10)
    result = run_operation(api, bucket_info.OPERATION, limit=limit)
    assert (len(result["buckets"]), len(api.calls)) == (min(limit, 24), pages)


@pytest.mark.parametrize(
    ("operation", "given", "message"),
    [
        (instance_info.OPERATION, {"id": "a/b"}, "id: expected an id as the API shows it"),
        (instance_info.OPERATION, {"name": ""}, "name: expected a text that is not empty."),
        (instance_info.OPERATION, {"status": " x"}, "status: expected one line of text"),
        (instance_info.OPERATION, {"name_prefix": ""}, "name_prefix: expected a text that is not empty."),
        (instance_info.OPERATION, {"names": ["web-01", ""]}, "names[1]: expected a text that is not empty."),
        (instance_info.OPERATION, {"ids": ["inst_1", "a/b"]}, "ids[1]: expected an id as the API shows it"),
        (instance_info.OPERATION, {"statuses": ["running\n"]}, "statuses[0]: expected one line of text"),
        (instance_info.OPERATION, {"names": ['["web-01"', '"web-02"]']}, "names: element 1 looks like a piece of JSON"),
        (instance_info.OPERATION, {"ids": ['["inst_1"]']}, "ids: element 1 looks like a piece of JSON"),
        (bucket_info.OPERATION, {"names": [" x"]}, "names[0]: expected one line of text"),
        (bucket_info.OPERATION, {"name_prefix": " x"}, "name_prefix: expected one line of text"),
        (bucket_info.OPERATION, {"name": ""}, "name: expected a text that is not empty."),
        (bucket_info.OPERATION, {"limit": 0}, "limit: expected a whole number from 1 to 1000000, got 0."),
        (bucket_info.OPERATION, {"limit": 1_000_001}, "limit: expected a whole number from 1 to 1000000, got 1000001."),
    ],
)
def test_bad_input_is_refused_before_any_request(operation: Operation, given: dict[str, Any], message: str) -> None:
    api = FakeApi()
    assert run_operation(api, operation, **given)["msg"].startswith(message)
    assert not api.calls

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, their pages and their bounds."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Answer
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, instance_info

from tests.emulator.settings import API_KEY

from .fake_api import FakeApi, answer, run_operation
from .operations.runs import WEB, run_instance
from .spoilers import LIST, Right


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
    assert message.startswith(f"GET /storage/buckets: the API's answer is not what the contract says: expected {expected}")


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

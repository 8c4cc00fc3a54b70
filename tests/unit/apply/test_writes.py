# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes in parallel: none after the deadline, none once the API takes no more."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent

from ..fake_api import FakeApi, answer
from ..operations.runs import posts, run_fleet, webs
from ..spoilers import POST, Right


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_api_that_takes_nothing_more_is_not_asked_a_thousand_times(concurrency: int) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(401, {"error": {"message": "Revoked."}}), times=1000)
    result = run_fleet(api, webs(1000), concurrency=concurrency)
    assert len(result["failed_instances"]) == 1000
    assert posts(api) <= concurrency
    assert result["msg"].endswith("failed_instances has 999 more.") or concurrency > 1


def test_after_the_deadline_nothing_is_begun() -> None:
    api = FakeApi(boot_seconds=1000)

    def slow(right: Right) -> Response:
        api.clock.time += 10
        return right()

    api.spoil(*POST, slow, times=20)
    result = run_fleet(api, webs(20), wait_timeout=45)
    assert posts(api) == 5
    assert len(result["created"]) == 5
    messages = [item["msg"] for item in result["failed_instances"]]
    assert sum("the time (wait_timeout) was over before it was its turn" in message for message in messages) == 15
    assert sum("its last status is 'provisioning'" in message for message in messages) == 5


def test_an_api_that_can_not_be_reached_ends_it() -> None:
    api = FakeApi()

    def not_sent(right: Right) -> Response:
        raise NotSent("Connection refused.")

    api.spoil(*POST, not_sent, times=1000)
    result = run_fleet(api, webs(50))
    assert posts(api) == 6
    assert "Nothing was sent, because the API would not have taken it: POST /instances: Connection refused." in result["failed_instances"][1]["msg"]

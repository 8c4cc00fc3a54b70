# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trace of requests: a line for each, and a list in the result that has a bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.trace import MOST, Exchange, Kept, Trace
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ResponseLost
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn_info, health_info, instance_info

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from ..fake_api import FakeApi, FakeClock, answer, run_operation
from ..operations.runs import run_fleet, run_instance, webs

FIELDS = ["method", "path", "status", "milliseconds", "attempt", "request_id"]


PAIR = {"refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID}


@pytest.fixture(autouse=True)
def _no_token_of_another_test() -> None:
    auth._known.clear()


def exchange(path: str = "/health", status: int | None = 200) -> Exchange:
    return Exchange("GET", path, status, 12, 1, None, 0.0)


def sent(result: dict[str, Any]) -> list[tuple[str, str, int | None, int]]:
    return [(entry["method"], entry["path"], entry["status"], entry["attempt"]) for entry in result["api_requests"]]


def slow(api: FakeApi, seconds: float, response: Callable[[], Response]) -> Callable[[Any], Response]:
    def spoiler(_right: Any) -> Response:
        api.clock.time += seconds
        return response()

    return spoiler


def lose() -> Response:
    raise ResponseLost("The API's response was lost.")


# --- The result --------------------------------------------------------------------------------------------------------


def test_the_result_has_each_request() -> None:
    api = FakeApi(page_size=1)
    for name in ("web-01", "web-02"):
        api.make(name)
    result = run_operation(api, instance_info.OPERATION, logs=True, trace=True)
    assert [(entry["method"], entry["path"]) for entry in result["api_requests"]] == api.calls
    assert result["api_requests_left_out"] == 0
    assert all(list(entry) == FIELDS for entry in result["api_requests"])
    # The second page's address has a cursor.
    assert not any("?" in entry["path"] for entry in result["api_requests"])


def test_each_attempt_counts_with_its_status_its_time_and_its_id() -> None:
    api, told = FakeApi(), list[str]()
    api.spoil("GET", "/health", slow(api, 1.5, lambda: answer(429, {"request_id": "req_slow"}, {"Retry-After": "20"})))
    api.spoil("GET", "/health", slow(api, 30, lose))
    api.spoil("GET", "/health", slow(api, 0.25, lambda: answer(200, {"status": "healthy"}, {"X-Request-Id": "req_ok"})))
    result = run_operation(api, health_info.OPERATION, trace=True, tell=told.append)
    assert [list(entry.values()) for entry in result["api_requests"]] == [
        ["GET", "/health", 429, 1500, 1, "req_slow"],
        ["GET", "/health", None, 30000, 2, None],
        ["GET", "/health", 200, 250, 3, "req_ok"],
    ]
    assert told[0] == "GET /health: status 429, 1500 ms, attempt 1, request req_slow, pause 0.0 s"
    assert told[1] == "GET /health: no response, 30000 ms, attempt 2, no request id, pause 20.0 s"
    assert re.fullmatch(r"GET /health: status 200, 250 ms, attempt 3, request req_ok, pause 0\.[2-5] s", told[2])


def test_a_status_that_came_before_the_rest_was_lost_is_kept() -> None:
    api = FakeApi()

    def cut() -> Response:
        error = ResponseLost("The API's response was cut off.")
        error.came = 200
        raise error

    api.spoil("GET", "/health", slow(api, 0, cut))
    assert sent(run_operation(api, health_info.OPERATION, trace=True)) == [("GET", "/health", 200, 1), ("GET", "/health", 200, 2)]


def test_a_failure_has_its_requests() -> None:
    api = FakeApi(profile="documented")
    result = run_operation(api, cdn_info.OPERATION, trace=True)
    assert result["failed"]
    assert sent(result) == [("GET", "/cdn/config", 405, 1)]
    refused = run_operation(api, instance_info.OPERATION, id="a/b", trace=True)
    assert (refused["failed"], refused["api_requests"], refused["api_requests_left_out"]) == (True, [], 0)


def test_a_fleet_has_the_requests_of_all_its_workers() -> None:
    api = FakeApi()
    result = run_fleet(api, webs(20), concurrency=8, trace=True)
    assert sorted((entry["method"], entry["path"]) for entry in result["api_requests"]) == sorted(api.calls)


def test_nothing_is_recorded_if_nobody_asks() -> None:
    api = FakeApi()
    result = run_instance(api, name="web-01", plan="starter", region="us-east")
    assert not [key for key in result if key.startswith("api_requests")]
    told: list[str] = []
    assert "api_requests" not in run_operation(api, health_info.OPERATION, tell=told.append)
    assert len(told) == 1


# --- Secrets -----------------------------------------------------------------------------------------------------------


def test_a_refresh_is_recorded_without_its_tokens() -> None:
    api, told = FakeApi(), list[str]()
    new = "cn_access_0123456789"
    body = {"access_token": new, "expires_in": 3600}
    api.spoil("POST", "/auth/token/refresh", lambda right: answer(200, body, {"X-Request-Id": new}))
    api.spoil("GET", "/health", lambda right: answer(200, {"status": "healthy"}, {"X-Request-Id": f"req-{new}"}))
    result = run_operation(api, health_info.OPERATION, trace=True, tell=told.append, api_key=None, **PAIR)
    assert sent(result) == [("POST", "/auth/token/refresh", 200, 1), ("GET", "/health", 200, 1)]
    assert [entry["request_id"] for entry in result["api_requests"]] == [None, "req-********"]
    assert len(told) == 2
    for secret in (new, REFRESH_TOKEN):
        assert secret not in f"{told}{result}"


def test_a_path_that_holds_the_key_is_masked() -> None:
    api, told = FakeApi(), list[str]()
    result = run_operation(api, instance_info.OPERATION, id=API_KEY, trace=True, tell=told.append)
    assert [entry["path"] for entry in result["api_requests"]] == ["/instances/********"]
    assert API_KEY not in f"{told}{result}"


def test_the_attempt_after_a_renewal_is_the_next_one() -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: answer(401, {}))
    result = run_operation(api, health_info.OPERATION, trace=True, **PAIR)
    assert sent(result) == [("GET", "/health", 401, 1), ("POST", "/auth/token/refresh", 200, 1), ("GET", "/health", 200, 2)]


def test_a_request_id_reaches_no_terminal_as_a_command() -> None:
    api, told = FakeApi(), list[str]()
    api.spoil("GET", "/health", lambda right: answer(200, {}, {"X-Request-Id": "\x1b[2J"}))
    run_operation(api, health_info.OPERATION, tell=told.append)
    assert told
    assert all(line.isprintable() for line in told)


# --- The bound ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "left_out"), [(0, 0), (9, 0), (10, 0), (11, 1), (1000, 990)])
def test_the_first_and_the_newest_are_kept(count: int, left_out: int) -> None:
    kept: Kept[int] = Kept(10)
    for number in range(count):
        kept.add(number)
    everything = list(range(count))
    assert kept.items() == (everything if count <= 10 else everything[:5] + everything[-5:])
    assert kept.left_out == left_out


def test_an_odd_bound_and_none_at_all() -> None:
    odd, none = Kept[int](3), Kept[int](0)
    for number in range(5):
        odd.add(number)
        none.add(number)
    assert (odd.items(), odd.left_out) == ([0, 3, 4], 2)
    assert (none.items(), none.left_out) == ([], 5)


def test_a_task_that_polls_for_hours_keeps_a_bounded_list() -> None:
    api = FakeApi(boot_seconds=20_000)
    result = run_instance(api, name="web-01", plan="starter", region="us-east", wait_timeout=30_000, trace=True)
    assert len(api.calls) > MOST
    assert len(result["api_requests"]) <= MOST + 11
    assert len(result["api_requests"]) + result["api_requests_left_out"] == len(api.calls)
    assert result["api_requests"][-1] == {**result["api_requests"][-1], "method": api.calls[-1][0], "path": api.calls[-1][1]}


def test_each_operation_is_kept_once_at_least() -> None:
    """The operations that a key must allow are summed up from the list."""
    trace = Trace(FakeClock(), str)
    for number in range(2 * MOST):
        trace.add(exchange())
        if number == MOST:
            trace.add(exchange("/instances/inst_1"))
            trace.add(exchange("/instances/inst_2/logs"))
    entries = trace.as_result()["api_requests"]
    assert [entry["path"] for entry in entries if entry["path"] != "/health"] == ["/instances/inst_1", "/instances/inst_2/logs"]
    assert entries.index(exchange("/instances/inst_1").as_dict()) == MOST // 2


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/instances", "GET /instances"),
        ("/instances/inst_8x92a1b3", "GET /instances/{id}"),
        ("/instances/inst_8x92a1b3/logs", "GET /instances/{id}/logs"),
        ("/storage/buckets", "GET /storage/buckets"),
    ],
)
def test_the_operation_of_a_path(path: str, operation: str) -> None:
    assert exchange(path).operation == operation

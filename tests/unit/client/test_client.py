# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for refusals and for responses that are not JSON."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import client as module
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Call
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import (
    BadResponse,
    CloudNexusError,
    Forbidden,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
)
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import health_info

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from ..fake_api import BASE_URL, FakeApi, answer, run_operation
from ..spoilers import Right


@pytest.mark.parametrize("body", [b"", b"<html>It works!</html>", b'{"items": [', b"NaN", b'"\\ud800"', b"\xff\xfe", b"[" * 1_500])
def test_an_answer_that_is_no_json(body: bytes) -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: Response(200, {"Content-Type": "text/html", "X-Request-Id": "req_7"}, body))
    result = run_operation(api, health_info.OPERATION)
    assert result["msg"] == (
        f"GET /health: the API's response is not the expected JSON (status 200, {len(body)} bytes, content type text/html, request req_7), "
        f"at {BASE_URL}/health."
    )
    assert len(result["msg"]) < 600
    assert result["api_error"]["status"] == 200


def test_a_fault_of_ours_is_told_without_a_traceback_or_secret() -> None:
    api = FakeApi()

    def broken(right: Right) -> Response:
        raise KeyError(f"oops {API_KEY}")

    api.spoil("GET", "/health", broken)
    result = run_operation(api, health_info.OPERATION)
    assert "This is a fault of the collection, please report it: KeyError" in result["msg"]
    assert API_KEY not in str(result)


def test_the_api_says_nothing_usable_in_its_error() -> None:
    for body in (b"", b"[]", b'"no"', b'{"error": 5}', b'{"error": {"message": ["x"]}}', b"<html>"):
        api = FakeApi()
        api.spoil("GET", "/health", lambda right, body=body: Response(418, {}, body))  # type: ignore[misc]
        result = run_operation(api, health_info.OPERATION)
        assert result["msg"] == "GET /health: the API returned 418."
        assert result["api_error"] == {"method": "GET", "path": "/health", "status": 418}


def test_a_secret_is_masked_before_a_long_text_is_cut() -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: answer(418, {"error": {"message": "x" * 295 + API_KEY}}))
    assert API_KEY[:4] not in run_operation(api, health_info.OPERATION)["msg"]


HEALTH = Call("GET", "/health")


def refusal(spoilt: Response) -> CloudNexusError:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: spoilt)
    client = api.client(api_retries=0)
    client._retry.bound = 0  # a refusal for the rate is repeated as long as the time allows
    with pytest.raises(CloudNexusError) as caught:
        client.json(HEALTH)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_2xx_is_success(status: int) -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: answer(status, {"status": "healthy"}))
    assert api.client().json(HEALTH) == {"status": "healthy"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, BadResponse) for status in (199, 300, 304, 399)],
        *[(status, Refused) for status in (400, 402, 405, 428, 430, 499)],
        *[(status, ServerFault) for status in (500, 503, 599)],
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (429, RateLimited),
    ],
)
def test_what_a_status_means(status: int, kind: type[CloudNexusError]) -> None:
    error = refusal(answer(status))
    assert type(error) is kind
    assert (error.status, error.message.startswith(f"GET /health: the API returned {status}")) == (status, True)


@pytest.mark.parametrize(
    ("body", "headers", "shown"),
    [
        ({"error": {"code": "c", "message": "m", "request_id": "r"}}, {}, ("c", "m", "r")),
        ({"error": {"code": 7, "detail": "d"}, "request_id": "r"}, {}, ("7", "d", "r")),
        ({"code": "c", "message": "m", "detail": "d"}, {"X-Request-Id": "h"}, ("c", "m", "h")),
        ({"error": "e", "request_id": "r"}, {"X-Request-Id": "h"}, (None, "e", "h")),
        ({"detail": "d", "error": "e", "code": True}, {}, (None, "d", None)),
        ({"message": " a\n\tb\x07 "}, {}, (None, "a b\\x07", None)),
    ],
)
def test_what_an_error_shows_of_a_response(body: Any, headers: dict[str, str], shown: tuple[str | None, ...]) -> None:
    error = refusal(answer(418, body, headers)).api_error
    assert error
    assert (error.code, error.message, error.request_id) == shown


@pytest.mark.parametrize(("length", "cut"), [(0, False), (1, True)])
def test_a_long_text_is_cut(length: int, cut: bool) -> None:
    error = refusal(answer(418, {"message": "x" * (module._SHOWN + length)})).api_error
    assert error
    assert error.message == "x" * module._SHOWN + ("..." if cut else "")


def test_a_response_without_a_body_says_so() -> None:
    assert refusal(Response(200, {}, b"")).message.endswith(f"(status 200, 0 bytes, content type not given), at {BASE_URL}/health.")


def test_a_response_that_may_hold_a_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_known", {})
    api = FakeApi()
    client = api.client(refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID)
    client._credential._api_key = None
    api.spoil("POST", "/auth/token/refresh", lambda right: Response(200, {}, b"token=canary"))
    with pytest.raises(BadResponse, match=r"is not the expected JSON") as caught:
        client.access_token()
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'[{"a":1,"b":2},{"a":1,"a":2}]',
        b'{"a": 1, "a" : 2}',
        b'{"a": 1, "a"\n: 2}',
        b'{"a": 1, "a"\t: 2}',
        b'{"a": 1, "a"\r: 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"__ansible_x": 1}',
        b'{"a": {"__ansible_x" : 1}}',
        b"1e999",
        b"Infinity",
        b'"\\udc00"',
    ],
)
def test_json_that_is_refused(body: bytes) -> None:
    assert "is not the expected JSON" in refusal(Response(200, {}, body)).message


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"a b": "c: d", "e": [{"a b": 1}]}', {"a b": "c: d", "e": [{"a b": 1}]}),
        (b'{"a" : "\\"a\\":", "b": 1.5}', {"a": '"a":', "b": 1.5}),
        (b'{"a": "x__ansible_x", "\\ud83d\\ude00": null}', {"a": "x__ansible_x", "\U0001f600": None}),
    ],
)
def test_json_that_is_read(body: bytes, data: Any) -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: Response(200, {}, body))
    assert api.client().json(HEALTH) == data


NOW = datetime(2026, 10, 21, 7, 28, tzinfo=timezone.utc)
TOO_LATE = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


def http_date(seconds: float, now: datetime = NOW) -> str:
    return format_datetime(now + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "1234567890"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": TOO_LATE}, None),
        ({"Retry-After": http_date(10), "Date": http_date(0)}, 10),
        ({"Retry-After": http_date(-10), "Date": http_date(0)}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_the_api_asks_for(headers: dict[str, str], seconds: float | None, status: int) -> None:
    assert refusal(answer(status, None, headers)).retry_after == seconds


@pytest.mark.parametrize("date", ["", "today", TOO_LATE])
def test_without_a_clock_of_the_api_the_machines_counts(date: str) -> None:
    until = http_date(100, datetime.now(timezone.utc))
    assert refusal(answer(429, None, {"Retry-After": until, "Date": date})).retry_after == pytest.approx(100, abs=5)


def test_an_error_is_masked_while_its_secrets_are_known() -> None:
    """Tokens are forgotten in time, and a task may show an error an hour later."""
    api = FakeApi()

    def broken(right: Right) -> Response:
        raise KeyError(f"oops {API_KEY}")

    api.spoil("GET", "/health", broken)
    with pytest.raises(CloudNexusError, match=r"oops \*{8}") as caught:
        api.client().json(Call("GET", "/health"))
    assert API_KEY not in str(caught.value)

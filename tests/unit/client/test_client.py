# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for refusals and for responses that are not JSON."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Answer
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import health_info

from tests.emulator.settings import API_KEY

from ..fake_api import BASE_URL, FakeApi, answer, run_operation
from ..spoilers import Right


@pytest.mark.parametrize("body", [b"", b"<html>It works!</html>", b'{"items": [', b"NaN", b'"\\ud800"', b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_is_no_json(body: bytes) -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: Answer(200, {"Content-Type": "text/html", "X-Request-Id": "req_7"}, body))
    result = run_operation(api, health_info.OPERATION)
    assert result["msg"] == (
        f"GET /health: the API's answer is not the JSON that it should be (status 200, {len(body)} bytes, content type text/html, request req_7), "
        f"at {BASE_URL}/health."
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


def test_the_api_says_nothing_usable_in_its_error() -> None:
    for body in (b"", b"[]", b'"no"', b'{"error": 5}', b'{"error": {"message": ["x"]}}', b"<html>"):
        api = FakeApi()
        api.spoil("GET", "/health", lambda right, body=body: Answer(418, {}, body))  # type: ignore[misc]
        result = run_operation(api, health_info.OPERATION)
        assert result["msg"] == "GET /health: the API answered 418."
        assert result["api_error"] == {"method": "GET", "path": "/health", "status": 418}


def test_a_secret_is_masked_before_a_long_text_is_cut() -> None:
    api = FakeApi()
    api.spoil("GET", "/health", lambda right: answer(418, {"error": {"message": "x" * 295 + API_KEY}}))
    assert API_KEY[:4] not in run_operation(api, health_info.OPERATION)["msg"]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credential is sent, and when it is renewed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.token_store import Token
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import health_info

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from ..fake_api import BASE_URL, FakeApi, FakeClock, answer, run_operation
from ..operations.runs import WEB, run_instance
from ..spoilers import LIST, POST, Right


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
    assert "GET /health: the API returned 401" in result["msg"]


def test_a_create_that_was_refused_for_its_token_is_sent_again(pair: dict[str, Any]) -> None:
    api = FakeApi()
    api.spoil(*POST, lambda right: answer(401))
    assert run_instance(api, **WEB, **pair)["action"] == "create"
    assert api.account.created == 1


@pytest.mark.parametrize("spoilt", [lambda right: answer(503), lambda right: answer(200, {}), lambda right: answer(401)])
def test_a_create_that_got_no_token_is_in_no_doubt(pair: dict[str, Any], spoilt: Callable[[Right], Response]) -> None:
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
    result = run_operation(api, health_info.OPERATION, **{**pair, "refresh_token": "cn_old_token"})
    assert "POST /auth/token/refresh: the API returned 401" in result["msg"]
    assert "Log in again and set CLOUDNEXUS_REFRESH_TOKEN to the new refresh token" in result["msg"]
    assert "cn_old_token" not in str(result)


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

    def echo(right: Right) -> Response:
        return answer(422, {"error": {"message": f"You sent Bearer {api.bearers[-1]}"}})

    api.spoil("GET", "/health", echo)
    result = run_operation(api, health_info.OPERATION, **pair)
    assert result["msg"] == "GET /health: the API returned 422: You sent Bearer ********."


def test_nothing_is_renewed_once_the_task_was_interrupted(pair: dict[str, Any]) -> None:
    api = FakeApi()
    client = api.client(refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID, token_cache=None)
    client._credential._api_key = None
    client.stop.set()
    with pytest.raises(NotSent, match="The task was interrupted"):
        client.access_token()
    assert not api.calls


def test_a_short_token_is_renewed_half_way(pair: dict[str, Any]) -> None:
    api = FakeApi(token_seconds=100)
    for elapsed, refreshes in ((0, 1), (49, 1), (50, 2)):
        api.clock.time = 1000.0 + elapsed
        run_operation(api, health_info.OPERATION, **pair)
        assert api.calls.count(REFRESH) == refreshes


@pytest.mark.parametrize("rotated", ["", 5, None])
def test_without_a_new_refresh_token_the_old_one_is_used_again(pair: dict[str, Any], rotated: Any) -> None:
    api = FakeApi(token_seconds=600)
    api.spoil(*REFRESH, lambda right: answer(200, {**json.loads(right().body), "refresh_token": rotated}))
    for _run in range(2):
        assert run_operation(api, health_info.OPERATION, **pair)["health"]["status"] == "healthy"
        api.clock.time += 1000
    assert [body["refresh_token"] for call, body in zip(api.calls, api.bodies, strict=True) if call == REFRESH] == [REFRESH_TOKEN] * 2


def test_too_many_refreshes_are_no_reason_to_log_in_again(pair: dict[str, Any]) -> None:
    api = FakeApi()
    api.spoil(*REFRESH, lambda right: answer(429))
    api.spoil(*REFRESH, lambda right: answer(429), times=99)
    result = run_operation(api, health_info.OPERATION, api_retries=0, api_timeout=1, **pair)
    assert result["msg"].startswith("POST /auth/token/refresh: the API returned 429.")
    assert "Log in again" not in result["msg"]


@pytest.mark.parametrize("more", [{}, {"refresh_token": REFRESH_TOKEN}, {"client_id": CLIENT_ID}])
def test_a_key_alone_that_is_refused(more: dict[str, str]) -> None:
    api = FakeApi()
    result = run_operation(api, health_info.OPERATION, api_key="cn_revoked", **more)
    assert result["msg"].startswith("GET /health: the API returned 401")
    assert api.calls == [("GET", "/health")]


def echo(api: FakeApi, secret: Callable[[], str]) -> None:
    """The next response to GET /health repeats the credential that it got, and ``secret``."""
    api.spoil("GET", "/health", lambda right: answer(422, {"message": f"{api.bearers[-1]} {secret()}"}))


@pytest.mark.parametrize("new_process", [False, True])
def test_tokens_that_an_earlier_task_has_kept_are_masked(pair: dict[str, Any], tmp_path: Path, new_process: bool) -> None:
    api = FakeApi(rotate=True)
    pair["token_cache"] = str(tmp_path / "cache")
    assert run_operation(api, health_info.OPERATION, **pair)["health"]
    if new_process:
        auth._known.clear()
    echo(api, lambda: api.settings.clients[CLIENT_ID])
    assert run_operation(api, health_info.OPERATION, **pair)["msg"] == "GET /health: the API returned 422: ******** ********."
    assert api.calls.count(REFRESH) == 1


def test_a_refresh_token_that_has_just_rotated_is_masked(pair: dict[str, Any]) -> None:
    api = FakeApi(rotate=True)
    echo(api, lambda: api.settings.clients[CLIENT_ID])
    assert run_operation(api, health_info.OPERATION, **pair)["msg"] == "GET /health: the API returned 422: ******** ********."


def test_whoever_makes_a_client_its_secrets_are_masked() -> None:
    secrets = Secrets()
    Client(Settings(BASE_URL, API_KEY, REFRESH_TOKEN, CLIENT_ID), secrets, FakeClock(), lambda warning: None)
    assert secrets.mask(f"{API_KEY} {REFRESH_TOKEN}") == "******** ********"


def test_a_refresh_token_is_masked_before_it_is_sent() -> None:
    auth._known.clear()
    secrets, sent = Secrets(), list[str]()

    def refresh(body: Mapping[str, str], _keep: Any) -> Token:
        sent.append(secrets.mask(body["refresh_token"]))
        return Token("access", "refresh", None, "origin")

    settings = Settings(BASE_URL, refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID)
    auth.TokenSession(settings, secrets, FakeClock(), refresh, lambda warning: None).token()
    assert sent == ["********"]

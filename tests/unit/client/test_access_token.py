# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that the lookup returns."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import access_token as module
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.access_token import access_token
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import CloudNexusError, InvalidOption

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from ..fake_api import BASE_URL, FakeApi

PARAMS: dict[str, Any] = {
    "api_url": BASE_URL, "api_timeout": 30, "api_retries": 0, "validate_certs": True, "ca_path": None, "token_cache": "none",
    "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID,
}  # fmt: skip


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    auth._known.clear()
    api = FakeApi()

    def client(*arguments: Any) -> Client:
        made = Client(*arguments)
        made._transport = api  # type: ignore[assignment]
        return made

    monkeypatch.setattr(module, "Client", client)
    return api


def test_it_is_the_one_that_the_modules_would_send(api: FakeApi) -> None:
    token = access_token(PARAMS, lambda warning: None, api.clock)
    assert token.startswith("cn_access_")
    assert api.calls == [("POST", "/auth/token/refresh")]
    assert access_token(PARAMS, lambda warning: None, api.clock) == token


def test_a_key_is_not_handed_out(api: FakeApi) -> None:
    assert access_token({**PARAMS, "api_key": API_KEY}, lambda warning: None, api.clock).startswith("cn_access_")


def test_without_a_clock_it_is_the_real_time(api: FakeApi) -> None:
    access_token(PARAMS, lambda warning: None)
    (known,) = auth._known.values()
    assert known.renew_at is not None
    assert known.renew_at - time.time() == pytest.approx(3600 - auth.EARLY, abs=60)


@pytest.mark.parametrize("option", ["refresh_token", "client_id"])
def test_both_are_required(api: FakeApi, option: str) -> None:
    with pytest.raises(InvalidOption, match=rf"^{option}: is required \(or CLOUDNEXUS_{option.upper()}\)"):
        access_token({**PARAMS, option: None}, lambda warning: None, api.clock)
    assert not api.calls


def test_an_error_holds_no_secret(api: FakeApi) -> None:
    with pytest.raises(CloudNexusError) as caught:
        access_token({**PARAMS, "refresh_token": "cn_wrong_canary"}, lambda warning: None, api.clock)
    assert "cn_wrong_canary" not in str(caught.value)

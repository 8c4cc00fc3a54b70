# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of a task, each refusal by a value that nothing else refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings, api_url
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Transport
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets

PARAMS = {"api_url": "https://h/v1", "api_key": "k" * 8, "api_timeout": 30, "api_retries": 5, "validate_certs": True, "ca_path": None}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "https://bücher.example/v1",
        "https://h/v1\x7f",
        "https://h/v 1",
        "https://h/v\\1",
        "ftp://h/v1",
        "https:///v1",
        "https://h:65536/v1",
    ],
)
def test_what_is_no_base_url(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^api_url: expected the API's base URL, such as https://\S+/v1\.$"):
        api_url("api_url", value)


@pytest.mark.parametrize("value", ["https://user@h/v1", "https://h/v1?", "https://h/v1#"])
def test_what_a_base_url_does_not_hold(value: str) -> None:
    with pytest.raises(InvalidOption, match=r", without a user, a query or a fragment\.$"):
        api_url("api_url", value)


@pytest.mark.parametrize(("option", "low", "high"), [("api_timeout", 1, 600), ("api_retries", 0, 20)])
def test_the_range_of_a_number(option: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(Settings.from_params({**PARAMS, option: value}), option) == value
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidOption, match=rf"^{option}: expected a whole number from {low} to {high}, got {value}\.$"):
            Settings.from_params({**PARAMS, option: value})


@pytest.mark.parametrize(
    ("params", "option"), [({"client_id": ""}, "client_id"), ({"client_id": " c"}, "client_id"), ({"refresh_token": "é"}, "refresh_token")]
)
def test_what_comes_with_a_key_is_checked_too(params: dict[str, Any], option: str) -> None:
    with pytest.raises(InvalidOption, match=f"^{option}: expected "):
        Settings.from_params({**PARAMS, **params})


def test_a_refresh_token_with_its_client_is_a_credential() -> None:
    settings = Settings.from_params({**PARAMS, "api_key": None, "refresh_token": "r" * 8, "client_id": "c"})
    assert (settings.api_key, settings.refresh_token, settings.client_id) == (None, "r" * 8, "c")


@pytest.mark.parametrize("validate_certs", [True, False])
def test_what_is_handed_on(validate_certs: bool) -> None:
    settings = Settings.from_params({**PARAMS, "validate_certs": validate_certs, "ca_path": "", "token_cache": "none"})
    assert (settings.validate_certs, settings.ca_path, settings.token_cache) == (validate_certs, None, None)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("HTTPS://API.Example.com/v1/", "https://api.example.com/v1"),
        ("Http://LOCALHOST:8080/V1", "http://localhost:8080/V1"),
        ("https://[::1]:9/v1", "https://[::1]:9/v1"),
    ],
)
def test_scheme_and_host_have_one_spelling(given: str, used: str) -> None:
    """What is decided by the scheme (TLS, certificates) is decided once."""
    assert api_url("api_url", given) == used


@pytest.mark.parametrize("variable", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_relative_bundle_would_be_another_file_in_each_mode(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable is None:
        with pytest.raises(InvalidOption, match=r"^ca_path: expected an absolute path\.$"):
            Settings.from_params({**PARAMS, "ca_path": "ca.pem"})
        return
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, "ca.pem")
    with pytest.raises(InvalidOption, match=rf"^{variable}: expected an absolute path\.$"):
        Transport(Settings.from_params(PARAMS), Secrets())

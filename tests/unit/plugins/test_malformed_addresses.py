# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A password in the address of a proxy or of the API, which no parser may find: the lookup and the event source show it nowhere."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.cloudnexus.cloud.extensions.eda.plugins.event_source import instance_changes
from ansible_collections.cloudnexus.cloud.plugins.lookup import cloudnexus_token
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import CloudNexusError

PASSWORD = "SECRET12"
PROXIES = (
    f"http://user:{PASSWORD}#a@host",
    f"http://user:{PASSWORD}@host:99999",
    f"http://user:{PASSWORD}@host:port",
    f"http://user:{PASSWORD}@[host",
    f"user:{PASSWORD}@host/a?b",
    f"socks5h://user:{PASSWORD}@host:1080",
)
#: Valid addresses. Errors of the connection must not repeat the password either.
PROXIES_THAT_ARE_NOT_THERE = (f"http://user:{PASSWORD}@127.0.0.1:1", f"http://user:{PASSWORD}@host.invalid")
URLS = (
    f"https://user:{PASSWORD}@api.test/v1",
    f"https://user:{PASSWORD}@api.test:99999/v1",
    f"https://user:{PASSWORD}#a@api.test/v1",
    f"https://{PASSWORD}@api.test/v1",
    f"user:{PASSWORD}@api.test",
    f"https://user:{PASSWORD}@[api.test/v1",
)
#: Given by an option, or by the environment.
WAYS = ("option", "environment")

#: Uses a plugin with these options, until it fails. Returns all that a user sees.
Use = Callable[..., str]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*ENVIRONMENT.values(), "no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDNEXUS_API_RETRIES", "0")
    monkeypatch.setenv("CLOUDNEXUS_TOKEN_CACHE", "none")


def looked_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, **options: Any) -> str:
    warnings: list[str] = []
    monkeypatch.setattr(cloudnexus_token.Display, "warning", lambda _display, text: warnings.append(text))
    with pytest.raises(AnsibleError) as raised:
        cloudnexus_token.LookupModule().run([], refresh_token="refresh-token", client_id="client", **options)
    return "\n".join([*warnings, caplog.text, *traceback.format_exception(raised.value)])


class _Paused(Exception):
    """The source waits before it tries again."""


def watched(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, **options: Any) -> str:
    async def pause(_seconds: float) -> None:
        raise _Paused

    monkeypatch.setattr(asyncio, "sleep", pause)
    with pytest.raises((CloudNexusError, _Paused)) as raised:
        asyncio.run(instance_changes.main(asyncio.Queue(), {"api_key": "the-key-of-a-test", **options}))
    return "\n".join([caplog.text, *traceback.format_exception(raised.value)])


@pytest.fixture(params=[looked_up, watched])
def use(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Use:
    caplog.set_level(logging.DEBUG)
    return lambda **options: request.param(monkeypatch, caplog, **options)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_can_not_be_one(use: Use, proxy: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, proxy)
    said = use(api_url="https://api.test/v1")
    assert "HTTPS_PROXY: expected the address of an HTTP proxy" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("proxy", PROXIES_THAT_ARE_NOT_THERE)
def test_a_proxy_that_is_not_there(use: Use, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    said = use(api_url="https://api.test/v1")
    assert "The API could not be reached, at https://api.test/v1" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", URLS)
def test_an_address_of_the_api_with_a_password(use: Use, url: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "environment":
        monkeypatch.setenv("CLOUDNEXUS_API_URL", url)
    said = use(**({"api_url": url} if way == "option" else {}))
    assert "api_url: expected the API's base URL" in said
    assert PASSWORD not in said

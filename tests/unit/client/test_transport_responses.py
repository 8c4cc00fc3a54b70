# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses that come in pieces, or in part, and what is known of the request then."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Transport
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import BadResponse, CloudNexusError, NotSent, ResponseLost
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets

from .test_transport import _server


@pytest.mark.parametrize(
    ("interim", "status"),
    [(b"HTTP/1.1 100 Continue\r\n\r\n", 200), (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 200), (b"", 200)],
)
def test_an_interim_response_is_not_the_final_one(interim: bytes, status: int) -> None:
    with _server(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as url:
        answer = Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)
    assert (answer.status, answer.body) == (status, b"{}")


@pytest.mark.parametrize(
    ("response", "kind", "came"),
    [
        (b"", ResponseLost, None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ResponseLost, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", ResponseLost, 200),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", ResponseLost, 201),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", BadResponse, 200),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_a_response_that_is_cut_off(response: bytes, kind: type[CloudNexusError], came: int | None, proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request was sent, so it may have been processed. A status that came says more than none."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with _server(response) as server:
        url = "http://api.invalid" if proxied else server
        monkeypatch.setenv("http_proxy", server if proxied else "")
        with pytest.raises(kind) as caught:
            Transport(Settings(url, "key"), Secrets()).exchange("POST", url, body={}, bearer="key", timeout=5)
    assert (caught.value.came, caught.value.in_doubt) == (came, True)


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_has_no_body_is_not_cut_off(status: int) -> None:
    with _server(b"HTTP/1.1 %d None\r\nContent-Length: 2\r\n\r\n" % status) as url:
        answer = Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)
    assert (answer.status, answer.body) == (status, b"")


def test_a_proxy_that_refuses_a_tunnel_has_sent_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with _server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as url:
        monkeypatch.setenv("https_proxy", url)
        with pytest.raises(NotSent, match=r"could not be reached, at https://api\.invalid: .*403"):
            Transport(Settings("https://api.invalid", "key"), Secrets()).exchange("POST", "https://api.invalid", body={}, bearer="key", timeout=5)

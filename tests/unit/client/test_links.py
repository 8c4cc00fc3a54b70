# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of the API: joined with the base URL's path, and never followed off its origin (contract: rule 6)."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.links import page_url, redirect_url
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import BadResponse
from hypothesis import given
from hypothesis import strategies as st

BASE = "https://api.test:8443/v1"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/storage/buckets?cursor=eyJpZCI6ImJrdF80ZDVlNmYifQ==", f"{BASE}/storage/buckets?cursor=eyJpZCI6ImJrdF80ZDVlNmYifQ=="),
        ("storage/buckets?cursor=x", f"{BASE}/storage/buckets?cursor=x"),
        ("/v1/storage/buckets?cursor=x", f"{BASE}/storage/buckets?cursor=x"),
        (f"{BASE}/storage/buckets?cursor=x", f"{BASE}/storage/buckets?cursor=x"),
        ("/storage/buckets?next=https://evil.test/", f"{BASE}/storage/buckets?next=https://evil.test/"),
        ("/v1evil?cursor=x", f"{BASE}/v1evil?cursor=x"),
    ],
)
def test_page_url(link: str, url: str) -> None:
    assert page_url(BASE, link) == url


LEAVING = [
    "https://evil.test/v1/storage/buckets",
    "http://api.test:8443/v1/storage/buckets",
    "https://api.test/v1/storage/buckets",
    "https://api.test:8444/v1/storage/buckets",
    "//evil.test/v1",
    "https://api.test:8443@evil.test/",
    "https://key@api.test:8443/v1/",
    "https://api.test:8443.evil.test/",
    "https://evil.test\\@api.test:8443/",
    "https://[::1/",
    "https://api.test:99999999/",
    "ftp://api.test:8443/",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("link", [*LEAVING, "/../../admin?x", "/a/../../x", "/b\r\nX-Evil: 1", "/b c", "/bücher", "/b\\c", "\thttps://evil.test/"])
def test_page_links_that_are_refused(link: str) -> None:
    with pytest.raises(BadResponse):
        page_url(BASE, link)


@pytest.mark.parametrize("location", LEAVING)
def test_redirects_that_are_refused(location: str) -> None:
    with pytest.raises(BadResponse):
        redirect_url(BASE, f"{BASE}/health", location)


def test_a_redirect_within_the_origin() -> None:
    assert redirect_url(BASE, f"{BASE}/health", "/v2/health") == "https://api.test:8443/v2/health"
    assert redirect_url("https://api.test/v1", "https://api.test/v1/health", "https://API.test:443/x") == "https://API.test:443/x"


def test_the_address_is_not_repeated() -> None:
    with pytest.raises(BadResponse) as caught:
        page_url(BASE, "https://evil.test/?token=pa55")
    assert "evil.test" in str(caught.value)
    assert "pa55" not in str(caught.value)


@given(st.text() | st.from_regex(r"(https?:)?/{0,3}[a-z@.:\\/\[\]]{0,20}", fullmatch=True))
def test_no_link_leaves_the_origin(link: str) -> None:
    try:
        url = page_url("https://api.test/v1", link)
    except BadResponse:
        return
    # requests and urllib3 take the host from the same place as this does.
    assert url.lower().startswith(("https://api.test/", "https://api.test:443/"))


def test_a_base_url_without_a_path() -> None:
    assert page_url("https://api.test", "@evil.test/x") == "https://api.test/@evil.test/x"


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("http://127.0.0.1/v1", "http://127.0.0.1:80/v1/x"),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1/v1/x"),
        ("https://api.test/v1", "https://api.test:443/v1/x"),
    ],
)
def test_the_usual_port_may_be_left_out(base: str, link: str) -> None:
    assert page_url(base, link) == redirect_url(base, f"{base}/x", link) == link


@pytest.mark.parametrize("link", ["/a/%2e%2e/b", "/a/%2E./b", "/a/..%2fb", "/a/%2e%2e%5cb", "https://h/v1/%2e%2e/x"])
def test_an_encoded_way_out_of_the_path_is_refused(link: str) -> None:
    with pytest.raises(BadResponse, match="leads out of its own path"):
        page_url("https://h/v1", link)

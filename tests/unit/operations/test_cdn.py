# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_cdn`` from options to result."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn, cdn_info

from ..fake_api import FakeApi, answer, run_operation


def run_cdn(api: FakeApi, **given: Any) -> dict[str, Any]:
    return run_operation(api, cdn.OPERATION, **given)


def test_the_cdn_keeps_what_was_left_out() -> None:
    api = FakeApi()
    api.account.put_cdn_config({"cache_ttl": 60, "ssl_enabled": False, "compression": "brotli"})
    predicted = run_cdn(api, cache_ttl=90, check_mode=True)
    assert not api.writes()
    result = run_cdn(api, cache_ttl=90)
    assert result == predicted
    assert result["config"] == api.account.cdn_config() == {"cache_ttl": 90, "ssl_enabled": False, "compression": "brotli"}
    assert result["diff"]["before"]["cache_ttl"] == 60
    again = run_cdn(api, cache_ttl=90)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert api.writes() == [("PUT", "/cdn/config")]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_cdn_that_can_not_be_read(status: int) -> None:
    api = FakeApi(profile="documented", missing_status=status)
    warnings: list[str] = []
    result = run_cdn(api, cache_ttl=90, check_mode=True, warnings=warnings)
    assert (result["changed"], api.writes()) == (True, [])
    assert run_cdn(api, cache_ttl=90, warnings=warnings) == result
    assert api.account.cdn_config()["cache_ttl"] == 90
    assert len(warnings) == 2
    assert "the current CDN configuration can't be read" in warnings[0]
    assert "does not offer GET /cdn/config" in run_operation(api, cdn_info.OPERATION)["msg"]


def test_the_cdn_waits_out_its_propagation() -> None:
    api = FakeApi()
    run_cdn(api, cache_ttl=90)
    assert api.clock.now() == 1000
    run_cdn(api, cache_ttl=91, wait=True)
    assert api.clock.now() == 1060
    run_cdn(api, cache_ttl=91, wait=True)
    assert api.clock.now() == 1060


def test_the_propagation_of_the_cdn_is_told() -> None:
    lines: list[str] = []
    run_operation(FakeApi(), cdn.OPERATION, cache_ttl=91, wait=True, show=lines.append)
    assert lines == [f"the CDN configuration is on its way to the edge, {seconds} s" for seconds in range(5, 65, 5)]


@pytest.mark.parametrize("cache_ttl", [0, 31536000])
def test_a_cache_ttl_at_the_end_of_its_range(cache_ttl: int) -> None:
    assert run_cdn(FakeApi(), cache_ttl=cache_ttl)["config"]["cache_ttl"] == cache_ttl


@pytest.mark.parametrize("cache_ttl", [-1, 31536001, True])
def test_a_cache_ttl_out_of_range(cache_ttl: int) -> None:
    api = FakeApi()
    assert run_cdn(api, cache_ttl=cache_ttl)["msg"].startswith("cache_ttl: expected a whole number from 0 to 31536000")
    assert not api.calls


@pytest.mark.parametrize("config", [{}, {"cache_ttl": "60"}, {"cache_ttl": True}, {"cache_ttl": 60, "ssl_enabled": "yes"}, []])
def test_a_cdn_configuration_of_another_shape_is_not_built_upon(config: Any) -> None:
    api = FakeApi()
    api.spoil("GET", "/cdn/config", lambda right: answer(200, config))
    assert "GET /cdn/config: the API's response doesn't match the contract" in run_cdn(api, cache_ttl=60)["msg"]
    assert not api.writes()


def test_an_interruption_while_the_cdn_propagates(monkeypatch: pytest.MonkeyPatch) -> None:
    api, warnings = FakeApi(), list[str]()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api.clock, "sleep", lambda seconds: interrupted(seconds) if seconds else None)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, cdn.OPERATION, warnings=warnings, cache_ttl=5, wait=True)
    assert warnings == ["Interrupted. The CDN configuration was changed; it reaches the edge within 60 s."]


def test_fields_that_a_put_may_reset_are_told_and_the_result_is_what_the_api_shows() -> None:
    api, warnings = FakeApi(), list[str]()
    shown: dict[str, Any] = {"cache_ttl": 60, "ssl_enabled": True, "compression": "gzip", "origin": "https://a.example"}
    api.spoil("GET", "/cdn/config", lambda right: answer(200, shown), times=2)
    predicted = run_cdn(api, cache_ttl=90, check_mode=True, warnings=warnings)
    result = run_cdn(api, cache_ttl=90, warnings=warnings)
    assert result["config"] == predicted["config"] == {"cache_ttl": 90, "ssl_enabled": True, "compression": "gzip"}
    assert len(warnings) == 2
    assert warnings[0] == warnings[1]
    assert warnings[0].startswith("The API shows origin in the CDN configuration, which this change may reset")


def test_a_configuration_that_the_api_shows_later_is_awaited_and_another_one_is_told() -> None:
    api, warnings = FakeApi(), list[str]()
    old = api.account.cdn_config()
    api.spoil("GET", "/cdn/config", lambda right: answer(200, old), times=3)
    assert run_cdn(api, cache_ttl=90, warnings=warnings)["config"]["cache_ttl"] == 90
    assert not warnings
    api.spoil("GET", "/cdn/config", lambda right: answer(200, {**old, "cache_ttl": 90}), times=99)
    assert run_cdn(api, cache_ttl=91, warnings=warnings)["config"]["cache_ttl"] == 90
    assert warnings == ["The API took the change of the CDN configuration, and shows another cache_ttl than was sent."]


def test_a_configuration_that_can_not_be_read_after_the_change_is_told() -> None:
    api, warnings = FakeApi(), list[str]()
    api.spoil("GET", "/cdn/config", lambda right: right())
    api.spoil("GET", "/cdn/config", lambda right: answer(418))
    result = run_cdn(api, cache_ttl=90, warnings=warnings)
    assert (result["changed"], result["config"]["cache_ttl"]) == (True, 90)
    assert warnings[0].startswith("The CDN configuration was changed. What the API made of it could not be read: GET /cdn/config")

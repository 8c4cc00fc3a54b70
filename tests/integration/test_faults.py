# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the API and of the way to it, over real connections."""

from __future__ import annotations

import json
from typing import Any

from .commands import Ansible, task

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}


def posts(ansible: Ansible) -> list[float]:
    return [entry["at"] for entry in ansible.emulator.requests() if entry["method"] == "POST"]


LOST: list[dict[str, Any]] = [{"kind": "lost"}, {"kind": "reset"}, {"kind": "status", "status": 504}, {"kind": "truncated"}, {"kind": "malformed"}]


def test_a_create_whose_response_is_lost_makes_one_instance(in_process: Ansible) -> None:
    names = [f"web-{number}" for number in range(len(LOST))]
    for fault in LOST:
        in_process.emulator.fault(**fault, method="POST", effect=True)
    results = in_process.play(*(task("instance", **{**WEB, "name": name}) for name in names)).results
    for fault, result in zip(LOST, results, strict=True):
        assert (result["changed"], result["action"], result["instance"]["status"]) == (True, "create", "running"), fault
    assert [entry["body"]["name"] for entry in in_process.emulator.writes()] == names
    assert [item["name"] for item in in_process.emulator.instances()] == names
    assert in_process.emulator.state()["created"] == len(LOST)


def test_retries(in_process: Ansible) -> None:
    """A create that was lost on its way is sent again when the list has settled; Retry-After is kept; reads are repeated."""
    emulator = in_process.emulator
    emulator.fault("reset", method="POST")
    emulator.fault("status", method="POST", status=429, retry_after=2, skip=1)
    emulator.fault("status", method="POST", status=429, retry_after=2, as_date=True, skip=2)
    for kind in ("reset", "lost", "truncated", "status"):
        emulator.fault(kind, path="/health")
    results = in_process.play(*(task("instance", **{**WEB, "name": f"web-{number}"}) for number in (1, 2, 3)), task("health_info")).results
    assert [result.get("action") for result in results] == ["create"] * 3 + [None]
    assert results[3]["health"]["status"] == "healthy"
    lost, again, paused, after_pause, paused_by_date, after_date = posts(in_process)
    assert again - lost >= 5
    assert after_pause - paused >= 2
    assert after_date - paused_by_date >= 1  # a date has whole seconds
    assert emulator.state()["created"] == 3


def test_a_create_in_doubt_without_a_list(in_process: Ansible) -> None:
    in_process.emulator.set(profile="documented")
    in_process.emulator.fault("lost", method="POST", effect=True)
    result = in_process.module("instance", **WEB, unique_name=False)
    assert result["failed"]
    assert "an instance may exist" in result["msg"]
    assert "Nothing more was sent" in result["msg"]
    assert len(posts(in_process)) == 1


def test_responses_that_are_not_the_apis(in_process: Ansible) -> None:
    """They are told apart, nobody there is told as that, and every attempt ends."""
    emulator = in_process.emulator
    emulator.fault("malformed", path="/health")
    emulator.fault("huge", path="/health")
    emulator.fault("redirect", path="/health", location="http://127.0.0.9:9/")
    emulator.fault("malformed", path="/storage/buckets", content_type="application/json", body='{"items": []}')
    emulator.fault("hang", times=0, path="/cdn/config")
    html, huge, redirect, shape, nobody, hanging = in_process.play(
        *[task("health_info")] * 3,
        task("bucket_info"),
        task("health_info", api_url="http://127.0.0.1:9/v1", api_retries=1),
        task("cdn_info", api_timeout=1, api_retries=1),
    ).results
    assert "is not the expected JSON (status 200, " in html["msg"]
    assert "It works!" not in html["msg"]
    assert f"at {emulator.api_url}/health." in html["msg"]
    assert "larger than 64 KiB and was not read to its end" in huge["msg"]
    assert "A redirect of the API leads to http://127.0.0.9:9, away from http://127.0.0.1" in redirect["msg"]
    assert shape["msg"] == "GET /storage/buckets: the API's response doesn't match the contract: expected an object in pagination."
    assert nobody["msg"] == "GET /health: The API could not be reached, at http://127.0.0.1:9/v1/health: Connection refused. (2 attempts were made.)"
    assert "api_error" not in nobody
    assert hanging["msg"].startswith("GET /cdn/config: The API gave no whole response within 1 s (api_timeout), at ")
    times = [entry["at"] for entry in emulator.requests() if entry["path"] == "/cdn/config"]
    assert len(times) <= 2
    assert times[-1] - times[0] < 3
    emulator.clear_faults()


def test_values_that_mean_something_to_ansible(ansible: Ansible) -> None:
    """What an API says is data, in whatever words: no template, no type, no flag of a result."""
    nested: Any = "x"
    for _level in range(45):
        nested = [nested]
    bodies: list[Any] = [
        {"status": "healthy", "deep": nested},
        {"status": "healthy", "failed": True, "changed": True, "ansible_facts": {"a": 1}, "_ansible_no_log": True, "exception": "x", "warnings": ["x"]},
        {"status": "healthy", "{{ 1 + 1 }}": "{{ 1 + 1 }} {% raw %} {# #}", "large": 10**400},
        {"status": "healthy", "x": {"__ansible_type": "TaggedStr", "value": "x"}},
        {"status": "healthy", "\u005f_ansible_vault": "x"},
    ]
    for body in bodies:
        ansible.emulator.fault("malformed", path="/health", body=json.dumps(body), content_type="application/json")
    run = ansible.play(*[task("health_info")] * len(bodies), {"ansible.builtin.debug": {"msg": "{{ ansible_facts }}"}})
    results = run.results
    assert [result.get("health") for result in results[:3]] == bodies[:3]
    assert not any(result["failed"] or result["changed"] for result in results[:3])
    assert "'a': 1" not in str(run.entries[-1]["result"])
    for result in results[3:]:
        assert result["msg"].startswith("GET /health: the API's response is not the expected JSON (status 200, ")
    assert "Traceback" not in run.output

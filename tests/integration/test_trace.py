# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line for each request with -vvv, and the list in the result, in both modes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .commands import FQCN, MODES, Ansible, Run, task
from .modules import normalized, said

pytestmark = pytest.mark.core

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
TRACED = {"vars": {"cloudnexus_trace": True}}
LINE = re.compile(r"^(cloudnexus_\w+): \[localhost\]: (\w+) (\S+): status (\d+), \d+ ms, attempt (\d+), request (req_\w+), pause \d+\.\d s$", re.MULTILINE)
#: A failure, a success, and one that fails twice on its way.
TASKS = [task("instance", id="inst_99", plan="starter"), task("instance", **WEB), task("health_info")]


def _run(ansible: Ansible, *tasks: dict[str, Any], arguments: tuple[str, ...] = ()) -> Run:
    ansible.emulator.fault("status", status=503, path="/health", times=2)
    return ansible.play(*tasks, arguments=arguments)


def test_each_request_is_one_line(ansible: Ansible) -> None:
    run = _run(ansible, *TASKS, {**task("cdn_info"), "no_log": True}, arguments=("-vvv",))
    told = [(method, path, int(status)) for _name, method, path, status, _attempt, _request in LINE.findall(run.output)]
    assert [*told, ("GET", "/cdn/config", 200)] == [(entry["method"], entry["path"], entry["status"]) for entry in ansible.emulator.requests()]
    assert [attempt for *_rest, attempt, _request in LINE.findall(run.output)][-3:] == ["1", "2", "3"]
    assert not [key for result in run.results for key in result if key.startswith("api_request")]


def test_no_line_without_asking(in_process: Ansible) -> None:
    run = _run(in_process, *TASKS, arguments=("-vv",))
    assert not LINE.search(run.output)
    assert not [key for result in run.results for key in result if key.startswith("api_request")]


def test_the_result_has_the_same_as_a_list(in_process: Ansible) -> None:
    results = []
    for mode in MODES:
        in_process.mode = mode
        in_process.emulator.reset(boot_seconds=0)
        run = _run(in_process, *({**item, **TRACED} for item in TASKS))
        sent = [entry for result in run.results for entry in result["api_requests"]]
        assert [(entry["method"], entry["path"], entry["status"]) for entry in sent] == [
            (entry["method"], entry["path"], entry["status"]) for entry in in_process.emulator.requests()
        ]
        assert all(entry["milliseconds"] >= 0 and entry["request_id"].startswith("req_") for entry in sent)
        assert not LINE.search(run.output)
        for entry in sent:
            del entry["milliseconds"]
        results.append([normalized(said(result)) for result in run.results])
    assert results[0] == results[1]


def test_ways_to_ask(ansible: Ansible) -> None:
    """The variable wins over the environment of the task, and that over Ansible's own."""
    ansible.environment["CLOUDNEXUS_TRACE"] = "yes"
    no, off = {"CLOUDNEXUS_TRACE": "no"}, {"vars": {"cloudnexus_trace": "{{ false }}"}}
    run = ansible.play(
        task("health_info"),
        {**task("health_info"), "environment": no},
        {**task("health_info"), "environment": no, **TRACED},
        {**task("health_info"), **off},
        {FQCN + "cloudnexus_health_info": {}, "async": 60, "poll": 1},
        arguments=("-vvv",),
    )
    assert ["api_requests" in result for result in run.results] == [True, False, True, False, True]
    assert "api_request_lines" not in str(run.results)


def test_a_task_that_its_timeout_ends_shows_what_it_waited_for(in_process: Ansible) -> None:
    in_process.emulator.fault("hang", path="/health", seconds=30)
    run = in_process.play({**task("health_info"), "timeout": 1}, arguments=("-vvv",))
    assert run.result["failed"]
    assert re.search(r"cloudnexus_health_info: \[localhost\]: GET /health: no response, \d+ ms, attempt 1, no request id", run.output)


def test_the_inventory_shows_its_requests(in_process: Ansible) -> None:
    in_process.emulator.create("web-01")
    source = in_process.folder / "web.cloudnexus.yml"
    source.write_text("plugin: cloudnexus.cloud.cloudnexus_instances\n")
    run = in_process.command("ansible-inventory", "-i", str(source), "--list", "-vvv")
    assert "cloudnexus.cloud.cloudnexus_instances: GET /instances: status 200, " in run.output

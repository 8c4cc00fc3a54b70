# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets over real connections: in parallel, under rate limits, interrupted, and their lines of progress. test_modules has their results."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

from .commands import FQCN, Ansible
from .test_interrupts import PAUSE, start, until_nothing_is_left, until_requested


def webs(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"web-{number:02}", "plan": "starter", "region": "us-east", **fields} for number in range(1, count + 1)]


def test_writes_are_sent_in_parallel_over_as_many_connections(in_process: Ansible) -> None:
    old = [f"old-{number:02}" for number in range(12)]
    for name in old:
        in_process.emulator.create(name)
    in_process.emulator.set(latency=0.5, page_size=100)
    wanted = [*webs(24), *({"name": name, "plan": "enterprise", "region": "us-east"} for name in old)]
    result = in_process.module("fleet", instances=wanted, concurrency=12)
    assert (len(result["created"]), len(result["updated"])) == (24, 12)
    sent = [entry for entry in in_process.emulator.requests() if entry["method"] != "GET"]
    begun = sorted(entry["at"] for entry in sent)
    # The first twelve before any of them can have been answered, the next when one was.
    assert begun[11] - begun[0] < 0.5
    assert begun[12] - begun[0] >= 0.5
    # Those that rest between the creates and the changes, more than the ten that a pool of requests keeps, are not made anew.
    assert len({entry["connection"] for entry in sent}) == 12


def test_a_rate_limit_is_kept_by_all_workers(in_process: Ansible) -> None:
    in_process.emulator.set(rate_limit=10, boot_seconds=0)
    result = in_process.module("fleet", instances=webs(40), concurrency=16)
    assert not result["failed"], result["msg"]
    assert len(result["created"]) == in_process.emulator.state()["created"] == 40
    refused = [entry for entry in in_process.emulator.requests() if entry["status"] == 429]
    assert refused
    # Those that were under way together, a few times; not each of them again with every second.
    assert len(refused) <= 40


def test_lost_answers_make_no_second_one(in_process: Ansible) -> None:
    for kind in ("reset", "hang", "status"):
        in_process.emulator.fault(kind, method="POST", effect=True, times=2)
    result = in_process.module("fleet", instances=webs(12), api_timeout=1)
    assert not result["failed"], result["msg"]
    assert in_process.emulator.state()["created"] == len({item["name"] for item in in_process.emulator.instances()}) == 12


# --- Interrupted -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ansible", "number"), [("in-process", signal.SIGINT), ("in-process", signal.SIGTERM), ("module", signal.SIGTERM)], indirect=["ansible"]
)
def test_an_interrupted_fleet_says_what_was_made(ansible: Ansible, number: int) -> None:
    ansible.emulator.set(latency=0.3)
    process = start(ansible, {FQCN + "cloudnexus_fleet": {"instances": webs(80), "concurrency": 4}})
    until_requested(ansible, process, "POST", "/instances")
    while ansible.emulator.state()["created"] < 8:
        assert process.poll() is None
        time.sleep(PAUSE)
    os.killpg(process.pid, number)
    output, _error = process.communicate(timeout=30)
    assert "Traceback" not in output
    until_nothing_is_left(ansible)
    made = ansible.emulator.instances()
    assert 8 <= len(made) < 80
    if ansible.mode == "in-process":
        text = " ".join(output.split())
        assert re.search(r"Interrupted\. These \d+ instances were created: ", text), output
        for item in made:
            assert item["id"] in text or f"The creation of {item['name']} was under way" in text
    # Nobody goes on behind its back, and the next run goes on from there.
    assert not ansible.module("fleet", instances=webs(80), concurrency=20)["failed"]
    assert ansible.emulator.state()["created"] == 80


def test_an_interruption_waits_for_a_renewal_in_another_thread(in_process: Ansible) -> None:
    """Its answer holds the next refresh token, which nobody else has."""
    in_process.emulator.set(latency=0.3, rotate=True, token_seconds=2)
    in_process.use_refresh_token()
    in_process.emulator.fault("slow", path="/auth/token/refresh", seconds=1, skip=1)
    process = start(in_process, {FQCN + "cloudnexus_fleet": {"instances": webs(60), "concurrency": 4}})

    def renewals() -> list[str]:
        return [entry["body"]["refresh_token"] for entry in in_process.emulator.requests() if entry["path"] == "/auth/token/refresh"]

    while len(renewals()) < 2:
        assert process.poll() is None
        time.sleep(PAUSE)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    until_nothing_is_left(in_process)
    assert in_process.module("health_info")["health"]["status"] == "healthy"
    assert len(set(renewals())) == len(renewals())


def test_the_timeout_of_a_task_begins_nothing_more(in_process: Ansible) -> None:
    in_process.emulator.set(latency=0.5)
    fleet = {FQCN + "cloudnexus_fleet": {"instances": webs(60), "concurrency": 4}, "timeout": 4}
    # The same process goes on with the next task of the loop.
    run = in_process.play({**fleet, "loop": [1]}, {"ansible.builtin.pause": {"seconds": 2}})
    assert run.entries[0]["status"] == "failed"
    assert "instances were created" in " ".join(run.output.split())
    begun = [entry["at"] for entry in in_process.emulator.requests() if entry["method"] == "POST"]
    assert len(begun) < 60
    assert max(begun) - min(begun) < 4.5


# --- Progress ----------------------------------------------------------------------------------------------------------

#: What hides the lines: more of the task, or of the environment.
QUIET: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "variable": ({"vars": {"cloudnexus_progress": False}}, {}),
    "environment": ({}, {"CLOUDNEXUS_PROGRESS": "false"}),
    "no_log": ({"no_log": True}, {}),
    "callback": ({}, {"ANSIBLE_STDOUT_CALLBACK": "oneline"}),
    "module": ({}, {"CLOUDNEXUS_IN_PROCESS": "false"}),
}


def test_progress_is_shown_where_it_is_welcome(in_process: Ansible, tmp_path: Path) -> None:
    """All at once: each takes as long as the instances boot."""
    in_process.emulator.set(boot_seconds=8)
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = {}
    for number, (name, (more, environment)) in enumerate({"shown": ({}, {}), **QUIET}.items()):
        folder = tmp_path / name
        folder.mkdir()
        ansible = replace(in_process, folder=folder)
        wanted = [{"name": f"{name}-{item}", "plan": "starter", "region": "us-east"} for item in range(number + 2)]
        command = ["ansible-playbook", ansible.playbook({FQCN + "cloudnexus_fleet": {"instances": wanted}, **more})]
        variables = {**ansible.variables(folder / "results.jsonl"), **environment}
        processes[name] = subprocess.Popen(command, cwd=ROOT, env=variables, text=True, **pipes)
    options = json.dumps({"instances": [{"name": f"one-line-{item}", "plan": "starter", "region": "us-east"} for item in range(2)]})
    ad_hoc = ["ansible", "localhost", "-o", "-m", FQCN + "cloudnexus_fleet", "-a", options]
    processes["one line"] = subprocess.Popen(ad_hoc, cwd=ROOT, env=in_process.variables(tmp_path / "one-line.jsonl"), text=True, **pipes)
    said = {name: process.communicate(timeout=120) for name, process in processes.items()}
    assert {process.returncode for process in processes.values()} == {0}, said
    output, error = said.pop("shown")
    assert re.search(r"cloudnexus_fleet: \[localhost\]: 0 of 2 running, 2 provisioning, \d+ s\n", error)
    assert "provisioning, " not in output + (tmp_path / "shown" / "results.jsonl").read_text()
    assert [name for name, (output, error) in said.items() if "provisioning, " in output + error] == []

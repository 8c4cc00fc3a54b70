# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C, a job that is cancelled, a task's timeout: it ends soon, says what was made, and leaves nothing running or locked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.emulator.settings import REFRESH_TOKEN

from .commands import FQCN, Ansible, task

pytestmark = pytest.mark.core

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
#: Between two looks, so that looking takes no time from what is looked at.
PAUSE = 0.02
MADE = r"Interrupted\. The instance web-01 \(inst_00000001\) was created; its last status is 'provisioning'\."


def start(ansible: Ansible, *tasks: dict[str, Any]) -> subprocess.Popen[str]:
    """A play in a process group of its own, as a terminal would have it, or AWX."""
    return subprocess.Popen(
        ["ansible-playbook", ansible.playbook(*tasks)],
        cwd=ROOT,
        env=ansible.variables(ansible.folder / "results.jsonl"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until_requested(ansible: Ansible, process: subprocess.Popen[str], method: str, path: str) -> None:
    while not [entry for entry in ansible.emulator.requests() if entry["method"] == method and re.fullmatch(path, entry["path"])]:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(PAUSE)


def left_behind(ansible: Ansible) -> list[str]:
    """The command lines of processes that the play has started, wherever they belong now."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(ansible.folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def until_nothing_is_left(ansible: Ansible, seconds: float = 5) -> None:
    """Ansible itself does not wait for its workers on every ansible-core."""
    ends_at = time.monotonic() + seconds
    while left := left_behind(ansible):
        assert time.monotonic() < ends_at, left
        time.sleep(PAUSE)


@pytest.mark.parametrize(
    ("ansible", "number"), [("in-process", signal.SIGINT), ("in-process", signal.SIGTERM), ("module", signal.SIGTERM)], indirect=["ansible"]
)
def test_an_interrupted_wait(ansible: Ansible, number: int) -> None:
    ansible.emulator.set(boot_seconds=120)
    process = start(ansible, task("instance", **WEB))
    until_requested(ansible, process, "GET", "/instances/.*")
    assert left_behind(ansible)
    started = time.monotonic()
    os.killpg(process.pid, number)
    output, _error = process.communicate(timeout=30)
    assert time.monotonic() - started < 10
    assert process.returncode != 0
    until_nothing_is_left(ansible)
    if ansible.mode == "in-process":
        assert re.search(MADE, output), output
    assert "Traceback" not in output
    # Nobody goes on behind its back, and the next run goes on from there.
    seen = len(ansible.emulator.requests())
    ansible.emulator.change("inst_00000001", status="running")
    assert ansible.module("instance", **WEB)["action"] == "none"
    assert len(ansible.emulator.requests()) - seen == 1
    assert ansible.emulator.state()["created"] == 1


def test_ansible_is_killed_while_a_task_works(ansible: Ansible) -> None:
    """No signal reaches the task. It sends nothing more, so that the same playbook, started again, makes nothing twice."""
    ansible.emulator.set(boot_seconds=600)
    members = [{**WEB, "name": f"web-{number:02}"} for number in range(1, 31)]
    ansible.emulator.fault("slow", method="POST", seconds=0.5, times=30)
    process = start(ansible, task("fleet", instances=members, concurrency=1))
    until_requested(ansible, process, "POST", "/instances")
    process.kill()
    process.wait()
    until_nothing_is_left(ansible, 10)
    assert ansible.emulator.state()["created"] < 10


def test_an_interrupted_create(in_process: Ansible) -> None:
    in_process.emulator.fault("hang", method="POST", effect=True)
    process = start(in_process, task("instance", **WEB))
    until_requested(in_process, process, "POST", "/instances")
    os.killpg(process.pid, signal.SIGINT)
    output, _error = process.communicate(timeout=30)
    assert "Interrupted. The creation of web-01 was under way, and may or may not have had its effect." in output
    assert in_process.module("instance", **WEB)["instance"]["status"] == "running"
    assert in_process.emulator.state()["created"] == 1


def test_an_interrupted_refresh_loses_no_token(in_process: Ansible) -> None:
    """The answer holds the next refresh token: it is waited for and kept, and the lock is let go of."""
    in_process.emulator.set(rotate=True)
    in_process.use_refresh_token()
    in_process.emulator.fault("slow", path="/auth/token/refresh", seconds=1)
    process = start(in_process, task("health_info"))
    until_requested(in_process, process, "POST", "/auth/token/refresh")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert in_process.module("health_info")["health"]["status"] == "healthy"
    sent = [entry["body"]["refresh_token"] for entry in in_process.emulator.requests() if entry["path"] == "/auth/token/refresh"]
    assert sent == [REFRESH_TOKEN]


def test_the_timeout_of_a_task_says_what_was_made(in_process: Ansible) -> None:
    in_process.emulator.set(boot_seconds=120)
    run = in_process.play({FQCN + "cloudnexus_instance": WEB, "timeout": 3})
    assert run.entries[0]["status"] == "failed"
    assert re.search(MADE, " ".join(run.output.split())), run.output

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo`` as a user runs it, and as a user interrupts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.hosts.isolated import why_not

from .machine import this_machine


def start_demo(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def members(session: int) -> list[str]:
    """The processes of a session that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, _group, of_session = path.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(of_session) == session and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.core
def test_the_demo_without_web_servers() -> None:
    assert "Left out: the web servers on the tier's hosts, because that was asked for" in demo_output("--without-web-servers")


@pytest.mark.ci
@pytest.mark.xdist_group("hosts")
def test_the_demo() -> None:
    before = this_machine()
    output = demo_output()
    assert this_machine() == before
    if why_not():
        assert f"Left out: the web servers on the tier's hosts, because {why_not()}" in output
    else:
        assert output.count("HTTP/1.1 200 OK") == output.count("<h1>The shop is open</h1>") == 2


def demo_output(*arguments: str) -> str:
    with start_demo(*arguments) as demo:
        output, _nothing = demo.communicate(timeout=900)
    assert demo.returncode == 0, output
    assert "Done: the tier stood, stood the same on the second run, and is gone" in output
    assert re.search(r"@region_us_east:\n.*\|--shop-01\n", output)
    assert not members(demo.pid)
    return str(output)


@pytest.mark.parametrize("to_the_group", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(number: int, to_the_group: bool) -> None:
    interrupt_demo(number, to_the_group, "--without-web-servers")


@pytest.mark.xdist_group("hosts")
def test_a_killed_demo_leaves_no_host_behind() -> None:
    before = this_machine()
    interrupt_demo(signal.SIGKILL, True)
    assert this_machine() == before


def interrupt_demo(number: int, to_the_group: bool, *arguments: str) -> None:
    with start_demo(*arguments) as demo:
        assert demo.stdout
        for line in demo.stdout:
            if "ansible-playbook" in line:
                break
        assert len(members(demo.pid)) >= 2
        if to_the_group:  # as Ctrl-C does it
            os.killpg(demo.pid, number)
        else:
            os.kill(demo.pid, number)
        demo.communicate(timeout=30)
    assert demo.returncode != 0
    ends_at = time.monotonic() + 15
    while members(demo.pid) and time.monotonic() < ends_at:
        time.sleep(0.05)
    assert not members(demo.pid)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolated host is: a machine of its own to Ansible, and nothing to this one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT, ansible_environment
from tests.hosts.isolated import Hosts

from .machine import this_machine

#: What a host does beyond its files: it starts processes, and listens.
PLAY = ["ansible.builtin.apt", "name=nginx install_recommends=false policy_rc_d=101"]
OWNER = """
import sys
from tests.hosts.isolated import Hosts
with Hosts() as hosts:
    print(hosts.start('127.77.1.3').pid, hosts.folder, flush=True)
    sys.stdin.read()
"""


def eventually(condition: Callable[[], Any], seconds: float = 15) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_what_happens_on_a_host_stays_there(hosts: Hosts) -> None:
    before = this_machine()
    host = hosts.start("127.77.1.2")
    environment = ansible_environment(**hosts.settings)
    ansible = [str(Path(sys.executable).with_name("ansible")), "all", "-i", "127.77.1.2,", "--become"]
    installed = subprocess.run([*ansible, "-m", PLAY[0], "-a", PLAY[1]], env=environment, check=False, capture_output=True, text=True)
    assert "CHANGED" in installed.stdout, installed.stdout + installed.stderr
    assert (host.files / "usr/sbin/nginx").exists()
    assert host.run("cat", "/proc/1/comm").stdout == "sshd\n"
    hosts.stop(host)
    assert not host.files.exists()
    assert this_machine() == before


def test_nothing_is_left_if_its_owner_is_killed(hosts: Hosts) -> None:
    before = this_machine()
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, folder = owner.stdout.readline().split()
    assert Path(f"/proc/{pid}/root/home/deploy").exists()
    assert Path(folder, "key").exists()
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    eventually(lambda: not Path(f"/proc/{pid}").exists() and not Path(folder).exists())
    assert this_machine() == before


def test_a_command_on_a_host_sees_nothing_of_this_environment(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDNEXUS_API_KEY", "cnx_canary_0123456789")
    host = hosts.start("127.77.1.4")
    assert "canary" not in host.run("sh", "-c", "env; cat /proc/1/environ").stdout
    hosts.stop(host)

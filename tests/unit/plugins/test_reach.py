# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for many hosts: side by side, one deadline, and an early end if there is no hope."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils import reach
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.reach import Failure, Reason, reason_of, wait_for_all


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PAUSE", 0.01)
    monkeypatch.setattr(reach, "LOGIN_GRACE", 0.1)
    monkeypatch.setattr(reach, "OVERTIME", 0.2)


class Hosts:
    """What attempts for hosts come to, by the first word of a host's name; and how often each was tried."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()

    def __call__(self, name: str) -> Failure | None:
        self.tries[name] += 1
        kind = name.partition("-")[0]
        if kind == "late":
            return None if self.tries[name] > 3 else Failure("timeout", "refused")
        if kind == "boots":
            return None if self.tries[name] > 2 else Failure("authentication", "denied")
        reasons: dict[str, Reason] = {"dead": "timeout", "login": "authentication", "key": "host_key", "python": "python", "ssh": "connection"}
        return Failure(reasons[kind], kind) if kind in reasons else None


def waited(hosts: Hosts, *names: str, timeout: float = 0.5, longest: float = 0.1) -> dict[str, Reason]:
    return {name: failure.reason for name, failure in wait_for_all(names, hosts, timeout, longest, lambda: True).items()}


def test_all_of_them_within_one_deadline() -> None:
    hosts, started = Hosts(), time.monotonic()
    names = [*(f"dead-{number}" for number in range(100)), "good", "late", "boots"]
    assert waited(hosts, *names) == {f"dead-{number}": "timeout" for number in range(100)}
    assert time.monotonic() - started < 3, "one after the other they would take 50 s"
    assert min(hosts.tries.values()) >= 1
    assert hosts.tries["late"] == 4


def test_no_longer_than_there_is_hope() -> None:
    hosts, started = Hosts(), time.monotonic()
    found = waited(hosts, "key", "python", "ssh", "login", "good", timeout=60)
    assert found == {"key": "host_key", "python": "python", "ssh": "connection", "login": "authentication"}
    assert time.monotonic() - started < 5
    assert [hosts.tries[name] for name in ("key", "python", "ssh")] == [1, 1, 1]
    assert hosts.tries["login"] > 1


def test_a_deadline_that_has_passed_leaves_one_attempt_each() -> None:
    hosts = Hosts()
    assert waited(hosts, *(f"dead-{number}" for number in range(40)), "good", timeout=0).keys() == {f"dead-{number}" for number in range(40)}
    assert set(hosts.tries.values()) == {1}
    assert wait_for_all([], hosts, 1, 1, lambda: True) == {}


def test_an_attempt_that_hangs_ends_the_wait_too() -> None:
    never = threading.Event()

    def attempt(name: str) -> Failure | None:
        if name == "hangs":
            never.wait(30)
        return None

    started = time.monotonic()
    assert wait_for_all(["hangs", "good"], attempt, 0.1, 0.1, lambda: True) == {"hangs": Failure("timeout", "the attempt did not end")}
    assert time.monotonic() - started < 5
    never.set()


def test_nothing_is_awaited_for_an_ansible_that_is_gone() -> None:
    started = time.monotonic()
    assert list(wait_for_all(["dead"], Hosts(), 60, 1, lambda: False)) == ["dead"]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Failed to connect to the host via ssh: Host key verification failed.", "host_key"),
        ("Using a SSH password instead of a key is not possible because Host Key checking is enabled. Please add this host's fingerprint", "host_key"),
        ("Failed to connect to the host via ssh: me@10.0.0.1: Permission denied (publickey).", "authentication"),
        ("Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", "authentication"),
        ("Invalid/incorrect username/password. Skipping remaining 0 retries to prevent account lockout", "authentication"),
        ("ssh: connect to host 10.0.0.1 port 22: Connection refused", "timeout"),
        ('"System is booting up. Unprivileged users are not permitted to log in yet." Connection closed by 10.0.0.1 port 22', "timeout"),
        ("/home/me/.profile: Permission denied", "timeout"),
        ("command-line: line 0: Bad configuration option: nonsense", "connection"),
        ("to use the password_mechanism=sshpass, you must install the sshpass program", "connection"),
    ],
)
def test_what_an_error_of_a_connection_means(text: str, reason: Reason) -> None:
    assert reason_of(text) == reason

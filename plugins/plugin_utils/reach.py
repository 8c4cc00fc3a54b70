# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for many hosts at the same time, with one deadline, and no longer for one than there is hope."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: Why a host can't be reached. All but the first two end the wait for it at once.
Reason = Literal["timeout", "authentication", "host_key", "python", "connection"]
#: Seconds between two attempts for a host.
PAUSE = 1.0
#: Seconds for which a host may refuse a login: one that boots may not have its users yet.
LOGIN_GRACE = 3.0
#: Attempts under way at a time.
MOST_ATTEMPTS = 32
#: Seconds that an attempt may take beyond the timeout of its connection.
OVERTIME = 5.0

_HOST_KEY = ("Host key verification failed", "because Host Key checking is enabled")
_LOGIN = ("Permission denied (", "Too many authentication failures", "Invalid/incorrect username/password", "Invalid/incorrect password")
_CONNECTION = ("you must install the sshpass program", "Bad configuration option", "Bad owner or permissions on")


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed: why, if more attempts would fare no better, and in which words."""

    reason: Reason
    msg: str


#: One attempt for a host by its name: None if Ansible can use it.
Attempt = Callable[[str], Failure | None]


def reason_of(text: str) -> Reason:
    """What an error of a connection plugin means."""
    known: tuple[tuple[Reason, tuple[str, ...]], ...] = (("host_key", _HOST_KEY), ("authentication", _LOGIN), ("connection", _CONNECTION))
    return next((reason for reason, marks in known if any(mark in text for mark in marks)), "timeout")


def wait_for_all(names: Sequence[str], attempt: Attempt, timeout: float, longest: float, alive: Callable[[], bool]) -> dict[str, Failure]:
    """The hosts that can't be reached within ``timeout`` seconds, each after one attempt at least. An attempt takes ``longest`` seconds at most."""
    started = time.monotonic()
    ended = threading.Event()
    slots = threading.BoundedSemaphore(MOST_ATTEMPTS)
    found: dict[str, Failure | None] = {}

    def wait_for(name: str) -> None:
        found[name] = _until_reached(lambda: attempt(name), started + timeout, ended, slots)

    threads = [threading.Thread(target=wait_for, args=(name,), daemon=True) for name in names]
    # Those that stand in line for the first attempt.
    rounds = -(-len(names) // MOST_ATTEMPTS)
    last = started + max(timeout, rounds * longest) + longest + OVERTIME
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and time.monotonic() < last and alive():
                thread.join(0.5)
    finally:
        ended.set()
    return unreached(names, found)


def unreached(names: Sequence[str], found: Mapping[str, Failure | None]) -> dict[str, Failure]:
    hangs = Failure("timeout", "the attempt did not end")
    failures = {name: found.get(name, hangs) for name in names}
    return {name: failure for name, failure in failures.items() if failure is not None}


def _until_reached(attempt: Callable[[], Failure | None], ends_at: float, ended: threading.Event, slots: threading.BoundedSemaphore) -> Failure | None:
    refused_since: float | None = None
    while True:
        with slots:
            failure = attempt()
        now = time.monotonic()
        if failure is None:
            return None
        refused_since = (refused_since or now) if failure.reason == "authentication" else None
        refused = refused_since is not None and now - refused_since >= LOGIN_GRACE
        if refused or failure.reason not in ("timeout", "authentication") or now >= ends_at:
            return failure
        if ended.wait(min(PAUSE, ends_at - now)):
            return failure

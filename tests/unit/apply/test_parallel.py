# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many things at once."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply import parallel
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.parallel import in_parallel
from ansible_collections.cloudnexus.cloud.plugins.module_utils.interrupts import kept_back


@pytest.mark.parametrize("concurrency", [2, 8])
def test_so_many_requests_are_under_way_at_a_time(concurrency: int) -> None:
    barrier = threading.Barrier(concurrency)
    most, now, lock = 0, 0, threading.Lock()

    def work(number: int) -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait(timeout=30)  # nobody passes before so many are here
        with lock:
            now -= 1

    done: list[int] = []
    in_parallel(range(concurrency * 5), lambda number: (work(number), done.append(number))[0], concurrency, threading.Event(), lambda: None)
    assert (most, sorted(done)) == (concurrency, list(range(concurrency * 5)))


def test_a_fault_in_one_thread_reaches_the_caller_and_begins_nothing_more() -> None:
    def work(number: int) -> None:
        if number == 3:
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        in_parallel(range(1000), work, 4, threading.Event(), lambda: None)


def test_an_interruption_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "TICK", 0.01)
    begun: list[int] = []
    goes_on = threading.Event()
    stop = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        goes_on.wait(timeout=30)

    def interrupted() -> None:
        if len(begun) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(range(100), work, 4, stop, interrupted)
    goes_on.set()
    assert stop.is_set()
    assert len(begun) == 4


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_a_machine_without_more_threads_does_the_work_with_those_that_it_has(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, 0

    def limited(thread: threading.Thread) -> None:
        nonlocal started
        if started == threads:
            raise RuntimeError("can't start new thread")
        started += 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    done: list[int] = []
    in_parallel(range(20), done.append, 8, threading.Event(), lambda: None)
    assert sorted(done) == list(range(20))


def test_an_interruption_waits_for_what_must_not_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads are daemons, so nothing else of them keeps the interpreter from its end."""
    monkeypatch.setattr(parallel, "TICK", 0.01)
    begun, stop = threading.Event(), threading.Event()
    kept: list[bool] = []

    def work(number: int) -> None:
        if number == 0:
            with kept_back():
                begun.set()
                stop.wait(timeout=30)
                time.sleep(0.05)  # as a write to the disk takes
                kept.append(threading.current_thread().daemon)

    def tick() -> None:
        if begun.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(range(2), work, 2, stop, tick)
    assert kept == [True]

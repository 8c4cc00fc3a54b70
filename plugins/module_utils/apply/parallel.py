# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many things at once, on threads that end with it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TypeVar

from ..interrupts import until_let_go

T = TypeVar("T")

#: Seconds between two calls of ``tick``.
TICK = 1.0


def in_parallel(items: Sequence[T], work: Callable[[T], None], concurrency: int, stop: threading.Event, tick: Callable[[], None]) -> None:
    """Call ``work`` for each of ``items``, up to ``concurrency`` at a time; ``tick`` now and then, in the calling thread.

    An interruption of the calling thread sets ``stop``: nothing more is begun, and what is under way is not waited for.
    An exception of ``work`` is raised once all that was begun has ended.
    """
    if concurrency == 1 or len(items) <= 1:
        for item in items:
            work(item)
            tick()
        return
    left = deque(items)
    raised: list[BaseException] = []
    running = 0
    lock = threading.Lock()
    ended = threading.Event()

    def take() -> tuple[T] | None:
        with lock:
            return (left.popleft(),) if left else None

    def run() -> None:
        nonlocal running
        try:
            while not stop.is_set() and not raised and (item := take()):
                work(item[0])
        except BaseException as error:  # a thread has nobody else to raise it to
            raised.append(error)
        finally:
            with lock:
                running -= 1
                if not running:
                    ended.set()

    def started() -> bool:
        """Whether the machine had one more thread."""
        nonlocal running
        with lock:
            running += 1
        try:
            # Daemons: an interpreter that is to end must not wait for a response that takes its time.
            threading.Thread(target=run, daemon=True).start()
        except RuntimeError:
            with lock:
                running -= 1
            return False
        return True

    try:
        threads = sum(1 for _thread in takewhile(bool, (started() for _number in range(min(concurrency, len(items))))))
        if not threads:
            running = 1
            run()
        while not ended.wait(TICK):
            tick()
    except BaseException:
        stop.set()
        until_let_go()
        raise
    if raised:
        raise raised[0]

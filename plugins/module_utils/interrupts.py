# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruptions: raised if the task must still report something, and deferred while they would lose something."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

#: What ends a process that a user, or a job that is cancelled, wants to end.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The process is to end: Ctrl-C, or a signal of another process."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise Interrupted within the block, and pass the signal on to the previous handler when the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        for other in _ENDING:  # a second Ctrl-C must not interrupt what the first one has still to say
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _ENDING if signal.getsignal(number) not in (signal.SIG_IGN, None)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield
    except Interrupted as interruption:
        restore()
        os.kill(os.getpid(), interruption.number)
        raise  # the previous handler did not end the process
    finally:
        restore()


#: How many threads, apart from the main one, are in a block that must not be lost.
_holding = 0
_changed = threading.Condition()


@contextlib.contextmanager
def kept_back() -> Iterator[None]:
    """Let signals wait until the block is left.

    A rotating refresh token is used up by the request that renews it: if the process ends before the new one is
    written down, nobody has it.
    """
    if threading.current_thread() is not threading.main_thread():
        # Signals reach the main thread only; it waits in until_let_go.
        with _held():
            yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_ENDING, signal.SIGALRM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _held() -> Iterator[None]:
    global _holding  # noqa: PLW0603 - of the process, as signals are
    with _changed:
        _holding += 1
    try:
        yield
    finally:
        with _changed:
            _holding -= 1
            _changed.notify_all()


def until_let_go() -> None:
    """Return when no other thread is in a block of ``kept_back``, which lasts as long as one attempt of a request at most."""
    with _changed:
        _changed.wait_for(lambda: _holding == 0)

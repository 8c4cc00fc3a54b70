# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals: they end a task, and they wait for what must not be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.interrupts import Interrupted, kept_back, raised, until_let_go

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that reach the handlers from before the block."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda received, _frame: numbers.append(received)) for number in (*ENDING, signal.SIGALRM)}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    signal.raise_signal(number)
    for _instruction in range(1000):  # Python calls a handler between two instructions
        pass


def interrupted_by(number: int, at_the_end: Callable[[], None]) -> None:
    with raised():
        try:
            send(number)
        finally:
            at_the_end()


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_block_and_then_reaches_its_handler(handled: list[int], number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    at_the_end: list[list[int]] = []
    with pytest.raises(Interrupted, match=number.name) as caught:
        interrupted_by(number, lambda: at_the_end.append(list(handled)))
    assert (at_the_end, handled, caught.value.number) == ([[]], [number], number)
    assert signal.getsignal(number) is handler


def test_a_second_signal_does_not_interrupt_what_the_first_one_has_to_say(handled: list[int]) -> None:
    told: list[str] = []

    def tell() -> None:
        send(signal.SIGTERM)
        told.append("what exists")

    with pytest.raises(Interrupted, match="SIGINT"):
        interrupted_by(signal.SIGINT, tell)
    assert (told, handled) == (["what exists"], [signal.SIGINT])


def test_an_ignored_signal_stays_ignored(handled: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    with raised():
        send(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    assert not handled


def test_without_a_signal_the_handlers_are_those_from_before(handled: list[int]) -> None:
    before = [signal.getsignal(number) for number in ENDING]
    with raised():
        assert [signal.getsignal(number) for number in ENDING] != before
    assert [signal.getsignal(number) for number in ENDING] == before


def test_another_thread_leaves_the_handlers_alone(handled: list[int]) -> None:
    seen: list[object] = []

    def block() -> None:
        with raised():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("number", [*ENDING, signal.SIGALRM])
def test_a_signal_waits_for_the_end_of_a_block_that_must_not_be_lost(handled: list[int], number: int) -> None:
    with kept_back():
        send(number)
        assert not handled
    send(signal.SIGALRM)
    assert handled == [number, signal.SIGALRM]


@pytest.mark.parametrize("count", [1, 2])
def test_an_interrupted_task_waits_for_such_blocks_in_other_threads(count: int) -> None:
    entered, leave = threading.Barrier(count + 1), threading.Event()
    order: list[str] = []

    def hold() -> None:
        with kept_back():
            entered.wait(timeout=30)
            leave.wait(timeout=30)
            order.append("block")

    for _number in range(count):
        threading.Thread(target=hold, daemon=True).start()
    entered.wait(timeout=30)
    threading.Timer(0.05, leave.set).start()
    until_let_go()
    assert order == ["block"] * count

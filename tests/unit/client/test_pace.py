# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the workers of a task send when the API limits the rate: simulated event by event, against limits of several kinds."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.pace import Pace, Turn

from ..fake_api import FakeClock

ITEMS, WORKERS = 100, 8
#: Seconds that a request takes to the API, and its response back.
WAY = 0.01


class Limited:
    """An API whose bucket of tokens refills at a constant rate, and as many workers as there may be at a time."""

    def __init__(self, rate: float, most: float, says: Callable[[float], float | None]) -> None:
        self.rate, self.most, self.says = rate, most, says
        self.clock = FakeClock()
        self.started = self.clock.now()
        self.pace = Pace(self.clock)
        self.tokens, self.filled = most, self.started
        self.left, self.taken, self.refused = ITEMS, 0, 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def run(self) -> float:
        """Seconds until all have been taken."""
        for _worker in range(WORKERS):
            self._next()
        while self._events:
            self.clock.time, _number, event = heapq.heappop(self._events)
            event()
        return self.clock.now() - self.started

    def _after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.clock.now() + seconds, next(self._number), event))

    def _next(self) -> None:
        if self.left:
            self.left -= 1
            self._attempt()

    def _attempt(self) -> None:
        turn = self.pace.turn()
        if turn.wait:
            self._after(turn.wait, self._attempt)
        else:
            self._after(WAY, lambda: self._arrive(turn))

    def _arrive(self, turn: Turn) -> None:
        now = self.clock.now()
        self.tokens, self.filled = min(self.most, self.tokens + (now - self.filled) * self.rate), now
        if self.tokens >= 1 - 1e-9:
            self.tokens -= 1
            self._after(WAY, self._was_taken)
        else:
            pause = self.says((1 - self.tokens) / self.rate)
            self._after(WAY, lambda: self._was_refused(turn, pause))

    def _was_taken(self) -> None:
        self.taken += 1
        self.pace.taken()
        self._next()

    def _was_refused(self, turn: Turn, pause: float | None) -> None:
        self.refused += 1
        self.pace.refused(turn, pause)
        self._attempt()


def nothing(seconds: float) -> None:
    """No Retry-After."""


def fractions(seconds: float) -> float:
    return seconds


def whole_seconds(seconds: float) -> float:
    """As a date says it too."""
    return math.ceil(seconds)


@pytest.mark.parametrize("rate", [1, 2, 3, 5, 10, 20, 35, 50])
@pytest.mark.parametrize(("says", "burst"), [(nothing, False), (nothing, True), (fractions, False), (fractions, True), (whole_seconds, True)])
def test_a_fleet_of_a_hundred_takes_little_longer_than_the_limit_allows(rate: float, says: Callable[[float], float | None], burst: bool) -> None:
    """At most a quarter longer, with at most one refusal for two requests that are taken. With a burst, a second's worth is taken at once."""
    api = Limited(rate, rate if burst else 1, says)
    seconds = api.run()
    assert api.taken == ITEMS
    assert seconds <= 1.25 * ITEMS / rate
    assert api.refused <= ITEMS / 2


def test_a_pause_is_kept_by_all() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    first = [pace.turn() for _worker in range(4)]
    assert [turn.wait for turn in first] == [0] * 4
    for turn in first:  # all were under way when the API had enough
        pace.refused(turn, 2.0)
    assert pace.left() == 2.0
    assert all(pace.turn().wait >= 2 for _worker in range(4))


def test_without_a_refusal_nothing_waits() -> None:
    pace = Pace(FakeClock())
    for _request in range(1000):
        assert pace.turn().wait == 0
        pace.taken()


def test_a_limit_that_is_lifted_is_found_out() -> None:
    api = Limited(2, 1, nothing)
    api.left = 1000
    api._after(50, lambda: setattr(api, "rate", 1000.0))
    assert api.run() < 50 + 250

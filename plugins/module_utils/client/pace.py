# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the workers of a task may send, learned from what the API refuses (429)."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ..clock import Clock

#: Seconds between two requests after the first refusal; twice that after each further one, until a request is taken.
FIRST_DISTANCE = 0.03
LONGEST_DISTANCE = 30.0
#: What each request that is taken makes of the distance while the limit is searched for, and once it is known.
_SEARCHING = 0.88
_PROBING = 0.998
#: What a refusal makes of a distance that was enough before.
_BACK = 1.12


@dataclass(frozen=True, slots=True)
class Turn:
    """When a worker may send."""

    #: Seconds from now.
    wait: float
    #: Which state of knowledge it rests on: a refusal of an older one tells nothing new.
    epoch: int
    #: The distance that decided it; 0 if a pause did, or nothing.
    distance: float = 0.0


class Pace:
    """One for all workers of a task. Free until the API refuses a request; then it follows the limit.

    The first refusals double the distance between two requests, and each request that is taken shortens it. So it closes in on
    the limit from both sides, and then stays there with a refusal now and then. The API's own pauses (``Retry-After``) are kept by
    every worker; what they delay is caught up after them, as far as the API lets requests pile up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: No request before this: the API asked for a pause.
        self._until = 0.0
        #: When the next request is due by the distance.
        self._next = 0.0
        #: Seconds between two requests; 0 as long as nothing was refused.
        self._distance = 0.0
        #: Requests that the API took at once before it first refused one.
        self._burst = 0
        #: When the API last refused one, and the requests that it has taken since.
        self._since = 0.0
        self._taken = 0
        #: The shortest distance since then that was enough; 0 if none was.
        self._enough = 0.0
        #: Whether the limit is not known yet.
        self._searching = True
        #: Whether the last refusal asked for a pause.
        self._paused = False
        self._epoch = 0

    def left(self) -> float:
        """Seconds that are left of a pause that the API asked for."""
        with self._lock:
            return max(0.0, self._until - self._clock.now())

    def turn(self) -> Turn:
        """When it is the turn of the caller, who keeps it."""
        with self._lock:
            now = self._clock.now()
            if not self._distance:
                return Turn(max(0.0, self._until - now), self._epoch)
            # What was not sent during a pause is caught up after it, as far as the API lets requests pile up.
            due = max(self._next, now - self._burst * self._distance)
            self._next = due + self._distance
            return Turn(max(due, self._until, now) - now, self._epoch, self._distance if due > max(now, self._until) else 0.0)

    def holds(self, turn: Turn) -> bool:
        """Whether nothing was refused since the turn was given. If something was, it takes another one."""
        return turn.epoch == self._epoch

    def taken(self, turn: Turn) -> None:
        """The API took a request."""
        with self._lock:
            self._taken += 1
            if turn.distance and self.holds(turn):
                self._enough = turn.distance
            self._distance *= _SEARCHING if self._searching else _PROBING

    def pause(self, seconds: float) -> None:
        """The API asked for a pause."""
        with self._lock:
            self._until = max(self._until, self._clock.now() + seconds)

    def refused(self, turn: Turn, pause: float | None) -> None:
        """The API refused a request (429), and asked for a pause of so many seconds if it did."""
        if pause:
            self.pause(pause)
        with self._lock:
            if not self.holds(turn):
                return  # sent before the last refusal was known
            now = self._clock.now()
            self._epoch += 1
            if not self._distance:
                self._burst = self._taken
                self._distance = min(FIRST_DISTANCE, pause / max(self._burst, 1)) if pause else FIRST_DISTANCE
            elif self._enough:
                self._searching = False
                self._distance = max(self._enough, self._distance) * _BACK
            elif self._taken:
                # On average requests were taken at this distance.
                longest = (now - self._since) / self._taken
                self._distance = max(_BACK * self._distance, longest if self._paused else min(longest, 2 * self._distance))
            else:
                # The API knows better than a guess how long it takes until it takes one.
                self._distance = max(self._distance, min(2 * self._distance, pause or LONGEST_DISTANCE)) if self._searching else _BACK * self._distance
                self._searching = True
            self._distance = min(self._distance, LONGEST_DISTANCE)
            self._paused = bool(pause)
            self._since, self._taken, self._enough = now, 0, 0.0
            self._next = now + self._distance

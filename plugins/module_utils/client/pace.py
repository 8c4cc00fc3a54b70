# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the workers of a task may send, learned from what the API refuses (429)."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from ..clock import Clock

#: Seconds between two requests after the first refusal.
FIRST_DISTANCE = 0.03
LONGEST_DISTANCE = 30.0
_SHORTEST_DISTANCE = 0.001
#: What each further refusal makes of the distance, until a request is taken.
_LONGER = 1.5
#: What a refusal makes of it at most after some were taken.
_MOST = 3.0
#: Requests are sent so many times as fast as they are taken: a little too fast, so that nothing is given away.
_FASTER = 1.15
#: The requests that the rate is measured by.
_MEASURED = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """When a worker may send."""

    #: Seconds until it may ask again; 0 if it is its turn.
    wait: float
    #: The refusals that were known then: a refusal of a request that was sent before the last one tells nothing new.
    epoch: int


class Pace:
    """One for all workers of a task. Free until the API refuses a request; then it follows the limit.

    The first refusals lengthen the distance between two requests. From the first request that is taken then, requests are sent a
    little faster than the API takes them, which it shows. The API's own pauses (``Retry-After``) are kept by every worker; what they
    delay is caught up after them, as far as the API lets requests pile up.
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
        #: When the API took the last requests, after the moment of its first refusal.
        self._times: deque[float] = deque(maxlen=_MEASURED + 1)
        #: Whether one was taken since the last refusal.
        self._taken = False
        self._epoch = 0

    def left(self) -> float:
        """Seconds that are left of a pause that the API asked for."""
        with self._lock:
            return max(0.0, self._until - self._clock.now())

    def turn(self) -> Turn:
        """Whether it is the turn of the caller. If not, the distance may be another one when it asks again."""
        with self._lock:
            now = self._clock.now()
            if self._until > now:
                return Turn(self._until - now, self._epoch)
            if self._distance:
                # What was not sent during a pause is caught up after it, as far as the API lets requests pile up.
                due = max(self._next, now - self._burst * self._distance)
                if due > now:
                    return Turn(due - now, self._epoch)
                self._next = due + self._distance
            return Turn(0.0, self._epoch)

    def taken(self) -> None:
        """The API took a request."""
        with self._lock:
            if not self._distance:
                self._burst += 1
                return
            self._taken = True
            self._times.append(self._clock.now())
            self._distance = min(self._distance, self._right(self._times[-1]))

    def _right(self, now: float) -> float:
        """The distance by the rate at which requests were taken."""
        average = (now - self._times[0]) / (len(self._times) - 1)
        return min(max(average / _FASTER, _SHORTEST_DISTANCE), LONGEST_DISTANCE)

    def pause(self, seconds: float) -> None:
        """The API asked for a pause."""
        with self._lock:
            self._until = max(self._until, self._clock.now() + seconds)

    def refused(self, turn: Turn, pause: float | None) -> None:
        """The API refused a request (429), and asked for a pause of so many seconds if it did."""
        if pause:
            self.pause(pause)
        with self._lock:
            if turn.epoch != self._epoch:
                return  # sent before the last refusal was known
            now = self._clock.now()
            self._epoch += 1
            if not self._distance:
                self._distance = min(FIRST_DISTANCE, pause / max(self._burst, 1)) if pause else FIRST_DISTANCE
                self._times.append(now)
            elif self._taken:
                self._distance = max(self._distance, min(self._right(now), _MOST * self._distance))
            else:
                # The API knows better than a guess how long it takes until it takes one.
                self._distance = max(self._distance, min(_LONGER * self._distance, pause or LONGEST_DISTANCE))
            self._taken = False
            self._next = now + self._distance

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be sent again, and when: one bound on a request's attempts and pauses, one pause for all workers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock, Deadline
from ..errors import CloudNexusError, NotSent, RateLimited

T = TypeVar("T")

#: Seconds before the second attempt; each further pause is twice as long, up to the longest. A part of each is random,
#: so that many clients that failed together don't come back together.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
#: Seconds between two requests of a task after the API has asked for a pause.
SHORTEST_DISTANCE = 0.02
LONGEST_DISTANCE = 2.0


class Pause:
    """When the API asks for a pause, every worker of the task keeps it; then they come back one after the other.

    All at once they would only be asked again. Their distance grows with each pause that is asked for, and shrinks with
    each request that the API takes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._next = 0.0
        self._distance = 0.0

    def ask(self, seconds: float) -> None:
        with self._lock:
            now = self._clock.now()
            if now >= self._until:  # the workers that were under way together are asked together, and that counts once
                self._distance = min(max(2 * self._distance, SHORTEST_DISTANCE), LONGEST_DISTANCE)
            self._until = max(self._until, now + seconds)

    def taken(self) -> None:
        """The API took a request."""
        if self._distance:
            with self._lock:
                self._distance = self._distance * 0.95 if self._distance > SHORTEST_DISTANCE else 0.0

    def left(self) -> float:
        """Seconds that are left of the pause."""
        with self._lock:
            return max(0.0, self._until - self._clock.now())

    def turn(self) -> float:
        """Seconds until it is the turn of the caller, who keeps it."""
        if not self._until:
            return 0.0
        with self._lock:
            now = self._clock.now()
            turn = max(now, self._until, self._next)
            self._next = turn + self._distance
            return turn - now


class Retry:
    """Sends a request until it succeeds, fails for good, or its time is used up.

    All attempts of one request and the pauses between them take at most ``api_timeout * (api_retries + 1)`` seconds,
    and never more than is left of the deadline of what they are part of.
    """

    def __init__(self, api_timeout: float, api_retries: int, clock: Clock) -> None:
        #: Seconds for all attempts of one request and the pauses between them.
        self.bound = api_timeout * (api_retries + 1)
        self._api_timeout = api_timeout
        self._api_retries = api_retries
        self._clock = clock
        self._pause = Pause(clock)
        #: Set when the task is interrupted: no thread of it sends anything more.
        self.stop = threading.Event()

    def run(self, attempt: Callable[[float], T], *, repeat_in_doubt: bool, deadline: Deadline | None = None) -> T:
        """Call ``attempt`` with the seconds that it may take, again where that is right.

        A request that can't be repeated in doubt (a create: contract, rule 4) is sent again only where it is certain
        that nothing was done. Raises what the last attempt raised.
        """
        bound = self._clock.deadline(self.bound).earlier(deadline)
        for number in range(self._api_retries + 1):
            if (asked := self._pause.left()) > bound.left or (asked := self._pause.turn()) > bound.left:
                raise NotSent(f"The API asked for a pause of {asked:.0f} s, which is longer than this task may take.")
            self._clock.sleep(asked)
            self.check()
            try:
                # Even with no time left one short attempt is made: something must say how things stand.
                result = attempt(max(min(self._api_timeout, bound.left), 1.0))
                self._pause.taken()
                return result
            except CloudNexusError as error:
                if error.retry_after is not None:
                    self._pause.ask(error.retry_after)
                repeatable = error.transient and (repeat_in_doubt or not error.in_doubt)
                if not repeatable or number == self._api_retries:
                    raise _told(error, number + 1) from None
                if error.retry_after is not None and self._pause.left() > bound.left:
                    error.message += f" It asked for a pause of {error.retry_after:.0f} s, which is longer than this task may take."
                    raise _told(error, number + 1) from None
                if error.retry_after is None:
                    pause = _backoff(number)
                    if pause >= bound.left:
                        raise _told(error, number + 1) from None
                    if isinstance(error, RateLimited):
                        self._pause.ask(pause)  # too many requests are those of all workers
                    else:
                        self._clock.sleep(pause)
        raise AssertionError("unreachable")

    def check(self) -> None:
        """Raises NotSent once the task was interrupted: nothing goes on behind its back."""
        if self.stop.is_set():
            raise NotSent("The task was interrupted.")


def _backoff(number: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**number) * random.uniform(0.5, 1.0)


def _told(error: CloudNexusError, attempts: int) -> CloudNexusError:
    """The error, with the number of attempts added to its sentence."""
    if attempts > 1:
        error.message += f" ({attempts} attempts were made.)"
    return error

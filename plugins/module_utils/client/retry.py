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
from .pace import Pace, Turn

T = TypeVar("T")

#: Seconds before the second attempt; each further pause is twice as long, up to the longest. A part of each is random,
#: so that many clients that failed together don't come back together.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0


class Retry:
    """Sends a request until it succeeds, fails for good, or its time is used up.

    The attempts of one request that fail and the pauses between them take at most ``api_timeout * (api_retries + 1)`` seconds,
    and never more than is left of the deadline of what they are part of. A refusal for the rate (429) is no failed attempt:
    it is bounded by time alone.
    """

    def __init__(self, api_timeout: float, api_retries: int, clock: Clock) -> None:
        #: Seconds for all attempts of one request and the pauses between them.
        self.bound = api_timeout * (api_retries + 1)
        self._api_timeout = api_timeout
        self._api_retries = api_retries
        self._clock = clock
        self._pace = Pace(clock)
        #: Until when a task waits for an API that takes no more requests at the moment (429); None for no longer than ``bound``.
        self.patience: Deadline | None = None
        #: Set when the task is interrupted: no thread of it sends anything more.
        self.stop = threading.Event()
        #: Whether the process that runs the task still exists.
        self.alive: Callable[[], bool] = lambda: True

    def run(self, attempt: Callable[[float], T], *, repeat_in_doubt: bool, deadline: Deadline | None = None) -> T:
        """Call ``attempt`` with the seconds that it may take, again if that is right.

        A request that can't be repeated in doubt (a create: contract, rule 4) is sent again only if it is certain
        that nothing was done. Raises what the last attempt raised.
        """
        end = self._end(deadline)
        left = self.bound
        attempts = failures = 0
        refused: RateLimited | None = None
        while True:
            turn = self._turn(end, refused, attempts)
            self.check()
            attempts += 1
            started = self._clock.now()
            try:
                # Even with no time left one short attempt is made: something must say how things stand.
                result = attempt(max(min(self._api_timeout, left, end.left), 1.0))
            except RateLimited as error:
                # No failed attempt: nothing is wrong but the pace.
                self._pace.refused(turn, error.retry_after)
                refused = error
                if end.passed or self._pace.left() > end.left:
                    raise _too_long(error, attempts) from None
            except CloudNexusError as error:
                failures += 1
                left -= self._clock.now() - started
                if error.retry_after is not None:
                    self._pace.pause(error.retry_after)
                if not error.transient or (error.in_doubt and not repeat_in_doubt) or failures > self._api_retries:
                    raise _told(error, attempts) from None
                if self._pace.left() > min(left, end.left):
                    raise _too_long(error, attempts) from None
                if error.retry_after is None:
                    pause = _backoff(failures - 1)
                    if pause >= min(left, end.left):
                        raise _told(error, attempts) from None
                    self._clock.sleep(pause)
                    left -= pause
            else:
                self._pace.taken()
                return result

    def _end(self, deadline: Deadline | None) -> Deadline:
        """When nothing more is sent for a request: what it is part of bounds it, and so does the time of its own attempts, unless the task is more patient."""
        end = self._clock.deadline(self.bound)
        if self.patience is not None and end.at < self.patience.at:
            end = self.patience
        return end.earlier(deadline)

    def _turn(self, bound: Deadline, refused: RateLimited | None, attempts: int) -> Turn:
        """Wait for the turn of a request. If it would come after ``bound``, raises how it was ``refused`` before, or NotSent."""
        while (turn := self._pace.turn()).wait:
            if turn.wait > bound.left and refused is not None:
                raise _too_long(refused, attempts) from None
            if turn.wait > bound.left:
                raise NotSent(f"The API asked for a pause of {turn.wait:.0f} s, which is longer than this task may take.")
            self._clock.sleep(turn.wait)
            self.check()
        return turn

    def check(self) -> None:
        """Raises NotSent once the task was interrupted, or Ansible has ended: nothing goes on behind its back."""
        if not self.alive():
            self.stop.set()
        if self.stop.is_set():
            raise NotSent("The task was interrupted.")


def _backoff(number: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**number) * random.uniform(0.5, 1.0)


def _too_long(error: CloudNexusError, attempts: int) -> CloudNexusError:
    if error.retry_after:
        error.message += f" It asked for a pause of {error.retry_after:.0f} s, which is longer than this task may take."
    else:
        error.message += " It took no more requests for longer than this task may take."
    return _told(error, attempts)


def _told(error: CloudNexusError, attempts: int) -> CloudNexusError:
    """The error, with the number of attempts added to its sentence."""
    if attempts > 1:
        error.message += f" ({attempts} attempts were made.)"
    return error

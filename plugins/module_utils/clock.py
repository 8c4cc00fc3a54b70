# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, as the rest of the core sees it: one clock that tests can replace, and deadlines on it."""

from __future__ import annotations

import time
from dataclasses import dataclass


class Clock:
    """Seconds that only go forward, and pauses."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch: for what is kept between runs."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:  # a pause of no time costs some 60 microseconds, as it lets others run
            time.sleep(seconds)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self, self.now() + seconds)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on ``clock`` after which nothing is begun any more."""

    clock: Clock
    at: float

    @property
    def left(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self.at - self.clock.now())

    @property
    def passed(self) -> bool:
        return self.left <= 0

    def earlier(self, other: Deadline | None) -> Deadline:
        return self if other is None or self.at <= other.at else other

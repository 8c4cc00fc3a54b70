# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock that the collection and the API model share, so that minutes of virtual time cost nothing."""

from __future__ import annotations

import threading
import time

from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock

#: The names of all threads of the opponent begin so. No clock waits for them.
OPPONENT = "hostile-"


class SkippingClock(Clock):
    """Real time, and what was slept is skipped.

    Sleeping threads wait for one another: time skips to the next one's waking once all of the collection's threads sleep.
    """

    def __init__(self, real: float = 1.0) -> None:
        #: How much of real time counts: less, if a busy machine must not look like a slow API.
        self._real = real
        self._skipped = 0.0
        self._began, self._wall = time.monotonic(), time.time()
        self._changed = threading.Condition()
        self._wakes_at: dict[threading.Thread, float] = {}
        self._before = set(threading.enumerate())

    def now(self) -> float:
        return (time.monotonic() - self._began) * self._real + self._skipped

    def wall(self) -> float:
        return self._wall + self.now()

    def skip(self, seconds: float) -> None:
        """Let time pass between two tasks."""
        with self._changed:
            self._skipped += seconds

    def sleep(self, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            self._wakes_at[me] = wakes_at = self.now() + seconds
            while self.now() < wakes_at:
                if self._all_sleep():
                    self._skipped += max(0.0, min(self._wakes_at.values()) - self.now())
                    self._changed.notify_all()
                if self.now() < wakes_at:
                    self._changed.wait(0.002)  # a thread that ends tells nobody
            del self._wakes_at[me]

    def _all_sleep(self) -> bool:
        """Whether each thread that the collection has started since this clock was made sleeps; if there is none, its caller does."""
        started = {thread for thread in threading.enumerate() if thread not in self._before and not thread.name.startswith(OPPONENT)}
        return started <= set(self._wakes_at)

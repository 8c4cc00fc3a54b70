# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that say how far a task has come while it takes its time."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock
from ..printable import printable

#: Seconds before the first line, and between two.
INTERVAL = 5.0
#: Characters of a line.
_LONGEST = 200


class Progress:
    """Shows a line now and then. ``show`` displays one in the current mode; None if nobody looks."""

    def __init__(self, clock: Clock, show: Callable[[str], None] | None) -> None:
        self._clock = clock
        self._show = show
        self._started = self._last = clock.now()

    def tell(self, line: Callable[[], str]) -> None:
        """Show ``line()`` and the seconds since the task began, if it is time for one."""
        now = self._clock.now()
        if self._show is not None and now - self._last >= INTERVAL:
            self._last = now
            # It may hold a status of the API: any text, of any length.
            self._show(f"{printable(line()[:_LONGEST])}, {now - self._started:.0f} s")

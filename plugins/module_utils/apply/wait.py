# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting: one deadline, one clock, and a function that looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clock import Deadline

T = TypeVar("T")

#: Seconds between two looks: the first, and the longest. Each is half as long again as the one before.
FIRST_INTERVAL = 0.5
LONGEST_INTERVAL = 5.0


def wait_until(look: Callable[[], T | None], deadline: Deadline, *, first_interval: float = FIRST_INTERVAL) -> T | None:
    """Call ``look`` until it returns something, or the deadline has passed (then None is returned).

    The last look is made when the deadline has come, so that none of the time is given away.
    """
    interval = first_interval
    while True:
        last = deadline.passed
        found = look()
        if found is not None or last:
            return found
        deadline.clock.sleep(min(interval, deadline.left))
        interval = min(interval * 1.5, LONGEST_INTERVAL)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rate limit slows a fleet down, and fails none of it."""

from __future__ import annotations

import pytest

from .api import Habits
from .clock import SkippingClock
from .world import WEB, World, webs


@pytest.mark.parametrize(
    ("rate", "burst", "count", "retry_after"),
    [
        (1, 1, 100, "none"),
        (1, 1, 100, "fraction"),
        (1, 2, 100, "date"),
        (5, 5, 100, "seconds"),
        (5, 1, 100, "none"),
        (20, 20, 100, "seconds"),
        (20, 2, 100, "none"),
        (20, 5, 100, "fraction"),
        (50, 50, 100, "none"),
        (50, 1, 100, "fraction"),
    ],
)
def test_a_fleet_is_made_as_fast_as_the_api_takes_it(rate: int, burst: int, count: int, retry_after: str) -> None:
    """Within 1.25 of the ideal time, and with at most one refusal for two successes: three times, as threads differ in their order."""
    habits = Habits(rate=rate, burst=burst, retry_after=retry_after, boots_in=0, page_size=1000)  # type: ignore[arg-type]
    for _time in range(3):
        with World(habits, clock=SkippingClock(real=0.1)) as world:
            began = world.clock.now()
            result = world.fleet(webs(count))
            took = world.clock.now() - began
            refused = [seen for seen in world.api.seen if seen.status == 429]
            assert not result.get("failed"), result["msg"]
            assert len(world.api.creates()) == len(world.api.instances()) == count
            assert len(refused) <= (len(world.api.seen) - len(refused)) / 2
            assert took <= 1.25 * (count + burst) / rate


@pytest.mark.parametrize("retry_after", ["none", "seconds", "fraction", "date"])
def test_a_limit_is_no_failed_attempt(retry_after: str) -> None:
    """Without a single retry to spare."""
    with World(Habits(rate=0.5, retry_after=retry_after)) as world:  # type: ignore[arg-type]
        result = world.instance(**WEB, api_retries=0)
        assert not result.get("failed"), result["msg"]
        assert len(world.api.creates()) == 1


@pytest.mark.parametrize("retry_after", ["fraction", "date"])
def test_fractions_and_dates_in_retry_after_count(retry_after: str) -> None:
    """One a minute: whoever comes back earlier is refused again."""
    with World(Habits(rate=1 / 60, burst=2, retry_after=retry_after)) as world:  # type: ignore[arg-type]
        world.instance(**WEB, wait=False, api_timeout=60)
        refused = [seen for seen in world.api.seen if seen.status == 429]
        assert len(refused) <= len(world.api.seen) - len(refused)


def test_a_limit_ends_with_the_time_that_the_task_may_take() -> None:
    """One an hour: the task fails after its wait_timeout, and says what exists."""
    with World(Habits(rate=1 / 3600, burst=3)) as world:
        began = world.clock.now()
        result = world.fleet(webs(5), wait_timeout=120)
        assert result["failed"]
        assert world.clock.now() - began < 1200
        assert sorted(world.api.instances()) == sorted(item["id"] for item in result["instances"])

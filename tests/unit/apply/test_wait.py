# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting: looks that become rarer, one at the very end, and none after it."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.wait import LONGEST_INTERVAL, wait_until

from ..fake_api import FakeClock


class Look:
    """Finds something when it is time; each look takes ``seconds``."""

    def __init__(self, clock: FakeClock, found_at: float, seconds: float = 0.0) -> None:
        self.clock, self.found_at, self.seconds = clock, found_at, seconds
        self.times: list[float] = []

    def __call__(self) -> str | None:
        self.times.append(self.clock.now() - 1000)
        self.clock.time += self.seconds
        return "found" if self.times[-1] >= self.found_at else None


def test_what_is_there_is_found_without_a_pause() -> None:
    clock = FakeClock()
    assert wait_until(Look(clock, 0), clock.deadline(10)) == "found"
    assert not clock.sleeps


def test_it_looks_more_and_more_rarely() -> None:
    clock = FakeClock()
    look = Look(clock, 40)
    assert wait_until(look, clock.deadline(100)) == "found"
    assert clock.sleeps == sorted(clock.sleeps)
    assert clock.sleeps[0] == 0.5
    assert clock.sleeps[-1] == LONGEST_INTERVAL
    assert 40 <= clock.now() - 1000 <= 40 + LONGEST_INTERVAL


@pytest.mark.parametrize("timeout", [0, 1, 7, 60])
def test_the_last_look_is_at_the_deadline(timeout: int) -> None:
    clock = FakeClock()
    look = Look(clock, 1e9)
    assert wait_until(look, clock.deadline(timeout)) is None
    assert look.times[-1] == pytest.approx(timeout)
    assert len([moment for moment in look.times if moment >= timeout]) == 1


def test_what_comes_at_the_very_end_is_found() -> None:
    clock = FakeClock()
    assert wait_until(Look(clock, 20), clock.deadline(20)) == "found"


def test_a_look_that_takes_longer_than_there_is_time() -> None:
    clock = FakeClock()
    look = Look(clock, 1e9, seconds=30)
    assert wait_until(look, clock.deadline(20)) is None
    assert len(look.times) == 2

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a real run, and deadlines."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock

from .fake_api import FakeClock


@pytest.mark.parametrize(("seconds", "pauses"), [(0.5, [0.5]), (0, []), (-1, [])])
def test_a_pause(monkeypatch: pytest.MonkeyPatch, seconds: float, pauses: list[float]) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    Clock().sleep(seconds)
    assert slept == pauses


def test_the_time_is_the_machines() -> None:
    clock = Clock()
    before = time.monotonic(), time.time()
    now, wall = clock.now(), clock.wall()
    assert before[0] <= now <= time.monotonic()
    assert before[1] <= wall <= time.time()


@pytest.mark.parametrize(("elapsed", "left"), [(0, 10), (9.5, 0.5), (10, 0), (11, 0)])
def test_a_deadline(elapsed: float, left: float) -> None:
    clock = FakeClock()
    deadline = clock.deadline(10)
    clock.time += elapsed
    assert (deadline.left, deadline.passed) == (left, left == 0)


def test_the_earlier_of_two_deadlines() -> None:
    clock = FakeClock()
    soon, late = clock.deadline(1), clock.deadline(2)
    assert soon.earlier(late) == late.earlier(soon) == soon.earlier(None) == soon

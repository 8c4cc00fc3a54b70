# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent again, when, and for how long."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.pace import FIRST_DISTANCE
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.retry import Retry
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import (
    ApiError,
    BadResponse,
    CloudNexusError,
    NotFound,
    NotSent,
    RateLimited,
    ResponseLost,
    ServerFault,
    Untrusted,
)

from ..fake_api import FakeClock


def refused(status: int, retry_after: float | None = None) -> CloudNexusError:
    kind = RateLimited if status == 429 else ServerFault
    return kind(f"status {status}", api_error=ApiError("GET", "/x", status), retry_after=retry_after)


class Script:
    """Raises what it is told, one after the other, then returns; each attempt takes ``seconds``."""

    def __init__(self, clock: FakeClock, *errors: CloudNexusError, seconds: float = 0.0) -> None:
        self.clock, self.errors, self.seconds = clock, list(errors), seconds
        self.timeouts: list[float] = []
        self.times: list[float] = []

    def __call__(self, timeout: float) -> str:
        self.timeouts.append(timeout)
        self.times.append(self.clock.now())
        self.clock.time += min(self.seconds, timeout)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.mark.parametrize("error", [lambda: NotSent("x"), lambda: ResponseLost("x"), *[lambda s=s: refused(s) for s in (429, 500, 502, 503, 504)]])
def test_what_passes_is_tried_again(error: Callable[[], CloudNexusError]) -> None:
    clock = FakeClock()
    script = Script(clock, error(), error())
    assert Retry(30, 5, clock).run(script, repeat_in_doubt=True) == "done"
    assert len(clock.sleeps) == 2
    if isinstance(error(), RateLimited):
        assert clock.sleeps == pytest.approx([FIRST_DISTANCE, 1.5 * FIRST_DISTANCE])
    else:
        assert 0.25 <= clock.sleeps[0] <= 0.5 <= clock.sleeps[1] <= 1.0


@pytest.mark.parametrize("error", [BadResponse("x"), NotFound("x"), Untrusted("x"), refused(501), refused(505)])
def test_what_does_not_pass_is_not(error: CloudNexusError) -> None:
    clock = FakeClock()
    with pytest.raises(type(error)):
        Retry(30, 5, clock).run(Script(clock, error), repeat_in_doubt=True)
    assert not clock.sleeps


@pytest.mark.parametrize(
    ("error", "repeated"),
    [(NotSent("x"), True), (refused(429), True), (ResponseLost("x"), False), *[(refused(status), False) for status in (500, 502, 503, 504)]],
)
def test_a_create_is_sent_again_only_where_nothing_was_done(error: CloudNexusError, repeated: bool) -> None:
    clock = FakeClock()
    script = Script(clock, error)
    if repeated:
        assert Retry(30, 5, clock).run(script, repeat_in_doubt=False) == "done"
    else:
        with pytest.raises(type(error)):
            Retry(30, 5, clock).run(script, repeat_in_doubt=False)
        assert len(script.times) == 1


def test_the_number_of_attempts() -> None:
    clock = FakeClock()
    script = Script(clock, *[refused(503) for _number in range(9)])
    with pytest.raises(ServerFault, match=r"\(4 attempts were made\.\)"):
        Retry(30, 3, clock).run(script, repeat_in_doubt=True)
    assert len(script.times) == 4


def test_no_retries() -> None:
    clock = FakeClock()
    with pytest.raises(ServerFault) as caught:
        Retry(30, 0, clock).run(Script(clock, refused(503)), repeat_in_doubt=True)
    assert "attempts" not in caught.value.message
    assert not clock.sleeps


def test_retry_after_is_kept() -> None:
    clock = FakeClock()
    script = Script(clock, refused(429, 20.0), refused(503, 7.0))
    Retry(30, 5, clock).run(script, repeat_in_doubt=True)
    assert script.times == [1000.0, 1020.0, 1027.0]


def test_a_pause_is_kept_by_every_request_of_the_task() -> None:
    clock = FakeClock()
    retry = Retry(30, 0, clock)
    with pytest.raises(ServerFault):
        retry.run(Script(clock, refused(503, 20.0)), repeat_in_doubt=True)
    script = Script(clock)
    retry.run(script, repeat_in_doubt=True)
    assert script.times == [1020.0]


def test_a_refusal_for_the_rate_is_no_failed_attempt() -> None:
    clock = FakeClock()
    script = Script(clock, *[refused(429, 2.0) for _number in range(20)])
    assert Retry(30, 1, clock).run(script, repeat_in_doubt=False) == "done"
    assert clock.now() - 1000.0 == pytest.approx(40, abs=1)


@pytest.mark.parametrize("pause", [None, 5.0])
def test_an_api_that_never_takes_a_request_ends_the_task_by_its_time(pause: float | None) -> None:
    clock = FakeClock()
    script = Script(clock, *[refused(429, pause) for _number in range(10_000)])
    with pytest.raises((RateLimited, NotSent)):
        Retry(30, 1, clock).run(script, repeat_in_doubt=True)
    assert clock.now() - 1000.0 <= 61
    assert len(script.times) < 20


def test_a_patient_task_waits_for_longer_than_its_attempts_would_take() -> None:
    clock = FakeClock()
    retry = Retry(1, 0, clock)
    retry.patience = clock.deadline(100)
    script = Script(clock, *[refused(429, 10.0) for _number in range(9)])
    assert retry.run(script, repeat_in_doubt=True) == "done"
    assert clock.now() - 1000.0 == pytest.approx(90, abs=1)


def test_too_many_requests_without_a_pause_are_a_pause_for_all() -> None:
    clock = FakeClock()
    retry = Retry(30, 1, clock)
    script = Script(clock, refused(429))
    retry.run(script, repeat_in_doubt=False)
    assert script.times[1] - script.times[0] == pytest.approx(FIRST_DISTANCE)


def test_nothing_is_sent_once_the_task_was_interrupted() -> None:
    clock = FakeClock()
    retry = Retry(30, 5, clock)

    def interrupted(timeout: float) -> str:
        retry.stop.set()
        raise ResponseLost("x")

    with pytest.raises(NotSent, match="The task was interrupted"):
        retry.run(interrupted, repeat_in_doubt=True)


def test_a_pause_that_is_too_long_ends_the_task_at_once() -> None:
    clock = FakeClock()
    with pytest.raises(RateLimited, match="It asked for a pause of 3600 s, which is longer than this task may take"):
        Retry(30, 5, clock).run(Script(clock, refused(429, 3600.0)), repeat_in_doubt=True)
    assert clock.now() == 1000.0


def test_a_pause_that_another_request_was_asked_for_is_never_cut_short() -> None:
    clock = FakeClock()
    retry = Retry(10, 0, clock)
    with pytest.raises(RateLimited):
        retry.run(Script(clock, refused(429, 60.0)), repeat_in_doubt=True)
    script = Script(clock)
    with pytest.raises(NotSent, match="asked for a pause of 60 s"):
        retry.run(script, repeat_in_doubt=True)
    assert not script.times


@pytest.mark.parametrize("seconds", [0.0, 5.0, 30.0])
@pytest.mark.parametrize("retries", [0, 1, 5])
def test_all_attempts_together_are_bounded(seconds: float, retries: int) -> None:
    clock = FakeClock()
    script = Script(clock, *[ResponseLost("x") for _number in range(99)], seconds=seconds)
    with pytest.raises(ResponseLost):
        Retry(30, retries, clock).run(script, repeat_in_doubt=True)
    assert clock.now() - 1000.0 <= 30 * (retries + 1) + 1
    assert max(script.timeouts) <= 30


def test_a_deadline_bounds_them_too() -> None:
    clock = FakeClock()
    script = Script(clock, *[ResponseLost("x") for _number in range(99)], seconds=30.0)
    with pytest.raises(ResponseLost):
        Retry(30, 5, clock).run(script, repeat_in_doubt=True, deadline=clock.deadline(40))
    assert script.timeouts[0] == 30
    assert script.timeouts[-1] < 10
    assert clock.now() - 1000.0 <= 41


def test_the_backoff_doubles_up_to_its_longest() -> None:
    """0.5 seconds, doubled each time up to 8 seconds, of which a random half is left out."""
    clock = FakeClock()
    Retry(600, 9, clock).run(Script(clock, *[refused(503) for _number in range(9)]), repeat_in_doubt=True)
    longest = [0.5, 1, 2, 4, 8, 8, 8, 8, 8]
    assert all(most / 2 <= pause <= most for pause, most in zip(clock.sleeps, longest, strict=True))
    assert len(set(clock.sleeps)) == 9


def test_with_no_time_left_one_short_attempt_is_made() -> None:
    clock = FakeClock()
    script = Script(clock)
    assert Retry(30, 5, clock).run(script, repeat_in_doubt=True, deadline=clock.deadline(-5)) == "done"
    assert script.timeouts == [1.0]


def test_the_attempts_are_told_if_the_pause_is_too_long_for_another_one() -> None:
    clock = FakeClock()
    with pytest.raises(RateLimited, match=r"longer than this task may take\. \(2 attempts were made\.\)$"):
        Retry(30, 5, clock).run(Script(clock, NotSent("x"), refused(429, 3600.0)), repeat_in_doubt=True)


def test_the_attempts_are_told_if_the_time_is_over() -> None:
    clock = FakeClock()
    script = Script(clock, NotSent("x"), NotSent("x"), seconds=0.3)
    with pytest.raises(NotSent, match=r"^x \(2 attempts were made\.\)$"):
        Retry(30, 5, clock).run(script, repeat_in_doubt=True, deadline=clock.deadline(1.1))

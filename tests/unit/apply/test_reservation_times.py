# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a task looks for its names once more: by the times that earlier tasks have left."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.reservations import Reservations
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent

from ..fake_api import BASE_URL, FakeClock


class Task:
    """A task that reserves names in ``folder``."""

    def __init__(self, folder: Path, clock: FakeClock, **settings: Any) -> None:
        self.clock = clock
        self.interrupted = False
        self.reservations = Reservations(Settings(**{"api_url": BASE_URL, "api_key": "key", "token_cache": str(folder), **settings}), clock, self._check)

    def _check(self) -> None:
        if self.interrupted:
            raise NotSent("The task was interrupted.")

    def create(self, *names: str, looked: int | None = None) -> bool:
        """Create the names a second later. Returns whether the task had to look once more."""
        looked = self.reservations.now() if looked is None else looked
        self.clock.time += 1
        with self.reservations.held(names, looked, self.clock.deadline(20)) as late:
            self.clock.time += 1
        self.clock.time += 1
        return late


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize("name", ["web-01", "web-02", "web-03"])
def test_one_name_is_enough(folder: Path, clock: FakeClock, name: str) -> None:
    early = Task(folder, clock).reservations.now()
    Task(folder, clock).create(name)
    assert Task(folder, clock).create("web-01", "web-02", "web-03", looked=early)


def test_other_names_are_not_looked_for_again(folder: Path, clock: FakeClock) -> None:
    early = Task(folder, clock).reservations.now()
    assert not any(Task(folder, clock).create(f"web-{number:03}", looked=early) for number in range(50))


@pytest.mark.parametrize("other", [{"api_key": "other"}, {"api_url": "https://other.test/v1"}, {"api_key": None, "refresh_token": "r", "client_id": "c"}])
def test_each_account_has_its_own_names(folder: Path, clock: FakeClock, other: dict[str, Any]) -> None:
    early = Task(folder, clock).reservations.now()
    Task(folder, clock).create("web-01")
    assert not Task(folder, clock, **other).create("web-01", looked=early)


def test_a_time_from_before_the_machine_was_started_says_nothing(folder: Path, clock: FakeClock) -> None:
    Task(folder, clock).create("web-01")
    assert not Task(folder, FakeClock()).create("web-01", looked=0)


def test_without_locks_the_times_are_kept(folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", no_locks)
    early = Task(folder, clock).reservations.now()
    assert [Task(folder, clock).create("web-01", looked=early) for _task in range(2)] == [False, True]

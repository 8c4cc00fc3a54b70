# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of one machine that create one name: one creates it, and the others look once more."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.reservations import Reservations
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent, WaitFailed
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet, instance

from ..fake_api import FakeApi, run_operation
from ..operations.runs import WEB, web

FORK = multiprocessing.get_context("fork")


def reservations(folder: Path, api_key: str = "key", check: Any = lambda: None) -> Reservations:
    return Reservations(Settings("https://api.test/v1", api_key, token_cache=str(folder)), Clock(), check)


def hold(folder: Path, names: Sequence[str], holds: Any, may_end: Any, *, dies: bool = False) -> None:
    mine = reservations(folder)
    with mine.held(names, mine.now(), Clock().deadline(5)):
        holds.set()
        may_end.wait(20)
        if dies:
            os._exit(1)


class Other:
    """Another process that holds names until it is told to let go."""

    def __init__(self, folder: Path, *names: str, dies: bool = False) -> None:
        self.holds, self.may_end = FORK.Event(), FORK.Event()
        self.process = FORK.Process(target=hold, args=(folder, names, self.holds, self.may_end), kwargs={"dies": dies})
        self.process.start()
        assert self.holds.wait(20)

    def ends(self) -> None:
        self.may_end.set()
        self.process.join(20)


def test_a_name_that_nobody_has_created_meanwhile(tmp_path: Path) -> None:
    mine = reservations(tmp_path)
    with mine.held(["web-01"], mine.now(), Clock().deadline(5)) as late:
        assert not late
    looked = mine.now()
    with mine.held(["web-01"], looked, Clock().deadline(5)) as late:
        assert not late


@pytest.mark.parametrize("dies", [False, True])
def test_one_that_looked_before_another_one_created_it_looks_once_more(tmp_path: Path, dies: bool) -> None:
    mine = reservations(tmp_path)
    looked = mine.now()
    Other(tmp_path, "web-01", dies=dies).ends()
    with mine.held(["web-02"], looked, Clock().deadline(5)) as late:
        assert not late
    with mine.held(["web-01"], looked, Clock().deadline(5)) as late:
        assert late


def test_a_name_that_is_held_is_waited_for(tmp_path: Path) -> None:
    mine = reservations(tmp_path)
    other = Other(tmp_path, "web-01", "web-02")
    with pytest.raises(WaitFailed, match="Another task on this machine is creating web-02"), mine.held(["web-02"], mine.now(), Clock().deadline(0.2)):
        pass
    with reservations(tmp_path, "another key").held(["web-02"], mine.now(), Clock().deadline(0.2)) as late:
        assert not late
    other.ends()
    with mine.held(["web-02"], mine.now(), Clock().deadline(5)) as late:
        assert not late


def test_the_wait_ends_with_the_task(tmp_path: Path) -> None:
    def check() -> None:
        raise NotSent("The task was interrupted.")

    other = Other(tmp_path, "web-01")
    mine = reservations(tmp_path, check=check)
    with pytest.raises(NotSent), mine.held(["web-01"], mine.now(), Clock().deadline(60)):
        pass
    other.ends()


def test_a_folder_that_can_not_be_used_reserves_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    mine = reservations(tmp_path)
    with mine.held(["web-01"], mine.now(), Clock().deadline(5)) as late:
        assert not late
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("names", [1, 3])
def test_what_another_task_created_meanwhile_is_found_and_nothing_is_changed(names: int) -> None:
    """The account of another process: it creates the names between this task's look and its create."""
    api = FakeApi(boot_seconds=0)
    seen = 0

    def list_and_then_create(right: Any) -> Any:
        was = right()
        # What another worker does at that moment, with the same account and the same cache folder.
        for number in range(1, names + 1):
            run_operation(api, instance.OPERATION, **web(number), wait=False)
        return was

    api.spoil("GET", "/instances", list_and_then_create)
    given: dict[str, Any] = {"instances": [web(number) for number in range(1, names + 1)]}
    result = run_operation(api, fleet.OPERATION, **given) if names > 1 else run_operation(api, instance.OPERATION, **WEB)
    seen = api.account.created
    assert (result["changed"], seen) == (False, names)
    assert not result.get("failed")


def test_check_mode_holds_nothing() -> None:
    api = FakeApi()
    run_operation(api, instance.OPERATION, **WEB, check_mode=True)
    assert not list(Path(api.cache.name).rglob("*.names"))
    run_operation(api, instance.OPERATION, **WEB, unique_name=False, wait=False)
    assert not list(Path(api.cache.name).rglob("*.names"))

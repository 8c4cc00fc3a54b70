# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of progress."""

from __future__ import annotations

import itertools
import re

from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.progress import INTERVAL
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response

from tests.emulator.settings import API_KEY

from ..fake_api import FakeApi
from ..operations.runs import run_fleet, web, webs
from ..spoilers import POST, Right


def test_progress_is_told_now_and_then() -> None:
    api = FakeApi(boot_seconds=40)
    lines: list[str] = []
    times: list[float] = []

    def show(line: str) -> None:
        lines.append(line)
        times.append(api.clock.time)

    api.make("web-01")
    api.account.set_status("inst_00000001", "running")
    assert not run_fleet(api, webs(12), show=show).get("failed")
    assert all(re.fullmatch(r"0 of 11 running, 11 provisioning, \d+ s", line) for line in lines)
    assert len(lines) >= 3
    assert times[0] - 1000 >= INTERVAL
    assert min(after - before for before, after in itertools.pairwise(times)) >= INTERVAL


def test_progress_of_replacements() -> None:
    api = FakeApi(boot_seconds=20)
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    lines: list[str] = []
    run_fleet(api, webs(3, region="eu-west"), recreate=True, show=lines.append)
    told = [line.rpartition(",")[0] for line in lines]
    assert sorted(set(told)) == [f"{number} of 3 replaced; web-{number + 1:02} provisioning" for number in (0, 1, 2)]


def test_progress_of_one_replacement() -> None:
    api = FakeApi(boot_seconds=20)
    api.make("web-01")
    lines: list[str] = []
    run_fleet(api, webs(1, region="eu-west"), recreate=True, show=lines.append)
    assert {line.rpartition(",")[0] for line in lines} == {"web-01 provisioning"}


def test_a_short_task_tells_nothing() -> None:
    lines: list[str] = []
    run_fleet(FakeApi(boot_seconds=2), webs(3), show=lines.append)
    assert not lines


def test_progress_holds_no_secret() -> None:
    api = FakeApi(boot_seconds=40)
    lines: list[str] = []
    run_fleet(api, [{**web(1), "name": f"web-{API_KEY}"}], show=lines.append)
    assert lines
    assert API_KEY not in "".join(lines)


def test_writes_that_take_their_time_are_told() -> None:
    api = FakeApi(boot_seconds=0)

    def slow(right: Right) -> Response:
        api.clock.time += 2
        return right()

    api.spoil(*POST, slow, times=10)
    lines: list[str] = []
    run_fleet(api, webs(10), show=lines.append)
    assert lines[0] == "3 of 10 created, 6 s"


def test_progress_counts_those_that_are_up() -> None:
    api = FakeApi(boot_seconds=9)
    for number in (1, 2):
        api.make(f"web-{number:02}")
        api.account.set_status(f"inst_{number:08x}", "resizing")
    lines: list[str] = []
    run_fleet(api, webs(3), wait_timeout=20, show=lines.append)
    told = [line.rpartition(",")[0] for line in lines]
    assert list(dict.fromkeys(told)) == ["0 of 3 running, 1 provisioning, 2 resizing", "1 of 3 running, 2 resizing"]


def test_progress_of_deletions() -> None:
    api = FakeApi(delete_seconds=12)
    for number in (1, 2, 3):
        api.make(f"web-{number:02}")
    lines: list[str] = []
    run_fleet(api, [], name_prefix="web-", prune=True, max_deletions=3, show=lines.append)
    assert {line.rpartition(",")[0] for line in lines} == {"0 of 3 gone"}


def test_what_is_done_is_no_progress() -> None:
    api = FakeApi(boot_seconds=0)
    api.spoil(*POST, lambda right: (setattr(api.clock, "time", api.clock.time + 2), right())[1], times=3)
    lines: list[str] = []
    run_fleet(api, webs(3), show=lines.append)
    assert not lines

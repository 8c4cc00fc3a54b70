# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of one control node that create the same name at the same moment, in processes of their own as Ansible's workers are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock

from .api import Habits, Json
from .server import Fault
from .world import WEB, World, webs

POST, LIST = ("POST", "/instances"), ("GET", "/instances")
FORK = multiprocessing.get_context("fork")


def started(task: Callable[[], Json]) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """A process that runs the task, and the end of a pipe that its result comes by."""
    receiving, sending = FORK.Pipe(duplex=False)
    process = FORK.Process(target=lambda: sending.send(task()), daemon=True)
    process.start()
    sending.close()
    return process, receiving


def at_once(*tasks: Callable[[], Json]) -> list[Json]:
    """The results of tasks that run at the same moment."""
    return [pipe.recv() for _process, pipe in [started(task) for task in tasks]]


@pytest.fixture(params=[0, 0.5])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """In real time, which processes share. All look before one of them creates."""
    with World(Habits(boots_in=0, list_lag=request.param), clock=Clock()) as world:
        world.faults.add(*LIST, Fault(delay=0.2), times=5)
        yield world


def test_five_tasks_of_one_name_create_one(world: World) -> None:
    results = at_once(*[lambda: world.instance(**WEB)] * 5)
    assert len(world.api.creates()) == 1
    assert [result["instance"]["id"] for result in results] == [*world.api.instances()] * 5
    assert sorted(result["changed"] for result in results) == [False] * 4 + [True]


def test_two_fleets_that_share_names_create_each_once(world: World) -> None:
    results = at_once(lambda: world.fleet(webs(3)), lambda: world.fleet(webs(4)[::-1]), lambda: world.instance(**WEB))
    assert sorted(world.api.made()) == [item["name"] for item in webs(4)]
    assert not [result for result in results if result.get("failed")]
    assert sum(len(result["created"]) for result in results[:2]) + results[2]["changed"] == 4


def test_two_forms_of_one_name_create_one_at_most() -> None:
    with World(Habits(names="lower", boots_in=0), clock=Clock()) as world:
        world.faults.add(*LIST, Fault(delay=0.2), times=2)
        at_once(lambda: world.instance(**WEB), lambda: world.instance(**{**WEB, "name": "Web-01"}))
        assert len(world.api.instances()) == 1


def test_a_task_that_is_killed_keeps_no_name_to_itself() -> None:
    """Killed after the create has had its effect, and before its response came."""
    with World(Habits(boots_in=0), clock=Clock()) as world:
        world.faults.add(*POST, Fault(delay=5))
        process, _pipe = started(lambda: world.instance(**WEB))
        while not world.api.creates():
            time.sleep(0.01)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        (result,) = at_once(lambda: world.instance(**WEB, wait_timeout=5))
        assert (result["changed"], result["instance"]["id"]) == (False, *world.api.instances())

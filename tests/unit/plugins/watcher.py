# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source against an API in memory, whose clock is the source's: minutes pass in no time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.extensions.eda.plugins.event_source import instance_changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent

from tests.emulator.settings import API_KEY

from ..fake_api import BASE_URL, FakeApi, answer

Event = dict[str, Any]
CREDENTIAL = {"api_key": API_KEY, "api_url": BASE_URL, "token_cache": "none"}


class _Enough(Exception):
    """The test has seen all that it wanted to see."""


class Watcher:
    """Runs the source, and a step of the test in each of its pauses."""

    def __init__(self, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = api
        #: Seconds of each pause of the source, in contrast to those of its requests.
        self.pauses: list[float] = []
        self._monkeypatch = monkeypatch

    def __call__(self, *steps: Callable[[], Any], **args: Any) -> list[list[Event]]:
        """The events of each reading: the first one, and one after each step."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        left = iter(steps)
        readings: list[list[Event]] = []

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            readings.append([queue.get_nowait() for _number in range(queue.qsize())])
            self.api.clock.time += seconds
            step = next(left, None)
            if step is None:
                raise _Enough
            step()

        def client(settings: Any, secrets: Any, _clock: Any, warn: Any) -> Client:
            made = Client(settings, secrets, self.api.clock, warn)
            made._transport = self.api  # type: ignore[assignment]
            return made

        with self._monkeypatch.context() as patch:
            patch.setattr(instance_changes, "Client", client)
            patch.setattr(asyncio, "sleep", pause)
            try:
                asyncio.run(instance_changes.main(queue, {**CREDENTIAL, **args}))
            except _Enough:
                return readings
        raise AssertionError("a source never returns")


def nothing() -> None:
    """A step in which nobody does anything."""


def told(readings: list[list[Event]]) -> list[list[tuple[str, str]]]:
    return [[(event["change"], event["name"]) for event in reading] for reading in readings]


def spoilt_list(api: FakeApi, spoil: Callable[[dict[str, Any]], Any]) -> Callable[[], None]:
    """A step after which the next answer to a list is spoilt."""

    def spoiler(right: Callable[[], Response]) -> Response:
        page = json.loads(right().body)
        spoil(page)
        return answer(200, page)

    return lambda: api.spoil("GET", "/instances", spoiler)


def unreachable(_right: Callable[[], Response]) -> Response:
    raise NotSent("The API could not be reached: connection refused.")


def failing(status: int) -> Callable[[Callable[[], Response]], Response]:
    return lambda _right: answer(status, {"error": {"message": "no"}})

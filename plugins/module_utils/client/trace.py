# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that were sent: a line for each with ``-vvv``, and ``api_requests`` in the result."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..clock import Clock
from ..printable import printable

T = TypeVar("T")

#: The environment variable that adds ``api_requests`` to a result.
SWITCH = "CLOUDNEXUS_TRACE"
#: The environment variable by which the action plugin has a module return its lines, and their key in its result: a module can't show them.
LINES_SWITCH, LINES = "CLOUDNEXUS_TRACE_LINES", "api_request_lines"
#: Requests that a task keeps at most. One that polls for hours sends more.
MOST = 2000

_ID = re.compile(r"(?<=^/instances/)[^/]+")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt of a request. It has no header, no query and no body, which may hold a secret."""

    method: str
    path: str
    #: None if no response came.
    status: int | None
    milliseconds: int
    #: Counts from 1.
    attempt: int
    #: None if the API named none.
    request_id: str | None
    #: Seconds that the attempt waited: for its turn, or for the pause after the attempt before it.
    pause: float

    @property
    def operation(self) -> str:
        """The operation of the contract, such as ``GET /instances/{id}``."""
        return f"{self.method} {_ID.sub('{id}', self.path)}"

    def as_dict(self) -> dict[str, Any]:
        names = ("method", "path", "status", "milliseconds", "attempt", "request_id")
        return {name: getattr(self, name) for name in names}

    def line(self) -> str:
        status = "no response" if self.status is None else f"status {self.status}"
        request = "no request id" if self.request_id is None else f"request {self.request_id}"
        return f"{self.method} {self.path}: {status}, {self.milliseconds} ms, attempt {self.attempt}, {request}, pause {self.pause:.1f} s"


class Kept(Generic[T]):
    """The first and the newest of many: what led to a failure, and the failure."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._first: list[tuple[int, T]] = []
        self._newest: deque[tuple[int, T]] = deque(maxlen=most - self._half)
        self._count = 0

    def add(self, item: T, *, always: bool = False) -> None:
        """Keep ``item`` as long as there is room for it, or ``always``."""
        place: list[tuple[int, T]] | deque[tuple[int, T]] = self._first if always or self._count < self._half else self._newest
        place.append((self._count, item))
        self._count += 1

    def items(self) -> list[T]:
        """What is kept, in the order in which it came."""
        return [item for _number, item in sorted((*self._first, *self._newest), key=lambda numbered: numbered[0])]

    @property
    def left_out(self) -> int:
        return self._count - len(self._first) - len(self._newest)


class Trace:
    """Records the requests of a task, from all its threads."""

    def __init__(self, clock: Clock, mask: Callable[[str], str], tell: Callable[[str], None] | None = None, most: int = MOST) -> None:
        self.clock = clock
        self._mask = mask
        self._tell = tell
        self._kept: Kept[Exchange] = Kept(most)
        self._operations: set[str] = set()
        self._lock = threading.Lock()

    def attempts(self, method: str, path: str) -> Attempts:
        """Begin to record a request."""
        return Attempts(self, method, path)

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            # Of each operation one is kept: the scope of a key is sized by them.
            self._kept.add(exchange, always=exchange.operation not in self._operations)
            self._operations.add(exchange.operation)
        if self._tell is not None:
            self._tell(printable(self._mask(exchange.line())))

    def as_result(self) -> dict[str, Any]:
        """The keys of a result."""
        with self._lock:
            return {"api_requests": [exchange.as_dict() for exchange in self._kept.items()], "api_requests_left_out": self._kept.left_out}


class Attempts:
    """Records the attempts of one request."""

    def __init__(self, trace: Trace, method: str, path: str) -> None:
        self._trace = trace
        self._method, self._path = method, path
        self._number = 0
        self._waits_since = self._began = trace.clock.now()

    def wait(self) -> None:
        """The next attempt waits from now on."""
        self._waits_since = self._trace.clock.now()

    def begin(self) -> None:
        """An attempt is sent."""
        self._began = self._trace.clock.now()
        self._number += 1

    def end(self, status: int | None, request_id: str | None) -> None:
        """It is over, with the status of the response if one came."""
        milliseconds = round((self._trace.clock.now() - self._began) * 1000)
        pause = self._began - self._waits_since
        self.wait()
        self._trace.add(Exchange(self._method, self._path, status, milliseconds, self._number, request_id, pause))

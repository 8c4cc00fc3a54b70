# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults to inject: what goes wrong with the response to a matching request, and how often."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from aiohttp import web

#: What can go wrong.
KINDS = {
    "lost": "The connection is closed without a response.",
    "reset": "The connection is reset without a response.",
    "hang": "No response comes for `seconds`.",
    "slow": "The response comes `seconds` late.",
    "trickle": "The body comes one byte each `seconds`.",
    "status": "An error of `status`, with `retry_after` as seconds or (`as_date`) as a date.",
    "echo": "An error of `status` that repeats the whole request, its credential included.",
    "redirect": "A redirect of `status` to `location`.",
    "truncated": "The connection is closed in the middle of the body.",
    "malformed": "The response has the body `body`, of `content_type`, with `status`.",
    "huge": "A body of `size` bytes.",
}


@dataclass(slots=True)
class Fault:
    """One fault. It strikes requests of ``method`` whose path (below the base URL) matches the pattern ``path``."""

    kind: str
    method: str | None = None
    path: str | None = None
    #: How many matching requests pass before it strikes.
    skip: int = 0
    #: How often it strikes; 0 is forever.
    times: int = 1
    #: Whether the request has its effect although its response is broken.
    effect: bool = False
    status: int = 503
    retry_after: float | None = None
    as_date: bool = False
    seconds: float = 60.0
    location: str = "/"
    body: str = "<html><body>It works!</body></html>"
    content_type: str = "text/html"
    size: int = 200 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Fault:
        unknown = set(data) - {item.name for item in fields(cls)}
        if unknown:
            raise ValueError(f"no such field of a fault: {', '.join(sorted(unknown))}")
        return cls(**data)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults that are still to strike, the first that matches first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.struck = 0

    def add(self, faults: list[dict[str, Any]]) -> None:
        self._faults.extend([Fault.from_dict(item) for item in faults])

    def clear(self) -> None:
        self._faults.clear()

    def pending(self) -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in self._faults]

    def match(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.method not in (None, method) or (fault.path is not None and not re.fullmatch(fault.path, path)):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            self.struck += 1
            return fault
        return None


async def strike(fault: Fault, request: web.Request, respond: Callable[[], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Break the response to ``request``. ``respond`` creates the right one, and with it the request's effect."""
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await respond()
    needs_response = fault.effect or fault.kind in ("truncated", "trickle")
    right = await respond() if needs_response else None
    if fault.kind in ("lost", "reset"):
        return _hung_up(request, reset=fault.kind == "reset")
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        return _hung_up(request, reset=False)
    if fault.kind in ("truncated", "trickle"):
        assert isinstance(right, web.Response)
        return await _in_pieces(fault, request, right)
    if fault.kind == "huge":
        return await _huge(fault, request)
    if fault.kind == "malformed":
        status = 200 if fault.status == 503 else fault.status
        return web.Response(status=status, body=fault.body.encode(), headers={"Content-Type": fault.content_type})
    if fault.kind == "redirect":
        return web.Response(status=307 if fault.status == 503 else fault.status, headers={"Location": fault.location})
    return await _error(fault, request)


def _hung_up(request: web.Request, *, reset: bool) -> web.Response:
    transport = request.transport
    if transport is not None:
        if reset:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)  # never sent: there is no connection any more


async def _in_pieces(fault: Fault, request: web.Request, right: web.Response) -> web.StreamResponse:
    body = right.body if isinstance(right.body, bytes) else b""
    response = web.StreamResponse(status=right.status, headers={"Content-Type": right.content_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    try:
        if fault.kind == "truncated":
            await response.write(body[: len(body) // 2])
            _hung_up(request, reset=False)
        else:
            for position in range(len(body)):
                await response.write(body[position : position + 1])
                await asyncio.sleep(fault.seconds)
    except ConnectionError:
        pass  # the client has had enough
    return response


async def _huge(fault: Fault, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=200, headers={"Content-Type": "application/json"})
    await response.prepare(request)
    piece = b'"' + b"x" * 65_534 + b'"'
    try:
        for _number in range(fault.size // len(piece)):
            await response.write(piece)
    except ConnectionError:
        pass  # the client has had enough
    return response


async def _error(fault: Fault, request: web.Request) -> web.Response:
    headers = {"X-Request-Id": "req_fault"}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(int(fault.retry_after))
        if fault.as_date:
            headers["Retry-After"] = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=fault.retry_after), usegmt=True)
    message = "An injected fault."
    if fault.kind == "echo":
        message = f"{request.method} {request.path_qs} {dict(request.headers)} {(await request.read()).decode(errors='replace')}"
    error = {"error": {"code": "fault", "message": message}, "request_id": "req_fault"}
    return web.Response(status=fault.status, body=json.dumps(error).encode(), headers={"Content-Type": "application/json", **headers})

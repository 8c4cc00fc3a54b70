# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a host, within a time limit.

``getaddrinfo`` has no timeout, and no signal ends it. So it runs in a thread of its own, which is left behind if it takes too long.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any

#: Family, type, protocol, canonical name and address, as ``socket.getaddrinfo`` returns them.
Address = tuple[Any, Any, int, str, Any]


class _Lookup:
    """One call of ``getaddrinfo``, which may serve many connections."""

    def __init__(self, key: tuple[int, str, int, int]) -> None:
        self._key = key
        self._ended = threading.Event()
        self._found: list[Address] = []
        self._error: Exception | None = None

    def run(self) -> None:
        _pid, host, port, family = self._key
        try:
            self._found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        except Exception as error:
            self._error = error
        _lookups.pop(self._key, None)
        self._ended.set()

    def addresses(self, seconds: float) -> list[Address]:
        if not self._ended.wait(seconds):
            raise TimeoutError("the name was not resolved in time")
        if self._error is not None:
            raise self._error
        return self._found


#: Those under way: a name that can't be resolved holds one thread, however often it is tried. A thread is not there after a fork,
#: hence the process id in the key.
_lookups: dict[tuple[int, str, int, int], _Lookup] = {}


def addresses(host: str, port: int, family: int, seconds: float) -> list[Address]:
    """The addresses of ``host``. Raises TimeoutError, and what ``getaddrinfo`` raises."""
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    key = (os.getpid(), host, port, int(family))
    mine = _Lookup(key)
    lookup = _lookups.setdefault(key, mine)
    if lookup is mine:
        try:
            threading.Thread(target=mine.run, daemon=True).start()
        except RuntimeError:  # the machine has no more threads
            mine.run()
    return lookup.addresses(seconds)

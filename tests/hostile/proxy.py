# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two proxies: one forwards requests in absolute-form, one opens tunnels. Both can lose, cut and delay what comes back."""

from __future__ import annotations

import select
import socket
import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

from .server import FINE, Connection, Fault, Listener, Request, Response, receive, reset


class ForwardProxy(Listener):
    """Sends each request on by a connection of its own, and the response back. If that one is lost it responds 502."""

    def __init__(self) -> None:
        super().__init__()
        self._crossing = Crossing()

    def serve(self, connection: Connection) -> None:
        while (request := connection.request()) is not None:
            fault = self.script.next(request.method, request.path)
            response = Response(fault.status or 502, b"a proxy's own words")
            if fault.effect and fault.status is None:
                for _time in range(2 if fault.twice else 1):
                    response = _forwarded(request)
            if fault.crossed:
                response = self._crossing.swapped(response)
            if not connection.send(response, fault):
                return


class Crossing:
    """Two threads leave what they have, and each takes what the other one left."""

    def __init__(self) -> None:
        self._both = threading.Barrier(2)
        self._left: dict[int, Response] = {}

    def swapped(self, response: Response) -> Response:
        self._left[threading.get_ident()] = response
        try:
            self._both.wait(2)
        except threading.BrokenBarrierError:
            return response  # nobody else came
        (other,) = [left for owner, left in self._left.items() if owner != threading.get_ident()]
        return other


def _forwarded(request: Request) -> Response:
    parts = urlsplit(request.target)
    target = parts._replace(scheme="", netloc="").geturl()
    headers = {**request.headers, "connection": "close"}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    received = b""
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as upstream:
            upstream.sendall("\r\n".join(lines).encode("latin-1") + request.body)
            while not _whole(received) and (data := upstream.recv(65536)):
                received += data
    except OSError:
        pass
    return _parsed(received) if _whole(received) else Response(502, b"nothing came back")


def _parsed(received: bytes) -> Response:
    """The response in what was received; the interim ones before it go along."""
    interim: list[int] = []
    while True:
        head, _end, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        if status >= 200:
            break
        interim.append(status)
    headers = dict(line.split(": ", 1) for line in lines)
    length = int(headers.pop("Content-Length", "0"))
    return Response(status, received[:length], headers, tuple(interim))


def _whole(received: bytes) -> bool:
    """Whether a final response has come to its end. One that is chunked has none here: only faults chunk."""
    while True:
        head, end, received = received.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 1"):
            break
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), None)
    return b"chunked" not in head and len(received) >= (length or 0)


class ConnectProxy(Listener):
    """Opens tunnels. It can't read what goes through them: the server says which request it has handled."""

    def __init__(self) -> None:
        super().__init__()
        #: What is to happen to the next bytes from the server, by the tunnel's port.
        self._faults: dict[int, Fault] = {}

    def handled(self, request: Request) -> None:
        """The server's hook: the next bytes that come are the response to ``request``."""
        if (fault := self.script.next(request.method, request.path)) is not FINE:
            self._faults[request.port] = fault

    def serve(self, connection: Connection) -> None:
        if (request := connection.request()) is None:
            return
        fault = self.script.next(request.method, "")
        if not fault.effect or fault.status is not None:
            connection.send(Response(fault.status or 502), replace(fault, end="close" if fault.end == "keep" else fault.end))
            return
        host, port = request.target.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(connection.sock, upstream)

    def _relay(self, client: socket.socket, upstream: socket.socket) -> None:
        tunnel = upstream.getsockname()[1]
        while True:
            for source in select.select([client, upstream], [], [])[0]:
                data = receive(source)
                if not data:
                    return
                if source is client:
                    upstream.sendall(data)
                elif not _passed_on(data, client, self._faults.pop(tunnel, FINE)):
                    return


def _passed_on(data: bytes, client: socket.socket, fault: Fault) -> bool:
    """Send what the fault leaves of ``data``. Returns whether the tunnel goes on."""
    time.sleep(fault.delay)
    client.sendall({"all": data, "nothing": b""}.get(fault.sent, data[: len(data) // 2]))
    if fault.end == "reset":
        reset(client)
    return fault.end == "keep"

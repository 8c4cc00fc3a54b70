# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP/1.1 server on a raw socket, and the faults that it can add to each response."""

from __future__ import annotations

import contextlib
import itertools
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from .clock import OPPONENT

# --- Messages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request, as it arrived."""

    method: str
    #: In origin-form, or in absolute-form if it was sent to a forward proxy.
    target: str
    headers: dict[str, str]
    body: bytes
    #: The sender's port, which tells connections apart.
    port: int

    @property
    def path(self) -> str:
        """The path below the base URL."""
        return unquote(urlsplit(self.target).path).removeprefix("/v1")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass(frozen=True)
class Response:
    """One response, as it is meant; a fault may change what is sent of it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: Statuses of interim responses (1xx) that come first.
    interim: tuple[int, ...] = ()


def json_response(status: int, data: Any = None, **headers: str) -> Response:
    """``data`` as JSON; None is an empty body. An underscore in a header's name is a hyphen."""
    body = b"" if data is None else json.dumps(data).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, body, {"Content-Type": "application/json", **named} if body else named)


# --- Faults ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Fault:
    """What goes wrong with one request. All delays are in real seconds."""

    #: Whether the request has its effect.
    effect: bool = True
    #: A status that a proxy or a gateway responds with in place of the API.
    status: int | None = None
    #: How much of the response is sent.
    sent: Literal["all", "nothing", "half of the head", "half of the body"] = "all"
    #: What becomes of the connection.
    end: Literal["keep", "close", "reset"] = "keep"
    #: Statuses of interim responses (1xx) that come first.
    interim: tuple[int, ...] = ()
    #: Bytes that Content-Length announces beyond the body.
    longer: int = 0
    #: The size of the only chunk, as text; the body is chunked if it is given.
    chunk: str | None = None
    #: Before anything is sent.
    delay: float = 0
    #: After the interim responses, at most: the next request on the same connection ends it.
    late: float = 0
    #: Between two bytes of the body.
    trickle: float = 0
    #: A forward proxy sends the request twice.
    twice: bool = False
    #: A forward proxy swaps the response with that of another request with this fault.
    crossed: bool = False

    def __repr__(self) -> str:
        """Only what goes wrong, for the sequences that a search prints."""
        return f"Fault({', '.join(f'{item.name}={getattr(self, item.name)!r}' for item in fields(self) if getattr(self, item.name) != item.default)})"


FINE = Fault()
#: The request has no effect, and no response comes.
NOT_HANDLED = {end: Fault(effect=False, sent="nothing", end=end) for end in ("close", "reset")}
#: The request has its effect, and no response comes.
LOST = {end: Fault(sent="nothing", end=end) for end in ("close", "reset")}
#: The request has its effect, and its response can't be used.
BROKEN = {
    "head cut": Fault(sent="half of the head", end="close"),
    "body cut": Fault(sent="half of the body", end="close"),
    "body cut by a reset": Fault(sent="half of the body", end="reset"),
    "Content-Length too long": Fault(longer=20, end="close"),
    "chunk of -5": Fault(chunk="-5", end="close"),
    "chunk of zz": Fault(chunk="zz", end="close"),
    "chunk without a size": Fault(chunk="", end="close"),
    "chunk too long": Fault(chunk="ffff", end="close"),
}


class Script:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._by_path: list[tuple[str, str, Fault]] = []
        self._by_number: dict[int, Fault] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def add(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """Strike the next requests of this method and path."""
        with self._lock:
            self._by_path += [(method, path, fault)] * times

    def number(self, faults: dict[int, Fault]) -> None:
        """Strike requests by their number, counted from now on; forget what was to come."""
        with self._lock:
            self._by_path, self._by_number, self._numbers = [], dict(faults), itertools.count()

    def next(self, method: str, path: str) -> Fault:
        with self._lock:
            if (fault := self._by_number.pop(next(self._numbers), None)) is not None:
                return fault
            for index, (struck_method, struck_path, fault) in enumerate(self._by_path):
                if (struck_method, struck_path) == (method, path):
                    del self._by_path[index]
                    return fault
        return FINE


# --- Connections -------------------------------------------------------------------------------------------------------


class Connection:
    """The receiving end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._received = b""

    def request(self) -> Request | None:
        """The next request; None if the sender is gone."""
        if (head := self._until(b"\r\n\r\n")) is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
        body = self._exactly(int(headers.get("content-length", "0")))
        return None if body is None else Request(method, target, headers, body, self.sock.getpeername()[1])

    def send(self, response: Response, fault: Fault) -> bool:
        """Send what the fault leaves of the response. Returns whether the connection can be used again."""
        time.sleep(fault.delay)
        for status in (*response.interim, *fault.interim):
            self.sock.sendall(f"HTTP/1.1 {status} Interim\r\n\r\n".encode())
        if fault.late:
            select.select([self.sock], [], [], fault.late)
        head, body = rendered(response, fault)
        self.sock.sendall(head)
        for piece in (body[index : index + 1] for index in range(len(body))) if fault.trickle else (body,):
            self.sock.sendall(piece)
            time.sleep(fault.trickle)
        if fault.end == "reset":
            reset(self.sock)
        return fault.end == "keep"

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._received:
            if not self._receive():
                return None
        found, self._received = self._received.split(end, 1)
        return found

    def _exactly(self, size: int) -> bytes | None:
        while len(self._received) < size:
            if not self._receive():
                return None
        found, self._received = self._received[:size], self._received[size:]
        return found

    def _receive(self) -> bool:
        data = receive(self.sock)
        self._received += data
        return bool(data)


def rendered(response: Response, fault: Fault) -> tuple[bytes, bytes]:
    """The head and the body, as far as the fault lets them be sent. Pure."""
    body = response.body
    headers = dict(response.headers)
    if fault.chunk is not None:
        headers["Transfer-Encoding"] = "chunked"
        body = f"{fault.chunk}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    elif response.status != 204:
        headers["Content-Length"] = str(len(body) + fault.longer)
    lines = [f"HTTP/1.1 {response.status} Status", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    head = "\r\n".join(lines).encode("latin-1")
    if fault.sent == "nothing":
        return b"", b""
    if fault.sent == "half of the head":
        return head[: len(head) // 2], b""
    return head, body[: len(body) // 2] if fault.sent == "half of the body" else body


def receive(sock: socket.socket) -> bytes:
    """Receive, and acknowledge at once: behind a proxy urllib3 waits 40 ms for that before it sends a body."""
    if hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    return sock.recv(65536)


def reset(sock: socket.socket) -> None:
    """Close with an RST."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# --- Servers -----------------------------------------------------------------------------------------------------------


class Listener:
    """Accepts connections on a port of its own, and serves each in a thread. Until ``listen`` they are refused."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script = Script()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._listens = False

    def listen(self) -> None:
        if not self._listens:
            self._listens = True
            self._socket.listen(128)
            self._thread(self._accept)

    def close(self) -> None:
        for sock in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
        self._socket.close()

    def serve(self, connection: Connection) -> None:
        """Serve one connection to its end."""
        raise NotImplementedError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._socket.accept()
                self._open.add(sock)
                self._thread(self._served, sock)

    def _served(self, sock: socket.socket) -> None:
        raw = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.add(sock)
            self.serve(Connection(sock))
        except OSError:
            pass  # the other side has had enough
        finally:
            self._open -= {raw, sock}
            sock.close()

    @staticmethod
    def _thread(target: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=target, args=args, daemon=True, name=f"{OPPONENT}{target.__qualname__}").start()


class Server(Listener):
    """Responds with what ``handle`` says, unless the script spoils it."""

    def __init__(self, handle: Callable[[Request], Response], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._handle = handle
        #: Called after a request has had its effect, and before anything of its response is sent.
        self.handled: Callable[[Request], None] = lambda _request: None

    def serve(self, connection: Connection) -> None:
        while (request := connection.request()) is not None:
            fault = self.script.next(request.method, request.path)
            response = self._handle(request) if fault.effect else Response(500)
            self.handled(request)
            if not connection.send(response if fault.status is None else Response(fault.status), fault):
                return

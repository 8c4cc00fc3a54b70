# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has no end of its own, and must not keep a task: the resolution of a name, addresses that say nothing, pipes in place of files."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import resolution
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.bounds import PAGE
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.private_files import TokenCacheError, TokenCacheMissing
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.token_store import Token, TokenStore
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response, Transport, tls_context
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import CloudNexusError, InvalidOption, NotSent
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets

from tests.hostile.world import _tls

T = TypeVar("T")


def ended(work: Callable[[], T], seconds: float = 10) -> T:
    """What ``work`` returns or raises. A thread of its own shows that it ends."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"it has not ended after {seconds} s"
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    result: T = outcome[0]
    return result


def exchange(url: str, timeout: float = 5, **settings: Any) -> Response:
    return Transport(Settings(url, "key", **settings), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=timeout, most=PAGE.size)


# --- Names -------------------------------------------------------------------------------------------------------------


class Names:
    """Stands in for ``getaddrinfo``: what is no address resolves to ``found``, once ``known`` is set."""

    def __init__(self, found: list[str]) -> None:
        self.known = threading.Event()
        self.asked: list[str] = []
        self._found = found
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, family: int = 0, kind: int = 0, protocol: int = 0, flags: int = 0) -> Any:
        if flags & socket.AI_NUMERICHOST or host[0].isdigit():
            return self._real(host, port, family, kind, protocol, flags)
        self.asked.append(host)
        self.known.wait()
        return [entry for address in self._found for entry in self._real(address, port, family, kind, protocol, flags)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], Names]]:
    made: list[Names] = []

    def put(found: list[str]) -> Names:
        made.append(Names(found))
        monkeypatch.setattr(socket, "getaddrinfo", made[-1])
        return made[-1]

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield put
    for each in made:
        each.known.set()


def test_a_name_that_is_never_resolved_ends_the_attempt(names: Callable[[list[str]], Names]) -> None:
    put = names(["127.0.0.1"])
    started = time.monotonic()
    for _attempt in range(3):
        with pytest.raises(NotSent, match=r"could not be reached within 0\.3 s \(api_timeout\), at http://api\.example:9"):
            ended(lambda: exchange("http://api.example:9", timeout=0.3))
    assert time.monotonic() - started < 5
    assert put.asked == ["api.example"], "each attempt has left a thread behind"


def test_a_name_that_is_resolved_late_serves_the_next_attempt(names: Callable[[list[str]], Names]) -> None:
    put = names(["127.0.0.1"])
    with recorder() as (port, received):
        with pytest.raises(NotSent):
            exchange(f"http://api.example:{port}", timeout=0.2)
        put.known.set()
        assert exchange(f"http://api.example:{port}").status == 200
        assert f"Host: api.example:{port}" in received[0]
    assert not resolution._lookups


def test_the_certificate_must_be_that_of_the_name_and_not_of_its_address(names: Callable[[list[str]], Names], monkeypatch: pytest.MonkeyPatch) -> None:
    context, ca_path = _tls()
    asked: list[str] = []
    monkeypatch.setattr(context, "sni_callback", lambda _socket, name, _context: asked.append(name))
    names(["127.0.0.1"]).known.set()
    refused = pytest.raises(CloudNexusError, match=r"certificate is not trusted, .*(Hostname mismatch, certificate is not valid for|hostname) 'api\.example'")
    with recorder(context) as (port, _received), refused:
        exchange(f"https://api.example:{port}", ca_path=ca_path)
    assert asked == ["api.example"]


def test_an_address_that_says_nothing_leaves_time_for_the_next_one(names: Callable[[list[str]], Names]) -> None:
    with recorder() as (port, received), socket.create_server(("127.0.0.2", port), backlog=0) as silent:
        waiting = [fill(silent) for _number in range(2)]
        names(["127.0.0.2", "127.0.0.1"]).known.set()
        started = time.monotonic()
        assert exchange(f"http://api.example:{port}", timeout=1).status == 200
        assert 0.3 < time.monotonic() - started < 1
        assert received
        for sock in waiting:
            sock.close()


def fill(server: socket.socket) -> socket.socket:
    """Take the places of a server that accepts nobody: whoever comes next waits."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(server.getsockname())
    return sock


@contextlib.contextmanager
def recorder(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    received: list[str] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            wrapped = context.wrap_socket(connection, server_side=True) if context else connection
            with wrapped:
                received.append(wrapped.recv(65536).decode())
                wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], received
        server.shutdown(socket.SHUT_RDWR)


# --- Files that are none -----------------------------------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def directory(path: Path) -> None:
    path.mkdir(mode=0o700)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    folder = tmp_path / "cache"
    store = TokenStore(str(folder), "https://127.0.0.1", "client", "origin")
    store.write(Token("access", "refresh", None, "origin"))
    return store


@pytest.mark.parametrize("make", [pipe, directory])
def test_a_token_file_that_is_none_is_refused(store: TokenStore, make: Callable[[Path], None]) -> None:
    store._path.unlink()
    make(store._path)
    with pytest.raises(TokenCacheError, match="is not what it should be"):
        ended(store.read)


@pytest.mark.parametrize("make", [pipe, directory])
def test_a_lock_file_that_is_none_is_refused(store: TokenStore, make: Callable[[Path], None]) -> None:
    make(store._lock_path)

    def lock() -> None:
        with store.locked(Clock().deadline(1)):
            pass

    with pytest.raises((TokenCacheError, TokenCacheMissing), match=r"is not what it should be|can't be opened"):
        ended(lock)


@pytest.mark.parametrize("variable", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_bundle_of_authorities_that_never_ends_is_refused(kind: str, variable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.pem" if kind == "pipe" else Path("/dev/zero")
    if kind == "pipe":
        pipe(path)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if variable:
        monkeypatch.setenv(variable, str(path))
    with pytest.raises(InvalidOption, match=r"ca_path: expected a readable file of CA certificates .*neither a file nor a directory"):
        ended(lambda: tls_context(True, None if variable else str(path)))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange over real sockets: bounds, connections, redirects, certificates, proxies."""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import transport
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.bounds import PAGE
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response, Transport
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import BadResponse, InvalidOption, NotSent, ResponseLost, Untrusted
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.emulator.process import EmulatorProcess


def exchange(emulator: EmulatorProcess, method: str = "GET", path: str = "/health", timeout: float = 10.0, body: Any = None) -> Response:
    settings = Settings(emulator.api_url, emulator.api_key)
    return Transport(settings, Secrets()).exchange(method, emulator.api_url + path, body=body, bearer=emulator.api_key, timeout=timeout)


def test_an_exchange(emulator: EmulatorProcess) -> None:
    answer = exchange(emulator)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert b"healthy" in answer.body


def test_only_the_contract_is_sent(emulator: EmulatorProcess) -> None:
    exchange(emulator, "PUT", "/cdn/config", body={"cache_ttl": 5})
    (entry,) = emulator.requests()
    sent = {name.lower() for name in entry["headers"]}
    assert sent - {"connection"} == {"accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"}
    assert entry["body"] == {"cache_ttl": 5}


def test_one_connection_for_all(emulator: EmulatorProcess) -> None:
    for _number in range(5):
        exchange(emulator)
    assert len({entry["connection"] for entry in emulator.requests()}) == 1


def test_a_connection_goes_on_after_a_refusal(emulator: EmulatorProcess) -> None:
    exchange(emulator)
    assert exchange(emulator, path="/instances/inst_9").status == 404
    exchange(emulator)
    assert len({entry["connection"] for entry in emulator.requests()}) == 1


@pytest.mark.parametrize("kind", ["lost", "reset", "truncated"])
def test_an_answer_that_does_not_come(emulator: EmulatorProcess, kind: str) -> None:
    emulator.fault(kind)
    with pytest.raises(ResponseLost, match=r"response was (lost|cut off)"):
        exchange(emulator)
    assert exchange(emulator).status == 200


@pytest.mark.parametrize(("kind", "seconds"), [("hang", 30), ("slow", 30), ("trickle", 0.3), ("trickle", 0.8)])
def test_an_attempt_ends_by_its_time(emulator: EmulatorProcess, kind: str, seconds: float) -> None:
    emulator.fault(kind, seconds=seconds)
    started = time.monotonic()
    with pytest.raises(ResponseLost, match=r"no whole response within 1 s"):
        exchange(emulator, timeout=1)
    assert time.monotonic() - started < 1.4


def test_a_header_that_trickles_ends_by_its_time_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            connection, _address = server.accept()
            with connection, contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 1000:
                    connection.send(bytes([byte]))
                    time.sleep(0.2)

        threading.Thread(target=trickle, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(ResponseLost, match="no whole response within 1 s"):
            Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=1)
        assert time.monotonic() - started < 1.5


def test_a_huge_body_is_not_read_to_its_end(emulator: EmulatorProcess) -> None:
    emulator.fault("huge", size=200 * 1024 * 1024)
    tracemalloc.start()
    try:
        with pytest.raises(BadResponse, match="larger than 8 MiB and was not read to its end"):
            exchange(emulator)
        assert tracemalloc.get_traced_memory()[1] < 3 * PAGE.size
    finally:
        tracemalloc.stop()


def test_an_encoding_that_was_not_asked_for() -> None:
    with (
        _server(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}") as url,
        pytest.raises(BadResponse, match="content encoding 'gzip'"),
    ):
        Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)


@pytest.mark.parametrize("surplus", [0, 1])
def test_eight_mib_are_read_and_not_a_byte_more(surplus: int) -> None:
    size = 8 * 1024 * 1024 + surplus
    refused = pytest.raises(BadResponse, match="larger than 8 MiB") if surplus else contextlib.nullcontext()
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size) as url, refused:
        assert len(Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5).body) == size


def test_what_is_no_http() -> None:
    with _server(b"SSH-2.0-OpenSSH_9.2\r\n") as url, pytest.raises(ResponseLost):
        Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(NotSent, match=r"could not be reached, at http://127\.0\.0\.1:\d+: Connection refused\.$"):
        Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)


def test_a_connection_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_reply(*_arguments: Any, **_options: Any) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr(transport, "_connected", no_reply)
    with pytest.raises(NotSent, match=r"^The API could not be reached within 2\.5 s \(api_timeout\), at http://127\.0\.0\.9\.$"):
        Transport(Settings("http://127.0.0.9", "key"), Secrets()).exchange("GET", "http://127.0.0.9", body=None, bearer="key", timeout=2.5)


def test_a_connection_that_comes_too_late(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = transport._connected

    def late(*arguments: Any, **options: Any) -> socket.socket:
        time.sleep(0.06)
        return connect(*arguments, **options)

    monkeypatch.setattr(transport, "_connected", late)
    url = emulator.api_url.replace("127.0.0.1", "localhost")  # a connection of its own
    with pytest.raises((NotSent, ResponseLost), match=r"within 0\.05 s \(api_timeout\)"):
        Transport(Settings(url, "key"), Secrets()).exchange("GET", f"{url}/health", body=None, bearer="key", timeout=0.05)


def test_an_attempt_that_has_no_time_left_ends_at_once(emulator: EmulatorProcess) -> None:
    emulator.fault("slow", seconds=0.3)
    with pytest.raises((NotSent, ResponseLost)):
        exchange(emulator, timeout=0)


def test_a_name_that_does_not_resolve() -> None:
    url = "https://api.invalid/v1"
    with pytest.raises(NotSent, match="could not be reached"):
        Transport(Settings(url, "key"), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)


# --- Redirects ---------------------------------------------------------------------------------------------------------


def test_a_redirect_within_the_origin_is_followed_for_a_get(emulator: EmulatorProcess) -> None:
    emulator.fault("redirect", location="/v1/cdn/config")
    assert b"cache_ttl" in exchange(emulator).body


def test_a_redirect_that_never_ends(emulator: EmulatorProcess) -> None:
    emulator.fault("redirect", location="/v1/health", times=0)
    with pytest.raises(BadResponse, match="redirected more than 5 times"):
        exchange(emulator)
    emulator.clear_faults()
    assert len(emulator.requests()) == 1 + 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_gets_no_credential(emulator: EmulatorProcess, status: int) -> None:
    with _recorder() as (url, received):
        emulator.fault("redirect", location=f"{url}/v1/health", status=status)
        with pytest.raises(BadResponse, match="A redirect of the API leads to"):
            exchange(emulator)
        assert not received


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_is_never_redirected(emulator: EmulatorProcess, method: str) -> None:
    emulator.fault("redirect", location="/v1/health")
    with pytest.raises(BadResponse, match=f"redirected {method}"):
        exchange(emulator, method, "/instances")
    assert len(emulator.requests()) == 1


def test_credentials_of_netrc_are_not_used(emulator: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert exchange(emulator).status == 200


# --- Proxies -----------------------------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used_and_its_password_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    with _recorder() as (url, received):
        monkeypatch.setattr(transport, "is_loopback", lambda host: False)
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://user:pa55word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        secrets = Secrets()
        # 127.0.0.9 is nobody: the proxy answers for it.
        settings = Settings("http://127.0.0.9:9/v1", "key")
        answer = Transport(settings, secrets).exchange("GET", "http://127.0.0.9:9/v1/health", body=None, bearer="key", timeout=5)
        assert answer.status == 200
        assert received[0].startswith("GET http://127.0.0.9:9/v1/health")
        assert secrets.mask("pa55word") == "********"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_a_loopback_address_never_goes_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credential would leave the machine in clear."""
    with _recorder() as (url, received):
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, url)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(NotSent):
            Transport(Settings(f"http://{host}:9/v1", "key"), Secrets()).exchange("GET", f"http://{host}:9/v1/health", body=None, bearer="key", timeout=5)
        assert not received


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:SECRET12#a@host",
        "http://user:SECRET12@host:99999",
        "socks5://user:SECRET12@host:1080",
        "http://user:SECRET12@",
        "ftp://user:SECRET12@host",
        "http://user:SECRET12@host/a?b",
    ],
)
def test_a_proxy_that_can_not_be_one_is_refused_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(InvalidOption, match=r"^HTTPS_PROXY: expected the address of an HTTP proxy") as caught:
        Transport(Settings("https://api.example.com/v1", "key"), Secrets())
    assert "SECRET12" not in caught.value.message


def test_what_a_proxy_says_of_a_refused_tunnel_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    password = base64.b64encode(b"user:pa55word").decode()
    with _server(f"HTTP/1.1 407 Who is {password}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://user:pa55word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(NotSent, match="Tunnel connection failed: 407") as caught:
            Transport(Settings("https://api.example.com/v1", "key"), Secrets()).exchange(
                "GET", "https://api.example.com/v1/health", body=None, bearer="key", timeout=5
            )
        assert password not in caught.value.message


def test_each_task_has_the_proxy_of_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "is_loopback", lambda host: False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for _task in range(2):
        with _recorder() as (url, received):
            monkeypatch.setenv("http_proxy", url)
            Transport(Settings("http://127.0.0.9:9/v1", "key"), Secrets()).exchange("GET", "http://127.0.0.9:9/v1", body=None, bearer="key", timeout=5)
            assert len(received) == 1


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
    monkeypatch.setattr(transport, "is_loopback", lambda host: False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(NotSent, match=r"could not be reached, at .*Connection refused"):
        Transport(Settings("https://127.0.0.9:9", "key"), Secrets()).exchange("GET", "https://127.0.0.9:9", body=None, bearer="key", timeout=5)


def test_a_tunnel_through_a_proxy_is_trusted_no_more_than_a_connection(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with _tunnel() as (url, asked):
        monkeypatch.setattr(transport, "is_loopback", lambda host: False)
        monkeypatch.setenv("https_proxy", url)
        settings = Settings(tls[0], "key", ca_path=str(tls[1]))
        assert Transport(settings, Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5).status == 200
        assert asked[0].startswith(f"CONNECT {tls[0].removeprefix('https://')} ")
        with pytest.raises(Untrusted, match="not trusted"):
            Transport(Settings(tls[0] + "/v2", "key"), Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5)


# --- Certificates ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server with a certificate of its own authority; its address, and the path of the authority's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca_path, key_path = folder / "ca.pem", folder / "key.pem"
    ca_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_path, key_path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", ca_path
    server.shutdown()
    server.server_close()


def test_a_certificate_that_is_not_trusted(tls: tuple[str, Path]) -> None:
    with pytest.raises(Untrusted, match=r"certificate is not trusted, at .*self.signed") as caught:
        Transport(Settings(tls[0], "key"), Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5)
    assert not caught.value.in_doubt


def test_a_certificate_of_an_authority_that_was_given(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tls[0], "key", ca_path=str(tls[1]))
    assert Transport(settings, Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5).status == 200
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[1]))
    assert Transport(Settings(tls[0], "key"), Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5).status == 200


def test_a_certificate_for_another_host(tls: tuple[str, Path]) -> None:
    url = tls[0].replace("127.0.0.1", "localhost")
    with pytest.raises(Untrusted, match="not trusted"):
        Transport(Settings(url, "key", ca_path=str(tls[1])), Secrets()).exchange("GET", url, body=None, bearer="key", timeout=5)


def test_a_certificate_that_is_not_looked_at(tls: tuple[str, Path]) -> None:
    settings = Settings(tls[0], "key", validate_certs=False)
    assert Transport(settings, Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5).status == 200


def test_nobody_is_warned_of_what_was_asked_for(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_contexts", {})  # as in a new process
    settings = Settings(f"{tls[0]}/v1", "key", validate_certs=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Transport(settings, Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5)
    assert not [warning for warning in caught if issubclass(warning.category, urllib3.exceptions.InsecureRequestWarning)]


def test_a_folder_of_authorities(tls: tuple[str, Path], tmp_path: Path) -> None:
    """It is empty, so nobody is trusted."""
    with pytest.raises(Untrusted, match="not trusted"):
        Transport(Settings(tls[0], "key", ca_path=str(tmp_path)), Secrets()).exchange("GET", tls[0], body=None, bearer="key", timeout=5)


def test_an_authority_that_can_not_be_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path / "missing.pem", empty):
        with pytest.raises(InvalidOption, match="ca_path: expected a readable file of CA certificates"):
            Transport(Settings("https://127.0.0.1", "key", ca_path=str(path)), Secrets())


# --- Small servers -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _tunnel() -> Iterator[tuple[str, list[str]]]:
    """A proxy for connections; its address, and the first lines of what it was asked."""
    asked: list[str] = []

    def relay(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        asked.append(head.split(b"\r\n")[0].decode())
        host, port = asked[-1].split()[1].split(":")
        with client, socket.create_connection((host, int(port))) as upstream:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(upstream, client), daemon=True)
            back.start()
            relay(client, upstream)
            back.join()

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked


class _Handler(http.server.BaseHTTPRequestHandler):
    received: list[str] = []

    def do_GET(self) -> None:
        self.received.append(f"{self.requestline} {dict(self.headers)}")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def _recorder() -> Iterator[tuple[str, list[str]]]:
    """A server that records what reaches it."""
    received: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"received": received}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _server(answer: bytes) -> Iterator[str]:
    """A server that answers each connection with the same bytes and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"

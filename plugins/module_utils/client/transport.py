# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange: time-outs, size limit, origin check. It raises, and never exits.

Built on the connections of ``requests``, its adapter with its proxies and certificates, rather than on its ``Session``: a
session follows redirects with the credential, takes credentials from ``~/.netrc`` over the one that it was given, and
keeps cookies. The requests are handed to urllib3 as they are, which takes two thirds of the time.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import re
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import BadResponse, CloudNexusError, InvalidOption, NotSent, ResponseLost, Untrusted
from ..masking import Secrets, brief, credentials_in
from ..version import VERSION
from . import bounds
from .links import redirect_url
from .resolution import Address, addresses
from .settings import Settings, absolute, is_loopback

try:
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, prepend_scheme_if_needed, select_proxy
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
    from urllib3.util.connection import allowed_gai_family
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError as _error:
    #: Why ``requests`` can't be used here; None if it can.
    REQUESTS_IMPORT_ERROR: ImportError | None = _error
    # The classes below must be definable all the same: both modes import this file before they can report what is missing.
    HTTPAdapter = HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment,misc]
else:
    REQUESTS_IMPORT_ERROR = None

#: Bytes of a response that are read at most before its body: status lines, headers, interim responses, what a proxy says.
MAX_HEAD = 256 * bounds.KIB
#: Redirects within the origin that are followed at most, for one GET.
MAX_REDIRECTS = 5
#: Connections that are kept to one API at most.
MOST_CONNECTIONS = 64
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: any status, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")


class Transport:
    """Exchanges with one API. Connections are kept and shared by all transports of this process."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._base_url = settings.api_url
        self._secrets = secrets
        adapter = _adapter(settings)
        # The credential never leaves the machine on its way to a loopback address.
        proxy = None if is_loopback(urlsplit(settings.api_url).hostname or "") else select_proxy(settings.api_url, _environ_proxies(settings.api_url))
        self._pools: urllib3.PoolManager = adapter.proxy_manager_for(_checked_proxy(proxy, secrets)) if proxy else adapter.poolmanager

    def exchange(self, method: str, url: str, *, body: Mapping[str, Any] | None, bearer: str | None, timeout: float, most: int = bounds.PAGE.size) -> Response:
        """Send one request and read the whole response within ``timeout`` seconds, and no more than ``most`` bytes of its body.

        The body of a refusal is cut there; a success with a larger one is an error.
        Raises NotSent, Untrusted, ResponseLost, BadResponse; a response of any status is returned. Whatever a library raises is one of these.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"cloudnexus.cloud/{VERSION}"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        ends_at = time.monotonic() + timeout
        for _hop in range(MAX_REDIRECTS + 1):
            response = self._send(method, url, headers, data, timeout=timeout, seconds=max(ends_at - time.monotonic(), 0.001), most=most)
            if response.status not in (301, 302, 303, 307, 308):
                return response
            if method != "GET":
                raise BadResponse(f"The API redirected {method} (status {response.status}), which the collection doesn't follow. Check api_url.")
            url = redirect_url(self._base_url, url, response.headers.get("Location", ""))
        raise BadResponse(f"The API redirected more than {MAX_REDIRECTS} times.")

    def _send(self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, *, timeout: float, seconds: float, most: int) -> Response:
        """One request and its response, within ``seconds``; ``timeout`` is what sentences say."""
        _request.sent, _request.most = False, most
        raw: Any = None
        try:
            raw = self._pools.request(
                method,
                url,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            response = Response(raw.status, raw.headers, _read(raw, most))
        except BaseException as error:
            if raw is not None:
                raw.close()  # what is left of this response must not be taken for the next one
            if not isinstance(error, Exception):
                raise
            failure = error if isinstance(error, CloudNexusError) else _translated(error, timeout, url, self._secrets, sent=_request.sent)
            failure.came = raw.status if raw is not None else None
            raise failure from None
        finally:
            if raw is not None:
                raw.release_conn()
        return response


def _read(response: urllib3.HTTPResponse, most: int) -> bytes:
    """Return the body. Raises BadResponse for a success with one that is too large, before it is read to its end."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise BadResponse(f"The API's response has the content encoding {encoding[:40]!r}, which wasn't requested (status {response.status}).")
    body = bytearray()  # no list of chunks: they may have a byte each
    for chunk in response.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most and not 200 <= response.status < 300:
            response.close()
            return bytes(body[:most])  # the status says what matters
        if len(body) > most:
            raise BadResponse(
                f"The API's response is larger than {bounds.in_words(most)} and was not read to its end "
                f"(status {response.status}, content type {response.headers.get('Content-Type', 'not given')[:80]!r})."
            )
    length = response.headers.get("Content-Length", "").strip()[:20]
    if length.isdecimal() and "Transfer-Encoding" not in response.headers and len(body) < int(length) and response.status not in (204, 304):
        # urllib3 2 finds this by itself, 1.26 does not.
        raise ResponseLost(f"The API's response was cut off: {len(body)} of {length} bytes came.")
    return bytes(body)


# --- Connections -----------------------------------------------------------------------------------------------------


class _Request(threading.local):
    """This thread's current request."""

    #: Whether a byte of it may have left. Only the connection knows: urllib3 raises a ProxyError for a proxy that can't be
    #: reached, and for a response that is lost after the request went out.
    sent = False
    #: Bytes that the body of its response may have.
    most = bounds.PAGE.size


_request = _Request()


class _Excess(Exception):
    """More came than a response may have. None of the classes that the libraries replace by one of their own."""


class _BoundedReader(io.RawIOBase):
    """The reading side of a socket, with one deadline and one limit for all reads of a response.

    A socket's own timeout starts again with each byte that arrives, so a trickling response would never end. The limit on
    a body knows nothing of what surrounds it: interim responses, headers, the sizes of chunks, trailers, a line without an end.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw, self._sock = raw, sock
        # urllib3 has set what is left of the attempt's time-out as the socket's time-out just before.
        timeout = sock.gettimeout()
        self._ends_at = None if timeout is None else time.monotonic() + timeout
        self._left = MAX_HEAD

    def expect_body(self, most: int) -> None:
        """Allow a body of ``most`` bytes, and a quarter more for the sizes of its chunks."""
        self._left += most + most // 4

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends_at is not None:
            left = self._ends_at - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise _Excess
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines(io.BufferedReader):
    """Notes whether a line was cut off by the end of the connection: ``http.client`` takes that for the end of the headers."""

    is_cut = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(-1 if size is None else size)
        self.is_cut = self.is_cut or not line.endswith(b"\n")
        return line


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _BoundedReader(self.fp.detach(), sock)
        self.fp = self._lines = _Lines(self._reader)

    def begin(self) -> None:
        super().begin()
        self._reader.expect_body(_request.most)
        if self._lines.is_cut:
            raise http.client.IncompleteRead(b"")

    def _read_status(self) -> tuple[str, int, str]:
        """The status of the final response. ``http.client`` skips 100 alone, and takes 102 and 103 for the final one."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status == 101 or not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)  # those of the interim response


class _Connection:
    """Notes when a byte of a request may have left. Resolving the name, connecting and the TLS handshake share one timeout."""

    sock: socket.socket | None
    _is_tunneling = False

    def _new_conn(self) -> socket.socket:
        """Connect as urllib3 does, but within one timeout. What names the host (``Host``, SNI, the certificate) stays with the caller."""
        host, port, timeout = self._dns_host.strip("[]"), self.port, float(self.timeout)  # type: ignore[attr-defined]
        ends_at = time.monotonic() + timeout
        try:
            found = addresses(host, port, allowed_gai_family(), timeout)
            sock = _connected(found, ends_at, self.socket_options or ())  # type: ignore[attr-defined]
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {timeout:g} s") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error  # type: ignore[arg-type]
        sock.settimeout(max(ends_at - time.monotonic(), 0.001))
        return sock

    def _tunnel(self) -> None:
        self._is_tunneling = True  # what CONNECT sends is for the proxy
        try:
            super()._tunnel()  # type: ignore[misc]
        finally:
            self._is_tunneling = False

    def send(self, data: Any) -> None:
        if not self._is_tunneling:
            if self.sock is None:
                self.connect()  # type: ignore[attr-defined]
            _request.sent = True
        super().send(data)  # type: ignore[misc]


def _connected(found: Sequence[Address], ends_at: float, options: Iterable[Any]) -> socket.socket:
    """A connection to the first address that takes one. Each may use its share of the time that is left. Raises OSError."""
    failure = OSError("the host has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(found):
        sock: socket.socket | None = None
        try:
            sock = socket.socket(family, kind, protocol)
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(max((ends_at - time.monotonic()) / (len(found) - number), 0.001))
            sock.connect(address)
        except OSError as error:
            if sock is not None:
                sock.close()
            failure = error
        else:
            return sock
    raise failure


class _HTTPConnection(_Connection, HTTPConnection):
    response_class = _Response


class _HTTPSConnection(_Connection, HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    """The adapter of requests, over connections with a deadline and a TLS context that is built once."""

    _POOLS = {"http": _HTTPPool, "https": _HTTPSPool}

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        # As many as requests may be under way at a time; surplus connections are closed, and opened again when needed.
        super().__init__(pool_maxsize=MOST_CONNECTIONS)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = self._POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs)
        manager.pool_classes_by_scheme = self._POOLS
        return manager


_contexts: dict[tuple[bool, str | None], ssl.SSLContext] = {}
_adapters: dict[tuple[int, str, bool, str | None], _Adapter] = {}


def _ca_bundle(ca_path: str | None) -> str:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        ca_path = ca_path or absolute(variable, os.environ.get(variable) or None)
    return ca_path or DEFAULT_CA_BUNDLE_PATH


def _check_kind(path: str) -> None:
    """Raises OSError for a pipe or a device, which might never end."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError("neither a file nor a directory")


def tls_context(validate_certs: bool, ca_path: str | None) -> ssl.SSLContext:
    """The TLS context for these settings, built once in a process (it costs some 40 ms).

    An action plugin builds the usual one when it is imported, before Ansible forks its workers.
    """
    ca_bundle = _ca_bundle(ca_path) if validate_certs else None
    key = (validate_certs, ca_bundle)
    if key not in _contexts:
        context = create_urllib3_context()
        if ca_bundle is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            # A user who sets validate_certs=false knows it; the warning would be shown with each request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        else:
            # urllib3 1.26 names no server to the context if it is an IP address, and checks the certificate's names by itself.
            context.check_hostname = not urllib3.__version__.startswith("1.")  # type: ignore[attr-defined]
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                _check_kind(ca_bundle)
                context.load_verify_locations(**{"capath" if os.path.isdir(ca_bundle) else "cafile": ca_bundle})
            except OSError as error:
                raise InvalidOption("ca_path", f"expected a readable file of CA certificates in PEM form at {ca_bundle} ({error}).") from None
        _contexts[key] = context
    return _contexts[key]


_proxies: dict[tuple[str, frozenset[tuple[bytes, bytes]]], dict[str, str]] = {}


def _environ_proxies(url: str) -> dict[str, str]:
    """The proxies for ``url``, as ``requests`` reads them from the environment.

    That costs half a millisecond for each task. It is done once for the same variables, which are compared each time: a
    task may have an ``environment`` of its own.
    """
    key = (url, frozenset((name, os.environb[name]) for name in os.environb if name.lower().endswith(b"_proxy")))
    if key not in _proxies:
        _proxies[key] = get_environ_proxies(url, no_proxy=None)
    return _proxies[key]


def _adapter(settings: Settings) -> _Adapter:
    # A connection must never be shared across a fork, hence the process id.
    key = (os.getpid(), settings.api_url, settings.validate_certs, _ca_bundle(settings.ca_path) if settings.validate_certs else None)
    if key not in _adapters:
        https = settings.api_url.startswith("https:")
        _adapters[key] = _Adapter(tls_context(settings.validate_certs, settings.ca_path) if https else None)
    return _adapters[key]


# --- What went wrong -------------------------------------------------------------------------------------------------


def _checked_proxy(proxy: str, secrets: Secrets) -> str:
    """The address of a proxy. Raises InvalidOption, whose sentence does not repeat it: it may hold a password."""
    for value in credentials_in(proxy):
        secrets.add(value)
        secrets.add(base64.b64encode(value.encode()).decode())  # as it is sent
    try:
        address = prepend_scheme_if_needed(proxy, "http")
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and parts.path in ("", "/") and not (parts.query or parts.fragment)
    except Exception:
        valid = False
    if not valid:
        raise InvalidOption("HTTPS_PROXY", "expected the address of an HTTP proxy, such as http://proxy.example.com:3128. SOCKS is not supported.")
    return address


def _translated(error: Exception, timeout: float, url: str, secrets: Secrets, *, sent: bool) -> CloudNexusError:
    """Tell an exception of a library as one of ours. ``sent``, and not its class, says whether the API may have acted on the request."""
    causes = list(_causes(error))
    reason = secrets.shown(_reason(causes))
    place = brief(url.partition("?")[0])
    if any(isinstance(cause, _Excess) for cause in causes):
        if not sent:
            return NotSent(f"The proxy's response to CONNECT is too large, and was not read to its end, at {place}.")
        return BadResponse(f"The API's response is too large with its headers, chunk sizes and trailers, and was not read to its end, at {place}.")
    if sent:
        if any(isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)) for cause in causes):
            return ResponseLost(f"The API gave no whole response within {timeout:g} s (api_timeout), at {place}.")
        return ResponseLost(f"The API's response was lost, at {place}: {reason}.")
    # urllib3 1.26 has an exception of its own for a certificate of another name.
    if any(isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError" for cause in causes):
        return Untrusted(f"The API's certificate is not trusted, at {place}: {reason}. ca_path names a CA bundle to trust.")
    # In urllib3 a refused connection is a kind of connection that timed out.
    refused = any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes)
    if not refused and any(isinstance(cause, (TimeoutError, urllib3.exceptions.ConnectTimeoutError)) for cause in causes):
        return NotSent(f"The API could not be reached within {timeout:g} s (api_timeout), at {place}.")
    return NotSent(f"The API could not be reached, at {place}: {reason}.")


def _causes(error: BaseException | None) -> Any:
    """The exception and all that it wraps, the innermost last. The libraries wrap by cause, argument and reason."""
    seen: set[int] = set()
    while isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        yield error
        # urllib3 1.26 calls each thing twice, and the first call's failure is the context of the second's.
        context = None if error.__suppress_context__ else error.__context__
        wrapped = [getattr(error, "reason", None), *error.args, error.__cause__, context]
        error = next((item for item in wrapped if isinstance(item, BaseException) and id(item) not in seen), None)


def _reason(causes: list[BaseException]) -> str:
    """The innermost reason that has words; the outer ones hold addresses of objects."""
    for cause in reversed(causes):
        words = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
        if words and " object at 0x" not in words:
            # What follows the status are words of the proxy's, which may repeat its password.
            tunnel = re.match(r"Tunnel connection failed: \d+", words)
            return tunnel[0] if tunnel else words.rstrip(".")
    return type(causes[0]).__name__

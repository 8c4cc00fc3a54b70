# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts an API with habits behind a server and perhaps a proxy, and runs operations of the collection against it."""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import transport
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import with_connection
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, Operation, run
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet, instance
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .api import Api, Habits, Json
from .clock import SkippingClock
from .proxy import ConnectProxy, ForwardProxy
from .server import Listener, Script, Server

Route = Literal["direct", "forward", "connect"]
ROUTES: tuple[Route, ...] = ("direct", "forward", "connect")

WEB: Json = {"name": "web-01", "plan": "starter", "region": "us-east"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0YQpLq0R7iZ7wV5yX0bqkz0c1d me@example"


def webs(count: int, **fields: Any) -> list[Json]:
    return [{**WEB, "name": f"web-{number:02}", **fields} for number in range(1, count + 1)]


class World:
    """An API, the way to it, and a clock that it shares with the collection.

    ``faults`` strike at the end of the way that the collection sees: the proxy's, or else the server's.
    """

    def __init__(self, habits: Habits = Habits(), route: Route = "direct", clock: Clock | None = None, *, listening: bool = True) -> None:  # noqa: B008 - frozen
        self.clock = clock or SkippingClock()
        self.api = Api(habits, self.clock)
        context: ssl.SSLContext | None = None
        self._ca_path: str | None = None
        if route == "connect":
            context, self._ca_path = _tls()
        self.server = Server(self.api.handle, context)
        self.proxy: Listener | None = None
        if route == "forward":
            self.proxy = ForwardProxy()
        elif route == "connect":
            self.proxy = tunnels = ConnectProxy()
            self.server.handled = tunnels.handled
        self.faults: Script = (self.proxy or self.server).script
        self.warnings: list[str] = []
        self._scheme = "https" if route == "connect" else "http"
        if listening:
            self.listen()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_error: object) -> None:
        for listener in (self.proxy, self.server):
            if listener is not None:
                listener.close()

    def listen(self) -> None:
        for listener in (self.server, self.proxy):
            if listener is not None:
                listener.listen()

    def run(self, operation: Operation, *, check_mode: bool = False, **given: Any) -> Json:
        """Run an operation as a module would, and return its result."""
        options = {"api_key": "cn_hostile_key", "api_url": f"{self._scheme}://127.0.0.1:{self.server.port}/v1", "token_cache": "none", "ca_path": self._ca_path}
        checked = ArgumentSpecValidator(with_connection(operation.argument_spec)).validate({"api_timeout": 5, **options, **given})
        assert not checked.error_messages, checked.error_messages
        proxies = {f"{self._scheme}_proxy": f"http://127.0.0.1:{self.proxy.port}"} if self.proxy else {}
        with _environment(proxies), pytest.MonkeyPatch.context() as patch:
            # A loopback address never goes through a proxy, and here is no other one.
            patch.setattr(transport, "is_loopback", lambda host: False)
            result = run(operation, checked.validated_parameters, Context(check_mode, diff=True, warn=self.warnings.append), self.clock)
        assert "fault of the collection" not in result.get("msg", ""), result["msg"]
        return result

    def instance(self, *, check_mode: bool = False, **given: Any) -> Json:
        return self.run(instance.OPERATION, check_mode=check_mode, **given)

    def fleet(self, instances: list[Json], *, check_mode: bool = False, **given: Any) -> Json:
        return self.run(fleet.OPERATION, check_mode=check_mode, instances=instances, **given)

    def settle(self) -> None:
        """Let the time pass after which the API shows everything as it is."""
        assert isinstance(self.clock, SkippingClock)
        self.clock.skip(self.api.habits.list_lag + self.api.habits.deletes_in + self.api.habits.boots_in)


@contextlib.contextmanager
def _environment(proxies: dict[str, str]) -> Iterator[None]:
    """Only these proxies, and a cache folder of the tests' own."""
    before = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or name == "XDG_CACHE_HOME"}
    wanted = {"XDG_CACHE_HOME": _FOLDER.name, **proxies}
    try:
        for name in before:
            del os.environ[name]
        os.environ.update(wanted)
        yield
    finally:
        for name in wanted:
            del os.environ[name]
        os.environ.update(before)


#: Ends with the process.
_FOLDER = tempfile.TemporaryDirectory(prefix="hostile-")


@functools.cache
def _tls() -> tuple[ssl.SSLContext, str]:
    """A server's TLS context for 127.0.0.1, and the path of the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hostile")])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = Path(_FOLDER.name) / "certificate.pem"
    path.write_bytes(certificate + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, str(path)

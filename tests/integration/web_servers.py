# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the role web_server, on isolated hosts by SSH, and looking at what they serve."""

from __future__ import annotations

import datetime
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.hosts.background import InBackground
from tests.hosts.isolated import Host, Hosts

from .commands import Ansible, Run

#: A PATH without the commands of root, also after sudo, as a login of a plain user or cron has it.
POOR_PATH = "echo 'Defaults !secure_path' > /etc/sudoers.d/path"


def free_ports(count: int) -> list[int]:
    """Ports that nothing on this machine listens on, whose network the hosts have in common."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _number in range(count)]
        for listener in listeners:
            listener.bind(("", 0))
        return [listener.getsockname()[1] for listener in listeners]


PORT, OTHER_PORT, THIRD_PORT, TLS_PORT, OTHER_TLS_PORT = free_ports(5)
#: In seconds, between two requests of a client.
INTERVAL = 0.1


def variables(**short: Any) -> dict[str, Any]:
    return {f"web_server_{name}": value for name, value in short.items()}


def play(ansible: Ansible, hosts: Mapping[str, Mapping[str, Any]], *arguments: str, times: int = 1, play: Mapping[str, Any] | None = None, **short: Any) -> Run:
    """Run the role on these hosts, with what each of them is given and what all are. More times are as many plays."""
    inventory = ansible.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    playbook = ansible.folder / "web_server.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["cloudnexus.cloud.web_server"], **(play or {})}] * times))
    extra = ansible.folder / "extra.json"
    extra.write_text(json.dumps(variables(**short)))
    return ansible.command("ansible-playbook", "-i", str(inventory), str(playbook), "-e", f"@{extra}", *arguments)


def failures(run: Run) -> dict[str, str]:
    """What a run says of each host that failed."""
    return {entry["host"]: f"{entry['result'].get('msg')} {entry['result'].get('argument_errors')}" for entry in run.entries if entry["status"] == "failed"}


def changes(run: Run) -> list[str]:
    """The tasks that changed something, by their names."""
    return [entry["task"].rpartition(" : ")[2] for entry in run.entries if entry["result"].get("changed")]


def eventually(condition: Callable[[], Any], seconds: float = 15) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


@dataclass
class Server:
    """An isolated host that the role runs on, with the variables of a site."""

    host: Host
    ansible: Ansible
    site: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.host.address

    def run(self, *arguments: str, times: int = 1, **short: Any) -> Run:
        """Run the role with the variables of the site and these."""
        return play(self.ansible, {self.address: {}}, *arguments, times=times, play={"become": True}, **{**self.site, **short})

    def succeeds(self, *arguments: str, **short: Any) -> list[str]:
        """Run the role and return the tasks that changed something."""
        run = self.run(*arguments, **short)
        assert run.status == 0, run.output
        return changes(run)

    def fails(self, *arguments: str, **short: Any) -> str:
        """Run the role and return its sentence."""
        run = self.run(*arguments, **short)
        assert run.status != 0, run.output
        return failures(run)[self.address]

    def path(self, name: str) -> Path:
        return self.host.files / name.lstrip("/")

    def names(self, folder: str) -> list[str]:
        path = self.path(folder)
        return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    @property
    def master(self) -> str:
        return self.path("/run/nginx.pid").read_text().strip()

    def get(self, path: str = "/", *, port: int = PORT, method: str = "GET", **headers: str) -> Response:
        return get(self.address, port, path, method=method, **headers)


def start(hosts: Hosts, ansible: Ansible, on: str, /, *, prepare: str = POOR_PATH, **site: Any) -> Server:
    ansible.environment |= hosts.settings
    return Server(hosts.start(on, prepare=prepare), ansible, site)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        """All values of a header."""
        return self.headers.get(name.lower())


def get(address: str, port: int, path: str, *, method: str = "GET", tls: bool = False, **headers: str) -> Response:
    """One request by a connection of its own. The certificate is not looked at, and redirects are not followed."""
    named = {"Host": "www.shop.example", "Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
    context = ssl._create_unverified_context() if tls else None
    connection = http.client.HTTPSConnection(address, port, timeout=10, context=context) if context else http.client.HTTPConnection(address, port, timeout=10)
    with closing(connection):
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        found = response.getheaders()
        joined = {name.lower(): ", ".join(value for other, value in found if other.lower() == name.lower()) for name, _value in found}
        return Response(response.status, joined, response.read())


def connects(address: str, port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == 0


class Client(InBackground):
    """Within the ``with`` block it asks a server ten times a second, with a connection for each request."""

    def __init__(self, server: Server, path: str = "/", *, port: int = PORT, **headers: str) -> None:
        super().__init__()
        self._server, self._path, self._port, self._headers = server, path, port, headers
        self.statuses: list[int | str] = []
        self.bodies: set[bytes] = set()

    @property
    def failed(self) -> list[int | str]:
        return [status for status in self.statuses if status != 200]

    def _go_on(self) -> None:
        while not self._ended.wait(INTERVAL):
            self.statuses.append(self._status())

    def _status(self) -> int | str:
        try:
            response = self._server.get(self._path, port=self._port, **self._headers)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        self.bodies.add(response.body)
        return response.status


def self_signed(key: Any = None, *names: str) -> tuple[str, str]:
    """A certificate and its key, as PEM."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    certificate = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), text.decode()

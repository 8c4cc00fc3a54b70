# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sees while the role web_server changes a host, what of it stays there, and hosts on which not all is as usual."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checkout import ROOT
from tests.emulator.process import EmulatorProcess
from tests.hosts.isolated import Hosts
from tests.hosts.machines import Machines

from .commands import Ansible
from .pages import blocks, commands
from .web_servers import PORT, TLS_PORT, Client, Server, get, self_signed, start

pytestmark = pytest.mark.xdist_group("hosts")

ADDRESS = "127.78.9.4"
RELEASES = "/var/www/cloudnexus/shop/releases"
#: Somebody else's package manager: it has the lock until two seconds after the role's wants it.
HOLDS_THE_LOCK = """
import fcntl, subprocess
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
subprocess.run("until grep -qszx '[i]nstall' /proc/[0-9]*/cmdline; do sleep 0.1; done; sleep 2", shell=True)
"""


@pytest.fixture(scope="module")
def server(hosts: Hosts, emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("changes")
    site = {"name": "shop", "address": ADDRESS, "port": PORT, "site": str(folder / "site")}
    server = start(hosts, Ansible(emulator_process, folder), ADDRESS, **site)
    publish(server, "first")
    server.succeeds()
    yield server
    hosts.stop(server.host)


def publish(server: Server, text: str) -> None:
    site = server.ansible.folder / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text(text)


def test_no_request_fails_while_anything_changes(server: Server) -> None:
    """Another site, another configuration, a certificate, another one, headers, no TLS any more."""
    first, second = (dict(zip(("tls_certificate", "tls_key"), self_signed(), strict=True)) for _number in range(2))
    with Client(server) as client, Client(server, "/health") as health:
        publish(server, "second")
        server.succeeds(cache_ttl=5, compression="brotli", headers={"X-Frame-Options": "DENY"}, tls_port=TLS_PORT, **first)
        publish(server, "third")
        server.succeeds(server_names=["www.shop.example"], tls_port=TLS_PORT, **second)
        server.succeeds()
    assert (client.failed, health.failed) == ([], [])
    assert len(client.statuses) > 20
    assert client.bodies == {b"first", b"second", b"third"}


def test_the_release_before_is_kept(server: Server) -> None:
    """For requests under way; also if only the configuration changes after it."""

    def kept() -> dict[str, str]:
        releases = {name: server.path(f"{RELEASES}/{name}/index.html").read_text() for name in server.names(RELEASES)}
        links = {name: releases[server.path(f"/var/www/cloudnexus/shop/{name}").readlink().name] for name in ("current", "previous")}
        assert len(releases) == 2
        return links

    for text in ("third", "fourth"):
        publish(server, text)
        server.succeeds()
    assert kept() == {"current": "fourth", "previous": "third"}
    server.succeeds(cache_ttl=7)
    assert kept() == {"current": "fourth", "previous": "third"}
    publish(server, "third")
    server.succeeds()
    assert kept() == {"current": "third", "previous": "fourth"}
    assert server.get().body == b"third"


def test_a_new_host_that_lacks_lists_of_packages_and_the_library(hosts: Hosts, in_process: Ansible) -> None:
    """Images empty the lists after they were read, so that they look fresh. Without the library, Ansible installs it by itself, and waits for no lock."""
    prepare = "apt-get -q -y remove python3-apt; rm -rf /var/lib/apt/lists/*; touch /var/lib/apt/lists"
    server = start(hosts, in_process, "127.78.9.5", prepare=prepare, address="127.78.9.5", port=PORT)
    assert server.succeeds("--check") == ["Install the packages"]
    server.host.run("sh", "-c", 'python3 -c "$0" > /dev/null 2>&1 &', HOLDS_THE_LOCK)
    changed = server.succeeds()
    assert changed[:2] == ["Install the library of Ansible's package module", "Install the packages"]
    assert server.get().status == 200
    hosts.stop(server.host)


def test_the_example_of_the_readme_with_the_playbook_of_the_collection(hosts: Hosts, in_process: Ansible) -> None:
    """As a reader follows it: the files of the section beside the inventory, and its command."""
    folder = in_process.folder / "reader"
    (folder / "tls").mkdir(parents=True)
    certificate, key = self_signed(None, "www.example.com")
    (folder / "tls" / "www.pem").write_text(certificate)
    (folder / "tls" / "www.key").write_text(key)
    page = blocks(ROOT / "roles" / "web_server" / "README.md")
    for block in page:
        if block.file in ("inventory.yml", "group_vars/web_tier.yml"):
            path = folder / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
    (command,) = [command for block in page if block.language == "console" for command in commands(block) if "inventory.yml" in command.line]
    in_process.emulator.set(addresses="127.78.10.0/24", boot_seconds=0.3)
    in_process.environment |= hosts.settings
    ports = ("-e", f"web_server_port={PORT}", "-e", f"web_server_tls_port={TLS_PORT}", "-e", "web_server_address={{ ansible_host }}")
    with Machines(in_process.emulator, hosts):
        run = in_process.command(*command.line.split(), *ports, cwd=folder)
        assert run.status == 0, run.output
        addresses = [item["ip"] for item in in_process.emulator.instances()]
        assert len(addresses) == 2
        for address in addresses:
            assert get(address, TLS_PORT, "/", tls=True).status == 200
            assert get(address, PORT, "/", Host="www.example.com")["Location"] == f"https://www.example.com:{TLS_PORT}/"
    assert "PRIVATE KEY" not in run.output

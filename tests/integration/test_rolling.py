# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook web_tier on isolated hosts: dead hosts, host keys, and replacements during which somebody always serves."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.emulator.process import EmulatorProcess
from tests.hosts.background import InBackground
from tests.hosts.isolated import Hosts
from tests.hosts.machines import Machines

from .commands import FQCN, Ansible, Run

pytestmark = pytest.mark.xdist_group("hosts")

PLAYBOOK = f"{FQCN}web_tier"
NETWORK = "127.77.7.0/24"
PORT = 8080
SITE = {"web_server_site": "tests/demo/site", "web_server_address": "{{ ansible_host }}", "web_server_port": PORT}


@pytest.fixture
def tier(in_process: Ansible, hosts: Hosts) -> Ansible:
    in_process.emulator.set(addresses=NETWORK, boot_seconds=0.5)
    in_process.environment |= hosts.settings
    return in_process


def bring_up(ansible: Ansible, *arguments: str, configure: bool = True, **variables: Any) -> Run:
    given = {f"web_tier_{name}": value for name, value in {"name": "shop", "wait_timeout": 120, "configure": configure, **variables}.items()}
    return ansible.command("ansible-playbook", PLAYBOOK, "-e", json.dumps(given | (SITE if configure else {})), *arguments)


def messages(run: Run) -> str:
    return " ".join(str(entry["result"].get("msg", "")) for entry in run.entries if entry["status"] == "failed")


def serves(address: str) -> bool:
    connection = http.client.HTTPConnection(address, PORT, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Client(InBackground):
    """Polls each host of a tier ten times a second, wherever it is by then."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        super().__init__()
        self._emulator = emulator
        #: For each round how many hosts served.
        self.rounds: list[int] = []

    def _go_on(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self.rounds.append(sum(serves(item["ip"]) for item in self._emulator.instances() if item.get("ip")))
            self._ended.wait(max(0.1 - (time.monotonic() - began), 0))


def test_somebody_serves_while_every_host_is_replaced(tier: Ansible, hosts: Hosts) -> None:
    """As it was approved in check mode; and a surplus instance goes once the others serve."""
    emulator = tier.emulator
    changes = {"regions": ["eu-west"], "recreate": True, "max_deletions": 1, "accept_new_host_keys": True}
    with Machines(emulator, hosts, known=False) as machines:
        first = bring_up(tier, accept_new_host_keys=True)
        assert first.status == 0, first.output
        emulator.create("shop-03")
        old = {item["name"]: item for item in emulator.instances()}
        emulator.forget_requests()
        check = bring_up(tier, "--check", **changes)
        assert check.status == 0, check.output
        assert not emulator.writes()
        (approved,) = re.findall(r"web_tier_approved_digest: (\S+)", " ".join(str(entry["result"].get("msg")) for entry in check.entries))
        with Client(emulator) as client:
            run = bring_up(tier, approved_digest=approved, **changes)
        assert run.status == 0, run.output
        assert [entry["method"] for entry in emulator.writes()] == ["DELETE", "POST", "DELETE", "POST", "DELETE"]
        assert len(client.rounds) > 20
        assert min(client.rounds) >= 1, Counter(client.rounds)
        new = {item["name"]: item for item in emulator.instances()}
        assert sorted(new) == ["shop-01", "shop-02"]
        assert {item["region"] for item in new.values()} == {"eu-west"}
        assert all(serves(item["ip"]) for item in new.values())
        known = hosts.known_hosts.read_text()
        assert all(f"[{item['ip']}]" in known for item in new.values())
        assert not [item["ip"] for item in old.values() if f"[{item['ip']}]" in known]
        assert machines["shop-01"].files.exists()
        again = bring_up(tier, **changes)
        assert (again.status, again.changed) == (0, 0), again.output


def test_a_dead_host_keeps_no_other_from_being_configured(tier: Ansible, hosts: Hosts) -> None:
    """The playbook names it, fails, and takes nothing away."""
    tier.emulator.create("shop-03")
    with Machines(tier.emulator, hosts, prepare=lambda name: None if name == "shop-02" else ""):
        run = bring_up(tier, wait_timeout=15, max_deletions=1)
        address = {item["name"]: item["ip"] for item in tier.emulator.instances()}
        assert run.status != 0
        assert "shop-01" in address, run.output
        assert serves(address["shop-01"]), run.output
    assert f"Ansible can't connect to 1 of 2 hosts. shop-02 ({address['shop-02']}) can't be connected to within 15 s: " in messages(run)
    assert "The other hosts are configured. Nothing was replaced or deleted." in messages(run)
    assert sorted(address) == ["shop-01", "shop-02", "shop-03"]


def test_the_first_replacement_that_does_not_come_up_is_the_last(tier: Ansible, hosts: Hosts) -> None:
    """The old hosts of the other batches stay, and so do the instances that would be deleted."""
    emulator = tier.emulator
    seen: Counter[str] = Counter()

    def first_only(name: str) -> str | None:
        seen[name] += 1
        return "" if seen[name] == 1 else None

    with Machines(emulator, hosts, prepare=first_only):
        assert bring_up(tier, count=4, configure=False).status == 0
        old = {item["name"]: item["id"] for item in emulator.instances()}
        emulator.forget_requests()
        run = bring_up(tier, count=3, configure=False, regions=["eu-west"], recreate=True, max_deletions=1, wait_timeout=8)
    assert run.status != 0
    assert "Ansible can't connect to 1 of 1 hosts. shop-01 (" in messages(run)
    assert [entry["method"] for entry in emulator.writes()] == ["DELETE", "POST"]
    new = {item["name"]: item["id"] for item in emulator.instances()}
    assert {name for name in old if new[name] == old[name]} == {"shop-02", "shop-03", "shop-04"}


def test_what_another_user_changes_meanwhile_is_not_applied(tier: Ansible, hosts: Hosts) -> None:
    """Each batch is what the run began with: after the first one, another user has moved the second host."""
    emulator = tier.emulator
    moved = threading.Event()

    def prepare(name: str) -> str:
        if name == "shop-01" and seen["shop-01"]:
            emulator.change(emulator.instances("shop-02")[0]["id"], plan="enterprise")
            moved.set()
        seen[name] += 1
        return ""

    seen: Counter[str] = Counter()
    with Machines(emulator, hosts, prepare=prepare):
        assert bring_up(tier, configure=False).status == 0
        emulator.forget_requests()
        run = bring_up(tier, configure=False, regions=["eu-west"], recreate=True)
    assert moved.is_set()
    assert run.status != 0
    assert "shop-02: the account has changed since this run began, and needs other changes than the planned ones now." in messages(run)
    assert [entry["method"] for entry in emulator.writes()] == ["DELETE", "POST"]


def test_host_keys_with_the_defaults_of_ansible(tier: Ansible, hosts: Hosts) -> None:
    """A new host, and a replaced one at its old address: each ends the run at once, with a sentence. The option accepts what the run itself created."""
    emulator = tier.emulator
    emulator.set(addresses="127.77.8.0/30")  # has one address
    once = {"count": 1, "configure": False, "wait_timeout": 600}
    file = hosts.known_hosts
    before = file.read_text() if file.exists() else ""
    with Machines(emulator, hosts, known=False):
        unknown = bring_up(tier, **once)
        assert unknown.status != 0
        (address,) = {item["ip"] for item in emulator.instances()}
        assert f"shop-01 ({address}): the SSH host key is not in {file}." in messages(unknown)
        not_ours = bring_up(tier, **once, accept_new_host_keys=True)
        assert "the SSH host key is not in" in messages(not_ours), "this run has not created it"
        assert (file.read_text() if file.exists() else "") == before
        ours = bring_up(tier, **once, accept_new_host_keys=True, regions=["eu-west"], recreate=True)
        assert ours.status == 0, ours.output
        replaced = bring_up(tier, **once, regions=["us-east"], recreate=True)
        assert f"shop-01 ({address}): the SSH host key is not the one in {file}." in messages(replaced)
        again = bring_up(tier, **once, accept_new_host_keys=True, regions=["ap-south"], recreate=True)
        assert again.status == 0, again.output
        assert {item["ip"] for item in emulator.instances()} == {address}
        gone = tier.command("ansible-playbook", f"{PLAYBOOK}_teardown", "-e", json.dumps({"web_tier_name": "shop", "web_tier_accept_new_host_keys": True}))
        assert gone.status == 0, gone.output
    assert file.read_text() == before


def test_a_host_without_python_is_said_to_be_one(tier: Ansible, hosts: Hosts) -> None:
    started = time.monotonic()
    with Machines(tier.emulator, hosts, prepare=lambda _name: "rm -f /usr/bin/python3*"):
        run = bring_up(tier, count=1, configure=False, wait_timeout=600)
    assert run.status != 0
    assert "has no Python, which Ansible needs" in messages(run)
    assert time.monotonic() - started < 300


def test_hosts_that_are_all_in_one_batch_are_not_replaced(tier: Ansible) -> None:
    """A play of one's own that forgets `serial`."""
    emulator = tier.emulator
    for number in (1, 2):
        emulator.create(f"shop-0{number}")
    variables = {"web_tier_name": "shop", "web_tier_rolling": True, "web_tier_wait_for_connection": False, "web_tier_recreate": True}
    plays = [
        {"hosts": "localhost", "roles": [f"{FQCN}web_tier"], "vars": variables | {"web_tier_regions": ["eu-west"]}},
        {"hosts": "web_tier_to_replace", "tasks": [{"ansible.builtin.include_role": {"name": f"{FQCN}web_tier", "tasks_from": "replace"}}]},
    ]
    playbook = tier.folder / "own.yml"
    playbook.write_text(json.dumps([{**play, "gather_facts": False} for play in plays]))
    run = tier.command("ansible-playbook", str(playbook))
    assert run.status != 0
    assert "2 hosts would be replaced at a time, and web_tier_max_unavailable allows 1. Set serial of the play to it." in messages(run)
    assert not emulator.writes()

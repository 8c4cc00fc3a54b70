# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for hosts, and their SSH host keys, with Ansible's own SSH connection to isolated hosts."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hosts.isolated import Host, Hosts

from .commands import FQCN, Ansible, Run

pytestmark = pytest.mark.xdist_group("hosts")

#: Each by what is wrong with it, and its address.
ADDRESSES = {"good": "127.77.2.1", "unknown": "127.77.2.2", "python": "127.77.2.3", "changed": "127.77.2.4", "login": "127.77.2.5"}
DEAD = {f"dead-{number}": f"127.77.2.{10 + number}" for number in range(4)}


@pytest.fixture(scope="module")
def machines(hosts: Hosts) -> Iterator[dict[str, Host]]:
    prepared = {"python": "rm -f /usr/bin/python3*"}
    started = {name: hosts.start(address, prepare=prepared.get(name, ""), known=False) for name, address in ADDRESSES.items()}
    yield started
    for host in started.values():
        hosts.stop(host)


@pytest.fixture
def ssh(in_process: Ansible, hosts: Hosts, machines: dict[str, Host]) -> Iterator[Ansible]:
    """Ansible's commands with hosts as they are called above. What a test makes of the known keys is undone."""
    before = hosts.known_hosts.read_text() if hosts.known_hosts.exists() else ""
    for name in ("good", "python", "login"):
        hosts.trust(machines[name])
    entry = entries(hosts, ADDRESSES["good"])[0]
    with hosts.known_hosts.open("a") as file:
        # The key of the machine that had the address before, which another name has too.
        file.write(entry.replace(f"[{ADDRESSES['good']}]:{hosts.port}", f"other.example.com,[{ADDRESSES['changed']}]:{hosts.port}") + "\n")
    in_process.environment |= hosts.settings
    inventory = in_process.folder / "hosts.json"
    variables: dict[str, Any] = {name: {"ansible_host": address} for name, address in (ADDRESSES | DEAD).items()}
    variables["login"]["ansible_user"] = "nobody"
    inventory.write_text(json.dumps({"all": {"hosts": {**variables, "here": {"ansible_connection": "local"}}}}))
    in_process.environment["ANSIBLE_INVENTORY"] = str(inventory)
    yield in_process
    hosts.known_hosts.write_text(before)


def entries(hosts: Hosts, address: str) -> list[str]:
    return [line for line in hosts.known_hosts.read_text().splitlines() if f"[{address}]" in line]


def connect(ansible: Ansible, check: bool = False, **options: Any) -> Run:
    return ansible.play({f"{FQCN}cloudnexus_connection": options}, arguments=("--check",) if check else ())


def reasons(run: Run) -> dict[str, str]:
    return {item["name"]: item["reason"] for item in run.result["not_connected"]}


def test_all_hosts_within_one_deadline(ssh: Ansible) -> None:
    names = [*ADDRESSES, *DEAD, "here"]
    run = connect(ssh, hosts=names, timeout=6)
    assert run.result["connected"] == ["good", "here"]
    expected = {"unknown": "host_key", "changed": "host_key", "python": "python", "login": "authentication"}
    assert reasons(run) == {**expected, **dict.fromkeys(DEAD, "timeout")}
    assert run.result["elapsed"] < 4 * 6, "one after the other the four dead hosts take 24 s"
    message = run.result["msg"]
    assert message.startswith("Ansible can't connect to 8 of 10 hosts. unknown (127.77.2.2): the SSH host key is not in /")
    assert "ssh-keygen -R '[127.77.2.4]:" in message
    assert "login (127.77.2.5) refuses the login: nobody@127.77.2.5: Permission denied (publickey)" in message
    assert "python (127.77.2.3) has no Python, which Ansible needs (it looked for " in message
    assert "dead-3 (127.77.2.13) can't be connected to within 6 s: ssh: connect to host 127.77.2.13 port" in message


def test_no_longer_than_there_is_hope(ssh: Ansible) -> None:
    started = time.monotonic()
    run = connect(ssh, hosts=["unknown", "changed", "python", "login"], timeout=600)
    assert len(reasons(run)) == 4
    assert time.monotonic() - started < 120


@pytest.mark.parametrize("hashes", [False, True])
def test_keys_of_new_hosts_and_of_hosts_that_are_gone(ssh: Ansible, hosts: Hosts, hashes: bool) -> None:
    """Accepted and forgotten: these and no others, in the file and in the form that ssh is set up for."""
    others = [line for line in hosts.known_hosts.read_text().splitlines() if ADDRESSES["changed"] not in line]
    shared = entries(hosts, ADDRESSES["changed"])[0]
    kept = [*others, f"other.example.com {shared.partition(' ')[2]}"]
    ssh.environment["ANSIBLE_SSH_EXTRA_ARGS"] = f"-o HashKnownHosts={'yes' if hashes else 'no'}"
    run = connect(ssh, hosts=["unknown", "changed"], accept_host_keys_of=["changed", "unknown"], timeout=30)
    assert (run.result["connected"], run.result["accepted_host_keys"]) == (["unknown", "changed"], ["unknown", "changed"]), run.output
    after = hosts.known_hosts.read_text().splitlines()
    assert set(kept) <= set(after)
    added = [line for line in after if line not in kept]
    assert len(added) == 2
    assert all(line.startswith("|1|") == hashes for line in added)
    again = connect(ssh, hosts=["unknown", "changed", "good"], accept_host_keys_of=["unknown", "changed", "good"], timeout=30)
    assert (again.result["changed"], len(again.result["connected"])) == (False, 3), again.output
    gone = [{"name": name, "address": ADDRESSES[name]} for name in ("unknown", "changed")]
    nobodys = [{"name": "gone", "address": "127.77.2.99"}]
    checked = connect(ssh, check=True, hosts=["good"], forget_host_keys_of=gone + nobodys)
    assert [item["name"] for item in checked.result["forgotten_host_keys"]] == ["unknown", "changed"]
    assert hosts.known_hosts.read_text().splitlines() == after
    forgotten = connect(ssh, hosts=[], forget_host_keys_of=gone + nobodys)
    assert forgotten.result["forgotten_host_keys"] == checked.result["forgotten_host_keys"]
    assert sorted(hosts.known_hosts.read_text().splitlines()) == sorted(kept)


def test_a_host_that_the_inventory_no_longer_has_counts_as_one_of_its_group(ssh: Ansible, hosts: Hosts, tmp_path: Path) -> None:
    """The group's variables say which file has its key."""
    own = tmp_path / "known_hosts_of_the_group"
    own.write_text(f"[127.77.2.98]:{hosts.port} {entries(hosts, ADDRESSES['good'])[0].partition(' ')[2]}\n")
    inventory = Path(ssh.environment["ANSIBLE_INVENTORY"])
    content = json.loads(inventory.read_text())
    content["all"]["children"] = {"web": {"hosts": {"good": {}}, "vars": {"ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={own}"}}}
    inventory.write_text(json.dumps(content))
    run = connect(ssh, hosts=[], group="web", forget_host_keys_of=[{"name": "gone", "address": "127.77.2.98"}])
    assert run.result["forgotten_host_keys"] == [{"name": "gone", "address": "127.77.2.98", "file": str(own)}]
    assert own.read_text() == ""


def test_on_the_hosts_themselves(ssh: Ansible) -> None:
    """Each host waits for itself, with the connection of its play: those that fail are left out of what follows."""
    tasks = [
        {"ansible.builtin.include_role": {"name": f"{FQCN}web_tier", "tasks_from": "wait"}, "vars": {"web_tier_wait_timeout": 3}},
        {"ansible.builtin.debug": {"msg": "goes on"}},
    ]
    playbook = ssh.folder / "hosts.yml"
    playbook.write_text(json.dumps([{"hosts": "good:unknown:python:dead-1", "gather_facts": False, "tasks": tasks}]))
    run = ssh.command("ansible-playbook", "-f", "10", str(playbook))
    assert run.status != 0
    failed = {entry["host"]: entry["result"]["msg"] for entry in run.entries if entry["status"] == "failed"}
    assert sorted(failed) == ["dead-1", "python", "unknown"]
    assert failed["unknown"].startswith("Ansible can't connect to 1 of 1 hosts. unknown (127.77.2.2): the SSH host key")
    assert [entry["host"] for entry in run.entries if entry["action"].endswith("debug")] == ["good"]


def test_options_that_are_wrong(in_process: Ansible) -> None:
    wrong = {
        "timeout: expected a whole number from 1 to 86400, got 0.": {"timeout": 0},
        "hosts: expected hosts of the inventory, got nowhere.": {"hosts": ["localhost", "nowhere"]},
        "hosts[0]: expected a text, got a number. Quote it if it is meant as a text.": {"hosts": [5]},
        "missing required arguments: address found in forget_host_keys_of": {"forget_host_keys_of": [{"name": "a"}]},
        "Unsupported parameters for (cloudnexus.cloud.cloudnexus_connection) module: host": {"host": "a"},
    }
    run = in_process.play(*({f"{FQCN}cloudnexus_connection": options} for options in wrong.values()))
    for message, result in zip(wrong, run.results, strict=True):
        assert result["failed"]
        assert message in result["msg"]


def test_the_examples_of_its_documentation(in_process: Ansible, tmp_path: Path) -> None:
    text = importlib.import_module("ansible_collections.cloudnexus.cloud.plugins.modules.cloudnexus_connection").EXAMPLES
    inventory = tmp_path / "hosts.json"
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory.write_text(json.dumps({"all": {"hosts": {f"web-0{number}": local for number in (1, 2, 3)}}}))
    own = f"-F none -o UserKnownHostsFile={tmp_path / 'known_hosts'}"
    in_process.environment |= {"ANSIBLE_INVENTORY": str(inventory), "ANSIBLE_SSH_COMMON_ARGS": own}
    playbook = in_process.folder / "examples.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": yaml.safe_load(text)}]))
    run = in_process.command("ansible-playbook", str(playbook))
    assert run.status == 0, run.output
    assert len([entry for entry in run.entries if entry["action"] == f"{FQCN}cloudnexus_connection"]) == 3

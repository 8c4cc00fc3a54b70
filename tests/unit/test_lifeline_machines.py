# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Ansible is still there, on machines that are made up: each process, its parent, when it began, and its command."""

from __future__ import annotations

import os

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import lifeline as module
from ansible_collections.cloudnexus.cloud.plugins.module_utils.lifeline import lifeline

#: The processes by number: the parent, the beginning, the state, and the command.
Machine = dict[int, tuple[int, str, str, str]]
SHELL = (1, "10", "S", "-bash")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Its task has the parent 100."""
    found: Machine = {1: (0, "1", "S", "/sbin/init")}

    def stat(pid: int) -> list[str]:
        if pid not in found:
            return []
        above, begin, state, _command = found[pid]
        return [state, str(above), *["0"] * 17, begin]

    monkeypatch.setattr(module, "_stat", stat)
    monkeypatch.setattr(module, "_words", lambda pid: found[pid][3].split() if pid in found else [])
    monkeypatch.setattr(os, "getppid", lambda: 100)
    return found


IN_PROCESS: Machine = {100: (50, "20", "S", "python3 /usr/bin/ansible-playbook site.yml"), 50: SHELL}
WORKER: Machine = {100: (90, "30", "S", "/usr/bin/ansible-playbook site.yml"), 90: (50, "20", "S", "/usr/bin/ansible-playbook site.yml"), 50: SHELL}
BECOME: Machine = {
    100: (95, "31", "S", "sudo -u root sh -c python3"),
    95: (90, "30", "S", "/bin/sh -c sudo"),
    90: (50, "20", "S", "python3 -m ansible web"),
    50: SHELL,
}
REMOTE: Machine = {100: (95, "31", "S", "/bin/sh -c python3"), 95: (90, "30", "S", "sshd-session: me"), 90: (1, "5", "S", "sshd")}


@pytest.mark.parametrize(
    ("processes", "watched"),
    [(IN_PROCESS, [100]), (WORKER, [100, 90]), (BECOME, [100, 95, 90]), (REMOTE, [100, 95])],
)
def test_the_task_ends_with_any_process_up_to_ansible(machine: Machine, processes: Machine, watched: list[int]) -> None:
    machine.update(processes)
    alive = lifeline()
    assert alive()
    for pid in processes:
        process = machine.pop(pid)
        assert alive() is (pid not in watched)
        machine[pid] = (process[0], "99", *process[2:])  # another process of the same number
        assert alive() is (pid not in watched)
        machine[pid] = (*process[:2], "Z", process[3])
        assert alive() is (pid not in watched)
        machine[pid] = process
        assert alive()


@pytest.mark.parametrize(
    "processes",
    [
        {100: (95, "31", "S", "python3 /home/me/.ansible/tmp/async_wrapper.py 1"), 95: IN_PROCESS[100], 50: SHELL},
        {100: (50, "20", "S", "python3 something.py ansible-like ansibled"), 50: SHELL},
        {100: (50, "20", "S", "vi a b ansible"), 50: SHELL},
        {pid: (pid - 1, "20", "S", "sh") for pid in range(85, 101)} | {84: (50, "20", "S", "ansible-playbook"), 50: SHELL},
        {},
    ],
)
def test_without_ansible_above_it_the_task_ends_with_its_parent_alone(machine: Machine, processes: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.update(processes)
    alive = lifeline()
    for pid in list(machine):
        del machine[pid]
    assert alive()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert not alive()


def test_a_machine_as_it_is() -> None:
    """The process of the tests, and one that there is not."""
    assert lifeline()()
    assert module._begin(os.getpid()) == module._stat(os.getpid())[19]
    assert module._parent(os.getpid()) == os.getppid()
    assert any("python" in word or "pytest" in word for word in module._words(os.getpid()))
    assert (module._begin(-1), module._parent(-1), module._words(-1)) == (None, None, [])

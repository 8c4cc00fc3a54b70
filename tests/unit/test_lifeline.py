# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Ansible is still there, as a task sees it: in a worker, in a module below shells, behind ssh, and as an async task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.checkout import link_tree

#: Says whether Ansible is there: at once, when it is asked by a signal, and when it is there no more.
TASK = """
import signal, sys, time
sys.path.insert(0, {tree!r})
from ansible_collections.cloudnexus.cloud.plugins.module_utils.lifeline import lifeline
alive = lifeline()
signal.signal(signal.SIGUSR1, lambda *_: print(alive(), flush=True))
print(alive(), flush=True)
while alive():
    time.sleep(0.02)
print(False, flush=True)
"""
#: A process of that name which starts the next, and waits.
SHELL = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def chain(folder: Path, *names: str) -> list[str]:
    """A command line of processes, each of which has started the next one: the last is a task."""
    task = folder / "task.py"
    task.write_text(TASK.format(tree=str(link_tree())))
    command = [sys.executable, str(task)]
    for name in reversed(names):
        script = folder / name
        script.write_text(SHELL)
        command = [sys.executable, str(script), *command]
    return command


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def started(folder: Path, *names: str) -> tuple[subprocess.Popen[str], list[int]]:
    """The first process, and the ids of all of them."""
    process = subprocess.Popen(chain(folder, *names), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    pids = [process.pid]
    while below := children(pids[-1]):
        pids += below
    return process, pids


@pytest.mark.parametrize(
    "names",
    [
        ("ansible-playbook",),  # in a worker
        ("ansible-playbook", "sh", "sudo"),  # a module
        ("ansible-playbook", "ansible-playbook", "sh"),  # a module, whose worker lives on
        ("sshd", "sh"),  # over ssh
    ],
)
def test_when_ansible_has_ended_the_task_knows(tmp_path: Path, names: tuple[str, ...]) -> None:
    if names[0] == "sshd":
        os.symlink(sys.executable, tmp_path / "sshd-session")
        command = [str(tmp_path / "sshd-session"), "-c", SHELL, *chain(tmp_path, "sh")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHOME": sys.base_prefix})
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
    else:
        process, pids = started(tmp_path, *names)
        assert len(pids) == len(names) + 1
    process.kill()
    assert process.stdout is not None
    assert process.stdout.readline() == "False\n"
    process.wait()


@pytest.mark.parametrize("names", [("bash", "ansible-playbook", "sh"), ("async_wrapper", "ansible-playbook")])
def test_what_is_above_ansible_may_end(tmp_path: Path, names: tuple[str, ...]) -> None:
    """The shell that started it in the background, say. An async task outlives Ansible too, as the user has asked for."""
    process, pids = started(tmp_path, *names)
    try:
        process.kill()
        process.wait()
        os.kill(pids[-1], signal.SIGUSR1)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
    finally:
        for pid in pids[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

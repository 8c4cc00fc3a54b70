# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Ansible, which this process works for, is still there.

ansible-core 2.19 and later run workers in a session of their own: no signal reaches them when the terminal closes, a job is
canceled or Ansible is killed. So they look for themselves, before each request.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import PurePath

#: The commands that run tasks, and what a remote task runs below.
_ANSIBLE = re.compile(r"ansible(-playbook|-console|-pull)?")
_REMOTE = "sshd"
#: An async task outlives Ansible, as the user has asked for.
_ASYNC = "async_wrapper"
#: Processes between a module and Ansible at most: shells, sudo, the wrapper of the module.
_FARTHEST = 16


def lifeline() -> Callable[[], bool]:
    """A function that says whether Ansible is still there. It costs a few microseconds for each process in between."""
    parent = os.getppid()
    ancestors = _ancestors(parent)
    return lambda: os.getppid() == parent and all(_begin(pid) == begin for pid, begin in ancestors)


def _ancestors(pid: int) -> list[tuple[int, str]]:
    """The processes from the parent up to Ansible, or to the server that a remote task came by, and when each began.

    Empty if neither is found, or if the task is to outlive it.
    """
    found: list[tuple[int, str]] = []
    for _number in range(_FARTHEST):
        begin, above, words = _begin(pid), _parent(pid), _words(pid)
        if begin is None or above is None or any(_ASYNC in word for word in words):
            return []
        found.append((pid, begin))
        if words and PurePath(words[0]).name.startswith(_REMOTE):
            return found
        if _is_ansible(words) and not _is_ansible(_words(above)):
            return found
        pid = above
    return []


def _is_ansible(words: list[str]) -> bool:
    """Whether a command line runs tasks: ``ansible-playbook``, ``python3 /usr/bin/ansible``, ``python3 -m ansible``."""
    return any(_ANSIBLE.fullmatch(PurePath(word).name) for word in words[:3])


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` from the state on; none if there is no such process, or no such file."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _begin(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; None if it has ended. A number alone may be another process by now."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if len(fields) > 1 and fields[1] != "0" else None


def _words(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []

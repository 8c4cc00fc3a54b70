# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host keys of hosts that Ansible's ssh connection reaches, in the files that it uses."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import known_hosts

#: The connection plugin that this is about.
TRANSPORTS = ("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh")
#: What a command of ssh may take beyond its own timeout, in seconds.
_MORE = 5
#: To see a key without logging in, whatever else the settings say: the first value of an option counts.
_LOOK_ONLY = (
    "BatchMode=yes",
    "StrictHostKeyChecking=accept-new",
    "GlobalKnownHostsFile=/dev/null",
    "KnownHostsCommand=none",
    "PreferredAuthentications=none",
    "ControlMaster=no",
    "ControlPath=none",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
)


class NoKey(Exception):
    """The key of a host can't be read, or not be kept."""


@dataclass(frozen=True, slots=True)
class Known:
    """The name by which ssh looks up the key of a host."""

    name: str
    files: tuple[str, ...]
    #: The name is not the host's own (HostKeyAlias), so it may be that of others too.
    alias: bool
    #: What ssh does about a key that it does not know.
    strict: str


def arguments(connection: Any) -> list[str]:
    """What Ansible passes to ssh that decides which host is reached, and which files are read."""

    def option(name: str) -> Any:
        return connection.get_option(name)

    given = shlex.split(option("ssh_args") or "")
    if option("host_key_checking") is False:
        given += ["-o", "StrictHostKeyChecking=no"]
    if option("port") is not None:
        given += ["-o", f"Port={option('port')}"]
    if option("remote_user"):
        given += ["-o", f'User="{option("remote_user")}"']
    return [*given, *shlex.split(option("ssh_common_args") or ""), *shlex.split(option("ssh_extra_args") or "")]


def known(connection: Any, address: str) -> Known:
    """Ask ssh itself. Raises NoKey."""
    done = _run([connection.get_option("ssh_executable"), "-G", *arguments(connection), address], _MORE)
    if done.returncode != 0:
        raise NoKey(_last_line(done.stderr))
    return parsed(done.stdout)


def parsed(output: str) -> Known:
    """What ``ssh -G`` prints: an option and its value a line, in lower case and upper case alike."""
    values: dict[str, str] = {}
    for line in output.splitlines():
        option, _space, value = line.partition(" ")
        values.setdefault(option.lower(), value)
    alias = values.get("hostkeyalias", "none")
    has_alias = alias not in ("", "none")
    name = alias.lower() if has_alias else known_hosts.entry_name(values["hostname"], int(values["port"]))
    return Known(name, _files(values), has_alias, values.get("stricthostkeychecking", "ask"))


def _files(values: Mapping[str, str]) -> tuple[str, ...]:
    files = [os.path.expanduser(file) for file in values.get("userknownhostsfile", "").split() if file != "none"]
    # An older ssh does not say what it makes of %h.
    return tuple(file for file in files if "%" not in file and "$" not in file)


def accept(connection: Any, address: str) -> str:
    """Make the key that the host shows now the one that is known for it. Returns the file. Raises NoKey."""
    known_as = known(connection, address)
    if not known_as.files:
        raise NoKey("ssh has no file of known hosts of the user's (UserKnownHostsFile)")
    lines = _shown(connection, address)
    try:
        known_hosts.replace(known_as.files, known_as.name, lines, only_add=known_as.alias)
    except OSError as error:
        raise NoKey(f"{known_as.files[0]} can't be written ({error.strerror})") from None
    return known_as.files[0]


def forget(connection: Any, address: str, *, check: bool) -> list[str]:
    """Remove the known keys of a host. Returns the files that had any. Raises NoKey."""
    known_as = known(connection, address)
    if known_as.alias:
        return []
    try:
        return known_hosts.forget(known_as.files, known_as.name, check=check)
    except OSError as error:
        raise NoKey(f"{error.filename or known_as.files[0]} can't be changed ({error.strerror})") from None


def _shown(connection: Any, address: str) -> Sequence[str]:
    """The lines for the host as ssh itself writes them, hashed if the user's settings say so."""
    timeout = int(connection.get_option("timeout") or 10)
    with tempfile.TemporaryDirectory(prefix="cloudnexus-") as folder:
        seen = Path(folder, "known_hosts")
        options = [*_LOOK_ONLY, f"UserKnownHostsFile={seen}", f"ConnectTimeout={timeout}"]
        # An ssh that does not know one of these would not start.
        ours = [word for option in options for word in ("-o", option)]
        command = [connection.get_option("ssh_executable"), "-o", "IgnoreUnknown=KnownHostsCommand", *ours, *arguments(connection), address, "true"]
        done = _run(command, timeout + _MORE)
        lines = seen.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if seen.exists() else []
    if not lines:
        raise NoKey(_last_line(done.stderr))
    return lines


def _run(command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the user's own ssh
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise NoKey(f"ssh did not end within {timeout:g} s") from None
    except OSError as error:
        raise NoKey(f"{command[0]} can't be run ({error.strerror})") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "ssh said nothing"

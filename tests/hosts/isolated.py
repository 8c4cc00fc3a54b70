# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the demo and the tests of the roles, reached by Ansible's own SSH connection. Nothing that happens on them reaches this machine.

A host is a mount and a PID namespace over an overlay of this machine's root, whose upper layer is on a tmpfs. It has an SSH server of its own on its own
loopback address. Its network is this machine's, so a web server on it listens on that address too. The kernel takes all of it away if the process that
started it ends in any way.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

FOLDER = Path(__file__).parent
USER = "deploy"
#: What the commands on a host and for it get to see of the environment: no credential, and no setting of the user's.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
NEEDED = ("unshare", "nsenter", "mount", "chroot", "apt-get", "ssh", "ssh-keygen")
#: A fresh root of a Debian release (`debootstrap`), in place of this machine's.
ROOT_VARIABLE = "TEST_HOSTS_ROOT"
#: In seconds: until the packages are there, and until a host lets somebody in.
BASE_TIMEOUT, HOST_TIMEOUT = 300, 30


@functools.cache
def why_not() -> str:
    """Why there can't be hosts here; empty if there can."""
    if sys.platform != "linux":
        return "this machine does not run Linux"
    if os.geteuid() != 0:
        return "isolated hosts take root"
    if missing := [command for command in NEEDED if not shutil.which(command, path=f"{os.environ.get('PATH', '')}:{ENVIRONMENT['PATH']}")]:
        return f"this machine has no {missing[0]}"
    with tempfile.TemporaryDirectory() as folder:
        layers = 'mount -t tmpfs t "$0" && cd "$0" && mkdir a b c && mount -t overlay -o lowerdir=/,upperdir=a,workdir=b o c && mount -t proc p c/proc'
        tried = _unshared("sh", "-c", layers, folder)
        done = subprocess.run(tried, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return f"this machine does not permit namespaces with an overlay of its root ({done.stderr.strip()})" if done.returncode else ""


@dataclass(frozen=True)
class Host:
    """One that runs. As root of this machine you see its files below ``files``; absolute links in there lead to this machine's."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    pid: int

    @property
    def files(self) -> Path:
        return Path(f"/proc/{self.pid}/root")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as its root, without SSH."""
        entered = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", "--wd", *command]
        return subprocess.run(entered, check=check, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self) -> None:
        """End it as a power cut would."""
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Hosts:
    """Within the ``with`` block hosts can be started. Keep one for many tests: what they have in common takes some ten seconds."""

    port: int = 0
    _running: list[Host] = field(default_factory=list)

    def __enter__(self) -> Hosts:
        self.port = self.port or _free_port()
        self._temporary = tempfile.TemporaryDirectory(prefix="cloudnexus-hosts-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self._mounts = self.folder / "mounts"
        self._mounts.mkdir()
        self._root = os.environ.get(ROOT_VARIABLE, "/")
        try:
            self._keep()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _keep(self) -> None:
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
        proxy = {name: os.environ[name] for name in ("http_proxy",) if name in os.environ}
        self._keeper = subprocess.Popen(
            _unshared("sh", str(FOLDER / "base.sh"), str(self._mounts), self._root, USER, key.with_suffix(".pub").read_text().strip()),
            env=ENVIRONMENT | proxy, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        assert self._keeper.stderr is not None
        if self._keeper.stdout.readline() != "ready\n":
            raise RuntimeError(f"The base of the hosts can't be made: {self._keeper.stderr.read()}")
        (self._base,) = _children(self._keeper.pid)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for host in list(self._running):
            self.stop(host)
        if hasattr(self, "_keeper"):
            self._keeper.communicate()
        self._temporary.cleanup()

    @property
    def settings(self) -> dict[str, str]:
        """The environment for Ansible's commands: by SSH to these hosts, with keys, known hosts and connections of their own."""
        ours = f"-F none -o UserKnownHostsFile={self.known_hosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o IdentityAgent=none"
        return {
            "ANSIBLE_REMOTE_USER": USER,
            "ANSIBLE_REMOTE_PORT": str(self.port),
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.folder / "key"),
            "ANSIBLE_SSH_COMMON_ARGS": ours,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "connections"),
            "ANSIBLE_HOST_KEY_CHECKING": "true",
            "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        }

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def start(self, address: str, *, prepare: str = "", known: bool = True) -> Host:
        """Start one on a loopback address and return it once it can be entered. ``prepare`` is shell, run on the host first; ``known`` trusts its key."""
        name = f"{address}-{time.monotonic_ns()}"
        command = ["sh", str(FOLDER / "host.sh"), str(self._mounts), self._root, name, address, str(self.port), prepare]
        process = subprocess.Popen(
            ["nsenter", f"--target={self._base}", "--mount", "--pid", *_unshared(*command)],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        ends_at = time.monotonic() + HOST_TIMEOUT
        while not _listens(address, self.port):
            if process.poll() is not None or time.monotonic() > ends_at:
                process.kill()
                assert process.stderr is not None
                raise RuntimeError(f"The host on {address} does not start: {process.stderr.read().decode(errors='replace')}")
            time.sleep(0.02)
        pid = process.pid
        for _level in ("unshare", "its first process"):
            (pid,) = _children(pid)
        host = Host(name, address, process, pid)
        self._running.append(host)
        if known:
            self.trust(host)
        return host

    def trust(self, host: Host) -> None:
        """Write its key into the file of known hosts."""
        key = (host.files / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"[{host.address}]:{self.port} {' '.join(key)}\n")

    def stop(self, host: Host) -> None:
        self._running.remove(host)
        host.stop()


def _unshared(*command: str) -> list[str]:
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", *command]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _listens(address: str, port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((address, port)) == 0

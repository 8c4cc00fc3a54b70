# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_server in a container of the Red Hat family with systemd, by SSH. `make redhat IMAGE=...` and the nightly workflow run it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .commands import Ansible
from .web_servers import changes, eventually, play

IMAGE = os.environ.get("RED_HAT_IMAGE", "")
ENGINE = shutil.which("docker") or shutil.which("podman") or ""
#: systemd needs a control group of its own to manage.
WITH_SYSTEMD = ("--privileged", "--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs=/run", "--tmpfs=/tmp")

pytestmark = pytest.mark.skipif(not IMAGE, reason="it takes a container: `make redhat IMAGE=...` runs it")


def engine(*command: str, check: bool = True) -> str:
    return subprocess.run([ENGINE, *command], check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600).stdout.strip()


class Container:
    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, *command: str, check: bool = True) -> str:
        return engine("exec", self._name, *command, check=check)

    @property
    def port(self) -> int:
        return int(engine("port", self._name, "22/tcp").splitlines()[0].rpartition(":")[2])


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    assert ENGINE, "This machine has neither docker nor podman."
    container = Container(engine("run", "--detach", *WITH_SYSTEMD, "--publish=127.0.0.1::22", IMAGE, "/sbin/init").splitlines()[-1])
    try:
        eventually(lambda: container.run("systemctl", "is-system-running", check=False) in ("running", "degraded"), seconds=60)
        container.run("dnf", "-q", "-y", "install", "openssh-server")
        container.run("systemctl", "start", "sshd")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
        public = (tmp_path / "key.pub").read_text().strip()
        container.run("sh", "-c", f"mkdir -p -m 700 /root/.ssh && echo '{public}' > /root/.ssh/authorized_keys && rm -f /run/nologin")
        yield container
    finally:
        engine("rm", "--force", container._name)


def test_the_red_hat_family(in_process: Ansible, container: Container) -> None:
    host: dict[str, Any] = {
        "ansible_host": "127.0.0.1", "ansible_port": container.port, "ansible_user": "root", "ansible_ssh_private_key_file": f"{in_process.folder}/key",
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={in_process.folder}/known_hosts -o StrictHostKeyChecking=accept-new",
    }  # fmt: skip

    def run(*arguments: str, **short: Any) -> list[str]:
        done = play(in_process, {"red-hat": host}, *arguments, **short)
        assert done.status == 0, done.output
        return changes(done)

    assert run("--check") == ["Install the packages"]
    assert "Start nginx" in run()
    page = container.run("curl", "-si", "http://127.0.0.1/")
    assert "200 OK" in page
    assert "This web server is ready" in page
    assert run() == []
    assert run("--check", cache_ttl=5) == run(cache_ttl=5) == ["Write the configuration", "Reload nginx"]
    assert "max-age=5" in container.run("curl", "-si", "http://127.0.0.1/")
    assert run(state="absent") != []
    assert "This web server is ready" not in container.run("curl", "-s", "http://127.0.0.1/", check=False)
    assert run(state="absent") == []

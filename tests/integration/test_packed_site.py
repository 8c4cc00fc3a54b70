# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the site reaches the hosts of the role web_server, which are folders of the test's own here, and what stays of it on the control node."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .commands import Ansible, Run

HOSTS = ("shop-01", "shop-02", "shop-03", "shop-04")
SIZE = 3_000_000


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site" / "css").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("hello")
    (tmp_path / "site" / "css" / "large").write_bytes(os.urandom(SIZE))
    return tmp_path / "site"


def bring(ansible: Ansible, site: Path, *arguments: str, hosts: tuple[str, ...] = HOSTS, **task: Any) -> Run:
    """Read the site and bring it to each host, with the role's own tasks."""
    role = {"name": "cloudnexus.cloud.web_server"}
    tasks = [
        {"ansible.builtin.include_role": {**role, "tasks_from": "check", "public": True}},
        {"ansible.builtin.set_fact": {"__web_server_paths": {"folder": f"{ansible.folder}/{{{{ inventory_hostname }}}}"}}},
        {"block": [{"ansible.builtin.include_role": {**role, "tasks_from": "release"}}], **task},
    ]
    variables = {"web_server_site": str(site), "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    playbook = ansible.folder / "bring.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}]))
    home = f"{ansible.folder}/home"
    ansible.environment |= {"XDG_CACHE_HOME": f"{ansible.folder}/cache", "ANSIBLE_HOME": home}
    ansible.environment |= {"ANSIBLE_LOCAL_TEMP": f"{home}/local", "ANSIBLE_REMOTE_TEMP": f"{home}/remote"}
    return ansible.command("ansible-playbook", "-i", ",".join(hosts) + ",", str(playbook), *arguments)


def left(folder: Path) -> set[str]:
    """What the control node keeps: names in the cache, and anything large anywhere."""
    cache = {path.name for path in (folder / "cache" / "cloudnexus" / "sites").iterdir()}
    large = {str(path) for name in ("cache", "home") for path in (folder / name).rglob("*") if path.is_file() and path.stat().st_size > SIZE // 2}
    return (cache | large) - {"lock", "digests.json"}


@pytest.mark.core
@pytest.mark.skipif(os.geteuid() != 0, reason="the role gives the files of a site to root")
def test_a_site_is_brought_to_all_hosts_and_does_not_stay(in_process: Ansible, site: Path) -> None:
    folder = in_process.folder
    check = bring(in_process, site, "--check")
    assert check.status == 0, check.output
    assert left(folder) == set()
    assert not (folder / "shop-01").exists()
    run = bring(in_process, site)
    assert run.status == 0, run.output
    assert left(folder) == set()
    for host in HOSTS:
        (release,) = (folder / host / "releases").iterdir()
        assert {str(path.relative_to(release)) for path in release.rglob("*")} == {"index.html", "css", "css/large"}
        assert (release / "css" / "large").read_bytes() == (site / "css" / "large").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="the role gives the files of a site to root")
def test_a_host_that_can_not_unpack_leaves_nothing_behind(in_process: Ansible, site: Path) -> None:
    run = bring(in_process, site, hosts=HOSTS[:1], environment={"PATH": "/nowhere"})
    assert run.status != 0
    assert any(entry["task"].endswith("Unpack the release") and entry["status"] == "failed" for entry in run.entries), run.output
    assert left(in_process.folder) == set()


def test_a_link_that_leaves_the_site_is_refused_without_a_host(in_process: Ansible, site: Path) -> None:
    """The environment of the control node has the API key."""
    (site / "environ").symlink_to("/proc/self/environ")
    run = bring(in_process, site, hosts=HOSTS[:1])
    (failed,) = [entry["result"]["msg"] for entry in run.entries if entry["status"] == "failed"]
    assert failed == f"web_server_site: {site}/environ is a link that leaves the site, to /proc/self/environ."
    assert left(in_process.folder) == set()

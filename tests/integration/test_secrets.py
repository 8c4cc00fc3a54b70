# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential shows nowhere: results, errors that echo the request, -vvvv, log files, temporary files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.settings import CLIENT_ID

from .commands import FQCN, Ansible, Run, task

CANARY = "cn_live_sk_CANARY/0123+456"
#: The canary as it stands in an address and in JSON within JSON.
FORMS = (CANARY, "cn_live_sk_CANARY%2F0123%2B456", "CANARY")
WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}


@pytest.fixture
def watched(ansible: Ansible) -> Ansible:
    """Ansible with the canary as its key, a log file, and a home that can be searched."""
    ansible.emulator.set(keys={CANARY: {}})
    home = ansible.folder / "home"
    home.mkdir()
    ansible.environment = {
        "CLOUDNEXUS_API_KEY": CANARY,
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_REMOTE_TMP": str(home / "remote"),
    }
    return ansible


def assert_nowhere(run: Run, folder: Path) -> None:
    for form in FORMS:
        assert form not in run.output
        assert form not in str(run.entries)
        for path in (folder / "home").rglob("*"):
            if path.is_file():
                assert form.encode() not in path.read_bytes(), path


def test_success(watched: Ansible) -> None:
    run = watched.play(task("instance", **WEB), task("instance_info", logs=True), arguments=("-vvvv",))
    assert run.results[0]["action"] == "create"
    assert (watched.folder / "home" / "ansible.log").stat().st_size > 0
    assert_nowhere(run, watched.folder)


def test_refusals_that_echo_the_request(watched: Ansible) -> None:
    for status in (400, 401, 403, 404, 500):
        watched.emulator.fault("echo", status=status, path="/health")
    watched.emulator.fault("malformed", path="/health", body=f"<html>{CANARY}")
    watched.emulator.fault("malformed", path="/health", body=f'"{"x" * 290}{CANARY}')
    run = watched.play(*[task("health_info", api_retries=0)] * 7, arguments=("-vvvv",))
    assert [result.get("failed") for result in run.results] == [True] * 7, run.results
    assert "********" in run.results[0]["msg"]
    assert_nowhere(run, watched.folder)


def test_an_api_that_returns_it_in_its_data(watched: Ansible) -> None:
    watched.emulator.create(f"web {CANARY}")
    run = watched.play(task("instance_info"), task("instance", **{**WEB, "name": f"web {CANARY}"}), arguments=("-vvvv",))
    assert run.results[0]["instances"][0]["name"] == "web ********"
    assert_nowhere(run, watched.folder)


def test_the_environment_of_a_task(watched: Ansible) -> None:
    """A module's environment stands on a command line, which -vvv and ps show; a credential must not be in it."""
    watched.environment["CLOUDNEXUS_API_KEY"] = ""
    key = watched.folder / "key"  # not in the playbook, which would be found
    key.write_text(CANARY)
    environment = {"CLOUDNEXUS_API_KEY": f"{{{{ lookup('ansible.builtin.file', '{key}') }}}}", "CLOUDNEXUS_API_TIMEOUT": "5", "OTHER": "kept"}
    run = watched.play({**task("health_info"), "environment": environment}, arguments=("-vvvv",))
    assert run.result["health"]["status"] == "healthy"
    assert run.result["invocation"]["module_args"]["api_timeout"] == 5
    if watched.door == "module":
        assert "OTHER=kept" in run.output
    assert_nowhere(run, watched.folder)


def test_a_key_that_can_not_be_sent(watched: Ansible) -> None:
    watched.environment["CLOUDNEXUS_API_KEY"] = f"{CANARY}\nX-Header: y"
    run = watched.play(task("health_info"), arguments=("-vvvv",))
    assert run.result["msg"].startswith("api_key: expected a credential of printable ASCII")
    assert_nowhere(run, watched.folder)


def test_a_private_key_in_place_of_a_public_one(watched: Ansible) -> None:
    watched.environment["CLOUDNEXUS_API_KEY"] = "cn_other"
    run = watched.play(task("instance", **WEB, ssh_keys=["hello"], api_key="cn_other"))
    assert "ssh_keys: element 1 is no OpenSSH public key" in run.result["msg"]


def test_tokens_that_arrive_at_run_time(watched: Ansible) -> None:
    watched.emulator.set(rotate=True, clients={CLIENT_ID: CANARY})
    watched.environment |= {"CLOUDNEXUS_API_KEY": "", "CLOUDNEXUS_REFRESH_TOKEN": CANARY, "CLOUDNEXUS_CLIENT_ID": CLIENT_ID}
    watched.emulator.fault("echo", status=400, path="/health")
    run = watched.play(task("health_info"), arguments=("-vvvv",))
    assert "********" in run.result["msg"]
    assert not re.search(r"cn_(access|refresh)_[0-9a-f]", run.output)
    assert_nowhere(run, watched.folder)


def test_the_fast_door_writes_no_file_at_all(watched: Ansible) -> None:
    if watched.door == "in-process":
        watched.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
        run = watched.play({FQCN + "cloudnexus_health_info": {"api_key": CANARY}}, arguments=("-vvvv",))
        (watched.folder / "playbook.yml").unlink()
        assert not list((watched.folder / "home").rglob("AnsiballZ*"))
        assert_nowhere(run, watched.folder)

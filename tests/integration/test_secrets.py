# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential shows nowhere: results, errors that repeat the request, -vvvv, log files, temporary files."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import CLIENT_ID

from .commands import FQCN, Ansible, Run, task

CANARY = "cn_live_sk_CANARY/0123+456"
#: The canary as it stands in an address and in JSON within JSON.
FORMS = (CANARY, "cn_live_sk_CANARY%2F0123%2B456", "CANARY")
WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
ONE_MODE = pytest.mark.parametrize("ansible", ["in-process"], indirect=True)


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
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_DIFF_ALWAYS": "1",
    }
    return ansible


#: Access and refresh tokens that the emulator has issued.
ISSUED = re.compile(r"cn_(access|refresh)_[0-9a-f]{6}")


def assert_nowhere(run: Run, folder: Path) -> None:
    """Not in what a user sees, and not in a file, but for the token cache."""
    for text in (run.output, str(run.entries)):
        assert not any(form in text for form in FORMS)
        assert not ISSUED.search(text)
    assert_in_no_file(folder / "home")


def assert_in_no_file(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(form.encode() in content for form in FORMS), path
            assert not ISSUED.search(content.decode("latin-1")), path
            if path.name.startswith("AnsiballZ"):  # a zip file in base64
                assert CANARY not in _unpacked(content.decode()), path


def _unpacked(script: str) -> str:
    """What is in the modules that ANSIBLE_KEEP_REMOTE_FILES leaves, their arguments included."""
    found = [script]
    for data in re.findall(r"[A-Za-z0-9+/=]{1000,}", script):
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as archive:
            found += [archive.read(name).decode("latin-1") for name in archive.namelist()]
    return "".join(found)


def refusing(ansible: Ansible, path: str, *bodies: str) -> None:
    """Responses that repeat the whole request, then these bodies."""
    for status in (400, 401, 403, 404, 500):
        ansible.emulator.fault("echo", status=status, path=path)
    for body in bodies:
        ansible.emulator.fault("malformed", path=path, body=body)


@pytest.mark.core
def test_the_key(watched: Ansible) -> None:
    """Success, an API that returns the key in its data, refusals that repeat the request, and responses that are no JSON."""
    watched.emulator.create(f"web {CANARY}", region="ap-south")
    refusing(watched, "/health", f"<html>{CANARY}", f'"{"x" * 290}{CANARY}')
    fleet = task("fleet", instances=[{**WEB, "name": "web-02"}])
    watched.environment["CLOUDNEXUS_TRACE"] = "true"
    run = watched.play(task("instance", **WEB), task("instance_info", logs=True), fleet, *[task("health_info", api_retries=0)] * 7, arguments=("-vvvv",))
    created, found, fleet, *refused = run.results
    assert all(result["api_requests"] for result in run.results)
    assert created["action"] == "create"
    assert found["instances"][0]["name"] == "web ********"
    assert fleet["created"] == ["web-02"]
    assert [result["failed"] for result in refused] == [True] * 7, refused
    assert "********" in refused[0]["msg"]
    assert (watched.folder / "home" / "ansible.log").stat().st_size > 0
    assert_nowhere(run, watched.folder)


@pytest.mark.core
def test_the_environment_of_a_task(watched: Ansible) -> None:
    """A module's environment stands on a command line, which -vvv and ps show; a credential must not be in it."""
    watched.environment |= {"CLOUDNEXUS_API_KEY": "", "ANSIBLE_KEEP_REMOTE_FILES": "0"}
    files = {"key": CANARY, "broken": f"{CANARY}\nX-Header: y"}  # not in the playbook, which would be found
    for name, content in files.items():
        (watched.folder / name).write_text(content)
    looked_up = {name: f"{{{{ lookup('ansible.builtin.file', '{watched.folder / name}') }}}}" for name in files}
    environment = {"CLOUDNEXUS_API_KEY": looked_up["key"], "CLOUDNEXUS_API_TIMEOUT": "5", "OTHER": "kept"}
    run = watched.play(
        {**task("health_info"), "environment": environment},
        {**task("health_info"), "environment": {"CLOUDNEXUS_API_KEY": looked_up["broken"]}},
        # A name that is the key: what the API returns is masked in both modes.
        {**task("instance", **{**WEB, "name": "{{ name }}"}), "environment": environment, "vars": {"name": f"web {looked_up['key']}"}},
        arguments=("-vvvv",),
    )
    right, broken, named = run.results
    assert right["health"]["status"] == "healthy"
    assert right["invocation"]["module_args"]["api_timeout"] == 5
    assert broken["msg"].startswith("api_key: expected a credential of printable ASCII")
    assert named["instance"]["name"] == "web ********"
    if watched.mode == "module":
        assert "OTHER=kept" in run.output
    assert_nowhere(run, watched.folder)


def test_a_private_key_in_place_of_a_public_one(in_process: Ansible) -> None:
    in_process.environment["PRIVATE"] = "-----BEGIN OPENSSH PRIVATE KEY-----CANARY"
    run = in_process.play(task("instance", **WEB, ssh_keys=["{{ lookup('ansible.builtin.env', 'PRIVATE') }}"]))
    assert "ssh_keys: element 1 is no OpenSSH public key" in run.result["msg"]
    assert "CANARY" not in run.result["msg"]


@pytest.fixture
def oauth2(watched: Ansible) -> Ansible:
    """With the canary as a refresh token that rotates, and access tokens that are valid for a second."""
    watched.emulator.set(keys={}, rotate=True, clients={CLIENT_ID: CANARY}, token_seconds=1)
    watched.use_refresh_token(CANARY)
    return watched


#: Responses to a refresh whose token is not usable. It may be a token all the same, and is not shown.
BROKEN = ('{"access_token": ["cn_access_abcdef0"]}', '{"access_token": "cn_access_abcdef0 x"}', "cn_access_abcdef0", '{"access_token": "cn_access_abcdef0"')


def test_tokens(oauth2: Ansible) -> None:
    """Refreshes that fail or are broken, then requests whose refusal repeats the access token, then success."""
    oauth2.environment["CLOUDNEXUS_TRACE"] = "true"
    refresh = "/auth/token/refresh"
    for fault in ({"kind": "echo", "status": 400}, {"kind": "echo", "status": 500, "times": 2}, {"kind": "malformed", "body": f"<html>{CANARY}"}):
        oauth2.emulator.fault(**fault, path=refresh)
    for body in BROKEN:
        oauth2.emulator.fault("malformed", path=refresh, body=body, content_type="application/json")
    refusing(oauth2, "/health")
    once, twice = task("health_info", api_retries=0), task("health_info", api_retries=1)
    run = oauth2.play(*[twice] * 3, *[once] * 4, *[once] * 5, task("instance", **WEB), task("instance", **{**WEB, "plan": "enterprise"}), arguments=("-vvvv",))
    failed, broken, refused = run.results[:3], run.results[3:7], run.results[7:]
    for said, result in zip(("********", "********", "is not the expected JSON"), failed, strict=True):
        assert said in result["msg"]
    # The 500 is retried once.
    assert [entry["status"] for entry in oauth2.emulator.requests() if entry["path"] == refresh][:4] == [400, 500, 500, 200]
    assert [result["failed"] for result in broken] == [True] * 4
    # After the 401 another token is sent, and gets the 403.
    assert [result["failed"] for result in refused] == [True] * 4 + [False] * 3
    assert refused[0]["msg"].count("********") >= 1
    assert_nowhere(run, oauth2.folder)


@ONE_MODE
def test_nothing_goes_to_another_origin(watched: Ansible) -> None:
    """Page links and redirects of all kinds to a server that is not the API."""
    with EmulatorProcess() as elsewhere:
        there = elsewhere.api_url.removeprefix("http:")
        host = there.removeprefix("//")
        links = [f"http:{there}/x", f"{there}/x", f"http://127.0.0.1@{host}/x", f"/\\{host}/x", f"https:{there}/x", f"http:\\\\{host}/x"]
        for link in links:
            page = {"items": [], "pagination": {"next_page": link, "total_count": 0}}
            watched.emulator.fault("malformed", path="/instances", body=json.dumps(page), content_type="application/json")
        for status in (301, 302, 303, 307, 308):
            watched.emulator.fault("redirect", path="/health", status=status, location=f"http:{there}/health")
            watched.emulator.fault("redirect", method="POST", path="/instances", status=status, location=f"http:{there}/instances")
        redirected = [task("health_info")] * 5
        run = watched.play(*[task("instance_info")] * len(links), *redirected, task("instance", **WEB, unique_name=False))
        assert [result["failed"] for result in run.results] == [True] * (len(links) + 6)
        assert not elsewhere.requests()
    assert_nowhere(run, watched.folder)
    watched.emulator.clear_faults()


@ONE_MODE
def test_ansible_runner(oauth2: Ansible) -> None:
    """As AWX runs it: the credential in the environment, the events and artifacts kept."""
    oauth2.emulator.set(token_seconds=3600)
    data = oauth2.folder / "runner"
    (data / "project").mkdir(parents=True)
    (data / "env").mkdir()
    failing = task("health_info", api_retries=0)
    oauth2.emulator.fault("echo", status=400, path="/health")
    shutil.copy(oauth2.playbook(task("instance", **WEB), failing, task("instance", **{**WEB, "plan": "enterprise"})), data / "project" / "site.yml")
    variables = oauth2.variables(oauth2.folder / "results.jsonl")
    (data / "env" / "cmdline").write_text("-vvvv --diff")
    command = [str(Path(sys.executable).parent / "ansible-runner"), "run", str(data), "-p", "site.yml", "--ident", "job"]
    done = subprocess.run(
        command, check=False, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout
    events = [json.loads(path.read_text()) for path in (data / "artifacts" / "job" / "job_events").glob("*.json")]
    results = [event["event_data"]["res"] for event in events if event["event"] in ("runner_on_ok", "runner_on_failed")]
    assert len(results) == 3
    assert any("********" in str(result.get("msg")) for result in results)
    assert any(result.get("diff") for result in results)
    # ansible-runner writes down the environment that it was given, with values whose names look like secrets hidden.
    (data / "artifacts" / "job" / "command").unlink(missing_ok=True)
    assert_in_no_file(data)
    assert_nowhere(Run(done.returncode, done.stdout), oauth2.folder)


@ONE_MODE
def test_in_process_mode_writes_no_file_at_all(watched: Ansible) -> None:
    run = watched.play({FQCN + "cloudnexus_health_info": {"api_key": CANARY}}, arguments=("-vvvv",))
    (watched.folder / "playbook.yml").unlink()
    assert not list((watched.folder / "home").rglob("AnsiballZ*"))
    assert_nowhere(run, watched.folder)


@pytest.mark.parametrize("ansible", ["module"], indirect=True)
def test_what_is_kept_of_a_module_is_searched(watched: Ansible) -> None:
    """The search itself works: ANSIBLE_KEEP_REMOTE_FILES keeps arguments (docs/guarantees.md)."""
    watched.play({FQCN + "cloudnexus_health_info": {"api_key": CANARY}})
    kept = [path.read_text() for path in (watched.folder / "home").rglob("AnsiballZ*")]
    assert kept
    assert any(CANARY in _unpacked(script) for script in kept)


def test_a_password_in_the_address_of_the_api(ansible: Ansible) -> None:
    """Refused, and shown neither in the message nor among the arguments that -vvv shows."""
    run = ansible.play(task("health_info", api_url="https://user:pa55word@127.0.0.1/v1"), arguments=("-vvv",))
    assert run.result["failed"]
    shown = [line for line in run.output.splitlines() if "pa55word" in line and "playbook.yml" not in line]
    assert not shown, shown


LOOK_UP = {"ansible.builtin.debug": {"msg": "{{ lookup('cloudnexus.cloud.cloudnexus_token', refresh_token='a-refresh-token', client_id='client') }}"}}


@pytest.mark.parametrize(("variable", "value"), [("HTTPS_PROXY", "http://user:pa55word#a@host"), ("CLOUDNEXUS_API_URL", "https://user:pa55word@host:99999")])
def test_a_password_in_an_address_of_the_environment(ansible: Ansible, variable: str, value: str) -> None:
    """Of a module, the lookup and the inventory, with all that Ansible shows of an error."""
    source = ansible.folder / "web.cloudnexus.yml"
    source.write_text("plugin: cloudnexus.cloud.cloudnexus_instances\n")
    ansible.environment |= {"ANSIBLE_DISPLAY_TRACEBACK": "always", "ANSIBLE_DEBUG": "1", "CLOUDNEXUS_API_URL": "https://api.test/v1", variable: value}
    option = "HTTPS_PROXY" if variable == "HTTPS_PROXY" else "api_url"
    run = ansible.play(task("health_info"), LOOK_UP, arguments=("-vvvv", "-i", str(source)))
    said = " ".join(run.output.split())
    for begin in ("cloudnexus_instances: ", "cloudnexus_token: "):
        assert f"{begin}{option}: expected" in said
    assert run.result["msg"].startswith(f"{option}: expected")
    assert "pa55word" not in run.output

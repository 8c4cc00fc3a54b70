# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator: it keeps the contract, and spoils answers the way it is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.checkout import ROOT
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

WEB = {"name": "web-01", "plan": "starter", "region": "us-east"}


def call(emulator: EmulatorProcess, method: str, path: str, body: Any = None, key: str | None = API_KEY, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.request(method, emulator.api_url + path, json=body, headers=headers, timeout=10, **more)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.once
def test_schemathesis_finds_nothing(emulator_process: EmulatorProcess) -> None:
    emulator_process.reset()
    command = [
        str(Path(sys.executable).parent / "st"), "--config-file", "tests/integration/schemathesis.toml", "run", "docs/openapi.yml",
        "--url", emulator_process.api_url, "-H", f"Authorization: Bearer {API_KEY}", "--max-examples", "20", "--seed", "1", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:]
    assert len(emulator_process.requests()) > 200
    assert emulator_process.overview()["mistakes"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/instances", {**WEB, "size": 5}),
        ("POST", "/instances", {"name": "web"}),
        ("POST", "/instances", {**WEB, "plan": "huge"}),
        ("PUT", "/cdn/config", {"cache_ttl": -1}),
        ("GET", "/instances?name=web", None),
    ],
)
def test_a_request_that_breaks_the_contract(emulator_process: EmulatorProcess, method: str, path: str, body: Any) -> None:
    emulator_process.reset()
    assert code(call(emulator_process, method, path, body)) == (400, "contract_violation")
    assert emulator_process.requests()[0]["violation"]


def test_an_answer_of_its_own_that_breaks_the_contract_is_loud(emulator_process: EmulatorProcess) -> None:
    emulator_process.reset()
    emulator_process.create("web-01", plan="huge")
    assert code(call(emulator_process, "GET", "/instances")) == (500, "emulator_violation")
    assert "'huge' is not one of" in emulator_process.overview()["mistakes"][0]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_the_documented_profile(emulator: EmulatorProcess, status: int) -> None:
    emulator.set(profile="documented", missing_status=status)
    instance_id = call(emulator, "POST", "/instances", WEB).json()["id"]
    for method, path in (("GET", "/instances"), ("PATCH", f"/instances/{instance_id}"), ("DELETE", f"/instances/{instance_id}"), ("GET", "/cdn/config")):
        assert code(call(emulator, method, path, {"plan": "starter"})) == (status, "not_offered")
    for path in (f"/instances/{instance_id}", f"/instances/{instance_id}/logs", "/storage/buckets", "/health"):
        assert call(emulator, "GET", path).status_code == 200


def test_instances_boot(emulator: EmulatorProcess) -> None:
    emulator.set(boot_seconds=0.2, failing=["bad"])
    good, bad = (call(emulator, "POST", "/instances", {**WEB, "name": name}).json() for name in ("good", "bad"))
    assert good["status"] == bad["status"] == "provisioning"
    ends_at = time.monotonic() + 5
    while "provisioning" in {item["status"] for item in emulator.instances()} and time.monotonic() < ends_at:
        pass
    assert [item["status"] for item in emulator.instances()] == ["running", "failed"]


def test_instances_get_addresses_of_the_network(emulator: EmulatorProcess) -> None:
    emulator.set(addresses="127.0.7.0/29")
    assert [emulator.create(f"web-{number}")["ip"] for number in range(5)] == [f"127.0.7.{number}" for number in range(2, 7)]
    for wrong in ("the next street", "127.0.7.1/24", "127.0.7.0/31", "127.0.7.0/32"):
        with pytest.raises(requests.HTTPError, match=r"addresses|network|host bits"):
            emulator.set(addresses=wrong)


def test_no_two_instances_have_one_address(emulator: EmulatorProcess) -> None:
    """A full network is told; an address is free again once its instance is gone."""
    emulator.set(addresses="127.0.7.0/29", delete_seconds=60)
    ids = [emulator.create(f"web-{number}")["id"] for number in range(5)]
    full = "The network 127.0.7.0/29 has no address left: its 5 are all in use."
    refused = call(emulator, "POST", "/instances", WEB)
    assert code(refused) == (400, "no_address")
    assert full in refused.json()["error"]["message"]
    with pytest.raises(requests.HTTPError, match=full):
        emulator.create("web-6")
    emulator.delete(ids[2])
    assert code(call(emulator, "POST", "/instances", WEB)) == (400, "no_address"), "it is still shown"
    emulator.set(delete_seconds=0)
    assert call(emulator, "POST", "/instances", WEB).json()["ip"] == "127.0.7.4"
    assert len({item["ip"] for item in emulator.instances()}) == len(emulator.instances()) == 5


def test_an_instance_keeps_its_address(emulator: EmulatorProcess) -> None:
    web = emulator.create("web-01")
    emulator.set(addresses="127.0.7.0/29")
    assert [item["ip"] for item in emulator.instances()] == [web["ip"]]


def test_what_is_not_documented_is_shown_on_demand(emulator: EmulatorProcess) -> None:
    made = call(emulator, "POST", "/instances", {**WEB, "image_id": "img"}).json()
    assert "image_id" not in made
    emulator.set(show_all=True)
    assert call(emulator, "GET", f"/instances/{made['id']}").json()["image_id"] == "img"


def test_scopes(emulator: EmulatorProcess) -> None:
    emulator.set(keys={"reader": {"permissions": ["instances:read"]}, "european": {"regions": ["eu-west"]}})
    instance_id = emulator.create("web-01")["id"]
    assert code(call(emulator, "POST", "/instances", WEB, key="reader")) == (403, "permission_denied")
    assert code(call(emulator, "POST", "/instances", WEB, key="european")) == (403, "region_not_allowed")
    assert code(call(emulator, "GET", f"/instances/{instance_id}", key="european")) == (403, "region_not_allowed")
    assert call(emulator, "GET", "/instances", key="european").json()["items"] == []
    assert code(call(emulator, "GET", "/health", key="nobody")) == (401, "invalid_credential")
    assert code(call(emulator, "GET", "/health", key=None)) == (401, "no_credential")


def test_tokens(emulator: EmulatorProcess) -> None:
    emulator.set(rotate=True, token_seconds=0)
    body = {"client_id": CLIENT_ID, "refresh_token": REFRESH_TOKEN}
    token = call(emulator, "POST", "/auth/token/refresh", body, key=None).json()
    assert code(call(emulator, "GET", "/health", key=token["access_token"])) == (401, "token_expired")
    assert code(call(emulator, "POST", "/auth/token/refresh", body, key=None)) == (401, "invalid_grant")
    emulator.set(token_seconds=60)
    again = call(emulator, "POST", "/auth/token/refresh", {**body, "refresh_token": token["refresh_token"]}, key=None).json()
    assert call(emulator, "GET", "/health", key=again["access_token"]).status_code == 200


def test_pages_stay_right_while_items_are_added(emulator: EmulatorProcess) -> None:
    emulator.set(page_size=2)
    for number in range(4):
        emulator.create(f"web-{number}")
    first = call(emulator, "GET", "/instances").json()
    emulator.create("web-4")
    emulator.delete(first["items"][0]["id"])
    names, link = [item["name"] for item in first["items"]], first["pagination"]["next_page"]
    while link:
        page = call(emulator, "GET", link).json()
        names, link = names + [item["name"] for item in page["items"]], page["pagination"]["next_page"]
    assert names == [f"web-{number}" for number in range(5)]
    assert code(call(emulator, "GET", "/instances?cursor=nonsense")) == (400, "invalid_cursor")


def test_a_list_that_lags(emulator: EmulatorProcess) -> None:
    emulator.set(list_lag=60)
    instance_id = call(emulator, "POST", "/instances", WEB).json()["id"]
    assert call(emulator, "GET", "/instances").json()["items"] == []
    assert call(emulator, "GET", f"/instances/{instance_id}").status_code == 200


def test_the_rate_limit(emulator: EmulatorProcess) -> None:
    emulator.set(rate_limit=2)
    answers = [call(emulator, "GET", "/health") for _number in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"


def test_latency(emulator: EmulatorProcess) -> None:
    emulator.set(latency=0.3)
    assert call(emulator, "GET", "/health").elapsed.total_seconds() >= 0.3


# --- Faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost", "reset"])
@pytest.mark.parametrize("effect", [False, True])
def test_an_answer_is_lost_before_or_after_the_effect(emulator: EmulatorProcess, kind: str, effect: bool) -> None:
    emulator.fault(kind, method="POST", path="/instances", effect=effect)
    with pytest.raises(requests.ConnectionError):
        call(emulator, "POST", "/instances", WEB)
    assert len(emulator.instances()) == effect
    assert call(emulator, "POST", "/instances", WEB).status_code == 201


def test_an_answer_that_hangs(emulator: EmulatorProcess) -> None:
    emulator.fault("hang")
    with pytest.raises(requests.Timeout):
        requests.get(f"{emulator.api_url}/health", timeout=0.3)


@pytest.mark.parametrize("effect", [False, True])
def test_an_error_of_a_gateway(emulator: EmulatorProcess, effect: bool) -> None:
    emulator.fault("status", status=504, effect=effect)
    assert call(emulator, "POST", "/instances", WEB).status_code == 504
    assert len(emulator.instances()) == effect


def test_retry_after_as_seconds_and_as_a_date(emulator: EmulatorProcess) -> None:
    emulator.fault("status", status=429, retry_after=7)
    emulator.fault("status", status=429, retry_after=7, as_date=True)
    assert call(emulator, "GET", "/health").headers["Retry-After"] == "7"
    assert call(emulator, "GET", "/health").headers["Retry-After"].endswith("GMT")


def test_bodies_that_are_broken(emulator: EmulatorProcess) -> None:
    emulator.fault("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call(emulator, "GET", "/health")
    emulator.fault("malformed", body='{"items": [', content_type="application/json")
    assert call(emulator, "GET", "/health").text == '{"items": ['
    emulator.fault("huge", size=3 * 1024 * 1024)
    assert len(call(emulator, "GET", "/health").content) == 3 * 1024 * 1024
    emulator.fault("echo", status=400)
    assert API_KEY in call(emulator, "GET", "/health").text


def test_faults_are_counted_and_placed(emulator: EmulatorProcess) -> None:
    emulator.fault("status", path="/instances/.*", skip=1, times=2)
    statuses = [call(emulator, "GET", path).status_code for path in ("/health", *["/instances/inst_9"] * 4)]
    assert statuses == [200, 404, 503, 503, 404]
    with pytest.raises(requests.HTTPError):
        emulator.fault("earthquake")
    assert [entry["fault"] for entry in emulator.requests()] == [None, None, "status", "status", None]


# --- The process -------------------------------------------------------------------------------------------------------


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.emulator", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(number: int, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "hang", "path": "/health"}]))
    with start("--json", "--profile", "documented", "--faults", str(faults), "--keys", '{"k": {}}') as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        assert told["api_url"].startswith("http://127.0.0.1:")
        with pytest.raises(requests.Timeout):
            requests.get(f"{told['api_url']}/health", timeout=0.2)
        with requests.Session() as session:  # a connection that is kept open does not hold it up
            answer = session.get(f"{told['api_url']}/health", headers={"Authorization": "Bearer k"}, timeout=5)
            assert answer.status_code == 200
            os.kill(process.pid, number)
            _out, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, "")


def test_it_ends_with_who_started_it() -> None:
    with start("--json", "--until-eof") as process:
        assert process.stdout
        process.stdout.readline()
        _out, err = process.communicate(timeout=5)  # closes its standard input
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("addresses", ["127.0.7.0/32", "127.0.7.1/24", "x"])
def test_it_says_what_is_wrong_with_an_option(addresses: str) -> None:
    with start("--until-eof", "--addresses", addresses) as process:
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("The emulator can't start: ")
    assert err.count("\n") == 1


def test_it_says_how_to_use_it() -> None:
    with start("--until-eof") as process:
        out, _err = process.communicate(timeout=10)
    assert "export CLOUDNEXUS_API_URL=http://127.0.0.1:" in out


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ('{"reader": {"permissions": ["instances:read"]}, "mine": {}}', "mine"),
        ('{"reader": {"permissions": ["instances:read"]}}', "reader"),
    ],
)
def test_it_announces_a_key_that_it_takes(keys: str, key: str) -> None:
    with start("--until-eof", "--keys", keys) as process:
        out, _err = process.communicate(timeout=60)
    assert f"CLOUDNEXUS_API_KEY={key}\n" in out
    with EmulatorProcess("--keys", keys) as emulator:
        assert emulator.api_key == key
        answer = requests.get(f"{emulator.api_url}/instances", headers={"Authorization": f"Bearer {emulator.api_key}"}, timeout=5)
        assert answer.status_code == 200

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth2 by Ansible and by the lookup: one refresh for all items, hosts and runs, rotation, and refusals."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

from .commands import FQCN, Ansible, Run, task

INFO = FQCN + "cloudnexus_health_info"
LOOKUP = "lookup('cloudnexus.cloud.cloudnexus_token')"
REFRESH = "/auth/token/refresh"


@pytest.fixture
def oauth2(ansible: Ansible) -> Ansible:
    """With a refresh token that rotates, and no key."""
    ansible.emulator.set(rotate=True)
    ansible.use_refresh_token()
    return ansible


ONE_MODE = pytest.mark.parametrize("ansible", ["in-process"], indirect=True)


def refreshes(ansible: Ansible) -> list[str]:
    """The refresh tokens that were sent."""
    return [entry["body"]["refresh_token"] for entry in ansible.emulator.requests() if entry["path"] == REFRESH]


def healthy(run: Run) -> list[bool]:
    results = [item for result in run.results for item in result.get("results", [result])]
    return [result.get("health", {}).get("status") == "healthy" for result in results]


def test_items_and_hosts_that_start_at_once_make_one_refresh(oauth2: Ansible) -> None:
    """In module mode each of them is a process of its own."""
    oauth2.emulator.set(latency=0.2)
    run = oauth2.play({INFO: {}, "loop": [1, 2]}, hosts="all", arguments=("-i", oauth2.hosts(5), "--forks", "5"))
    assert healthy(run) == [True] * 10
    assert refreshes(oauth2) == [REFRESH_TOKEN]


@ONE_MODE
def test_runs_share_one_refresh_and_what_was_rotated(oauth2: Ansible) -> None:
    oauth2.emulator.set(token_seconds=600)
    for _number in range(2):
        assert healthy(oauth2.play({INFO: {}})) == [True]
    assert len(refreshes(oauth2)) == 1
    (kept,) = oauth2.tokens.glob("*.json")
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(oauth2.tokens.stat().st_mode)) == (0o600, 0o700)
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "renew_at": 0}))
    assert healthy(oauth2.play({INFO: {}})) == [True]
    first, second = refreshes(oauth2)
    assert first == REFRESH_TOKEN != second


@ONE_MODE
def test_what_is_refused(oauth2: Ansible) -> None:
    """A token is renewed once; a rate limit is no refusal of the refresh token; another client has a token of its own; a key wins until it is refused."""
    health = "/health"
    oauth2.emulator.set(clients={CLIENT_ID: REFRESH_TOKEN, "other": "cn_refresh_other", "wrong": "cn_refresh_another", "limited": "cn_refresh_limited"})
    oauth2.emulator.fault("status", status=401, path=health)
    oauth2.emulator.fault("status", status=401, path=health, skip=1, times=2)
    run = oauth2.play(
        task("health_info"),
        task("health_info"),
        task("health_info", client_id="other", refresh_token="cn_refresh_other"),
        task("health_info", client_id="wrong"),
        task("health_info", api_key=oauth2.emulator.api_key),
        task("health_info", api_key="cn_revoked_key"),
    )
    _renewed, refused, _other, wrong, _key, _revoked = run.results
    assert [result["failed"] for result in run.results] == [False, True, False, True, False, False]
    assert "GET /health: the API returned 401" in refused["msg"]
    assert wrong["msg"].startswith("POST /auth/token/refresh: the API returned 401: The refresh token is not valid for this client.")
    assert wrong["msg"].endswith(" Log in again and set CLOUDNEXUS_REFRESH_TOKEN to the new refresh token.")
    paths = [entry["path"] for entry in oauth2.emulator.requests()]
    assert paths[:7] == [REFRESH, health, REFRESH, health, health, REFRESH, health]
    assert paths[7:] == [REFRESH, health, REFRESH, health, health, health]
    assert len(list(oauth2.tokens.glob("*.json"))) == 2
    oauth2.emulator.fault("status", status=429, path=REFRESH, times=0, retry_after=0)
    oauth2.tokens.chmod(0o777)
    limited, open_to_others = oauth2.play(
        task("health_info", client_id="limited", refresh_token="cn_refresh_limited", api_retries=1, token_cache="none"), task("health_info")
    ).results
    assert "the API returned 429" in limited["msg"]
    assert "Log in again" not in limited["msg"]
    assert open_to_others["msg"] == f"token_cache: {oauth2.tokens} is open to other users, and is not used; close it with chmod 700 {oauth2.tokens}."


# --- The lookup --------------------------------------------------------------------------------------------------------


def use(expression: str) -> dict[str, Any]:
    return {"ansible.builtin.set_fact": {"token": f"{{{{ {expression} }}}}"}, "no_log": False}


#: Lookups that are refused, and why.
REFUSED: list[tuple[str, str]] = [
    ("lookup('cloudnexus.cloud.cloudnexus_token', 'x')", "cloudnexus_token: expected no terms"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', colour='red')", "colour"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', client_id='')", "client_id"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', api_url='http://api.cloudnexus.io')", "api_url: expected https"),
    (
        "lookup('cloudnexus.cloud.cloudnexus_token', refresh_token='cn_refresh_wrong_canary')",
        "Log in again and set CLOUDNEXUS_REFRESH_TOKEN to",
    ),
]


def test_the_lookup(in_process: Ansible) -> None:
    """It returns the token that the modules use, and empty environment variables count as not set."""
    in_process.use_refresh_token()
    in_process.environment |= {f"CLOUDNEXUS_{name}": "" for name in ("API_TIMEOUT", "API_RETRIES", "VALIDATE_CERTS", "CA_PATH")}
    by_uri = {
        "ansible.builtin.uri": {"url": f"{in_process.emulator.api_url}/instances", "headers": {"Authorization": f"Bearer {{{{ {LOOKUP} }}}}"}},
        "no_log": True,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    show = {"name": "shown", "ansible.builtin.debug": {"msg": "{{ answer.status }}"}}
    run = in_process.play({INFO: {}}, {**by_uri, "register": "answer"}, show, *(use(expression) for expression, _said in REFUSED))
    assert run.named("shown")[0]["msg"] in (200, "200")
    assert refreshes(in_process) == [REFRESH_TOKEN, "cn_refresh_wrong_canary"]
    refused = run.entries[-len(REFUSED) :]
    assert [entry["status"] for entry in refused] == ["failed"] * len(REFUSED)
    told = run.output
    for (expression, said), entry in zip(REFUSED, refused, strict=True):
        assert said in entry["result"]["msg"].replace(expression, ""), expression
        told = (told + str(entry["result"])).replace(expression, "")
    assert "Traceback" not in told
    assert "wrong_canary" not in told


def test_the_lookup_without_a_pair(in_process: Ansible) -> None:
    in_process.environment = {"CLOUDNEXUS_REFRESH_TOKEN": "", "CLOUDNEXUS_CLIENT_ID": ""}
    run = in_process.play(use(LOOKUP))
    assert "refresh_token: is required (or CLOUDNEXUS_REFRESH_TOKEN)" in run.entries[0]["result"]["msg"]

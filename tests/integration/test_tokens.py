# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth2 by both doors and by the lookup: one refresh for all items, hosts and runs, rotation, and what to do when it is refused."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

from .commands import FQCN, Ansible, Run, task

INFO = FQCN + "cloudnexus_health_info"
LOOKUP = "lookup('cloudnexus.cloud.cloudnexus_token')"


@pytest.fixture
def oauth2(ansible: Ansible) -> Ansible:
    """With a refresh token that rotates, and no key."""
    ansible.emulator.set(rotate=True)
    ansible.use_refresh_token()
    return ansible


def refreshes(ansible: Ansible) -> list[str]:
    """The refresh tokens that were sent."""
    return [entry["body"]["refresh_token"] for entry in ansible.emulator.requests() if entry["path"] == "/auth/token/refresh"]


def healthy(run: Run) -> list[bool]:
    results = [item for result in run.results for item in result.get("results", [result])]
    return [result.get("health", {}).get("status") == "healthy" for result in results]


def test_loop_items_share_one_refresh(oauth2: Ansible) -> None:
    assert healthy(oauth2.play({INFO: {}, "loop": [1, 2, 3]})) == [True] * 3
    assert refreshes(oauth2) == [REFRESH_TOKEN]


def test_ten_hosts_that_start_at_once_make_one_refresh(oauth2: Ansible) -> None:
    oauth2.emulator.set(latency=0.2)
    run = oauth2.play({INFO: {}}, hosts="all", arguments=("-i", oauth2.hosts(10), "--forks", "10"))
    assert healthy(run) == [True] * 10
    assert refreshes(oauth2) == [REFRESH_TOKEN]


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


def test_a_token_that_is_refused_is_renewed_once(oauth2: Ansible) -> None:
    oauth2.emulator.fault("status", status=401, path="/health")
    oauth2.emulator.fault("status", status=401, path="/health", skip=1, times=2)
    run = oauth2.play({INFO: {}}, {INFO: {}})
    assert healthy(run) == [True, False]
    assert "GET /health: the API answered 401" in run.results[1]["msg"]
    refresh, health = "/auth/token/refresh", "/health"
    assert [entry["path"] for entry in oauth2.emulator.requests()] == [refresh, health, refresh, health, health, refresh, health]


def test_a_refusal_says_what_to_do(oauth2: Ansible) -> None:
    oauth2.emulator.set(clients={CLIENT_ID: "cn_refresh_another"})
    result = oauth2.module("health_info")
    assert result["msg"].startswith("POST /auth/token/refresh: the API answered 401: The refresh token is not valid for this client.")
    assert result["msg"].endswith("log in again and set CLOUDNEXUS_REFRESH_TOKEN anew.")


def test_a_rate_limit_is_no_refusal_of_the_token(oauth2: Ansible) -> None:
    oauth2.emulator.fault("status", status=429, path="/auth/token/refresh", times=0, retry_after=0)
    result = oauth2.module("health_info", api_retries=1)
    assert "the API answered 429" in result["msg"]
    assert "log in again" not in result["msg"]


def test_a_key_and_the_pair(oauth2: Ansible) -> None:
    oauth2.environment["CLOUDNEXUS_API_KEY"] = oauth2.emulator.api_key
    assert healthy(oauth2.play({INFO: {}})) == [True]
    assert refreshes(oauth2) == []
    oauth2.emulator.set(keys={"cn_new_key": {}})
    assert healthy(oauth2.play({INFO: {}})) == [True]
    assert refreshes(oauth2) == [REFRESH_TOKEN]


def test_a_cache_that_others_can_write_is_refused(oauth2: Ansible) -> None:
    oauth2.tokens.mkdir()
    oauth2.tokens.chmod(0o777)
    assert oauth2.module("health_info")["msg"] == (
        f"token_cache: {oauth2.tokens} is open to other users, and is not used; close it with chmod 700 {oauth2.tokens}."
    )
    assert not oauth2.emulator.requests()


# --- The lookup --------------------------------------------------------------------------------------------------------


def test_the_lookup_gives_the_token_that_the_modules_use(oauth2: Ansible) -> None:
    use = {
        "ansible.builtin.uri": {"url": f"{oauth2.emulator.api_url}/instances", "headers": {"Authorization": f"Bearer {{{{ {LOOKUP} }}}}"}},
        "no_log": True,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    run = oauth2.play({INFO: {}}, {**use, "register": "answer"}, {"ansible.builtin.debug": {"msg": "{{ answer.status }}"}})
    assert run.entries[-1]["result"]["msg"] in (200, "200")
    assert refreshes(oauth2) == [REFRESH_TOKEN]


def use(expression: str) -> dict[str, Any]:
    return {"ansible.builtin.set_fact": {"token": f"{{{{ {expression} }}}}"}, "no_log": False}


#: Lookups, and what is said of them.
REFUSED: list[tuple[str, str]] = [
    ("lookup('cloudnexus.cloud.cloudnexus_token', 'x')", "cloudnexus_token: expected no terms"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', colour='red')", "colour"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', client_id='')", "client_id"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', api_url='http://api.cloudnexus.io')", "api_url: expected https"),
    ("lookup('cloudnexus.cloud.cloudnexus_token', refresh_token='cn_refresh_wrong_canary')", "log in again and set CLOUDNEXUS_REFRESH_TOKEN anew"),
]


def test_what_the_lookup_refuses(in_process: Ansible) -> None:
    in_process.use_refresh_token()
    run = in_process.play(*(use(expression) for expression, _said in REFUSED))
    assert [entry["status"] for entry in run.entries] == ["failed"] * len(REFUSED)
    told = run.output
    for (expression, said), entry in zip(REFUSED, run.entries, strict=True):
        assert said in entry["result"]["msg"].replace(expression, ""), expression
        told = (told + str(entry["result"])).replace(expression, "")
    assert "Traceback" not in told
    assert "wrong_canary" not in told


def test_the_lookup_without_a_pair(in_process: Ansible) -> None:
    in_process.environment = {"CLOUDNEXUS_REFRESH_TOKEN": "", "CLOUDNEXUS_CLIENT_ID": ""}
    run = in_process.play(use(LOOKUP))
    assert "refresh_token: is required (or CLOUDNEXUS_REFRESH_TOKEN)" in run.entries[0]["result"]["msg"]


def test_empty_environment_variables_count_as_not_set_for_the_lookup(in_process: Ansible) -> None:
    in_process.use_refresh_token()
    in_process.environment |= {f"CLOUDNEXUS_{name}": "" for name in ("API_TIMEOUT", "API_RETRIES", "VALIDATE_CERTS", "CA_PATH")}
    in_process.play({"ansible.builtin.set_fact": {"token": f"{{{{ {LOOKUP} }}}}"}, "no_log": True})
    assert refreshes(in_process) == [REFRESH_TOKEN]


def test_the_examples_of_the_lookup(in_process: Ansible) -> None:
    import yaml
    from ansible_collections.cloudnexus.cloud.plugins.lookup.cloudnexus_token import EXAMPLES

    in_process.emulator.set(clients={CLIENT_ID: REFRESH_TOKEN, "other": "cn_refresh_other"})
    in_process.use_refresh_token()
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    tasks: list[dict[str, Any]] = yaml.safe_load(EXAMPLES)
    run = in_process.play(*({**item, "ignore_errors": False} for item in tasks), vars={"other_refresh_token": "cn_refresh_other", **interpreter})
    assert run.status == 0, run.output
    assert refreshes(in_process) == [REFRESH_TOKEN, "cn_refresh_other"]


def test_task_of_another_client_has_a_token_of_its_own(oauth2: Ansible) -> None:
    oauth2.emulator.set(clients={CLIENT_ID: REFRESH_TOKEN, "other": "cn_refresh_other"})
    run = oauth2.play(task("health_info"), task("health_info", client_id="other", refresh_token="cn_refresh_other"))
    assert healthy(run) == [True, True]
    assert len(list(oauth2.tokens.glob("*.json"))) == 2

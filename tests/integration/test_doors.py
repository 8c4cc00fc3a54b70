# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both doors mean what Ansible's keywords mean for a module, and say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .commands import DOORS, FQCN, Ansible, Run, task
from .modules import run_modules, said

pytestmark = pytest.mark.core

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
INFO = FQCN + "cloudnexus_health_info"


def doors(run: Run) -> list[str]:
    """The door that each task took, and why, as -vvv tells it."""
    return re.findall(r"cloudnexus_\w+: (runs in the controller's process|handed over to the module, because .*)", run.output)


# --- Which door --------------------------------------------------------------------------------------------------------


def test_the_fast_door_is_the_usual_one(in_process: Ansible) -> None:
    run = in_process.play(task("health_info"), arguments=("-vvv",))
    assert doors(run) == ["runs in the controller's process"]
    assert "AnsiballZ" not in run.output


#: Keywords of a task that hand it over to the module, and the reason that is given.
ELSEWHERE: list[tuple[dict[str, Any], str]] = [
    ({"become": True, "become_method": "same"}, "become is on"),
    ({"async": 60, "poll": 1}, "async is on"),
    ({"vars": {"cloudnexus_in_process": False}}, "cloudnexus_in_process is false"),
    ({"vars": {"cloudnexus_in_process": "{{ 'no' }}"}}, "cloudnexus_in_process is false"),
    ({"environment": {"CLOUDNEXUS_IN_PROCESS": "false"}}, "cloudnexus_in_process is false"),
    ({"vars": {"ansible_connection": "elsewhere"}}, "the connection is elsewhere"),
    ({"delegate_to": "other", "vars": {"ansible_connection": "elsewhere"}}, "the connection is elsewhere"),
    ({"vars": {"ansible_python_interpreter": "/usr/bin/env python3"}}, "another interpreter was asked for (/usr/bin/env python3)"),
]


def test_elsewhere_the_module_runs(in_process: Ansible) -> None:
    in_process.environment["CLOUDNEXUS_IN_PROCESS"] = ""  # an empty one counts as not set
    tasks = []
    for keywords, reason in ELSEWHERE:
        interpreter = {} if "interpreter" in reason else {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        tasks.append({INFO: {}, **keywords, "vars": {**interpreter, **keywords.get("vars", {})}})
    run = in_process.play(*tasks, arguments=("-vvv",))
    assert doors(run) == [f"handed over to the module, because {reason}" for _keywords, reason in ELSEWHERE]
    for (keywords, reason), result in zip(ELSEWHERE, run.results, strict=True):
        if "interpreter" not in reason:
            assert result["health"]["status"] == "healthy", keywords


FAST: list[dict[str, Any]] = [
    {"vars": {"cloudnexus_in_process": "{{ 1 == 1 }}"}},
    {"vars": {"cloudnexus_in_process": ""}},
    {"delegate_to": "localhost", "connection": "local"},
    {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
    {"vars": {"ansible_python_interpreter": "auto_silent"}},
    {"become": False},
    {"async": 0},
]


def test_where_it_means_the_same_it_is_fast(in_process: Ansible) -> None:
    run = in_process.play(*({INFO: {}, **keywords} for keywords in FAST), arguments=("-vvv",))
    assert doors(run) == ["runs in the controller's process"] * len(FAST)
    for keywords, result in zip(FAST, run.results, strict=True):
        assert result["health"]["status"] == "healthy", keywords


def test_a_switch_that_is_neither_true_nor_false(in_process: Ansible) -> None:
    run = in_process.play({INFO: {}, "vars": {"cloudnexus_in_process": "maybe"}})
    assert run.result["msg"] == "cloudnexus_in_process: expected true or false, as the variable and as CLOUDNEXUS_IN_PROCESS."


def test_async_without_waiting_gives_a_job(ansible: Ansible) -> None:
    run = ansible.play(
        {FQCN + "cloudnexus_instance": WEB, "async": 60, "poll": 0, "register": "job"},
        {"ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"}, "register": "status", "until": "status is finished", "retries": 20, "delay": 1},
    )
    assert run.entries[-1]["result"]["instance"]["status"] == "running"
    assert ansible.emulator.state()["created"] == 1


# --- Keywords ----------------------------------------------------------------------------------------------------------


def test_a_loop_opens_one_connection(in_process: Ansible) -> None:
    in_process.emulator.set(page_size=40)
    for number in range(50):
        in_process.emulator.create(f"web-{number:02}")
    in_process.emulator.change("inst_00000001", status="running")
    loop = {FQCN + "cloudnexus_instance": {**WEB, "name": "web-{{ '%02d' % item }}", "wait": False}, "loop": "{{ range(50) | list }}"}
    run = in_process.play(loop)
    assert [item["changed"] for item in run.result["results"]] == [False] * 50
    requests = in_process.emulator.requests()
    assert len({entry["connection"] for entry in requests}) == 1
    # Two pages an item: what is there is read anew for each, and no page twice for one.
    assert len(requests) == 100
    assert [bool(entry["query"]) for entry in requests] == [False, True] * 50


def test_a_loop(ansible: Ansible) -> None:
    run = ansible.play({FQCN + "cloudnexus_instance": {**WEB, "name": "{{ item }}", "wait": False}, "loop": ["a", "b", "a"]})
    assert [item["action"] for item in run.result["results"]] == ["create", "create", "none"]


def test_until_reads_anew(ansible: Ansible) -> None:
    ansible.emulator.set(boot_seconds=1)
    run = ansible.play(
        task("instance", **WEB, wait=False),
        {
            **task("instance_info", name="web-01"),
            "register": "found",
            "until": "found.instances[0].status == 'running'",
            "retries": 20,
            "delay": 1,  # ansible-core 2.16 takes less than a second for nothing
        },
    )
    assert run.results[-1]["instances"][0]["status"] == "running"


def test_environment(ansible: Ansible) -> None:
    emulator = ansible.emulator
    variables = {"CLOUDNEXUS_API_URL": emulator.api_url, "CLOUDNEXUS_API_KEY": "{{ key }}", "CLOUDNEXUS_API_TIMEOUT": 7}
    run = ansible.play(
        {**task("health_info"), "environment": variables, "vars": {"key": emulator.api_key}},
        task("health_info"),
        credentials=False,
    )
    first, second = run.results
    assert first["health"]["status"] == "healthy"
    assert first["invocation"]["module_args"]["api_timeout"] == 7
    # It was set for the one task only.
    assert second["msg"] == (
        "api_key: expected a credential: api_key (or CLOUDNEXUS_API_KEY), or refresh_token with client_id "
        "(or CLOUDNEXUS_REFRESH_TOKEN with CLOUDNEXUS_CLIENT_ID)."
    )


def test_the_environment_of_one_item_is_not_that_of_the_next(ansible: Ansible) -> None:
    items, option = ansible.play(
        {INFO: {}, "environment": "{{ {'CLOUDNEXUS_API_TIMEOUT': '7'} if item == 1 else {} }}", "loop": [1, 2]},
        # What the task says as an option comes first.
        {**task("health_info", api_timeout=9), "environment": {"CLOUDNEXUS_API_TIMEOUT": "7"}},
    ).results
    assert [item["invocation"]["module_args"]["api_timeout"] for item in items["results"]] == [7, 30]
    assert option["invocation"]["module_args"]["api_timeout"] == 9


def test_empty_environment_variables_count_as_not_set(ansible: Ansible) -> None:
    ansible.environment = {f"CLOUDNEXUS_{name}": "" for name in ("REFRESH_TOKEN", "CLIENT_ID", "API_TIMEOUT", "API_RETRIES", "VALIDATE_CERTS", "CA_PATH")}
    assert ansible.module("health_info")["health"]["status"] == "healthy"


def test_module_defaults(ansible: Ansible) -> None:
    defaults = {"group/cloudnexus.cloud.all": {"api_timeout": 11, "api_url": ansible.emulator.api_url, "api_key": ansible.emulator.api_key}}
    run = ansible.play(task("health_info"), task("cdn_info", api_timeout=12), module_defaults=defaults, credentials=False)
    assert [result["invocation"]["module_args"]["api_timeout"] for result in run.results] == [11, 12]
    assert not any(result.get("failed") for result in run.results)


def test_no_log(ansible: Ansible) -> None:
    run = ansible.play({**task("instance", **WEB), "no_log": True}, arguments=("-vvvv",))
    assert set(run.entries[0]["result"]) <= {"censored", "changed", "_ansible_no_log"}
    assert ansible.emulator.instances("web-01")
    assert "inst_00000001" not in run.output


def test_check_mode_and_diff_of_the_command_line(ansible: Ansible) -> None:
    run = ansible.play({FQCN + "cloudnexus_instance": WEB}, arguments=("--check", "--diff"))
    assert run.result["changed"]
    assert '+    "name": "web-01"' in run.output
    assert not ansible.emulator.writes()
    run = ansible.play({FQCN + "cloudnexus_instance": WEB})
    assert "diff" not in run.result


def test_several_hosts_at_once(ansible: Ansible) -> None:
    run = ansible.play(task("instance", **{**WEB, "name": "{{ inventory_hostname }}"}), hosts="all", arguments=("-i", ansible.hosts(4)))
    assert {result["action"] for result in run.results} == {"create"}
    assert ansible.emulator.state()["created"] == 4


def test_the_task_timeout_ends_a_wait(ansible: Ansible) -> None:
    ansible.emulator.set(boot_seconds=60)
    run = ansible.play({**task("instance", **WEB), "timeout": 2})
    assert run.entries[0]["status"] == "failed"
    assert re.search(r"timed out|exceeded|timeout|expected time frame", str(run.result["msg"]), re.IGNORECASE)


def test_values_of_the_api_are_never_templates(ansible: Ansible) -> None:
    ansible.emulator.create("{{ 1 + 1 }}")
    run = ansible.play(
        {**task("instance_info"), "register": "found"},
        {"ansible.builtin.debug": {"msg": "{{ found.instances[0].name }}"}},
        {"ansible.builtin.set_fact": {"copied": "{{ found.instances[0].name }}"}},
        {"ansible.builtin.debug": {"msg": "{{ copied }}"}},
        # As the role web_tier registers hosts.
        {"ansible.builtin.add_host": {"name": "web", "groups": "tier", "from_api": "{{ found.instances[0].name }}"}},
        {"ansible.builtin.debug": {"msg": "{{ hostvars['web'].from_api }}"}},
        {"ansible.builtin.debug": {"msg": "{{ from_api }}"}, "delegate_to": "web", "vars": {"from_api": "{{ hostvars['web'].from_api }}"}},
    )
    assert [entry["result"]["msg"] for entry in run.entries if entry["action"].endswith("debug")] == ["{{ 1 + 1 }}"] * 4


# --- The same result ---------------------------------------------------------------------------------------------------

# What is refused before any request, whatever the profile, is in test_bad_input.
PARITY: list[tuple[str, dict[str, Any]]] = [
    ("health_info", {}),
    ("bucket_info", {"region": "eu-west", "limit": 3}),
    ("cdn_info", {}),
    ("cdn", {"cache_ttl": "90", "compression": "brotli", "check_mode": True}),
    ("cdn", {"cache_ttl": "90", "compression": "brotli"}),
    ("cdn", {"cache_ttl": 90}),
    ("instance_info", {}),
    ("instance", {**WEB, "check_mode": True}),
    ("instance", {**WEB, "auto_scale": {"min_instances": 1, "max_instances": "3"}, "wait": "yes"}),
    ("instance", WEB),
    ("instance", {**WEB, "plan": "enterprise", "check_mode": True}),
    ("instance", {**WEB, "plan": "enterprise"}),
    ("instance", {**WEB, "region": "eu-west"}),
    ("instance", {**WEB, "region": "eu-west", "recreate": True}),
    ("instance", {**WEB, "name": 5}),
    ("instance_info", {"name": "web-01", "logs": True}),
    ("instance", {"name": "web-01", "state": "absent", "check_mode": True}),
    ("instance", {"name": "web-01", "state": "absent"}),
]


# One request at a time, so that the ids are the same in both runs.
FLEET: dict[str, Any] = {"instances": [WEB, {**WEB, "name": "web-02"}], "concurrency": 1}
PARITY += [
    ("fleet", {**FLEET, "check_mode": True}),
    ("fleet", FLEET),
    ("fleet", {**FLEET, "instances": [{**WEB, "plan": "enterprise"}, {**WEB, "name": "web-03", "region": "eu-west"}]}),
    ("fleet", {**FLEET, "name_prefix": "web-", "prune": True}),
    ("fleet", {**FLEET, "instances": [{**WEB, "region": "eu-west"}]}),
    ("fleet", {**FLEET, "instances": [{**WEB, "region": "eu-west"}], "recreate": "yes", "wait": False}),
    ("fleet", {"instances": [], "name_prefix": "web-", "prune": True, "max_deletions": 9, "concurrency": 1}),
]


TASKS = [task(name, **options) for name, options in PARITY]


def test_both_doors_say_the_same(in_process: Ansible) -> None:
    said = {}
    for door in DOORS:
        in_process.door = door
        in_process.emulator.reset(boot_seconds=0.1)
        said[door] = [normalised(result) for result in in_process.play(*TASKS).results]
    assert len(said["module"]) == len(PARITY)
    for (name, options), fast, module in zip(PARITY, said["in-process"], said["module"], strict=True):
        assert fast == module, (name, options)


def test_both_doors_say_the_same_of_what_is_documented(in_process: Ansible) -> None:
    """What Ansible makes of a module's answer on the way is compared above."""
    in_process.emulator.reset(profile="documented", boot_seconds=0.1)
    by_ansible = in_process.play(*TASKS).results
    in_process.emulator.reset(profile="documented", boot_seconds=0.1)
    for (name, options), fast, module in zip(PARITY, by_ansible, run_modules(in_process, TASKS), strict=True):
        assert normalised(said(fast)) == normalised(module), (name, options)


def normalised(result: Any) -> Any:
    """A result without what differs from run to run, and without what Ansible adds to a module's."""
    if isinstance(result, dict):
        ignored = ("created_at", "uptime", "request_id", "lines", "ansible_facts", "exception")
        return {key: normalised(value) for key, value in result.items() if key not in ignored and not key.startswith("_ansible")}
    if isinstance(result, list):
        return [normalised(item) for item in result]
    # What ansible-core 2.22 puts in the place of a secret, and those before it.
    return "(not shown)" if result in ("$REDACTED$", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER") else result

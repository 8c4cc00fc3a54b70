# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In-process mode and module mode: when each is used, and that Ansible's keywords mean the same in both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.process import EmulatorProcess

from .commands import FQCN, MODES, Ansible, Run, task
from .modules import normalized, run_modules, said
from .scenarios import ACCOUNT

pytestmark = pytest.mark.core

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
INFO = FQCN + "cloudnexus_health_info"


def modes(run: Run) -> list[str]:
    """The mode of each task and the reason, as -vvv shows it."""
    return re.findall(r"cloudnexus_\w+: (in-process mode|module mode, because .*)", run.output)


# --- Which mode --------------------------------------------------------------------------------------------------------

#: Keywords of a task that need module mode, and the reason that is given.
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


def test_module_mode_is_used_if_in_process_mode_would_mean_something_else(in_process: Ansible) -> None:
    in_process.environment["CLOUDNEXUS_IN_PROCESS"] = ""  # an empty one counts as not set
    tasks = []
    for keywords, reason in ELSEWHERE:
        interpreter = {} if "interpreter" in reason else {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        tasks.append({INFO: {}, **keywords, "vars": {**interpreter, **keywords.get("vars", {})}})
    unclear = [{INFO: {}, "vars": {f"cloudnexus_{name}": "maybe"}} for name in ("in_process", "progress", "trace")]
    run = in_process.play(*tasks, *unclear, arguments=("-vvv",))
    assert modes(run) == [f"module mode, because {reason}" for _keywords, reason in ELSEWHERE]
    for (keywords, reason), result in zip(ELSEWHERE, run.results, strict=False):
        if "interpreter" not in reason:
            assert result["health"]["status"] == "healthy", keywords
    assert [result["msg"] for result in run.results[-3:]] == [
        "cloudnexus_in_process: expected true or false, as the variable and as CLOUDNEXUS_IN_PROCESS.",
        "cloudnexus_progress: expected true or false, as the variable and as CLOUDNEXUS_PROGRESS.",
        "cloudnexus_trace: expected true or false, as the variable and as CLOUDNEXUS_TRACE.",
    ]


IN_PROCESS: list[dict[str, Any]] = [
    {},
    {"vars": {"cloudnexus_in_process": "{{ 1 == 1 }}"}},
    {"vars": {"cloudnexus_in_process": ""}},
    {"delegate_to": "localhost", "connection": "local"},
    {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
    {"vars": {"ansible_python_interpreter": "auto_silent"}},
    {"become": False},
    {"async": 0},
]


def test_in_process_mode_is_used_if_it_means_the_same(in_process: Ansible) -> None:
    run = in_process.play(*({INFO: {}, **keywords} for keywords in IN_PROCESS), arguments=("-vvv",))
    assert modes(run) == ["in-process mode"] * len(IN_PROCESS)
    assert "AnsiballZ" not in run.output
    for keywords, result in zip(IN_PROCESS, run.results, strict=True):
        assert result["health"]["status"] == "healthy", keywords


def test_async_without_waiting_gives_a_job(in_process: Ansible) -> None:
    in_process.environment["ANSIBLE_ASYNC_DIR"] = str(in_process.folder / "async")
    run = in_process.play(
        {FQCN + "cloudnexus_instance": WEB, "async": 60, "poll": 0, "register": "job"},
        {"ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"}, "register": "status", "until": "status is finished", "retries": 60, "delay": 1},
    )
    assert run.entries[-1]["result"]["instance"]["status"] == "running"
    assert in_process.emulator.state()["created"] == 1


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
    # Two pages an item: each item reads what is there again, and no page twice.
    assert len(requests) == 100
    assert [bool(entry["query"]) for entry in requests] == [False, True] * 50


# --- Keywords ----------------------------------------------------------------------------------------------------------
# One playbook for each mode has all of them.


def _keywords(emulator: EmulatorProcess) -> list[dict[str, Any]]:
    connection = {"api_url": emulator.api_url, "api_key": emulator.api_key}
    variables = {"CLOUDNEXUS_API_URL": emulator.api_url, "CLOUDNEXUS_API_KEY": "{{ key }}", "CLOUDNEXUS_API_TIMEOUT": 7}
    found, hostvar = "{{ found.instances[0].name }}", "{{ hostvars['web'].from_api }}"
    return [
        {
            # Without a credential but the one in a task's environment.
            "tasks": [
                {"name": "environment", **task("health_info"), "environment": variables, "vars": {"key": emulator.api_key}},
                {"name": "no environment", **task("health_info")},
            ]
        },
        {
            "module_defaults": {"group/cloudnexus.cloud.all": {"api_timeout": 11, **connection}},
            "tasks": [{"name": "defaults", **task("health_info")}, {"name": "defaults and option", **task("cdn_info", api_timeout=12)}],
        },
        {
            "module_defaults": {"group/cloudnexus.cloud.all": connection},
            "tasks": [
                {"name": "an item's environment", INFO: {}, "environment": "{{ {'CLOUDNEXUS_API_TIMEOUT': '7'} if item == 1 else {} }}", "loop": [1, 2]},
                {"name": "option and environment", **task("health_info", api_timeout=9), "environment": {"CLOUDNEXUS_API_TIMEOUT": "7"}},
                {"name": "loop", FQCN + "cloudnexus_instance": {**WEB, "name": "{{ item }}", "wait": False}, "loop": ["a", "b", "a"]},
                {"name": "check mode", FQCN + "cloudnexus_instance": {**WEB, "name": "never"}, "check_mode": True, "diff": True},
                {"name": "no diff", FQCN + "cloudnexus_instance": WEB},
                task("instance", **{**WEB, "name": "{{ '{{' }} 1 + 1 }}"}, wait=False) | {"name": "a template as a name"},
                {**task("instance_info", name="until"), "register": "found", "until": "found.instances[0].status == 'running'", "retries": 20, "delay": 1}
                | {"name": "until"},
                {**task("instance_info", region="ap-south"), "register": "found"},
                {"name": "shown", "ansible.builtin.debug": {"msg": found}},
                {"ansible.builtin.set_fact": {"copied": found}},
                {"name": "shown", "ansible.builtin.debug": {"msg": "{{ copied }}"}},
                # As the role web_tier registers hosts.
                {"ansible.builtin.add_host": {"name": "web", "groups": "tier", "from_api": found}},
                {"name": "shown", "ansible.builtin.debug": {"msg": hostvar}},
                {
                    "name": "shown",
                    "ansible.builtin.debug": {"msg": "{{ from_api }}"},
                    "delegate_to": "web",
                    "vars": {"from_api": "{{ hostvars['web'].from_api }}"},
                },
                {"name": "timeout", **task("instance", id="inst_slow"), "timeout": 2},
            ],
        },
        {
            "hosts": "all:!web",
            "module_defaults": {"group/cloudnexus.cloud.all": connection},
            "tasks": [{"name": "several hosts", **task("instance", **{**WEB, "name": "{{ inventory_hostname }}"})}],
        },
    ]


@pytest.fixture(scope="module", params=MODES)
def keywords(request: pytest.FixtureRequest, emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Run:
    ansible = Ansible(emulator_process, tmp_path_factory.mktemp("keywords"), request.param)
    # AWX sets every variable of a credential type, the unused ones to an empty string.
    ansible.environment = {f"CLOUDNEXUS_{name}": "" for name in ("REFRESH_TOKEN", "CLIENT_ID", "API_TIMEOUT", "API_RETRIES", "VALIDATE_CERTS", "CA_PATH")}
    emulator_process.reset(boot_seconds=1)
    emulator_process.create("until")
    emulator_process.create("{{ 1 + 1 }}", region="ap-south")
    emulator_process.create("slow", id="inst_slow")
    emulator_process.change("inst_slow", status="provisioning")
    return ansible.command("ansible-playbook", ansible.plays(*_keywords(emulator_process)), "-i", ansible.hosts(4), credentials=False)


@pytest.mark.xdist_group("keywords")
class TestKeywords:
    def test_environment(self, keywords: Run) -> None:
        (first,), (second,) = keywords.named("environment"), keywords.named("no environment")
        assert first["health"]["status"] == "healthy"
        assert first["invocation"]["module_args"]["api_timeout"] == 7
        # It was set for the one task only.
        assert second["msg"] == (
            "api_key: expected a credential: api_key (or CLOUDNEXUS_API_KEY), or refresh_token with client_id "
            "(or CLOUDNEXUS_REFRESH_TOKEN with CLOUDNEXUS_CLIENT_ID)."
        )

    def test_the_environment_of_one_item_is_not_that_of_the_next(self, keywords: Run) -> None:
        (items,), (option,) = keywords.named("an item's environment"), keywords.named("option and environment")
        assert [item["invocation"]["module_args"]["api_timeout"] for item in items["results"]] == [7, 30]
        # What the task says as an option comes first.
        assert option["invocation"]["module_args"]["api_timeout"] == 9

    def test_module_defaults(self, keywords: Run) -> None:
        results = keywords.named("defaults") + keywords.named("defaults and option")
        assert [result["invocation"]["module_args"]["api_timeout"] for result in results] == [11, 12]
        assert not any(result["failed"] for result in results)

    def test_loop(self, keywords: Run) -> None:
        (loop,) = keywords.named("loop")
        assert [item["action"] for item in loop["results"]] == ["create", "create", "none"]

    def test_check_mode_and_diff(self, keywords: Run) -> None:
        (check,), (real,) = keywords.named("check mode"), keywords.named("no diff")
        assert (check["changed"], check["instance"]["name"], check["diff"]["after"]["name"]) == (True, "never", "never")
        assert (real["action"], "diff" in real) == ("create", False)

    def test_until_reads_again(self, keywords: Run) -> None:
        assert keywords.named("until")[-1]["instances"][0]["status"] == "running"

    def test_values_of_the_api_are_never_templates(self, keywords: Run) -> None:
        assert [result["msg"] for result in keywords.named("shown")] == ["{{ 1 + 1 }}"] * 4

    def test_the_task_timeout_ends_a_wait(self, keywords: Run) -> None:
        (result,) = keywords.named("timeout")
        assert result["failed"]
        assert re.search(r"timed out|exceeded|timeout|expected time frame", str(result["msg"]), re.IGNORECASE)

    def test_several_hosts_at_once(self, keywords: Run) -> None:
        assert [result["action"] for result in keywords.named("several hosts")] == ["create"] * 4


def test_check_mode_and_diff_of_the_command_line(in_process: Ansible) -> None:
    run = in_process.play({FQCN + "cloudnexus_instance": WEB}, arguments=("--check", "--diff"))
    assert run.result["changed"]
    assert '+    "name": "web-01"' in run.output
    assert not in_process.emulator.writes()


def test_no_log(ansible: Ansible) -> None:
    run = ansible.play({**task("instance", **WEB), "no_log": True}, arguments=("-vvvv",))
    assert set(run.entries[0]["result"]) <= {"censored", "changed", "_ansible_no_log"}
    assert ansible.emulator.instances("web-01")
    assert "inst_00000001" not in run.output


# --- The same result ---------------------------------------------------------------------------------------------------


def test_ansible_adds_nothing_to_a_modules_result(in_process: Ansible, tmp_path: Path) -> None:
    """test_modules compares the results of all tasks with those of the modules' main(). Here Ansible brings some of them to a module."""
    tasks = [*ACCOUNT.scenarios["create"], ACCOUNT.scenarios["update"][1], *ACCOUNT.scenarios["key of another region"], ACCOUNT.scenarios["fleet"][1]]
    ACCOUNT.prepare(in_process.emulator)
    by_main = run_modules(in_process, tasks)
    ACCOUNT.prepare(in_process.emulator)
    in_process.mode = "module"
    run = in_process.play(*tasks)
    assert modes(run) == []
    for options, by_ansible, module in zip(tasks, run.results, by_main, strict=True):
        assert normalized(said(by_ansible)) == normalized(module), options


# --- Values and names ---------------------------------------------------------------------------------------------------

#: What YAML and templates make of a value that looks like a text.
NO_TEXT = {
    "[web-01, web-02]": "a list",
    "2026-01-02": "a date",
    "!!set {web-01}": "a set",
    "!!binary d2Vi": "binary data",
    "5": "a number",
    "yes": "true or false",
}


def test_what_is_no_text_is_no_name(ansible: Ansible) -> None:
    playbook = ansible.folder / "no_text.yml"
    tasks = [f"    - {FQCN}cloudnexus_instance: {{name: {value}, plan: starter, region: us-east}}\n      ignore_errors: true\n" for value in NO_TEXT]
    tasks.append(f"    - {FQCN}cloudnexus_fleet: {{instances: [{{name: 2026-01-02, plan: starter, region: us-east}}]}}\n      ignore_errors: true\n")
    playbook.write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n" + "".join(tasks))
    run = ansible.command("ansible-playbook", str(playbook))
    expected = [f"name: expected a text, got {called}. Quote it if it is meant as a text." for called in NO_TEXT.values()]
    expected.append("instances[0].name: expected a text, got a date. Quote it if it is meant as a text.")
    # ansible-core 2.19 and later make a list of a set.
    assert [result["msg"].replace("a set", "a list") for result in run.results] == [message.replace("a set", "a list") for message in expected]
    assert not ansible.emulator.requests()


@pytest.mark.parametrize("module", ["instance", "fleet"])
def test_hosts_that_create_one_name_at_the_same_time_make_one_instance(ansible: Ansible, module: str) -> None:
    ansible.emulator.set(boot_seconds=0.3, list_lag=0.5)
    options = WEB if module == "instance" else {"instances": [WEB]}
    inventory = ansible.hosts(5)
    run = ansible.play(task(module, **options), arguments=("-i", inventory, "-f", "5"), hosts="host0,host1,host2,host3,host4", strategy="free")
    assert [result["failed"] for result in run.results] == [False] * 5
    assert sorted(result["changed"] for result in run.results) == [False] * 4 + [True]
    assert ansible.emulator.state()["created"] == 1

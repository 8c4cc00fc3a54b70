# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user of AWX sees: jobs with a survey, the inventory's sync, slices, and the fact cache. The workflow is in test_awx.py."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.emulator.process import EmulatorProcess

from .jobs import Awx, assert_no_secret

SOURCE = "instances.cloudnexus.yml"
ENABLED = {"enabled_var": "cloudnexus_status", "enabled_value": "running"}
#: As the survey gives it: numbers are numbers, what has choices is text, what was left empty is empty.
ANSWERS: dict[str, Any] = {
    "web_tier_name": "shop", "web_tier_count": 2, "web_tier_plan": "starter", "web_tier_regions": ["us-east", "eu-west"], "web_tier_image_id": "",
    "web_tier_ssh_keys": "ssh-ed25519 AAAAC3 me\nssh-ed25519 AAAAC4 you\n", "web_tier_asset_bucket": "",
    "web_tier_max_deletions": 0, "web_tier_recreate": "false",
    "web_tier_configure": "false", "web_tier_wait_for_connection": "false",
}  # fmt: skip


def test_a_job_that_is_canceled(awx: Awx, emulator: EmulatorProcess) -> None:
    emulator.set(boot_seconds=4)
    job = awx.job("web_tier.yml", ANSWERS, canceled=lambda: len(emulator.instances()) == 2)
    # ansible-runner kills Ansible, which can say no more; the next job finds what there is.
    assert job.status == "canceled"
    assert awx.job("web_tier.yml", ANSWERS).status == "successful"
    assert emulator.state()["created"] == 2


def test_what_a_survey_may_be_answered_with(awx: Awx, emulator: EmulatorProcess) -> None:
    job = awx.job("web_tier.yml", {**ANSWERS, "web_tier_name": "{{ lookup('env', 'CLOUDNEXUS_API_KEY') }}", "web_tier_count": 1001})
    assert job.status == "failed"
    (message,) = job.failures
    assert """web_tier_name: expected letters, digits, dots, hyphens and underscores, got "{{ lookup('env', 'CLOUDNEXUS_API_KEY') }}".""" in message
    assert "web_tier_count: expected a whole number from 0 to 999, got 1001." in message
    assert not emulator.requests()
    assert_no_secret(awx.folder, str(job.events))


def test_a_credential_that_the_api_refuses(awx: Awx, emulator: EmulatorProcess) -> None:
    emulator.set(keys={"another": {}})
    job = awx.job("web_tier.yml", {"web_tier_name": "shop", "web_tier_state": "absent"})
    assert "401" in job.failures[0]
    status, output, exported = awx.update_inventory(SOURCE)
    # A source that fails leaves AWX's hosts alone; an empty inventory would delete them.
    assert status != 0
    assert "401" in output
    assert not exported
    assert_no_secret(awx.folder, str(job.events), output)


def test_the_nightly_job_fails_if_the_tier_is_not_whole(awx: Awx, emulator: EmulatorProcess) -> None:
    # A schedule has no answer to the question about regions: AWX does not take its default.
    answers = {"web_tier_name": "shop", "web_tier_count": 2, "web_tier_plan": "starter"}
    members = [emulator.create(name) for name in ("shop-01", "shop-02")]
    whole = awx.job("web_tier_drift.yml", answers)
    assert whole.status == "successful", whole.output
    emulator.change(members[1]["id"], status="failed")
    job = awx.job("web_tier_drift.yml", answers)
    assert job.status == "failed"
    assert "The account differs from the declaration: " in job.failures[0]
    assert "shop-02" in job.output
    assert "cloudnexus_drift" in job.artifacts
    assert not emulator.writes()


def test_hosts_of_the_inventory_in_slices(awx: Awx, emulator: EmulatorProcess) -> None:
    evil = "{{ lookup('env', 'CLOUDNEXUS_API_KEY') }}"
    for number in range(1, 5):
        emulator.create(f"shop-{number:02}", region="eu-west")
    emulator.create("shop-05", image_id=evil)
    stopped = emulator.create("shop-06")
    emulator.change(stopped["id"], status="stopped")
    status, output, exported = awx.update_inventory(SOURCE)
    assert status == 0, output
    known = exported["_meta"]["hostvars"]
    # What is wrapped is no text to AWX, which then disables the host. Only what could be a template is.
    assert {*re.findall(r'"__ansible_unsafe": "(.*?)"', json.dumps(known))} <= {evil}
    assert known["shop-06"]["cloudnexus_status"] == "stopped"

    (awx.project / "look.yml").write_text(LOOK)
    seen: list[set[str]] = []
    facts: dict[str, dict[str, Any]] = {}
    for number in (1, 2):
        inventory = awx.inventory(exported, **ENABLED, slice_number=number, slice_count=2)
        job = awx.job("look.yml", {}, inventory=inventory, fact_cache=True)
        assert job.status == "successful", job.output
        seen.append(
            {event["event_data"]["host"] for event in job.events if event["event"] == "runner_on_ok" and "instance_info" in event["event_data"]["task_action"]}
        )
        facts |= job.facts()
        assert_no_secret(awx.folder, str(job.events))
    assert seen == [{"shop-01", "shop-03", "shop-05"}, {"shop-02", "shop-04"}]
    # ansible-core 2.19 and later name the files otherwise than AWX 24.6.1 looks for them.
    assert {name.removeprefix("s1_") for name in facts} == set().union(*seen)
    assert all("ansible_python" in str(known) and "inst_" not in str(known) for known in facts.values())


def test_ansible_navigator(awx: Awx, emulator: EmulatorProcess) -> None:
    run = awx.navigator("web_tier.yml", {**ANSWERS, "web_tier_count": 1}, "--check", "--diff", "-i", SOURCE)
    assert run.status == 0, run.output
    assert "+shop-01: plan=starter region=us-east" in run.output
    assert not emulator.writes()
    failed = awx.navigator("web_tier.yml", {**ANSWERS, "web_tier_count": 1001}, "-i", SOURCE)
    assert failed.status != 0
    assert "web_tier_count: expected a whole number from 0 to 999, got 1001." in " ".join(failed.output.split())
    # What it keeps to replay, and its log.
    assert all((awx.project / name).exists() for name in ("artifact.json", "navigator.log"))
    assert_no_secret(awx.folder.parent, run.output, failed.output)


LOOK = """
- hosts: all
  gather_facts: true
  # Not "min", which holds the environment.
  gather_subset: ["!all", "!min", python]
  tasks:
    - cloudnexus.cloud.cloudnexus_instance_info:
        name: "{{ inventory_hostname }}"
      register: found
    - ansible.builtin.assert:
        that: found.instances | map(attribute='id') | list == [cloudnexus_id]
"""

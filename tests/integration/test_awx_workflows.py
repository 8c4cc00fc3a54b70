# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows that ``cloudnexus.cloud.awx`` makes, run against the emulator: what is approved, what is applied, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.awx.account import Account
from tests.awx.stand_in import AwxStandIn
from tests.awx.workflow import WorkflowJob, job_variables, node_variables, run_workflow, waits_for
from tests.emulator.process import EmulatorProcess

from .commands import Run
from .jobs import Awx, Job, assert_no_secret

pytestmark = [pytest.mark.xdist_group("awx"), pytest.mark.once]
KEYS = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 you"]
ANSWERS = {"web_tier_name": "shop", "web_tier_regions": ["us-east", "eu-west"], "web_tier_ssh_keys": "\n".join(KEYS), "web_tier_image_id": ""}
#: The hosts of the emulator have no address that could be reached.
UNREACHED = {"web_tier_configure": False, "web_tier_wait_for_connection": False}


@pytest.fixture(scope="module")
def account(made: tuple[AwxStandIn, list[Run]]) -> Account:
    """What the runs have made, without the other organization, whose names are the same."""
    account = copy.deepcopy(made[0].account)
    other = account.named("organizations", "Other")["id"]
    owned = [(kind, key) for kind, items in account.objects.items() for key in items if account.organization(kind, key) == other]
    for kind, key in sorted(owned, key=lambda entry: entry[0] in ("projects", "inventories")):
        account.delete(kind, key)
    return account


def run_template(awx: Awx, account: Account, name: str, variables: dict[str, Any], **more: Any) -> Job:
    template = account.named("job_templates", name)
    return awx.job(template["playbook"], {**variables, **UNREACHED}, check=template["job_type"] == "check", **more)


class Jobs:
    """Runs the jobs of a workflow, and grants each approval. Syncs of the inventory, and what connects to hosts, are left out."""

    def __init__(self, awx: Awx, account: Account) -> None:
        self.awx, self.account = awx, account
        self.ran: dict[str, Job] = {}

    def __call__(self, identifier: str, name: str, variables: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if identifier not in ("preview", "changes", "apply"):
            return "successful", {}
        job = self.ran[identifier] = run_template(self.awx, self.account, name, variables)
        return job.status, job.artifacts


def run(awx: Awx, account: Account, workflow: str, answers: dict[str, Any]) -> tuple[WorkflowJob, Jobs]:
    jobs = Jobs(awx, account)
    return run_workflow(account, workflow, answers, jobs), jobs


def test_a_preview_is_applied_and_nothing_else(account: Account, awx: Awx, emulator: EmulatorProcess) -> None:
    def node(name: str, artifacts: dict[str, Any], **more: Any) -> Job:
        variables = node_variables(account, "web tier", ANSWERS, f"web tier: {name}", artifacts)
        assert {key: variables.get(key) for key in UNREACHED} == dict.fromkeys(UNREACHED, True)
        return run_template(awx, account, f"web tier: {name}", {**variables, "awx_workflow_job_id": 12}, **more)

    preview = node("preview", {})
    assert preview.status == "successful", preview.output
    assert "+shop-02: plan=starter region=eu-west" in preview.output
    assert preview.artifacts["cloudnexus_web_tier_changed"] is True
    assert preview.artifacts["cloudnexus_approved_in"] == "12"

    without = node("apply", {})
    assert "web_tier_approved_digest: expected the digest of the changes that were approved" in without.failures[0]
    there = emulator.create("shop-01", "professional", "us-east")
    other = node("apply", preview.artifacts)
    assert "the changes are not the ones that were approved, so nothing was changed; " in other.failures[0]
    assert "shop-01" in other.failures[0]
    assert not emulator.writes()

    emulator.delete(there["id"])
    emulator.set(boot_seconds=8)
    applied = node("apply", preview.artifacts, verbosity=4)
    assert applied.status == "successful", applied.output
    assert applied.changed == 1
    assert [(item["name"], item["region"]) for item in emulator.instances()] == [("shop-01", "us-east"), ("shop-02", "eu-west")]
    assert [write["body"]["ssh_keys"] for write in emulator.writes()] == [KEYS] * 2
    # How far it has come is among the events.
    assert any(event["event"] == "verbose" and "0 of 2 running" in event["stdout"] for event in applied.events), applied.output
    assert_no_secret(awx.folder, *(str(job.events) for job in (preview, without, other, applied)))


def test_from_nothing_to_a_tier_and_back(account: Account, awx: Awx, emulator: EmulatorProcess) -> None:
    up, _jobs = run(awx, account, "web tier", ANSWERS)
    assert (up.status, list(up.nodes)) == ("successful", ["preview", "changes", "approval", "apply", "sync", "configure"])
    assert len(emulator.instances()) == 2

    # Nothing to change: nobody is asked.
    again, jobs_again = run(awx, account, "web tier", ANSWERS)
    assert (again.status, again.nodes) == ("successful", {"preview": "successful", "changes": "failed", "unchanged": "successful"})
    assert "There is nothing to change. The workflow ends here, without an approval." in jobs_again.ran["changes"].failures

    down, _jobs = run(awx, account, "web tier: teardown", {"web_tier_name": "shop"})
    assert (down.status, list(down.nodes)) == ("successful", ["preview", "changes", "approval", "apply", "sync"])
    assert emulator.instances() == []

    # The account is what it was when the apply was approved, so the digest is good. The approval isn't.
    relaunched = {name: value for name, value in up.variables["apply"].items() if name != "awx_workflow_job_id"}
    job = run_template(awx, account, "web tier: apply", relaunched)
    assert job.status == "failed"
    assert f"web_tier_approved_digest: the changes were approved in the workflow job {up.number}, and this job is none of it" in job.failures[0]
    assert emulator.instances() == []


def test_a_preview_that_fails_is_no_workflow_without_changes(account: Account, awx: Awx, emulator: EmulatorProcess) -> None:
    emulator.set(keys={"another": {}})
    job, _jobs = run(awx, account, "web tier", ANSWERS)
    assert (job.status, job.nodes) == ("failed", {"preview": "failed"})


def test_jobs_that_change_a_tier_wait_for_each_other(account: Account) -> None:
    assert waits_for(account, "web tier: apply", ["web tier: apply"]) == ["web tier: apply"]
    assert waits_for(account, "web tier: preview", ["web tier: apply"]) == []
    # A template of its own, as version 1.0.0 had it for the teardown, would wait for nothing.
    account.add("job_templates", {"name": "another", "project": next(iter(account.objects["projects"])), "allow_simultaneous": False})
    assert waits_for(account, "another", ["web tier: apply"]) == []


def test_a_template_on_its_own_has_the_defaults_of_its_survey(account: Account) -> None:
    variables = job_variables(account, "job_templates", "web tier: configure", {"web_tier_name": "shop"})
    assert variables == {"web_tier_name": "shop", "web_tier_group": "web_tier", "cloudnexus_job_slice_count": 1}

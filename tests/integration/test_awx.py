# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus.cloud.awx`` with the modules of awx.awx against a stand-in for AWX, and the workflow that comes of it against the emulator."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.awx.modules import awx_modules
from tests.awx.stand_in import TOKEN, AwxStandIn
from tests.awx.workflow import job_variables, node_variables
from tests.checkout import ROOT, link_tree
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import REFRESH_TOKEN

from .commands import Ansible, Run
from .jobs import Awx, Job, assert_no_secret

pytestmark = [pytest.mark.xdist_group("awx"), pytest.mark.once]
PROJECT = ROOT / "extensions" / "awx" / "project"
URL = "https://git.example.com/cloudnexus.git"
#: As AWX itself hands them to a job, which the playbook may be.
OF_A_JOB = {"awx_job_id": 7, "awx_user_name": "admin", "awx_project_revision": "0" * 40, "awx_workflow_job_id": 6}


def apply(ansible: Ansible, awx: AwxStandIn, *arguments: str, **inputs: Any) -> Run:
    ansible.environment |= {
        "CONTROLLER_HOST": awx.url,
        "CONTROLLER_OAUTH_TOKEN": TOKEN,
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, [link_tree(), awx_modules()])),
        # The modules read all certificates for each of their requests, though to a server without TLS.
        "SSL_CERT_FILE": os.devnull,
    }
    return ansible.command("ansible-playbook", "cloudnexus.cloud.awx", "-e", json.dumps(inputs), *arguments, cwd=ansible.folder)


@pytest.fixture(scope="module")
def made(emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AwxStandIn, list[Run]]]:
    """An AWX that was empty, and what came of it: check mode, then twice for real."""
    ansible = Ansible(emulator_process, tmp_path_factory.mktemp("awx"), environment={"CLOUDNEXUS_REFRESH_TOKEN": REFRESH_TOKEN, "CLOUDNEXUS_CLIENT_ID": ""})
    inputs = {"awx_project_url": URL, "awx_organization": "Shop", "awx_machine_credential": "Demo Credential"}
    inputs |= {"awx_execution_environment": "AWX EE (latest)", **OF_A_JOB}
    with AwxStandIn(PROJECT) as awx:
        runs = [apply(ansible, awx, "--check", awx_project_url=URL)]
        assert awx.writes == [], "check mode wrote"
        runs.append(apply(ansible, awx, "-vvvv", **inputs))
        written = len(awx.writes)
        runs.append(apply(ansible, awx, **inputs))
        assert len(awx.writes) == written, "the second run wrote"
        assert [request for request in awx.requests if request.status >= 400] == []
        yield awx, runs


def test_check_mode_says_what_it_can(made: tuple[AwxStandIn, list[Run]]) -> None:
    _awx, (check, *_real) = made
    assert check.status == 0, check.output
    assert check.changed == 3  # the project, the inventory and the credential type
    assert "Check mode has not looked at" in check.output


def test_everything_is_made_once(made: tuple[AwxStandIn, list[Run]]) -> None:
    awx, (_check, first, second) = made
    assert first.status == 0, first.output
    assert first.changed > 0
    assert second.status == 0, second.output
    assert second.changed == 0
    account = awx.account
    number = {name: account.named(kind, name)["id"] for kind, name in (("organizations", "Shop"), ("execution_environments", "AWX EE (latest)"))}
    galaxy, machine = account.named("credentials", "Ansible Galaxy")["id"], account.named("credentials", "Demo Credential")["id"]
    assert account.members[number["Shop"], "galaxy_credentials"] == [galaxy]
    credential, project = account.named("credentials", "CloudNexus"), account.named("projects", "CloudNexus")
    inventory, source = account.named("inventories", "CloudNexus"), account.named("inventory_sources", "CloudNexus")
    assert all(item["organization"] == number["Shop"] for item in (credential, project, inventory))
    assert (project["scm_url"], project["scm_type"], project["credential"]) == (URL, "git", None)
    assert (source["inventory"], source["source_project"], source["credential"]) == (inventory["id"], project["id"], credential["id"])
    assert (source["enabled_var"], source["source_path"]) == ("cloudnexus_status", "instances.cloudnexus.yml")
    assert "/runner/requirements_collections" in json.loads(source["source_vars"])["ANSIBLE_COLLECTIONS_PATH"]
    for name in ("preview", "apply", "teardown"):
        template = account.named("job_templates", f"web tier: {name}")
        assert template["job_type"] == ("check" if name == "preview" else "run")
        assert template["execution_environment"] == number["AWX EE (latest)"]
        assert account.members[template["id"], "credentials"] == [credential["id"], *([machine] if name != "teardown" else [])]
    nodes = {name: account.named("workflow_job_template_nodes", name) for name in ("preview", "approval", "apply")}
    assert account.members[nodes["preview"]["id"], "success_nodes"] == [nodes["approval"]["id"]]
    assert account.members[nodes["approval"]["id"], "success_nodes"] == [nodes["apply"]["id"]]
    assert nodes["apply"]["unified_job_template"] == account.named("job_templates", "web tier: apply")["id"]
    assert account.objects["workflow_approval_templates"][nodes["approval"]["unified_job_template"]]["timeout"] == 86400


def test_the_credential_is_that_of_the_environment_and_is_never_shown(made: tuple[AwxStandIn, list[Run]], emulator_process: EmulatorProcess) -> None:
    awx, runs = made
    # An empty variable is not given.
    given = {"api_key": emulator_process.api_key, "refresh_token": REFRESH_TOKEN, "api_url": emulator_process.api_url}
    assert awx.account.named("credentials", "CloudNexus")["inputs"] == given
    for run in runs:
        shown = run.output + json.dumps(run.entries)
        assert not [secret for secret in (emulator_process.api_key, REFRESH_TOKEN, TOKEN) if secret in shown]


def test_wrong_inputs_are_refused_by_name(in_process: Ansible) -> None:
    in_process.environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(map(str, [link_tree(), awx_modules()]))
    run = in_process.command("ansible-playbook", "cloudnexus.cloud.awx", "-e", '{"awx_organisation": "Shop", "awx_job_id": 7, "awx_update_secrets": 2}')
    assert run.status == 2
    assert "awx_organisation: no such input, there are awx_execution_environment, " in run.output
    assert "awx_project_url: the URL of the git repository with the playbooks is required." in run.output
    assert "awx_update_secrets: expected true or false, got 2." in run.output
    assert "awx_job_id" not in run.output


# --- The workflow ---


def test_the_workflow_applies_what_its_preview_has_shown_and_nothing_else(made: tuple[AwxStandIn, list[Run]], awx: Awx, emulator: EmulatorProcess) -> None:
    account = made[0].account
    keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 you"]
    answers = {"web_tier_name": "shop", "web_tier_regions": ["us-east", "eu-west"], "web_tier_ssh_keys": "\n".join(keys), "web_tier_image_id": ""}

    def node(name: str, artifacts: dict[str, Any], **more: Any) -> Job:
        template = account.named("job_templates", f"web tier: {name}")
        variables = node_variables(account, "web tier", answers, template["name"], artifacts)
        # The hosts of the emulator have no address that could be reached.
        reached = {"web_tier_configure": True, "web_tier_wait_for_connection": True}
        assert {name: variables.get(name) for name in reached} == reached
        return awx.job(template["playbook"], {**variables, **dict.fromkeys(reached, False)}, check=template["job_type"] == "check", **more)

    preview = node("preview", {})
    assert preview.status == "successful", preview.output
    assert "+shop-02: plan=starter region=eu-west" in preview.output
    assert list(preview.artifacts) == ["web_tier_approved_digest"]

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
    assert [write["body"]["ssh_keys"] for write in emulator.writes()] == [keys] * 2
    # How far it has come is among the events.
    assert any(event["event"] == "verbose" and "0 of 2 running" in event["stdout"] for event in applied.events), applied.output
    assert_no_secret(awx.folder, *(str(job.events) for job in (preview, without, other, applied)))


def test_a_template_on_its_own_has_the_defaults_of_its_survey(made: tuple[AwxStandIn, list[Run]]) -> None:
    account = made[0].account
    variables = job_variables(account, "job_templates", "web tier: teardown", {"web_tier_name": "shop"})
    assert variables == {"web_tier_name": "shop", "web_tier_wait_timeout": 600}

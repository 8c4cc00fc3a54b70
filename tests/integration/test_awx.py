# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus.cloud.awx`` with the modules of awx.awx against a stand-in for AWX. The workflows that come of it are in test_awx_workflows.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.awx.account import Account
from tests.awx.permissions import User
from tests.awx.stand_in import PASSWORD, TOKEN, AwxStandIn
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import REFRESH_TOKEN

from .awx_runs import PROJECT, URL, apply
from .commands import Ansible, Run

pytestmark = [pytest.mark.xdist_group("awx"), pytest.mark.once]


def test_check_mode_says_what_it_can(made: tuple[AwxStandIn, list[Run]]) -> None:
    _awx, (check, *_real) = made
    assert check.status == 0, check.output
    assert check.changed == 4  # the execution environment, the project, the inventory and the credential type
    assert "Check mode has not looked at" in check.output


def test_everything_is_made_once_beside_another_organization_with_the_same_names(made: tuple[AwxStandIn, list[Run]]) -> None:
    awx, (_check, first, second) = made
    assert first.status == 0, first.output
    assert first.changed > 0
    assert second.status == 0, second.output
    assert second.changed == 0
    account = awx.account
    shop = account.named("organizations", "Shop")["id"]
    own = {"organization": shop}
    machine = account.named("credentials", "Demo Credential")["id"]
    assert (shop, "galaxy_credentials") not in account.members  # one that is there stays as it is
    credential, project = account.named("credentials", "CloudNexus", **own), account.named("projects", "CloudNexus", **own)
    inventory = account.named("inventories", "CloudNexus", **own)
    source = account.named("inventory_sources", "CloudNexus", inventory=inventory["id"])
    environment = account.named("execution_environments", "CloudNexus (Shop)")
    assert (environment["organization"], environment["image"], environment["pull"]) == (shop, "quay.io/ansible/awx-ee:latest", "always")
    assert (project["scm_url"], project["scm_type"], project["credential"]) == (URL, "git", None)
    assert (source["source_project"], source["credential"], source["execution_environment"]) == (project["id"], credential["id"], environment["id"])
    assert (source["enabled_var"], source["source_path"], source["overwrite_vars"]) == ("cloudnexus_status", "instances.cloudnexus.yml", False)
    assert "/runner/requirements_collections" in json.loads(source["source_vars"])["ANSIBLE_COLLECTIONS_PATH"]
    expected = {"preview": [credential, machine], "apply": [credential, machine], "changes": [], "configure": [machine], "drift": [credential]}
    for name, credentials in expected.items():
        template = account.named("job_templates", f"web tier: {name}", project=project["id"])
        assert template["job_type"] == ("check" if name == "preview" else "run")
        assert (template["inventory"], template["execution_environment"]) == (inventory["id"], environment["id"])
        assert sorted(account.members.get((template["id"], "credentials"), [])) == sorted(
            item["id"] if isinstance(item, dict) else item for item in credentials
        )
    # What version 1.0.0 made is left to its users.
    assert account.named("job_templates", "web tier: teardown", project=account.named("projects", "old")["id"])
    for run in (first, second):
        assert 'The job template \\"web tier: teardown\\" of version 1.0.0 is deprecated' in run.output


def links(account: Account, workflow: int) -> dict[str, dict[str, list[str]]]:
    """The nodes of a workflow, and where each leads to."""
    nodes = {key: node for key, node in account.objects["workflow_job_template_nodes"].items() if node["workflow_job_template"] == workflow}
    found: dict[str, dict[str, list[str]]] = {node["identifier"]: {} for node in nodes.values()}
    for (key, name), children in account.members.items():
        if key in nodes and children:
            found[nodes[key]["identifier"]][name] = [nodes[child]["identifier"] for child in children]
    return found


def test_the_nodes_of_the_workflows(made: tuple[AwxStandIn, list[Run]]) -> None:
    account = made[0].account
    shop = account.named("organizations", "Shop")["id"]
    tier, teardown = (account.named("workflow_job_templates", name, organization=shop) for name in ("web tier", "web tier: teardown"))
    common = {
        "preview": {"success_nodes": ["changes"]},
        "changes": {"success_nodes": ["approval"], "failure_nodes": ["unchanged"]},
        "approval": {"success_nodes": ["apply"]},
        "apply": {"success_nodes": ["sync"]},
        "unchanged": {},
    }
    assert links(account, tier["id"]) == {**common, "sync": {"success_nodes": ["configure"]}, "configure": {}}
    assert links(account, teardown["id"]) == {**common, "sync": {}}
    inventory = account.named("inventories", "CloudNexus", organization=shop)["id"]
    source = account.named("inventory_sources", "CloudNexus", inventory=inventory)["id"]
    for workflow in (tier, teardown):
        nodes = {name: account.named("workflow_job_template_nodes", name, workflow_job_template=workflow["id"]) for name in common}
        # One template for all changes, which AWX runs one job at a time of.
        assert nodes["apply"]["unified_job_template"] == account.named("job_templates", "web tier: apply", inventory=inventory)["id"]
        assert nodes["unchanged"]["unified_job_template"] == source
        assert account.objects["workflow_approval_templates"][nodes["approval"]["unified_job_template"]]["timeout"] == 86400
    assert json.loads(tier["extra_vars"])["web_tier_configure"] is True


def test_who_approves_reads_the_preview(made: tuple[AwxStandIn, list[Run]]) -> None:
    awx = made[0]
    account = awx.account
    shop = account.named("organizations", "Shop")["id"]
    inventory = account.named("inventories", "CloudNexus", organization=shop)["id"]
    account.jobs[901] = {"job_template": account.named("job_templates", "web tier: preview", inventory=inventory)["id"], "stdout": "+shop-01"}
    approvers = account.named("teams", "approvers", organization=shop)["id"]
    account.users += [User("ann", 801, "token-of-ann", teams={approvers}), User("bob", 802, "token-of-bob")]

    def reads(user: str, what: str) -> int:
        return requests.get(f"{awx.url}/api/v2/jobs/901/{what}", headers={"Authorization": f"Bearer token-of-{user}"}, timeout=10).status_code

    assert (reads("ann", ""), reads("ann", "stdout/")) == (200, 200)
    assert reads("bob", "stdout/") == 403
    # Approve of the workflow alone is not enough, as AWX has it.
    preview = account.roles.of(account.jobs[901]["job_template"])["read_role"]
    assert account.roles.teams.pop(preview) == [approvers, account.named("teams", "operators")["id"]]
    assert reads("ann", "stdout/") == 403
    account.roles.teams[preview] = [approvers]


def test_somebody_is_told(made: tuple[AwxStandIn, list[Run]]) -> None:
    account = made[0].account
    shop = account.named("organizations", "Shop")["id"]
    chat = account.named("notification_templates", "chat", organization=shop)["id"]
    told = {number: name for number, name in account.members if chat in account.members[number, name]}
    inventory = account.named("inventories", "CloudNexus", organization=shop)["id"]
    drift, tier = account.named("job_templates", "web tier: drift", inventory=inventory), account.named("workflow_job_templates", "web tier", organization=shop)
    assert told[drift["id"]] == "notification_templates_error"
    assert told[tier["id"]] == "notification_templates_approvals"
    schedule = account.named("schedules", "web tier: drift, every night")
    assert (schedule["unified_job_template"], schedule["enabled"], schedule["extra_data"]["web_tier_name"]) == (drift["id"], True, "shop")


def test_the_credential_is_that_of_the_environment_and_is_never_shown(made: tuple[AwxStandIn, list[Run]], emulator_process: EmulatorProcess) -> None:
    awx, runs = made
    # An empty variable is not given.
    given = {"api_key": emulator_process.api_key, "refresh_token": REFRESH_TOKEN, "api_url": emulator_process.api_url}
    shop = awx.account.named("organizations", "Shop")["id"]
    assert awx.account.named("credentials", "CloudNexus", organization=shop)["inputs"] == given
    for run in runs:
        shown = run.output + json.dumps(run.entries)
        assert not [secret for secret in (emulator_process.api_key, REFRESH_TOKEN, TOKEN) if secret in shown]


# --- What is refused ---


def test_wrong_inputs_are_refused_by_name(in_process: Ansible) -> None:
    wrong: dict[str, Any] = {
        "awx_organisation": "Shop",
        "awx_job_id": 7,
        "awx_update_secrets": 2,
        "awx_job_slice_count": "all",
        "awx_drift_tier": {"name": "shop"},
    }
    with AwxStandIn(PROJECT) as awx:
        run = apply(in_process, awx, **wrong)
        assert not awx.requests
    assert run.status == 2
    assert "awx_organisation: no such input, there are awx_approver_team, " in run.output
    assert "awx_project_url: the URL of the git repository with the playbooks is required." in run.output
    assert "awx_update_secrets: expected true or false, got 2." in run.output
    assert 'awx_job_slice_count: expected a whole number from 1 to 9999, got "all".' in run.output.replace('\\"', '"')
    assert "awx_drift_tier: expected a dictionary with web_tier_name" in run.output
    assert "awx_job_id" not in run.output


def test_check_mode_sees_what_the_run_would_fail_for(in_process: Ansible) -> None:
    with AwxStandIn(PROJECT) as awx:
        account = awx.account
        other = account.add("organizations", {"name": "Other"})
        machine = account.named("credential_types", "Machine")["id"]
        elsewhere = account.add("credentials", {"name": "ssh", "organization": other, "credential_type": machine})
        account.add("projects", {"name": "CloudNexus", "organization": account.named("organizations", "Default")["id"], "credential": elsewhere})
        account.users.append(User("ann", 801, "token-of-ann", admin_of={account.named("organizations", "Default")["id"]}))
        in_process.environment |= {"CONTROLLER_USERNAME": "ann", "CONTROLLER_PASSWORD": PASSWORD}
        run = apply(in_process, awx, "--check", token="", awx_project_url=URL, awx_machine_credential="ssh", awx_approver_team="nobody")
        nowhere = apply(in_process, awx, "--check", token="", awx_project_url=URL, awx_organization="Nowhere")
        assert "awx_organization: there is no organization Nowhere that you can see, and only a system administrator can create one." in nowhere.output
        assert awx.writes == []
        # The token that the password was exchanged for is gone again.
        assert [request for request in awx.requests if request.method == "POST"]
        assert account.tokens == {}
    assert run.status == 2
    output = run.output.replace('\\"', '"')
    assert (
        'awx_machine_credential: there is no machine credential "ssh" in the organization Default, and none that is shared. '
        f"Other organizations have it, with the id {elsewhere}: give the id if you mean that one."
    ) in output
    assert 'awx_approver_team: there is no team "nobody" in the organization Default, and none that is shared.' in output
    assert "only a system administrator can create one. ann is none." in output
    assert "awx_project_credential: the project CloudNexus has a credential" in output
    assert PASSWORD not in output


def test_a_failed_sync_is_repeated_until_it_succeeds(in_process: Ansible) -> None:
    with AwxStandIn(PROJECT) as awx:
        inputs = {"awx_project_url": URL, "awx_project_branch": "nope", "awx_organization": "New"}
        first = apply(in_process, awx, **inputs)
        new = awx.account.named("organizations", "New")["id"]
        assert awx.account.members[new, "galaxy_credentials"] == [awx.account.named("credentials", "Ansible Galaxy")["id"]]
        check = apply(in_process, awx, "--check", **inputs)
        second = apply(in_process, awx, **inputs)
        for run in (first, second):
            assert run.status == 2
            assert f"The sync of the project CloudNexus from {URL}, branch nope is failed" in run.output
            assert "Failed to checkout branch nope" in run.output
            assert "[0;31m" not in run.output
        assert check.status == 0, check.output
        assert "The last sync of the project CloudNexus is failed: it would be synced." in check.output
        assert len(awx.syncs) == 2
        # What the branch has now is what counts, though nothing of the project is another one.
        awx.account.repository.branches["nope"] = "2" * 40
        awx.account.repository.folder = in_process.folder
        third = apply(in_process, awx, **inputs)
        assert third.status == 2
        assert "awx_project_url: the repository has no web_tier.yml, no web_tier_changes.yml, no web_tier_configure.yml" in third.output
        project = awx.account.named("projects", "CloudNexus")["id"]
        assert awx.account.repository.of(project).revision == "2" * 40

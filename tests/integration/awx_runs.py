# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ``cloudnexus.cloud.awx`` against a stand-in for AWX, which takes its time: what comes of them is shared."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.awx.account import Account
from tests.awx.modules import awx_modules
from tests.awx.stand_in import TOKEN, AwxStandIn
from tests.checkout import ROOT, link_tree
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import REFRESH_TOKEN

from .commands import Ansible, Run

PROJECT = ROOT / "extensions" / "awx" / "project"
URL = "https://git.example.com/cloudnexus.git"
#: As AWX itself hands them to a job, which the playbook may be.
OF_A_JOB = {"awx_job_id": 7, "awx_user_name": "admin", "awx_project_revision": "0" * 40, "awx_workflow_job_id": 6}


def apply(ansible: Ansible, awx: AwxStandIn, *arguments: str, token: str = TOKEN, **inputs: Any) -> Run:
    ansible.environment |= {
        "CONTROLLER_HOST": awx.url,
        "CONTROLLER_OAUTH_TOKEN": token,
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, [link_tree(), awx_modules()])),
        # The modules read all certificates for each of their requests, though to a server without TLS.
        "SSL_CERT_FILE": os.devnull,
        "ANSIBLE_PIPELINING": "true",
    }
    return ansible.command("ansible-playbook", "cloudnexus.cloud.awx", "-e", json.dumps(inputs), *arguments, cwd=ansible.folder)


def another_organization(account: Account, name: str) -> None:
    """With all the names that the playbook gives, apart from the credential, whose type is not there yet."""
    owner = {"organization": account.add("organizations", {"name": name})}
    project = account.add("projects", {"name": "CloudNexus", "scm_type": "git", **owner})
    inventory = account.add("inventories", {"name": "CloudNexus", **owner})
    account.add("inventory_sources", {"name": "CloudNexus", "inventory": inventory})
    for template in ("preview", "apply", "changes", "configure", "drift", "teardown"):
        account.add("job_templates", {"name": f"web tier: {template}", "project": project, "inventory": inventory})
    for workflow in ("web tier", "web tier: teardown"):
        account.add("workflow_job_templates", {"name": workflow, **owner})
    account.add("notification_templates", {"name": "chat", **owner})
    account.add("teams", {"name": "approvers", **owner})


@pytest.fixture(scope="session")
def made(emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AwxStandIn, list[Run]]]:
    """An AWX that was empty, and what came of it: check mode, then twice for real beside another organization."""
    ansible = Ansible(emulator_process, tmp_path_factory.mktemp("awx"), environment={"CLOUDNEXUS_REFRESH_TOKEN": REFRESH_TOKEN, "CLOUDNEXUS_CLIENT_ID": ""})
    inputs: dict[str, Any] = {"awx_project_url": URL, "awx_organization": "Shop", "awx_machine_credential": "Demo Credential"}
    inputs |= {"awx_approver_team": "approvers", "awx_operator_team": "operators", "awx_notification_template": "chat", **OF_A_JOB}
    inputs |= {"awx_drift_tier": {"web_tier_name": "shop", "web_tier_count": 2, "web_tier_regions": ["us-east"]}}
    with AwxStandIn(PROJECT) as awx:
        runs = [apply(ansible, awx, "--check", awx_project_url=URL)]
        assert awx.writes == [], "check mode wrote"
        another_organization(awx.account, "Other")
        shop = {"organization": awx.account.add("organizations", {"name": "Shop"})}
        # Of version 1.0.0, with a project that has no playbook any more.
        old = awx.account.add("projects", {"name": "old", **shop})
        awx.account.add("job_templates", {"name": "web tier: teardown", "project": old})
        for kind, name in (("teams", "approvers"), ("teams", "operators"), ("notification_templates", "chat")):
            awx.account.add(kind, {"name": name, **shop})
        before = json.dumps(_of(awx.account, "Other"))
        runs.append(apply(ansible, awx, "-vvvv", **inputs))
        type_made = awx.account.named("credential_types", "CloudNexus")["id"]
        other = awx.account.named("organizations", "Other")["id"]
        written = len(awx.writes)
        credential = awx.account.add("credentials", {"name": "CloudNexus", "organization": other, "credential_type": type_made})
        runs.append(apply(ansible, awx, **inputs))
        assert len(awx.writes) == written, "the second run wrote"
        assert [request for request in awx.requests if request.status >= 400] == []
        awx.account.delete("credentials", credential)
        assert json.dumps(_of(awx.account, "Other")) == before, "the other organization is not what it was"
        yield awx, runs


def _of(account: Account, organization: str) -> list[Any]:
    number = account.named("organizations", organization)["id"]
    return [[kind, key, item] for kind, items in account.objects.items() for key, item in items.items() if account.organization(kind, key) == number]

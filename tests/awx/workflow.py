# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWX 24.6.1 runs templates and workflows.

Variables of jobs: ``awx/main/models/mixins.py`` and ``workflow.py`` (``get_job_kwargs``), and ``unified_jobs.py`` (``awx_meta_vars``).
The order of nodes and how a workflow ends: ``awx/main/scheduler/dag_workflow.py``. What waits for what: ``awx/main/scheduler/dependency_graph.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .account import Account

Json = dict[str, Any]
#: Runs what a node starts, with its variables: its status, and what it hands on.
Runner = Callable[[str, str, Json], tuple[str, Json]]
_CHILDREN = {"successful": ("success_nodes", "always_nodes"), "failed": ("failure_nodes", "always_nodes")}


def job_variables(account: Account, kind: str, name: str, given: Json) -> Json:
    """Those of the template, then the defaults of its survey, then what was given: answers, or what a workflow has."""
    template = account.named(kind, name)
    variables: Json = json.loads(template["extra_vars"] or "{}")
    if template["survey_enabled"]:
        for question in account.surveys[template["id"]]["spec"]:
            # The default of several choices is a text, which AWX takes for no valid answer.
            if "default" in question and question["type"] != "multiselect":
                variables[question["variable"]] = question["default"]
    return {**variables, **given}


def node_variables(account: Account, workflow: str, answers: Json, template: str, artifacts: Json) -> Json:
    """Those of a job that a node starts: what the jobs before it handed on, which the workflow's own variables win over."""
    return job_variables(account, "job_templates", template, {**artifacts, **job_variables(account, "workflow_job_templates", workflow, answers)})


@dataclass(slots=True)
class WorkflowJob:
    """A workflow that has run: the status of each node that was started, in their order."""

    number: int
    status: str = ""
    nodes: dict[str, str] = field(default_factory=dict)
    #: The variables of each job.
    variables: dict[str, Json] = field(default_factory=dict)


def run_workflow(account: Account, workflow: str, answers: Json, runner: Runner) -> WorkflowJob:
    """Start the nodes that no other leads to, then those that each leads to, with all that its ancestors have handed on."""
    job = WorkflowJob(next(account.ids))
    number = account.named("workflow_job_templates", workflow)["id"]
    nodes = {key: node for key, node in account.objects["workflow_job_template_nodes"].items() if node["workflow_job_template"] == number}
    linked = {child for key in nodes for name in ("success_nodes", "failure_nodes", "always_nodes") for child in account.members.get((key, name), [])}
    waiting: list[tuple[int, Json]] = [(key, {}) for key in nodes if key not in linked]
    failed = False
    while waiting:
        key, artifacts = waiting.pop(0)
        identifier = nodes[key]["identifier"]
        kind, template = _started(account, nodes[key])
        variables = node_variables(account, workflow, answers, template, artifacts) if kind == "job_templates" else {}
        # Computed for each job as it starts, so that a relaunched one has none.
        job.variables[identifier] = {**variables, "awx_workflow_job_id": job.number}
        status, handed_on = runner(identifier, template, job.variables[identifier])
        job.nodes[identifier] = status
        children = [child for name in _CHILDREN[status] for child in account.members.get((key, name), [])]
        failed |= status == "failed" and not children
        waiting += [(child, {**artifacts, **handed_on}) for child in children]
    job.status = "failed" if failed else "successful"
    return job


def _started(account: Account, node: Json) -> tuple[str, str]:
    """The kind and the name of what a node starts."""
    number = node["unified_job_template"]
    return next((kind, items[number]["name"]) for kind, items in account.objects.items() if number in items)


def waits_for(account: Account, template: str, running: list[str]) -> list[str]:
    """The running jobs that a job of this template waits for: those of the same template, and of no other, unless it allows simultaneous ones."""
    return [] if account.named("job_templates", template)["allow_simultaneous"] else [name for name in running if name == template]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that AWX 24.6.1 hands to a job (``awx/main/models/mixins.py``), and to one of a workflow (``awx/main/models/workflow.py``)."""

from __future__ import annotations

import json
from typing import Any

from .stand_in import Account

Json = dict[str, Any]


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

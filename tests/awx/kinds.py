# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects in AWX 24.6.1: their fields with the defaults, and what makes a name unique.

From ``awx/main/models`` and ``awx/api/serializers.py``. Fields that AWX has and that no module sends or compares are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_ASK = ("variables", "limit", "tags", "skip_tags", "inventory", "scm_branch", "labels")
_ASK_JOB = ("diff_mode", "job_type", "verbosity", "credential", "execution_environment", "forks", "job_slice_count", "timeout", "instance_groups")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its fields that can be written, with their defaults, and what makes a name unique."""

    type: str
    defaults: Json
    unique: tuple[str, ...] = ("name", "organization")
    #: Written once, and never again.
    fixed: tuple[str, ...] = ()
    #: Lists of other objects, each below the object's own address.
    lists: tuple[str, ...] = ()
    #: Roles that users and teams can have, each with those that it gives as well.
    roles: tuple[str, ...] = ()


_NOTIFICATIONS = ("notification_templates_success", "notification_templates_error")

# fmt: off
KINDS = {
    "organizations": Kind(
        "organization", {"name": "", "description": "", "max_hosts": 0, "default_environment": None}, ("name",), lists=("galaxy_credentials",)
    ),
    # Unlike other objects of an organization, its name is unique in all of AWX (models/base.py: CommonModel).
    "execution_environments": Kind(
        "execution_environment", {"name": "", "description": "", "organization": None, "image": "", "credential": None, "pull": ""}, ("name",)
    ),
    "teams": Kind("team", {"name": "", "description": "", "organization": None}),
    "notification_templates": Kind(
        "notification_template", {"name": "", "description": "", "organization": None, "notification_type": "", "notification_configuration": {}}
    ),
    "credential_types": Kind("credential_type", {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}}, ("name", "kind")),
    "credentials": Kind(
        "credential",
        {"name": "", "description": "", "organization": None, "credential_type": None, "inputs": {}},
        ("name", "organization", "credential_type"),
    ),
    "projects": Kind(
        "project",
        {
            "name": "", "description": "", "organization": None, "scm_type": "", "scm_url": "", "scm_branch": "", "scm_refspec": "", "scm_clean": False,
            "scm_delete_on_update": False, "scm_track_submodules": False, "scm_update_on_launch": False, "scm_update_cache_timeout": 0, "timeout": 0,
            "allow_override": False, "credential": None, "default_environment": None, "signature_validation_credential": None, "local_path": "",
        },
    ),
    "inventories": Kind(
        "inventory",
        {"name": "", "description": "", "organization": None, "kind": "", "host_filter": None, "variables": "", "prevent_instance_group_fallback": False},
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            "name": "", "description": "", "inventory": None, "source": "", "source_path": "", "source_vars": "", "scm_branch": "", "credential": None,
            "enabled_var": "", "enabled_value": "", "host_filter": "", "overwrite": False, "overwrite_vars": False, "timeout": 0, "verbosity": 1, "limit": "",
            "execution_environment": None, "source_project": None, "update_on_launch": False, "update_cache_timeout": 0,
        },
        ("name", "inventory"), fixed=("inventory",),
    ),
    "job_templates": Kind(
        "job_template",
        {
            "name": "", "description": "", "job_type": "run", "inventory": None, "project": None, "playbook": "", "scm_branch": "", "forks": 0, "limit": "",
            "verbosity": 0, "extra_vars": "", "job_tags": "", "force_handlers": False, "skip_tags": "", "start_at_task": "", "timeout": 0,
            "use_fact_cache": False, "execution_environment": None, "host_config_key": "", "survey_enabled": False, "become_enabled": False,
            "diff_mode": False, "allow_simultaneous": False, "job_slice_count": 1, "webhook_service": "", "webhook_credential": None,
            "prevent_instance_group_fallback": False, **{f"ask_{name}_on_launch": False for name in (*_ASK, *_ASK_JOB)},
        },
        lists=("credentials", *_NOTIFICATIONS), roles=("admin_role", "execute_role", "read_role"),
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            "name": "", "description": "", "organization": None, "extra_vars": "", "survey_enabled": False, "allow_simultaneous": False, "inventory": None,
            "limit": None, "scm_branch": None, "job_tags": None, "skip_tags": None, "webhook_service": "", "webhook_credential": None,
            **{f"ask_{name}_on_launch": False for name in _ASK},
        },
        lists=("notification_templates_approvals", *_NOTIFICATIONS), roles=("admin_role", "execute_role", "approval_role", "read_role"),
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            "identifier": "", "workflow_job_template": None, "unified_job_template": None, "extra_data": {}, "inventory": None, "scm_branch": None,
            "job_type": None, "job_tags": None, "skip_tags": None, "limit": None, "diff_mode": None, "verbosity": None, "forks": None, "timeout": None,
            "job_slice_count": None, "execution_environment": None, "all_parents_must_converge": False,
        },
        ("identifier", "workflow_job_template"), fixed=("workflow_job_template",), lists=("success_nodes", "failure_nodes", "always_nodes", "credentials"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {"name": "", "description": "", "timeout": 0}, ()),
    "schedules": Kind(
        "schedule",
        {"name": "", "description": "", "unified_job_template": None, "rrule": "", "extra_data": {}, "enabled": True},
        ("name", "unified_job_template"),
    ),
}
# fmt: on
SURVEYED = ("job_templates", "workflow_job_templates")
#: What a node or a schedule can start, and what is found among them all by its name.
UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates")


def listed_in(kind: str, name: str) -> str:
    """The kind of the objects in a list of an object."""
    if name.endswith("_nodes"):
        return kind
    return "notification_templates" if name.startswith("notification_") else "credentials"

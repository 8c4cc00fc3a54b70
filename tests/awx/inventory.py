# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts and groups of an inventory in AWX 24.6.1: how a sync changes them, and which of them a job gets.

From ``awx/main/management/commands/inventory_import.py`` (``_update_db_host_from_mem_host``, ``_create_update_groups``, ``_delete_hosts``,
``_delete_group_children_and_hosts``) and ``awx/main/models/inventory.py`` (``get_script_data``, ``get_sliced_hosts``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Host:
    variables: Json = field(default_factory=dict)
    enabled: bool = True
    #: Whether the source has brought it.
    imported: bool = False


@dataclass(slots=True)
class Group:
    variables: Json = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    imported: bool = False


@dataclass(slots=True)
class Inventory:
    variables: Json = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def sync(self, source: Json, exported: Json) -> None:
        """What an import of ``exported`` makes of it, with the settings of the inventory source."""
        variables = exported["_meta"]["hostvars"]
        if source["overwrite"]:
            self.hosts = {name: host for name, host in self.hosts.items() if not host.imported or name in variables}
        for name, known in variables.items():
            host = self.hosts.setdefault(name, Host())
            host.imported = True
            host.variables = dict(known) if source["overwrite_vars"] else {**host.variables, **known}
            # Of what has just been imported.
            host.enabled = str(known.get(source["enabled_var"])) == source["enabled_value"] if source["enabled_var"] else True
        self._sync_groups(source, {name: group for name, group in exported.items() if name not in ("_meta", "all", "ungrouped")})

    def _sync_groups(self, source: Json, exported: Json) -> None:
        if source["overwrite"]:
            self.groups = {name: group for name, group in self.groups.items() if not group.imported or name in exported}
        for name, known in exported.items():
            group = self.groups.setdefault(name, Group())
            group.imported = True
            new = known.get("vars", {})
            group.variables = dict(new) if source["overwrite_vars"] else {**group.variables, **new}
            # Only hosts that the source has brought leave a group.
            kept = {name for name in group.hosts if name in self.hosts and not (source["overwrite"] and self.hosts[name].imported)}
            group.hosts = kept | set(known.get("hosts", []))

    def script(self, slice_number: int = 1, slice_count: int = 1) -> Json:
        """What a job gets: the hosts that are enabled; as one of several slices, every so many-th of them by name."""
        names = sorted(name for name, host in self.hosts.items() if host.enabled)[slice_number - 1 :: slice_count]
        groups = {name: {"hosts": sorted(group.hosts & set(names)), "vars": group.variables} for name, group in self.groups.items()}
        known = {name: {**self.hosts[name].variables, "remote_tower_enabled": "true"} for name in names}
        return {"all": {"vars": self.variables, "hosts": names, "children": list(groups)}, **groups, "_meta": {"hostvars": known}}


def slices(template: Json, inventory: Inventory) -> int:
    """How many jobs a template becomes (``awx/main/models/jobs.py``: ``get_effective_slice_ct``): no more than there are hosts, disabled ones among them."""
    count: int = min(template["job_slice_count"], len(inventory.hosts))
    return max(count, 1)

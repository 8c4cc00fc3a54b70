# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory sources in memory: files of the inventory plugin, whose API is a list of instances."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments import cloudnexus
from ansible_collections.cloudnexus.cloud.plugins.inventory import cloudnexus_instances

NAME = cloudnexus_instances.NAME
TEXTS = (
    cloudnexus.ModuleDocFragment.CONNECTION,
    constructed.ModuleDocFragment.DOCUMENTATION,
    inventory_cache.ModuleDocFragment.DOCUMENTATION,
    cloudnexus_instances.DOCUMENTATION,
)


def instance(number: int, name: str = "", **fields: Any) -> dict[str, Any]:
    """An instance as the API shows it."""
    known = {"id": f"inst_{number}", "name": name or f"web-{number:02}", "status": "running", "plan": "starter", "region": "us-east"}
    return {**known, "ip": f"10.4.0.{number}", "created_at": f"2026-01-{number:02}T00:00:00Z", **fields}


class Sources:
    """Parses one source after the other into one inventory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.inventory = InventoryData()
        #: What was asked of the API: the options of each reading.
        self.readings: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self._instances: list[dict[str, Any]] = []
        self._error: str | None = None
        # As Ansible's loader does it, which knows this collection only where it is installed.
        options: dict[str, Any] = {}
        for text in TEXTS:
            options |= yaml.safe_load(text)["options"]
        constants.config.initialize_plugin_configuration_definitions("inventory", NAME, options)
        monkeypatch.setattr(cloudnexus_instances, "run", self._run)

    def _run(self, _operation: Any, params: Any, context: Any) -> dict[str, Any]:
        self.readings.append(dict(params))
        if self._error:
            context.warn(self._error)
            return {"failed": True, "msg": self._error}
        return {"instances": json.loads(json.dumps(self._instances))}

    def add(self, instances: Iterable[dict[str, Any]] = (), *, name: str = "web.cloudnexus.yml", error: str | None = None, **options: Any) -> Sources:
        """Parse a file with these options, while the API lists these instances, or fails."""
        self._instances, self._error = list(instances), error
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"plugin": NAME, "api_key": "key-of-the-tests", **options}, sort_keys=False))
        plugin = cloudnexus_instances.InventoryModule()
        for attribute in ("_load_name", "ansible_name", "_original_path"):
            setattr(plugin, attribute, NAME)
        plugin._redirected_names = [NAME]
        plugin.display = self
        self.inventory.current_source = str(path)
        plugin.parse(self.inventory, DataLoader(), str(path))
        with suppress(AttributeError):  # without a cache, as Ansible does it
            plugin.update_cache_if_changed()
        return self

    #: Stands in for Ansible's display, without -v.
    verbosity = 0

    def warning(self, text: str, *_more: Any, **_options: Any) -> None:
        """Stands in for Ansible's display."""
        self.warnings.append(text)

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The variables of each host."""
        return {name: host.vars for name, host in self.inventory.hosts.items()}

    @property
    def ids(self) -> dict[str, str]:
        """The instance of each host."""
        return {name: known["cloudnexus_id"] for name, known in self.hosts.items()}

    def members(self, group: str) -> list[str]:
        return [host.name for host in self.inventory.groups[group].hosts]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no inventory of so many hosts can do without: the same hosts, variables and groups, as they are in a file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bare_hosts
short_description: Hosts of a JSON file
description:
  - What C(ansible-inventory --list) said of them is done again.
options: {}
"""

import json
from pathlib import Path
from typing import Any

from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.trust import as_text


class InventoryModule(BaseInventoryPlugin):
    NAME = "bare_hosts"

    def verify_file(self, path: str) -> bool:
        return path.endswith(".bare.json")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        listed = json.loads(Path(path).read_text(encoding="utf-8"))
        for name, variables in listed.pop("_meta")["hostvars"].items():
            host = inventory.get_host(inventory.add_host(name))
            for variable, value in variables.items():
                host.set_variable(variable, as_text(value))
        for name, members in listed.items():
            if name not in ("all", "ungrouped"):
                group = inventory.groups[inventory.add_group(name)]
                for host in members["hosts"]:
                    group.add_host(inventory.hosts[host])

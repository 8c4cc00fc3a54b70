# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's inventory plugin, but for the way in which other plugins construct: each expression anew for each host."""

from __future__ import annotations

from ansible_collections.cloudnexus.cloud.plugins.inventory import cloudnexus_instances

DOCUMENTATION = cloudnexus_instances.DOCUMENTATION

from typing import Any


class Plain:
    """Calls Ansible's own methods as the plugins of other collections do."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin

    def add(self, known: Any) -> None:
        plugin, host = self._plugin, known.name
        strict = plugin.get_option("strict")
        plugin._set_composite_vars(plugin.get_option("compose"), plugin.inventory.get_host(host).get_vars(), host, strict)
        plugin._add_host_to_composed_groups(plugin.get_option("groups"), {}, host, strict)
        plugin._add_host_to_keyed_groups(plugin.get_option("keyed_groups"), {}, host, strict)


class InventoryModule(cloudnexus_instances.InventoryModule):
    construct = Plain

    def _read_config_data(self, path: str) -> Any:
        self._redirected_names = [self.NAME]
        return super()._read_config_data(path)

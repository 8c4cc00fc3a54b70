# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All or nothing: an inventory as it was before a source, for one that fails half-way."""

from __future__ import annotations

from typing import Any


class Snapshot:
    """What Ansible's ``InventoryData`` holds, and each of its groups and hosts."""

    def __init__(self, inventory: Any) -> None:
        # Newer cores hand a proxy to each plugin.
        data = getattr(inventory, "__wrapped__", inventory)
        self._state = [(thing, _copied(vars(thing))) for thing in (data, *data.groups.values(), *data.hosts.values())]

    def restore(self) -> None:
        for thing, state in self._state:
            vars(thing).clear()
            vars(thing).update(state)


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    """Ansible changes the lists, sets and dictionaries of these objects in place, and nothing that is within them."""
    return {name: value.copy() if isinstance(value, (dict, list, set)) else value for name, value in state.items()}

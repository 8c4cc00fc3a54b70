# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances are hosts, and what each is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Instance = Mapping[str, Any]

#: Names that a command line can address, and that are no path: fact caches and host_vars make file names of them.
_HOST_NAME = re.compile(r"\w[\w.-]{0,199}")
#: What Ansible takes for something else than a host of the inventory.
_RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Filter:
    """What an instance must be to become a host. An empty tuple asks for nothing."""

    regions: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    name_prefix: str = ""

    def passes(self, instance: Instance) -> bool:
        return (
            (not self.regions or instance.get("region") in self.regions)
            and (not self.plans or instance.get("plan") in self.plans)
            and (not self.statuses or instance.get("status") in self.statuses)
            and instance["name"].startswith(self.name_prefix)
        )


@dataclass(frozen=True, slots=True)
class Named:
    host: str
    instance: Instance
    #: The names that it would have had before this one, and why it hasn't.
    missed: tuple[str, ...] = ()


def named(instances: Iterable[Instance], preferences: Sequence[str]) -> list[Named]:
    """A host name for each instance: the first of its preferences that is usable and free, and its id at last.

    Of two that come to one name the older one has it, so that a new instance never takes a host's name away.
    """
    ordered = sorted(instances, key=lambda item: (item.get("created_at") or "", item["id"]))
    # Nobody is called what is another one's id, so that its own id is always left for everyone.
    owners = {item["id"]: item["id"] for item in ordered}
    found = []
    for instance in ordered:
        missed = []
        for preference in preferences:
            name = instance.get(preference)
            if not name:
                continue
            reason = _unusable(preference, name)
            if reason is None and owners.setdefault(name, instance["id"]) != instance["id"]:
                reason = f"{owners[name]} has it"
            if reason is None:
                break
            missed.append(f"{name!r} ({reason})")
        else:
            name = instance["id"]
        found.append(Named(name, instance, tuple(missed)))
    return found


def _unusable(preference: str, name: str) -> str | None:
    if preference == "id":
        return None
    if name in _RESERVED:
        return "Ansible means something else by it"
    if preference == "name" and not _HOST_NAME.fullmatch(name):
        return "no name for a host"
    return None

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances are hosts, and what each is called. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils.addresses import not_of_an_instance
from ..module_utils.ages import age

Instance = Mapping[str, Any]
#: A name that a host may have: a field of its instance, or what a function returns for it (None for no name).
Preference = str | Callable[[Instance], Any]

#: Names that a command line can address, and that are no path and no option: fact caches and host_vars make file names of them.
_HOST_NAME = re.compile(r"\w[\w.-]{0,199}")
#: What Ansible takes for something else than a host of the inventory.
_RESERVED = frozenset({"all", "ungrouped", "localhost"})


@dataclass(frozen=True, slots=True)
class Filter:
    """What an instance must be to become a host. An empty tuple asks for nothing."""

    regions: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    name_prefix: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Filter:
        """The filter that these options ask for; one that is missing or empty asks for nothing."""
        return cls(
            tuple(options.get("regions") or ()), tuple(options.get("plans") or ()), tuple(options.get("statuses") or ()), options.get("name_prefix") or ""
        )

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


class NoName(Exception):
    """An instance for which there is no name that a host may have."""

    def __init__(self, instance: Instance, missed: Sequence[str]) -> None:
        super().__init__(f"the instance {instance['id']!r} has no name that a host can have: {' and '.join(missed)}")


def _by_nobody(_name: str, _instance: Instance) -> str | None:
    return None


def named(instances: Iterable[Instance], preferences: Sequence[Preference], held: Callable[[str, Instance], str | None] = _by_nobody) -> list[Named]:
    """A host name for each instance: the first of its preferences that is usable and free, and its id at last. Raises NoName.

    Of two that come to one name the older one has it, so that a new instance never takes a host's name away. ``held`` tells who has a name already,
    if it is somebody else than the instance.
    """
    ordered = sorted(instances, key=lambda item: (age(item.get("created_at")), item["id"]))
    # Nobody is called what is another one's id, so that its own id is always left for everyone.
    owners = {item["id"]: item["id"] for item in ordered}
    found = []
    for instance in ordered:
        missed: list[str] = []
        for preference in (*preferences, "id"):
            name = instance.get(preference) if isinstance(preference, str) else preference(instance)
            if name is None or name == "":
                continue
            reason = problem(name) or held(name, instance)
            if reason is None and owners.setdefault(name, instance["id"]) != instance["id"]:
                reason = f"{owners[name]} has it"
            if reason is None:
                found.append(Named(name, instance, tuple(missed)))
                break
            if (sentence := f"{name!r} ({reason})") not in missed:
                missed.append(sentence)
        else:
            raise NoName(instance, missed)
    return found


def problem(name: Any) -> str | None:
    """Why a name can't be a host's, whatever it was made of; None if it can."""
    if not isinstance(name, str):
        return "no text"
    if name.lower() in _RESERVED:
        return "Ansible means something else by it"
    if kind := not_of_an_instance(name):
        return kind
    if not _is_address(name) and not _HOST_NAME.fullmatch(name):
        return "no name for a host"
    return None


def _is_address(name: str) -> bool:
    # Most names are none, and it takes Python longer to find out than all the rest.
    if ":" not in name and not name.replace(".", "").isdigit():
        return False
    try:
        return "%" not in name and bool(ipaddress.ip_address(name))
    except ValueError:
        return False

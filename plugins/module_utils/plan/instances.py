# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances: the options that declare one, its statuses, and what is to be done with it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from .. import checks
from ..errors import Ambiguous, Drift, NotFound
from . import changes
from .changes import Change
from .resource import INSTANCE

RUNNING = "running"
#: Statuses that an instance won't leave by itself; they end a wait (docs/contract.md).
BROKEN = ("failed", "error")
#: The status of one that is being deleted: it is as good as gone (docs/contract.md).
LEAVING = "deleting"

#: The options that declare an instance.
DECLARATION: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "plan": {"type": "str", "choices": list(checks.PLANS)},
    "region": {"type": "str", "choices": list(checks.REGIONS)},
    "image_id": {"type": "str"},
    "ssh_keys": {"type": "list", "elements": "str", "no_log": False},
    "auto_scale": {
        "type": "dict",
        "options": {
            "min_instances": {"type": "int"},
            "max_instances": {"type": "int"},
            "cpu_threshold": {"type": "int"},
        },
    },
}


def declared(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the user declared of an instance, checked; what was left out is not in it. Raises InvalidOption."""
    found: dict[str, Any] = {}
    for option in ("name", "image_id"):
        if options.get(option) is not None:
            found[option] = checks.text(option, options[option])
    for option in ("plan", "region"):
        if options.get(option) is not None:
            found[option] = options[option]
    if options.get("ssh_keys") is not None:
        found["ssh_keys"] = checks.ssh_keys("ssh_keys", options["ssh_keys"])
    if options.get("auto_scale") is not None:
        found["auto_scale"] = checks.auto_scale("auto_scale", options["auto_scale"])
    return found


def present(current: Mapping[str, Any] | None, desired: Mapping[str, Any], *, recreate: bool) -> Change:
    """The instance shall exist as declared. Raises Drift, InvalidOption."""
    status = current.get("status") if current else None
    broken = f"its status is {status}" if status in BROKEN else None
    change = changes.present(INSTANCE, current, desired, recreate=recreate, broken=broken)
    if "auto_scale" in change.body:
        # Together with the parts that were left out and keep their value, it must make sense too.
        checks.auto_scale("auto_scale", change.body["auto_scale"])
    if change.action == "recreate" and not all(change.body.get(name) for name in ("name", "plan", "region")):
        raise Drift(f"The {INSTANCE.called(change.current or {})} can't be made anew without its name, plan and region; give all three.")
    return change


def by_name(listed: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in listed:
        found[item["name"]].append(item)
    return found


def the_one(name: str, found: Iterable[dict[str, Any]]) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """Of the instances of a name the one that stays, None where there is none, and those that are being deleted already.

    Raises Ambiguous.
    """
    found = list(found)
    leaving = tuple(item for item in found if item.get("status") == LEAVING)
    staying = [item for item in found if item.get("status") != LEAVING]
    if len(staying) > 1:
        raise two_of_one_name(name, staying)
    return (staying[0] if staying else None), leaving


def no_such_id(instance_id: str) -> NotFound:
    return NotFound(f"id: there is no instance {instance_id}; to make a new one, leave id out and give name, plan and region.")


def name_is_taken(instance_id: str, name: str, other: Mapping[str, Any]) -> Ambiguous:
    return Ambiguous(f"{instance_id} can't be called {name}: {other['id']} has that name already.")


def two_of_one_name(name: str, found: Iterable[Mapping[str, Any]]) -> Ambiguous:
    found = list(found)
    return Ambiguous(f"There are {len(found)} instances of the name {name}: {ids(found)}. Which one is meant can be told with id.")


def ids(instances: Iterable[Mapping[str, Any]]) -> str:
    return " and ".join(sorted(item["id"] for item in instances))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances: the options that declare one, its statuses, and what is to be done with it. Pure."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import checks
from ..errors import Ambiguous, Drift, InvalidOption, NotFound, WaitFailed
from ..masking import brief
from . import changes
from .changes import STATUS, Change
from .resource import INSTANCE, named

RUNNING = "running"
#: Statuses that an instance won't leave by itself; they end a wait (docs/contract.md).
BROKEN = ("failed", "error")
#: The status of one that somebody has stopped. Nothing in the API starts it, and it is no reason to replace it.
STOPPED = "stopped"
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

#: The reasons to replace an instance, as ``recreate_for`` names them.
REASONS = ("region", "image_id", "ssh_keys", "plan", "auto_scale", STATUS)
#: What ``recreate=true`` allows: all of them, and a name that the API does not change in place.
EVERY_REASON = frozenset((*REASONS, "name"))

#: The options that say what may be done with an instance that exists.
GUARDS: dict[str, dict[str, Any]] = {
    "recreate": {"type": "bool", "default": False},
    "recreate_for": {"type": "list", "elements": "str", "choices": list(REASONS)},
    "protected": {"type": "list", "elements": "str"},
    "auto_scale_update": {"type": "str", "choices": ["on_create", "always"], "default": "on_create"},
}


def check_guards(options: Mapping[str, Any]) -> None:
    """Raises InvalidOption."""
    for number, name in enumerate(options["protected"] or ()):
        checks.text(f"protected[{number}]", name)


@dataclass(frozen=True, slots=True)
class Guards:
    """What a task may do with instances that exist."""

    #: The reasons for which one may be replaced.
    replaceable_for: frozenset[str]
    #: The fields that are sent if the API does not show them.
    resent: frozenset[str]
    #: The names of those that are never deleted nor replaced, and other names that the API may have made of them.
    protected: frozenset[str]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Guards:
        """``recreate_for`` lists the reasons, also beside ``recreate=true``."""
        every = EVERY_REASON if options["recreate"] else frozenset()
        return cls(
            replaceable_for=every if options["recreate_for"] is None else frozenset(options["recreate_for"]),
            resent=frozenset(("auto_scale",) if options["auto_scale_update"] == "always" else ()),
            protected=frozenset(name for given in options["protected"] or () for name in (given, *made_of(given))),
        )

    def protects(self, *names: str) -> bool:
        """Whether an instance with these names, before and after, is one of the protected."""
        return not self.protected.isdisjoint(names)

    def check(self, planned: Iterable[Change]) -> None:
        """Raises Drift if a change would delete or replace a protected instance."""
        taken = [change for change in planned if change.action in _TAKEN and self.protects(*_names(change))]
        if taken:
            told = ", ".join(f"{named(change.current or {})} would be {_TAKEN[change.action]}" for change in taken)
            raise Drift(f"protected: {told}. Nothing was changed.")


def _names(change: Change) -> list[str]:
    return [state["name"] for state in (change.current, change.body) if state and "name" in state]


#: What takes an instance away, for sentences.
_TAKEN = {"delete": "deleted", "recreate": "replaced"}


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


def present(
    current: Mapping[str, Any] | None, desired: Mapping[str, Any], *, recreate: Collection[str] = (), wait: bool, resend: Collection[str] = ()
) -> Change:
    """The instance exists as declared, and is up if ``wait`` says so. ``recreate`` and ``resend`` as for any object.

    Raises Drift, InvalidOption, WaitFailed.
    """
    status = current.get("status") if current else None
    broken = f"its status is {status}" if status in BROKEN else None
    change = changes.present(INSTANCE, current, desired, recreate=recreate, broken=broken, resend=resend)
    if change.action == "recreate":
        return _replaceable(change)
    if wait and current is not None:
        if broken:
            raise does_not_come_up(current)
        if status == STOPPED:
            raise WaitFailed(f"The {INSTANCE.called(current)} is stopped, and the API has nothing to start it. Start it in the dashboard, or use wait=false.")
    if "auto_scale" in change.body:
        # Together with the parts that were left out and keep their value, it must make sense too.
        checks.auto_scale("auto_scale", change.body["auto_scale"])
    return change


def replacement(update: Change, desired: Mapping[str, Any]) -> Change:
    """A new instance in place of one that can't be updated. Raises Drift if nothing could be created in its place."""
    return _replaceable(changes.recreated(INSTANCE, update.current or {}, desired, reasons=update.reasons, causes=update.causes))


def _replaceable(change: Change) -> Change:
    """The replacement, whose body the API will take as far as the contract says. Raises Drift: what was deleted could not be created."""
    called = INSTANCE.called(change.current or {})
    missing = [name for name in ("name", "plan", "region") if not change.body.get(name)]
    if missing:
        raise Drift(f"The {called} can't be replaced without its {' and '.join(missing)}, which the API does not show; give all of name, plan and region.")
    try:
        declared(change.body)
        for option, documented in (("plan", checks.PLANS), ("region", checks.REGIONS)):
            if change.body[option] not in documented:
                raise InvalidOption(option, f"expected one of {', '.join(documented)}")
    except InvalidOption as error:
        raise Drift(f"The {called} can't be replaced as the API shows it, so it was not deleted. {error.message}") from None
    return change


def does_not_come_up(instance: Mapping[str, Any]) -> WaitFailed:
    status = brief(repr(instance.get("status")))
    return WaitFailed(f"The {INSTANCE.called(instance)} does not come up: its status is {status}. recreate=true deletes it and makes a new one.")


# --- Names ---------------------------------------------------------------------------------------------------------------

#: Characters that an API may cut a name at: those of a label of DNS.
_CUT = 63


def made_of(name: str) -> frozenset[str]:
    """Other names that an API may have made of this one: in lower case, composed (NFC), cut."""
    found = {name}
    for step in (lambda text: unicodedata.normalize("NFC", text), str.lower, str.casefold, lambda text: text[:_CUT]):
        found |= {step(text) for text in found}
    return frozenset(found - {name})


def form(name: str) -> str:
    """The same for all names that an API may make one of."""
    return unicodedata.normalize("NFC", name).casefold()[:_CUT]


def look_alike(name: str, listed: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """An instance whose name the API may have made of ``name``."""
    others = made_of(name)
    return next((item for item in listed if item["name"] in others and item.get("status") != LEAVING), None) if others else None


def check_look_alike(name: str, listed: Iterable[Mapping[str, Any]]) -> None:
    """Raises Ambiguous if the instance that is missing may be there by another name: a second one would be made at each run."""
    found = look_alike(name, listed)
    if found is not None:
        raise Ambiguous(
            f"There is no instance of the name {name}, but {named(found)}, whose name the API may have made of it. "
            "Use the name as the API shows it, or another one; nothing was changed."
        )


def by_name(listed: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in listed:
        found[item["name"]].append(item)
    return found


def the_one(name: str, found: Iterable[dict[str, Any]]) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """Of the instances of a name the one that stays, None if there is none, and those that are being deleted already.

    Raises Ambiguous.
    """
    found = list(found)
    leaving = tuple(item for item in found if item.get("status") == LEAVING)
    staying = [item for item in found if item.get("status") != LEAVING]
    if len(staying) > 1:
        raise two_of_one_name(name, staying)
    return (staying[0] if staying else None), leaving


def renamed(instance_id: str, name: str, listed: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The instances that are being deleted and still have the name that this one is to get. Raises Ambiguous if another one has it."""
    others = [item for item in listed if item["name"] == name and item["id"] != instance_id]
    staying = [item for item in others if item.get("status") != LEAVING]
    if staying:
        raise Ambiguous(f"{instance_id} can't be called {name}: {ids(staying)} has that name already.")
    return tuple(others)


def no_such_id(instance_id: str) -> NotFound:
    return NotFound(f"id: there is no instance {instance_id}; to make a new one, leave id out and give name, plan and region.")


def two_of_one_name(name: str, found: Iterable[Mapping[str, Any]]) -> Ambiguous:
    found = list(found)
    return Ambiguous(f"There are {len(found)} instances of the name {name}: {ids(found)}. Which one is meant can be told with id.")


def ids(instances: Iterable[Mapping[str, Any]]) -> str:
    return " and ".join(sorted(item["id"] for item in instances))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of many instances at once, as it is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..printable import printable
from .changes import Change
from .resource import key_data

#: The order in which a fleet's changes are applied, and shown.
ACTIONS = ("create", "update", "recreate", "delete")


@dataclass(frozen=True, slots=True)
class Member:
    """One instance, and what is to be done with it."""

    name: str
    change: Change
    #: What the user declared, for a new instance in place of one that can't be changed.
    desired: Mapping[str, Any] = field(default_factory=dict)
    #: Instances of the same name that are being deleted already.
    leaving: tuple[dict[str, Any], ...] = ()
    #: The reasons for which it may be replaced if the API turns out not to change it in place.
    replaceable_for: frozenset[str] = frozenset()
    #: Whether it is never deleted nor replaced.
    protected: bool = False

    @property
    def may_create(self) -> bool:
        """Whether an instance of its name may be created."""
        return self.change.action in ("create", "recreate") or (self.change.action == "update" and bool(self.replaceable_for))

    def entry(self) -> dict[str, Any]:
        """What is to be done with it, as a result shows it."""
        change = self.change
        return {
            "name": self.name,
            "id": change.current["id"] if change.current else None,
            "action": change.action,
            "reasons": list(change.reasons),
            "before": dict(change.before),
            "after": dict(change.after),
        }


@dataclass(frozen=True, slots=True)
class FleetChange:
    """What is to be done with all of them."""

    members: tuple[Member, ...]

    @property
    def changed(self) -> bool:
        return any(member.change.changed for member in self.members)

    def with_action(self, action: str) -> list[Member]:
        return [member for member in self.members if member.change.action == action]

    def names(self, *actions: str) -> list[str]:
        return [member.name for member in self.members if member.change.action in actions]

    def not_compared(self) -> list[dict[str, Any]]:
        """The options of each instance that could not be compared, because the API does not show them."""
        return [{"name": member.name, "options": list(member.change.not_compared)} for member in self.members if member.change.not_compared]

    def entries(self) -> list[dict[str, Any]]:
        """An entry for each instance that something is to be done with."""
        return [member.entry() for member in self.members if member.change.changed]

    def diff(self) -> dict[str, Any]:
        """Ansible's diff: a line for each instance that changes, so that a hundred can be read.

        A line after says what it was before too: in a diff of many the two are far from each other.
        """
        entries = in_order(self.entries())
        before = [f"{printable(entry['name'])}: {line(entry['before'])}\n" for entry in entries if entry["before"]]
        after = [f"{printable(entry['name'])}: {line(entry['after'])}{_was(entry)}\n" for entry in entries if entry["after"]]
        shown = {"before_header": "fleet", "after_header": "fleet", "before": "".join(before), "after": "".join(after)}
        if self.not_compared():
            shown["prepared"] = f"not compared, because the API does not show it: {in_words(self.not_compared())}\n"
        return shown


def in_order(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """As people read them."""
    return sorted(entries, key=lambda entry: (entry["name"], entry["id"] or ""))


def in_words(not_compared: Iterable[Mapping[str, Any]]) -> str:
    """``image_id of web-01, ssh_keys of 12 instances``"""
    names: dict[str, list[str]] = {}
    for item in not_compared:
        for option in item["options"]:
            names.setdefault(option, []).append(printable(item["name"]))
    return ", ".join(f"{option} of {of[0] if len(of) == 1 else f'{len(of)} instances'}" for option, of in names.items())


def line(state: Mapping[str, Any]) -> str:
    """``plan=starter region=us-east auto_scale=1..3@75``"""
    return " ".join(f"{name}={short(name, value)}" for name, value in state.items() if name != "name")


def _was(entry: Mapping[str, Any]) -> str:
    """`` (plan was starter)``"""
    before, after = entry["before"], entry["after"]
    was = {reason: f"{reason} was {short(reason, before[reason]) if reason in before else 'not shown'}" for reason in entry["reasons"] if reason in after}
    reasons = [was.get(reason, reason) for reason in entry["reasons"]]
    return f" ({', '.join(reasons)})" if reasons else ""


def short(name: str, value: Any) -> str:
    if name == "ssh_keys":
        # The end of its data tells a key from others.
        return ",".join(f"...{key_data(key)[-1][-8:]}" for key in value)
    if name == "auto_scale":
        threshold = f"@{value['cpu_threshold']}%" if "cpu_threshold" in value else ""
        return f"{value.get('min_instances', '')}..{value.get('max_instances', '')}{threshold}"
    return printable(str(value))  # a line is one line, whatever the API shows

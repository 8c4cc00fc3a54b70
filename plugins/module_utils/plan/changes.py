# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done: current state + desired state -> a change. Pure, and the only source of ``diff``.

A change is made the same way in check mode and for real; then it is applied or it isn't. So what check mode says is
what happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import Drift
from ..masking import brief
from ..printable import printable
from .resource import Resource

Action = Literal["none", "create", "update", "recreate", "delete"]

#: How a diff shows a value that only the API can give.
GIVEN_BY_THE_API = "(given by the API)"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one object, and what it comes to."""

    resource: Resource
    action: Action
    #: The object as the API showed it, None where there is none.
    current: Mapping[str, Any] | None
    #: The declared fields before and after, as the diff shows them; empty where there is no object.
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    #: The body of the request that does it.
    body: Mapping[str, Any] = field(default_factory=dict)
    #: Why, for sentences: the fields that differ.
    reasons: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.action != "none"

    @property
    def predicted(self) -> dict[str, Any] | None:
        """The object as the API will show it, without what only the API can give. A deleted one as it was last seen."""
        if self.action in ("none", "delete"):
            return dict(self.current) if self.current is not None else None
        if self.action == "update":
            return {**(self.current or {}), **self.body}
        return self.resource.shown(self.body)

    def diff(self) -> dict[str, Any]:
        """Ansible's diff: the declared fields before and after."""
        name = self.after.get("name") or self.before.get("name")
        header = f"{self.resource.kind} {printable(name)}" if name else self.resource.kind
        return {
            "before_header": header,
            "after_header": header,
            "before": dict(self.before),
            "after": dict(self.after),
        }


def present(resource: Resource, current: Mapping[str, Any] | None, desired: Mapping[str, Any], *, recreate: bool, broken: str | None = None) -> Change:
    """The object shall exist as declared.

    ``desired`` holds the declared fields only: one that was left out keeps its value. ``broken`` says why the object
    is of no use as it is (a status that it won't leave), if it is so. Raises Drift where only a new object would do
    and ``recreate`` does not allow that.
    """
    if current is None:
        return Change(resource, "create", None, after=dict(desired), body=dict(desired))
    before = resource.managed(current)
    differing = resource.differing(current, desired)
    drifted = [item for item in resource.fields if item.name in differing]
    body = {item.name: item.merged(before[item.name], desired[item.name]) for item in drifted}
    fixed = tuple(item.name for item in drifted if not item.mutable)
    reasons = tuple(item.name for item in drifted)
    if fixed and not recreate:
        differences = "; ".join(f"{name} is {brief(repr(before[name]))}, wanted is {brief(repr(desired[name]))}" for name in fixed)
        raise Drift(f"The {resource.called(current)} can't be changed in place: {differences}. recreate=true deletes it and makes a new one.")
    if fixed or (broken and recreate):
        return recreated(resource, current, desired, reasons=(*reasons, *((broken,) if broken else ())))
    if drifted:
        return Change(resource, "update", current, before=before, after={**before, **body}, body=body, reasons=reasons)
    return Change(resource, "none", current, before=before, after=before)


def recreated(resource: Resource, current: Mapping[str, Any], desired: Mapping[str, Any], *, reasons: tuple[str, ...] = ()) -> Change:
    """The object shall be deleted and made anew. What was not declared is taken over, as far as the API shows it."""
    before = resource.managed(current)
    body = {**before, **{item.name: item.merged(before.get(item.name), desired[item.name]) for item in resource.fields if item.name in desired}}
    return Change(
        resource,
        "recreate",
        current,
        before={"id": current["id"], **before},
        after={"id": GIVEN_BY_THE_API, **body},
        body=body,
        reasons=reasons,
    )


def absent(resource: Resource, current: Mapping[str, Any] | None) -> Change:
    """The object shall not exist."""
    if current is None:
        return Change(resource, "none", None)
    return Change(resource, "delete", current, before={"id": current["id"], **resource.managed(current)})


def replaced(resource: Resource, current: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> Change:
    """A configuration that is replaced as a whole: what was left out is sent along as it is (contract: rule 3).

    ``current`` is None where it can't be read; then the replacement is sent always, and counts as a change.
    """
    if current is None:
        return Change(resource, "update", None, after=dict(desired), body=dict(desired))
    before = resource.managed(current)
    body = {**before, **desired}
    if body == before:
        return Change(resource, "none", current, before=before, after=before)
    reasons = tuple(name for name in body if body[name] != before.get(name))
    return Change(resource, "update", current, before=before, after=body, body=body, reasons=reasons)

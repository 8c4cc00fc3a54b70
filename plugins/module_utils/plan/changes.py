# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done: current state + desired state -> a change. Pure, and the only source of ``diff``.

A change is made the same way in check mode and for real; then it is applied or it isn't. So what check mode says is
what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import Drift
from ..masking import brief
from ..printable import printable
from .resource import Resource

Action = Literal["none", "create", "update", "recreate", "delete"]

#: How a diff shows a value that only the API can give.
GIVEN_BY_THE_API = "(given by the API)"
#: The reason to replace an object that is of no use as it is.
STATUS = "status"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one object, and what it comes to."""

    resource: Resource
    action: Action
    #: The object as the API showed it, None if there is none.
    current: Mapping[str, Any] | None
    #: The declared fields before and after, as the diff shows them; empty if there is no object.
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    #: The body of the request that does it.
    body: Mapping[str, Any] = field(default_factory=dict)
    #: Why, for sentences: the fields that differ.
    reasons: tuple[str, ...] = ()
    #: What may be a reason to replace it, as ``recreate_for`` names them: the fields that were seen to differ, and STATUS.
    causes: tuple[str, ...] = ()
    #: The declared fields that the API does not show, so that nothing tells whether they differ.
    not_compared: tuple[str, ...] = ()

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
        """Ansible's diff: the declared fields before and after, why a new object takes the place of the old one, and what could not be compared."""
        name = self.after.get("name") or self.before.get("name")
        header = f"{self.resource.kind} {printable(name)}" if name else self.resource.kind
        why = f" (replaced: {', '.join(self.reasons)})" if self.action == "recreate" and self.reasons else ""
        shown: dict[str, Any] = {"before_header": header, "after_header": header + why, "before": dict(self.before), "after": dict(self.after)}
        if self.not_compared:
            shown["prepared"] = f"not compared, because the API does not show it: {', '.join(self.not_compared)}\n"
        return shown


def present(
    resource: Resource,
    current: Mapping[str, Any] | None,
    desired: Mapping[str, Any],
    *,
    recreate: Collection[str] = (),
    broken: str | None = None,
    resend: Collection[str] = (),
) -> Change:
    """The change that makes the object exist as declared.

    ``desired`` holds the declared fields only: one that was left out keeps its value. ``recreate`` has the reasons for which a new object may
    take its place; one of them is enough. ``broken`` says why the object is of no use as it is (a status that it won't leave), if it is so.
    ``resend`` has the fields that are sent if nothing tells whether they differ. Raises Drift if only a new object would do and no reason
    allows it.
    """
    if current is None:
        return Change(resource, "create", None, after=dict(desired), body=dict(desired))
    before = resource.managed(current)
    differing = resource.differing(current, desired)
    not_compared = resource.not_compared(current, desired)
    fixed = tuple(item.name for item in resource.fields if item.name in differing and not item.mutable)
    causes = (*fixed, *((STATUS,) if broken else ()))
    if not set(causes).isdisjoint(recreate):
        return recreated(resource, current, desired, reasons=(*differing, *((broken,) if broken else ())), causes=causes)
    if fixed:
        raise Drift(
            f"The {resource.called(current)} can't be changed in place: {differences(before, desired, fixed)}. "
            + (f"recreate_for allows no replacement for {' and '.join(fixed)}." if recreate else "recreate=true deletes it and makes a new one.")
        )
    unseen = {name.partition(".")[0] for name in not_compared}.intersection(resend)
    sent = [item for item in resource.fields if item.name in differing or item.name in unseen]
    body = {item.name: item.merged(before.get(item.name), desired[item.name]) for item in sent}
    if sent:
        after = {**before, **body}
        return Change(resource, "update", current, before, after, body, tuple(body), causes=tuple(differing), not_compared=not_compared)
    return Change(resource, "none", current, before=before, after=before, not_compared=not_compared)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], names: Collection[str]) -> str:
    """``region is 'us-east', wanted is 'eu-west'``"""
    was = {name: f"is {brief(repr(before[name]))}" if name in before else "is not shown" for name in names}
    return "; ".join(f"{name} {was[name]}, wanted is {brief(repr(after[name]))}" for name in names)


def recreated(
    resource: Resource, current: Mapping[str, Any], desired: Mapping[str, Any], *, reasons: tuple[str, ...] = (), causes: tuple[str, ...] = ()
) -> Change:
    """The change that replaces the object. What was not declared is copied, as far as the API shows it."""
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
        causes=causes,
    )


def absent(resource: Resource, current: Mapping[str, Any] | None) -> Change:
    """The change that deletes the object, if it exists."""
    if current is None:
        return Change(resource, "none", None)
    return Change(resource, "delete", current, before={"id": current["id"], **resource.managed(current)})


def replaced(resource: Resource, current: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> Change:
    """A configuration that is replaced as a whole: what was left out is sent along as it is (contract: rule 3).

    ``current`` is None if it can't be read; then the replacement is sent always, and counts as a change.
    """
    if current is None:
        return Change(resource, "update", None, after=dict(desired), body=dict(desired))
    before = resource.managed(current)
    body = {**before, **desired}
    if body == before:
        return Change(resource, "none", current, before=before, after=before)
    reasons = tuple(name for name in body if body[name] != before.get(name))
    return Change(resource, "update", current, before=before, after=body, body=body, reasons=reasons)

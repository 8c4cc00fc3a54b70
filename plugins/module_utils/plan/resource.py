# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource declared as data: its fields, which of them can be changed in place, which of them the API shows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import checks
from ..masking import brief


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a user declares."""

    name: str
    #: Whether the API changes it in place; otherwise only a new object can have another value.
    mutable: bool = False
    #: Whether the documented responses show it. One that is not shown can't drift (contract: rule 2).
    shown: bool = True
    #: The part of a value of the API that a user could declare: it may show more, or something else. None if there is none;
    #: then it counts as not shown (contract: rule 2).
    declarable: Callable[[Any], Any] = lambda current: current
    #: ``same(current, desired)``: whether there is nothing to change. ``current`` is what is declarable of it.
    same: Callable[[Any, Any], bool] = operator.eq
    #: ``merged(current, desired)``: the whole value to send, keeping the parts that the user left out.
    merged: Callable[[Any, Any], Any] = lambda _current, desired: desired


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, as it is called in sentences, and its fields."""

    kind: str
    fields: tuple[Field, ...]

    def managed(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What a user could declare of an object, as far as ``state`` carries it: what the plan, the wait, a replacement and an event compare."""
        found = {field.name: field.declarable(state[field.name]) for field in self.fields if state.get(field.name) is not None}
        return {name: value for name, value in found.items() if value is not None}

    def differing(self, state: Mapping[str, Any], desired: Mapping[str, Any]) -> list[str]:
        """The fields of ``desired`` that ``state`` shows with another value."""
        shown = self.managed(state)
        return [field.name for field in self.fields if field.name in desired and field.name in shown and not field.same(shown[field.name], desired[field.name])]

    def not_compared(self, state: Mapping[str, Any], desired: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of ``desired`` that ``state`` does not show, and the parts of those that it shows in part (``auto_scale.cpu_threshold``)."""
        shown = self.managed(state)
        found: list[str] = []
        for name in (field.name for field in self.fields if field.name in desired):
            if name not in shown:
                found.append(name)
            elif isinstance(desired[name], Mapping):
                found += [f"{name}.{part}" for part in desired[name] if part not in shown[name]]
        return tuple(found)

    def called(self, state: Mapping[str, Any]) -> str:
        """How sentences name one object: ``instance web-01 (inst_8x92a1b3)``."""
        return f"{self.kind} {named(state)}" if "id" in state and "name" in state else self.kind

    def shown(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The part of ``state`` that the documented responses show."""
        return {field.name: state[field.name] for field in self.fields if field.shown and field.name in state}


def named(state: Mapping[str, Any]) -> str:
    """``web-01 (inst_8x92a1b3)``"""
    return f"{brief(state['name'])} ({state['id']})"


def key_data(key: str) -> tuple[str, ...]:
    """A public key without its comment."""
    return tuple(key.split(None, 2)[:2])


def _keys(current: Any) -> list[str] | None:
    """Public keys. Their fingerprints, say, can't be compared, and an empty list may be all that the API shows of them."""
    return current if isinstance(current, list) and current and all(checks.is_ssh_key(key) for key in current) else None


def _same_keys(current: list[str], desired: list[str]) -> bool:
    """Public keys are a set: neither their order nor a comment makes a difference."""
    return {key_data(key) for key in current} == {key_data(key) for key in desired}


_PARTS = ("min_instances", "max_instances", "cpu_threshold")


def _parts(current: Any) -> dict[str, Any] | None:
    parts = {name: current[name] for name in _PARTS if current.get(name) is not None} if isinstance(current, Mapping) else {}
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in parts.values())
    return parts if parts and whole else None


def _merged_parts(current: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> dict[str, Any]:
    return {**(current or {}), **desired}


def _same_parts(current: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """A part that the user left out keeps its value, and one that the API does not show can't differ."""
    return all(current[name] == value for name, value in desired.items() if name in current)


def _text(current: Any) -> str | None:
    return current if isinstance(current, str) and current else None


def _plan(current: Any) -> Any:
    """One of the documented ones in whatever case, or what it is."""
    return next((plan for plan in checks.PLANS if plan == str(current).lower()), current)


def _region(current: Any) -> str | None:
    """One of the documented ones (contract: rule 8). A zone of it, say, can't be compared, and would be a reason to replace the instance at each run."""
    return next((region for region in checks.REGIONS if region == str(current).lower()), None)


INSTANCE = Resource(
    "instance",
    (
        Field("name", mutable=True),
        Field("plan", mutable=True, declarable=_plan),
        Field("region", declarable=_region),
        Field("image_id", shown=False, declarable=_text),
        Field("ssh_keys", shown=False, declarable=_keys, same=_same_keys),
        Field("auto_scale", mutable=True, shown=False, declarable=_parts, same=_same_parts, merged=_merged_parts),
    ),
)

CDN_CONFIG = Resource(
    "CDN configuration",
    (Field("cache_ttl", mutable=True), Field("ssl_enabled", mutable=True), Field("compression", mutable=True)),
)

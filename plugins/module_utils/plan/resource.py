# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource declared as data: its fields, which of them can be changed in place, which of them the API shows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_IN_A_SENTENCE = 100


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a user declares."""

    name: str
    #: Whether the API changes it in place; otherwise only a new object can have another value.
    mutable: bool = False
    #: Whether the documented answers show it. One that is not shown can't drift (contract: rule 2).
    shown: bool = True
    #: Whether a value of the API is of the shape that is sent. One that isn't counts as not shown (contract: rule 2).
    readable: Callable[[Any], bool] = lambda _current: True
    #: The part of a value of the API that can be declared; it may show more.
    declarable: Callable[[Any], Any] = lambda current: current
    #: ``same(current, desired)``: whether there is nothing to change.
    same: Callable[[Any, Any], bool] = operator.eq
    #: ``merged(current, desired)``: the whole value to send, keeping the parts that the user left out.
    merged: Callable[[Any, Any], Any] = lambda _current, desired: desired


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, as it is called in sentences, and its fields."""

    kind: str
    fields: tuple[Field, ...]

    def managed(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The part of an object that a user can declare, as far as ``state`` carries it.

        A field that is null counts as not carried.
        """
        return {field.name: state[field.name] for field in self.fields if state.get(field.name) is not None and field.readable(state[field.name])}

    def called(self, state: Mapping[str, Any]) -> str:
        """How sentences name one object: ``instance web-01 (inst_8x92a1b3)``."""
        return f"{self.kind} {named(state)}" if "id" in state and "name" in state else self.kind

    def shown(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The part of ``state`` that the documented answers show."""
        return {field.name: state[field.name] for field in self.fields if field.shown and field.name in state}


def named(state: Mapping[str, Any]) -> str:
    """``web-01 (inst_8x92a1b3)``"""
    return f"{brief(state['name'])} ({state['id']})"


def brief(value: Any) -> str:
    """A value of the API in a sentence: it may be of any length."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_IN_A_SENTENCE else f"{text[:_LONGEST_IN_A_SENTENCE]}..."


def key_data(key: str) -> tuple[str, ...]:
    """A public key without its comment."""
    return tuple(key.split(None, 2)[:2])


def _are_keys(current: Any) -> bool:
    return isinstance(current, list) and all(isinstance(key, str) for key in current)


def _same_keys(current: list[str], desired: list[str]) -> bool:
    """Public keys are a set: neither their order nor a comment makes a difference."""
    return {key_data(key) for key in current} == {key_data(key) for key in desired}


_PARTS = ("min_instances", "max_instances", "cpu_threshold")


def _are_parts(current: Any) -> bool:
    return isinstance(current, Mapping) and all(isinstance(value, int) and not isinstance(value, bool) for value in _parts(current).values())


def _parts(current: Mapping[str, Any]) -> dict[str, Any]:
    return {name: current[name] for name in _PARTS if current.get(name) is not None}


def _merged_parts(current: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> dict[str, Any]:
    return {**_parts(current or {}), **desired}


def _same_parts(current: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """A part that the user left out keeps its value, so it makes no difference."""
    return _merged_parts(current, desired) == _parts(current)


def _is_text(current: Any) -> bool:
    return isinstance(current, str)


INSTANCE = Resource(
    "instance",
    (
        Field("name", mutable=True),
        Field("plan", mutable=True),
        Field("region"),
        Field("image_id", shown=False, readable=_is_text),
        Field("ssh_keys", shown=False, readable=_are_keys, same=_same_keys),
        Field("auto_scale", mutable=True, shown=False, readable=_are_parts, declarable=_parts, same=_same_parts, merged=_merged_parts),
    ),
)

CDN_CONFIG = Resource(
    "CDN configuration",
    (Field("cache_ttl", mutable=True), Field("ssl_enabled", mutable=True), Field("compression", mutable=True)),
)

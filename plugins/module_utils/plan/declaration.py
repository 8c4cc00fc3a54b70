# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of a fleet: their checks, those of instances that exist, and those of many instances of a kind. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checks
from ..errors import Drift, InvalidOption
from ..masking import brief
from .instances import DECLARATION, LEAVING, by_name, declared, ids, made_of
from .resource import INSTANCE, Field, named

#: Instances that one kind makes at most.
MOST = 100_000
#: Problems that an error lists in full.
_LISTED = 3


# --- Checks ------------------------------------------------------------------------------------------------------------


def check(option: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Check the instances that ``option`` declares: each by itself, then that no two can be the same one. Raises InvalidOption."""
    for number, item in enumerate(items):
        _check_one(f"{option}[{number}]", item)
    for field in ("name", "id"):
        _each_once(option, field, [item.get(field) for item in items])
    _each_its_own_name(option, [item["name"] for item in items])


def _check_one(place: str, item: Mapping[str, Any]) -> None:
    try:
        desired = declared(item)
        if item.get("id") is not None:
            checks.identifier("id", item["id"])
        for option in ("plan", "region"):
            if option not in desired and item.get("id") is None:
                raise InvalidOption(option, "is required, unless id says which existing instance is meant.")
    except InvalidOption as error:
        error.message = f"{place}.{error.message}"
        raise


def _each_once(option: str, field: str, values: Sequence[str | None]) -> None:
    seen: dict[str, int] = {}
    for number, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            raise InvalidOption(option, f"expected each {field} once, got {value} in {option}[{seen[value]}] and in {option}[{number}].")
        seen[value] = number


def _each_its_own_name(option: str, names: Sequence[str]) -> None:
    """No two that the API may make one name of: each would be taken for the other one."""
    all_names = frozenset(names)
    for name in names:
        if others := sorted(made_of(name) & all_names):
            raise InvalidOption(option, f"expected names that differ in more than case or length: the API may make {others[0]} of {name}.")


# --- Instances that exist ----------------------------------------------------------------------------------------------


def of_instances(instances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a declaration for each instance, as it is, and without its id. Applying them changes nothing.

    Instances that are being deleted are left out. Raises Drift if any instance can't be declared by its name alone.
    """
    staying = [dict(item) for item in instances if item.get("status") != LEAVING]
    names = by_name(staying)
    outcomes = [_outcome(item, names) for item in staying]
    problems = [outcome for outcome in outcomes if isinstance(outcome, str)]
    if problems:
        raise Drift(f"{len(problems)} of {len(staying)} instances can't be declared by their names. {' '.join(problems[:_LISTED])}")
    return [outcome for outcome in outcomes if isinstance(outcome, dict)]


def _outcome(instance: Mapping[str, Any], names: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any] | str:
    """The declaration of an instance, or a sentence that says why it has none."""
    try:
        _check_unique(instance["name"], names)
        shown = INSTANCE.managed(instance)
        values = {field.name: _declarable(field, shown.get(field.name), instance.get(field.name)) for field in INSTANCE.fields}
    except InvalidOption as error:
        return f"{named(instance)}: {error.message}"
    return {name: value for name, value in values.items() if value is not None}


def _check_unique(name: str, names: Mapping[str, list[dict[str, Any]]]) -> None:
    if len(names[name]) > 1:
        raise InvalidOption("name", f"expected one instance of the name, {ids(names[name])} share it.")
    if others := sorted(made_of(name) & names.keys()):
        raise InvalidOption("name", f"expected a name that differs in more than case or length from {brief(others[0])}.")


def _declarable(field: Field, value: Any, shown: Any) -> Any:
    """``value``, if a task accepts it as an option, else None. ``shown`` is what the API shows.

    Raises InvalidOption for a field that every response shows, because every declaration needs it.
    """
    try:
        accepted = _accepted(field.name, value, shown)
    except InvalidOption:
        if field.shown:
            raise
        return None
    # The API may list keys in another order each time.
    return sorted(accepted) if isinstance(accepted, list) else accepted


def _accepted(option: str, value: Any, shown: Any) -> Any:
    choices = DECLARATION[option].get("choices")
    if value is None or (choices and value not in choices):
        expected = f"one of {', '.join(choices)}" if choices else "a value"
        raise InvalidOption(option, f"expected {expected}, the API shows {_brief(shown)}.")
    return declared({option: value})[option]


# --- Many of a kind ----------------------------------------------------------------------------------------------------


def expanded(kinds: Any) -> list[dict[str, Any]]:
    """Return ``count`` declarations for each kind. Raises InvalidOption.

    ``{"name": "web", "count": 2, "plan": "starter", "regions": ["us-east", "eu-west"]}`` gives ``web-01`` in ``us-east``
    and ``web-02`` in ``eu-west``. A number has two digits at least. It does not depend on the count, so a higher count
    renames no instance.
    """
    several = isinstance(kinds, list)
    places = [f"[{number}]." for number in range(len(kinds))] if several else [""]
    found: list[dict[str, Any]] = []
    owners: dict[str, str] = {}
    for place, kind in zip(places, kinds if several else [kinds], strict=True):
        for item in _of_kind(place, kind):
            if owners.setdefault(item["name"], place) != place:
                raise InvalidOption(f"{place}name", f"expected each name once, but {owners[item['name']].rstrip('.')} makes {item['name']} too.")
            found.append(item)
    _each_its_own_name("name", [item["name"] for item in found])
    return found


def _of_kind(place: str, kind: Any) -> list[dict[str, Any]]:
    if not isinstance(kind, Mapping):
        raise InvalidOption(place.rstrip(".") or "_input", f"expected a mapping with name, count and the fields of an instance, got {_brief(kind)}.")
    name, count, regions = _name(f"{place}name", kind.get("name")), _count(f"{place}count", kind.get("count")), _regions(place, kind)
    others = {key: value for key, value in kind.items() if key not in ("name", "count", "regions")}
    return [
        {
            "name": f"{name}-{number + 1:02}",
            **copy.deepcopy(others),
            **({"region": regions[number % len(regions)]} if regions else {}),
        }
        for number in range(count)
    ]


def _name(option: str, name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidOption(option, f"expected a text, got {_brief(name)}.")
    return checks.text(option, name)


def _count(option: str, count: Any) -> int:
    """A number, or a text of digits: before ansible-core 2.19, a template of a number is a text."""
    if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) <= len(str(MOST)):
        count = int(count)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST:
        raise InvalidOption(option, f"expected a whole number from 0 to {MOST}, got {_brief(count)}.")
    return count


def _regions(place: str, kind: Mapping[str, Any]) -> list[str]:
    if "regions" not in kind:
        return []
    if "region" in kind:
        raise InvalidOption(f"{place}regions", "expected either region or regions, got both.")
    regions = kind["regions"]
    if not isinstance(regions, list) or not regions or any(region not in checks.REGIONS for region in regions):
        raise InvalidOption(f"{place}regions", f"expected a list of {', '.join(checks.REGIONS)}, got {_brief(regions)}.")
    return regions


def _brief(value: Any) -> str:
    """A value in a sentence, as YAML and JSON write it."""
    return brief(json.dumps(value, ensure_ascii=False, default=str))

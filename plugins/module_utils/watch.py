# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of the instances from one reading of the list to the next."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .ages import age
from .api import LIST_REQUESTS, Json, Reader
from .apply.status import StatusReader
from .client.client import Client
from .errors import CloudNexusError, OperationMissing
from .plan.instances import RUNNING
from .plan.resource import INSTANCE, Field

#: What an event tells.
APPEARED = "appeared"
STATUS_CHANGED = "status_changed"
DRIFTED = "drifted"
GONE = "gone"
CHANGES = (APPEARED, STATUS_CHANGED, DRIFTED, GONE)

#: The statuses that need nobody's attention if they are the first that the API shows of an instance.
_WELL = (RUNNING, "provisioning")
#: A brace before one that would make it a template, or at the end of a text that another one may follow, and what brings its own signs along.
_BEGINS = re.compile(r"\{(?=[{%#]|\Z)|\A#(?=jinja2:)")
#: Seconds by which the clocks of the API and of this machine may differ.
_CLOCKS_DIFFER = 60.0
#: Instances that the list lacks are looked for so many at a time.
_CONCURRENCY = 8


class Watch:
    """Reads the list, and tells what is different from the last one that was read."""

    def __init__(self, client: Client, wanted: Callable[[Json], bool], *, initial: bool) -> None:
        self._client = client
        self._reader = Reader(client)
        self._wanted = wanted
        self._initial = initial
        #: Each instance as the API showed it last, field by field. None before the first reading.
        self._last: dict[str, Json] | None = None
        #: When the first reading began, in seconds since the epoch. None once the second one has confirmed it.
        self._began_at: float | None = None
        #: Those that the last reading could not find. They are gone if the next one can't either.
        self._missed: frozenset[str] = frozenset()

    @property
    def began(self) -> bool:
        """Whether the list has been read."""
        return self._last is not None

    def look(self) -> list[Json]:
        """The events since the last look that succeeded.

        Raises a CloudNexusError; then it is as if nobody had looked, and what has changed is told the next time.
        """
        now = self._client.clock.wall()
        listed = by_id(self._reader.instances())
        missed: frozenset[str] = frozenset()
        if self._last is None:
            self._began_at = now
            found = events({}, listed, initial=True) if self._initial else []
        else:
            last = self._last
            listed |= self._unlisted(last, [instance_id for instance_id in last if instance_id not in listed])
            missed = frozenset(last) - frozenset(listed)
            # A list may be empty for a moment, and so may be what is read by an id.
            listed |= {instance_id: item for instance_id, item in last.items() if instance_id in missed - self._missed}
            found = events(last, listed)
            if self._began_at is not None:
                found = of_the_start(found, self._began_at, initial=self._initial)
                self._began_at = None
            listed = {instance_id: remembered(last.get(instance_id), item) for instance_id, item in listed.items()}
        self._last, self._missed = listed, missed & frozenset(listed)
        # An instance that leaves what is wanted, by its plan say, is not gone: so events are chosen, and not instances.
        return [event for event in found if any(item is not None and self._wanted(item) for item in (event["before"], event["after"]))]

    def _unlisted(self, last: Mapping[str, Json], missing: list[str]) -> dict[str, Json]:
        """Those that are there although the list lacks them: it may have shifted while it was read (contract: rule 6)."""
        if not missing:
            return {}
        deadline = self._client.clock.deadline(LIST_REQUESTS * self._client.longest_request)
        seen = StatusReader(self._client, deadline, _CONCURRENCY, self._reader.list_pages).read(missing)
        there = {}
        for instance_id in missing:
            # One that there was no time to look for counts as it was.
            found = seen.get(instance_id, last[instance_id])
            if isinstance(found, OperationMissing):
                continue  # the list is all that there is
            if isinstance(found, CloudNexusError):
                raise found
            if found is not None:
                there[instance_id] = found
        return there


def by_id(instances: Iterable[Json]) -> dict[str, Json]:
    return {item["id"]: item for item in instances}


def events(before: Mapping[str, Json], after: Mapping[str, Json], *, initial: bool = False) -> list[Json]:
    """What is different between two readings of the list: first what is gone, then in the order of the later one. Pure."""
    found = [_event(GONE, item, None) for instance_id, item in before.items() if instance_id not in after]
    for instance_id, item in after.items():
        was = before.get(instance_id)
        if was is None:
            found.append(_event(APPEARED, None, item, initial=initial))
            continue
        if _has_changed(was.get("status"), item.get("status")):
            found.append(_event(STATUS_CHANGED, was, item, ["status"]))
        if drifted := drift(was, item):
            found.append(_event(DRIFTED, was, item, drifted))
    return found


def of_the_start(found: Iterable[Json], began_at: float, *, initial: bool) -> list[Json]:
    """The events of the second reading, with what the first one lacked although it was there: a list may be short for a moment. Pure.

    It counts as what the first reading shows: as initial, or as nothing if that isn't asked for.
    """
    told = []
    for event in found:
        if event["change"] != APPEARED or age(event["after"].get("created_at")) >= age(began_at - _CLOCKS_DIFFER):
            told.append(event)
        elif initial:
            told.append({**event, "initial": True})
    return told


def _has_changed(was: Any, now: Any) -> bool:
    """Whether a status is an event. One that is not shown is none, and the first that is shown only if the instance is not well. Pure."""
    if now is None or now == was:
        return False
    return was is not None or now not in _WELL


def remembered(before: Json | None, after: Json) -> Json:
    """An instance as the API showed it last, field by field: what is compared, and not shown now, is as it was. Pure."""
    if before is None:
        return after
    shown = INSTANCE.managed(after)
    kept = [name for name in INSTANCE.managed(before) if name not in shown]
    kept += [name for name in ("status", "ip") if not after.get(name) and before.get(name)]
    return {**after, **{name: before[name] for name in kept}} if kept else after


def without_templates(data: Any) -> Any:
    """``data`` (plain JSON) with the signs that begin a template pulled apart: ``{ {`` for two braces. Pure.

    ansible-rulebook hands an event to a playbook as extra variables, which Ansible takes for templates on every core. Nothing in JSON could mark them.
    """
    if isinstance(data, str):
        return _BEGINS.sub(r"\g<0> ", data) if "{" in data or "#" in data else data
    if isinstance(data, dict):
        return {without_templates(key): without_templates(value) for key, value in data.items()}
    return [without_templates(value) for value in data] if isinstance(data, list) else data


def drift(before: Json, after: Json) -> list[str]:
    """The fields of an instance that can be declared, and its address, that have another value. Pure.

    The API shows whatever else it likes (uptime, figures of its load), and that is none. What it does not show both
    times can't have drifted (contract: rule 2).
    """
    was, now = INSTANCE.managed(before), INSTANCE.managed(after)
    found = [field.name for field in INSTANCE.fields if field.name in was and field.name in now and _differ(field, was[field.name], now[field.name])]
    if before.get("ip") and after.get("ip") and before["ip"] != after["ip"]:
        found.append("ip")
    return found


def _differ(field: Field, was: Any, now: Any) -> bool:
    # Parts that only one of them has make no difference, whichever it is.
    return not (field.same(was, now) or field.same(now, was))


def _event(change: str, before: Json | None, after: Json | None, changed: list[str] | None = None, *, initial: bool = False) -> dict[str, Any]:
    shown: Json = after or before or {}
    # Copies, as event filters change events in place, and each has its own.
    return {
        "change": change,
        "id": shown["id"],
        "name": shown["name"],
        "changed": changed or [],
        "initial": initial,
        "before": copy.deepcopy(before),
        "after": copy.deepcopy(after),
    }

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_fleet``: many instances as declared, and no others of their prefix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checks, matching
from ..api import Json, Reader, Writer
from ..apply.progress import Progress
from ..apply.rollout import Rollout, RolloutPlan
from ..apply.work import Work
from ..client.client import Client
from ..client.transport import MOST_CONNECTIONS
from ..errors import Ambiguous, CloudNexusError, Drift, FleetFailed, InvalidOption, NotApproved, NotBegun, OperationMissing
from ..operation import Context, Operation, Params, Plan
from ..plan import changes, instances
from ..plan.fleet import FleetChange, Member, checked_digest, differences, digest
from ..plan.instances import DECLARATION, LEAVING, by_name, check_look_alike, declared, made_of, no_such_id, renamed, the_one
from ..plan.resource import INSTANCE, named

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "instances": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {**DECLARATION, "name": {"type": "str", "required": True}, "id": {"type": "str"}},
    },
    "name_prefix": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "prune_pattern": {"type": "str"},
    "max_deletions": {"type": "int", "default": 0},
    "concurrency": {"type": "int", "default": 8},
    "recreate": {"type": "bool", "default": False},
    "max_unavailable": {"type": "int", "default": 1},
    "approved_digest": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}

#: Failures that an error's sentence tells in full; ``failed_instances`` has all.
_TOLD = 3


def _check(params: Params) -> None:
    for number, item in enumerate(params["instances"]):
        _check_declaration(f"instances[{number}]", item)
    for option in ("name", "id"):
        _each_once(option, [item.get(option) for item in params["instances"]])
    _each_its_own_name([item["name"] for item in params["instances"]])
    if params["name_prefix"] is not None:
        checks.text("name_prefix", params["name_prefix"])
    if params["prune"] and params["name_prefix"] is None:
        raise InvalidOption("name_prefix", "is required with prune=true: it says which other instances belong to the fleet.")
    if params["prune"]:
        for number, item in enumerate(params["instances"]):
            if not item["name"].startswith(params["name_prefix"]):
                raise InvalidOption(f"instances[{number}].name", f"expected a name that begins with name_prefix ({params['name_prefix']}), got {item['name']}.")
    if params["prune_pattern"] is not None:
        try:
            re.compile(params["prune_pattern"])
        except (re.error, OverflowError, RecursionError) as error:
            raise InvalidOption("prune_pattern", f"expected a regular expression ({error}).") from None
    checks.integer("max_deletions", params["max_deletions"], 0, 100_000)
    checks.integer("concurrency", params["concurrency"], 1, MOST_CONNECTIONS)
    checks.integer("max_unavailable", params["max_unavailable"], 1, 1000)
    checks.integer("wait_timeout", params["wait_timeout"], 1, 86_400)
    if params["approved_digest"] is not None:
        checked_digest("approved_digest", params["approved_digest"])


def _check_declaration(place: str, item: Mapping[str, Any]) -> None:
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


def _each_once(option: str, values: Sequence[str | None]) -> None:
    seen: dict[str, int] = {}
    for number, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            raise InvalidOption("instances", f"expected each {option} once, got {value} in instances[{seen[value]}] and in instances[{number}].")
        seen[value] = number


def _each_its_own_name(names: Sequence[str]) -> None:
    """No two that the API may make one name of: each would be taken for the other one."""
    all_names = frozenset(names)
    for name in names:
        if others := sorted(made_of(name) & all_names):
            raise InvalidOption("instances", f"expected names that differ in more than case or length: the API may make {others[0]} of {name}.")


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    try:
        listed = reader.instances()
    except OperationMissing as error:
        error.message += " So the names of a fleet can't be looked up, and nothing was changed; cloudnexus_instance takes an id, or unique_name=false."
        raise
    members = _members(params, listed)
    surplus = _surplus(params, listed, {member.change.current["id"] for member in members if member.change.current})
    change = FleetChange((*members, *surplus))
    entries = change.entries()
    found = {"changes": entries, "changes_digest": digest(entries)}
    try:
        _allow_deletions(params["max_deletions"], surplus)
        _allow_changes(params, change, found, context, {item["name"] for item in listed})
    except CloudNexusError as error:
        error.known = {"changed": False, **found}
        raise
    plan = RolloutPlan(
        change.members,
        # What was approved as a change in place is not replaced instead.
        recreate=params["recreate"] and params["approved_digest"] is None,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        concurrency=params["concurrency"],
        max_unavailable=params["max_unavailable"],
        list_pages=reader.list_pages,
    )

    def apply(client: Client, writer: Writer, progress: Progress) -> Mapping[str, Any]:
        rollout = Rollout(plan, client, writer, context.warn, progress)
        rollout.run()
        result = {**_done(rollout.works, len(members)), **found}
        if rollout.failed:
            raise _failed(rollout, result)
        return result

    return Plan({**_predicted(change, len(members)), **found}, change, apply, plan.creates)


# --- What is to be done ------------------------------------------------------------------------------------------------


def _members(params: Params, listed: list[Json]) -> list[Member]:
    """What is to be done with each instance that is wanted. Raises one error for all that can't be, before anything is changed."""
    problems: list[tuple[str, CloudNexusError]] = []
    resolved = _resolved(params["instances"], listed, problems)
    members: list[Member] = []

    def member(item: Mapping[str, Any], current: Json | None, leaving: tuple[Json, ...]) -> None:
        try:
            desired = declared(item)
            change = instances.present(current, desired, recreate=params["recreate"], wait=params["wait"])
            members.append(Member(item["name"], change, desired, leaving))
        except CloudNexusError as error:
            problems.append((item["name"], error))

    for item, current, leaving in resolved:
        member(item, current, leaving)
    if problems:
        order = [item["name"] for item in params["instances"]]
        problems.sort(key=lambda problem: order.index(problem[0]))
        failed = FleetFailed(f"{_told(problems, len(params['instances']))} Nothing was changed.")
        failed.known = {"changed": False, "failed_instances": [{"name": name, "msg": problem.message} for name, problem in problems]}
        raise failed
    return members


def _resolved(
    wanted: Sequence[Mapping[str, Any]], listed: list[Json], problems: list[tuple[str, CloudNexusError]]
) -> list[tuple[Mapping[str, Any], Json | None, tuple[Json, ...]]]:
    """Each instance that is wanted, with the one that there is. No two may be the same one: one would undo what the other does."""
    by_id = {item["id"]: item for item in listed}
    of_name = by_name(listed)
    found: list[tuple[Mapping[str, Any], Json | None, tuple[Json, ...]]] = []
    owners: dict[str, str] = {}
    for item in wanted:
        name = item["name"]
        try:
            current, leaving = _current(name, item.get("id"), of_name.get(name, []), by_id)
            if current is None and not leaving:
                check_look_alike(name, listed)
            if current is not None and owners.setdefault(current["id"], name) != name:
                raise Ambiguous(f"{name} and {owners[current['id']]} are one instance, {named(current)}; expected each instance once.")
            found.append((item, current, leaving))
        except CloudNexusError as error:
            problems.append((name, error))
    return found


def _current(name: str, instance_id: str | None, same_name: list[Json], by_id: Mapping[str, Json]) -> tuple[Json | None, tuple[Json, ...]]:
    """The instance that is meant, None if there is none, and those of its name that are being deleted already."""
    if instance_id is None:
        return the_one(name, same_name)
    current = by_id.get(instance_id)
    if current is None or current.get("status") == LEAVING:
        raise no_such_id(instance_id)
    return current, renamed(instance_id, name, same_name) if current["name"] != name else ()


def _surplus(params: Params, listed: list[Json], wanted: set[str]) -> list[Member]:
    """The instances of the fleet that are not wanted: all of the prefix, and of the pattern, that are not among ``wanted``."""
    if not params["prune"]:
        return []
    prefix: str = params["name_prefix"]
    of_prefix = [item for item in listed if item["name"].startswith(prefix) and item["id"] not in wanted and item.get("status") != LEAVING]
    of_pattern = _matching(params["prune_pattern"], [item["name"][len(prefix) :] for item in of_prefix])
    return [Member(item["name"], changes.absent(INSTANCE, item)) for item, belongs in zip(of_prefix, of_pattern, strict=True) if belongs]


def _matching(pattern: str | None, texts: list[str]) -> list[bool]:
    if pattern is None:
        return [True] * len(texts)
    try:
        return matching.matches(pattern, texts)
    except matching.TooSlow:
        raise InvalidOption(
            "prune_pattern",
            f"expected a pattern that is matched with {len(texts)} names within {matching.TIMEOUT:g} s. Nothing was changed. "
            "Repetitions within repetitions, such as (a+)+, take that long; write it without them.",
        ) from None


def _allow_deletions(allowed: int, surplus: Sequence[Member]) -> None:
    if len(surplus) > allowed:
        names = ", ".join(named(member.change.current or {}) for member in surplus)
        raise Drift(f"max_deletions: {len(surplus)} instances would be deleted, and {allowed} may be. They are {names}. Nothing was changed.")


def _allow_changes(params: Params, change: FleetChange, found: Mapping[str, Any], context: Context, names: set[str]) -> None:
    """Raises NotApproved where the changes are not the ones that were approved."""
    approved = params["approved_digest"]
    if approved is None or approved == found["changes_digest"]:
        return
    if not change.changed:
        context.warn("Nothing is left to be done of the changes that were approved (approved_digest).")
        return
    differing = differences(approved, found["changes"], names | {item["name"] for item in params["instances"]})
    raise NotApproved(
        f"approved_digest: the changes are not the ones that were approved, so nothing was changed; {differing}. "
        "changes and changes_digest say what is to be done now."
    )


# --- What comes of it --------------------------------------------------------------------------------------------------


def _predicted(change: FleetChange, wanted: int) -> dict[str, Any]:
    return {
        "instances": [member.change.predicted for member in change.members[:wanted]],
        "created": change.names("create"),
        "updated": change.names("update"),
        "recreated": change.names("recreate"),
        "deleted": change.names("delete"),
        "unchanged": change.names("none"),
        "failed_instances": [],
    }


def _done(works: Sequence[Work], wanted: int) -> dict[str, Any]:
    """The result as far as the task has come: those that exist, in the order asked for, and what was done with each."""

    def names(action: str) -> list[str]:
        return [work.name for work in works if work.action == action]

    replaced = [work for work in works if work.action == "delete" and work.change.action == "recreate"]
    return {
        "changed": any(work.action != "none" for work in works),
        "instances": [work.instance for work in works[:wanted] if work.instance is not None and work not in replaced],
        "created": names("create"),
        "updated": names("update"),
        "recreated": names("recreate"),
        # One whose replacement could not be made is gone all the same.
        "deleted": names("delete"),
        "unchanged": [work.name for work in works if work.change.action == "none" and work.error is None],
        "failed_instances": [{"name": work.name, "msg": work.error.message} for work in works if work.error is not None],
    }


def _failed(rollout: Rollout, result: Mapping[str, Any]) -> FleetFailed:
    problems = [(work.name, work.error) for work in rollout.failed if work.error is not None]
    first = next((error for _name, error in problems if error.api_error is not None), None)
    error = FleetFailed(_told(problems, len(rollout.works)), api_error=first.api_error if first else None)
    error.known = dict(result)
    return error


def _told(problems: Sequence[tuple[str, CloudNexusError]], count: int) -> str:
    """One sentence on how many failed, and those of the first few."""
    failed = [(name, error) for name, error in problems if not isinstance(error, NotBegun)]
    told = [f"{name}: {error.message}" for name, error in (failed or problems)[:_TOLD]]
    more = len(problems) - len(told)
    rest = f" failed_instances has {more} more." if more else ""
    return f"{len(problems)} of {count} instances failed. {' '.join(told)}{rest}"


OPERATION = Operation(ARGUMENT_SPEC, _plan, _check)

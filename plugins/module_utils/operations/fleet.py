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
from ..errors import Ambiguous, CloudNexusError, FleetFailed, InvalidOption, NotApproved, NotBegun, OperationMissing
from ..operation import Context, Operation, Params, Plan
from ..plan import changes, declaration, instances, limits, review
from ..plan.approval import checked_digest, covers_the_same, differences, digest
from ..plan.fleet import FleetChange, Member
from ..plan.instances import DECLARATION, GUARDS, LEAVING, Guards, by_name, check_guards, check_look_alike, declared, no_such_id, renamed, the_one
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
    "max_creations": {"type": "int"},
    "max_replacements": {"type": "int"},
    "max_total": {"type": "int"},
    "concurrency": {"type": "int", "default": 8},
    **GUARDS,
    "max_unavailable": {"type": "int", "default": 1},
    "approved_digest": {"type": "str"},
    "approved_plan": {"type": "dict"},
    "also_approved": {"type": "dict"},
    "require_approval": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}

#: The bounds on what one task may do.
_LIMITS = ("max_deletions", "max_creations", "max_replacements", "max_total")
#: Failures that an error's sentence tells in full; ``failed_instances`` has all.
_TOLD = 3


def _check(params: Params) -> None:
    declaration.check("instances", params["instances"])
    if params["name_prefix"] is not None:
        checks.text("name_prefix", params["name_prefix"])
    of_prefix = "prune=true" if params["prune"] else "max_total" if params["max_total"] is not None else None
    if of_prefix and params["name_prefix"] is None:
        raise InvalidOption("name_prefix", f"is required with {of_prefix}: it says which other instances belong to the fleet.")
    if of_prefix:
        for number, item in enumerate(params["instances"]):
            if not item["name"].startswith(params["name_prefix"]):
                raise InvalidOption(f"instances[{number}].name", f"expected a name that begins with name_prefix ({params['name_prefix']}), got {item['name']}.")
    if params["prune_pattern"] is not None:
        try:
            re.compile(params["prune_pattern"])
        except (re.error, OverflowError, RecursionError) as error:
            raise InvalidOption("prune_pattern", f"expected a regular expression ({error}).") from None
    check_guards(params)
    for option in _LIMITS:
        if params[option] is not None:
            checks.integer(option, params[option], 0, 100_000)
    checks.integer("concurrency", params["concurrency"], 1, MOST_CONNECTIONS)
    checks.integer("max_unavailable", params["max_unavailable"], 1, 1000)
    checks.integer("wait_timeout", params["wait_timeout"], 1, 86_400)
    _check_approval(params)


def _check_approval(params: Params) -> None:
    if params["approved_digest"] is not None:
        checked_digest("approved_digest", params["approved_digest"])
    if params["approved_plan"] is not None:
        review.check_plan("approved_plan", params["approved_plan"])
        if params["approved_digest"] not in (None, params["approved_plan"]["changes_digest"]):
            raise InvalidOption("approved_plan", "expected the plan of approved_digest, or one of the two alone.")


def _approved(params: Params) -> str | None:
    """The digest of what was approved."""
    digest_of_plan: str | None = (params["approved_plan"] or {}).get("changes_digest")
    return params["approved_digest"] or digest_of_plan


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    if params["require_approval"] and not context.check_mode and _approved(params) is None:
        raise InvalidOption("approved_digest", "is required with require_approval=true, or approved_plan; check mode returns both.")
    try:
        listed = reader.instances()
    except OperationMissing as error:
        error.message += " So the names of a fleet can't be looked up, and nothing was changed; cloudnexus_instance takes an id, or unique_name=false."
        raise
    members = _members(params, listed)
    others = _others(params, listed, {member.change.current["id"] for member in members if member.change.current})
    surplus = others if params["prune"] else []
    change = FleetChange((*members, *surplus))
    found = _found(params, change)
    try:
        Guards.of(params).check(member.change for member in change.members)
        limits.check(*_limits(params, change, members, others))
        _allow_changes(params, change, found, context, {item["name"] for item in listed})
    except CloudNexusError as error:
        error.known = {"changed": False, **found}
        raise
    plan = RolloutPlan(
        change.members,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        concurrency=params["concurrency"],
        max_unavailable=params["max_unavailable"],
        max_replacements=params["max_replacements"],
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
    guards = Guards.of(params)
    # An approved change in place never turns into a replacement.
    instead = guards.replaceable_for if _approved(params) is None else frozenset()

    def member(item: Mapping[str, Any], current: Json | None, leaving: tuple[Json, ...]) -> None:
        try:
            desired = declared(item)
            change = instances.present(current, desired, recreate=guards.replaceable_for, wait=params["wait"], resend=guards.resent)
            is_kept = guards.protects(item["name"], (current or item)["name"])
            members.append(Member(item["name"], change, desired, leaving, frozenset() if is_kept else instead, is_kept))
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


def _others(params: Params, listed: list[Json], wanted: set[str]) -> list[Member]:
    """The instances of the fleet that are not wanted: all of the prefix, and of the pattern, that are not among ``wanted``."""
    if not params["prune"] and params["max_total"] is None:
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


def _found(params: Params, change: FleetChange) -> dict[str, Any]:
    """What the result says of the plan, whatever comes of it."""
    entries, also = change.entries(), params["also_approved"]
    changes_digest = digest(entries, also)
    return {
        "changes": entries,
        "changes_digest": changes_digest,
        "summary": review.summary(change),
        "plan_markdown": review.markdown(change, changes_digest, also),
        "plan": review.kept(change, entries, changes_digest, also),
        "not_compared": change.not_compared(),
    }


def _limits(params: Params, change: FleetChange, members: Sequence[Member], others: Sequence[Member]) -> tuple[list[limits.Limit], limits.Total]:
    bounded = (("max_deletions", "delete", "deleted"), ("max_replacements", "recreate", "replaced"), ("max_creations", "create", "created"))
    prefix = params["name_prefix"] or ""
    there = [member for member in members if member.change.current is not None and member.change.current["name"].startswith(prefix)]
    return (
        [limits.Limit(option, params[option], done, change.with_action(action)) for option, action, done in bounded],
        limits.Total(params["max_total"], before=len(there) + len(others), after=len(members) + (0 if params["prune"] else len(others))),
    )


def _allow_changes(params: Params, change: FleetChange, found: Mapping[str, Any], context: Context, names: set[str]) -> None:
    """Raises NotApproved if the changes, or what is approved with them, are not the ones that were approved."""
    approved, now = _approved(params), found["changes_digest"]
    if approved is None or approved == now:
        return
    plan = params["approved_plan"]
    option = "approved_digest" if plan is None else "approved_plan"
    if not covers_the_same(approved, now):
        raise NotApproved(f"{option}: {_other_settings(plan, params['also_approved'] or {})}, so nothing was changed. Approve it again in check mode.")
    if not change.changed:
        context.warn(f"Nothing is left to be done of the changes that were approved ({option}).")
        return
    known = names | {item["name"] for item in (*params["instances"], *(plan or {}).get("changes", ()))}
    raise NotApproved(
        f"{option}: the changes are not the ones that were approved, so nothing was changed; {differences(approved, found['changes'], known)}. "
        "changes and changes_digest say what is to be done now."
    )


def _other_settings(plan: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """What is approved beside the instances, and differs. Only a plan says what it was."""
    approved = (plan or {}).get("also_approved", {})
    names = sorted(name for name in {*approved, *now} if plan is None or approved.get(name) != now.get(name))
    return f"also_approved ({', '.join(names)}) is not what was approved" if names else "the approval covers also_approved, which is not given"


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

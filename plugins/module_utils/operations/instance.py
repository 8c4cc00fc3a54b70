# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_instance``: one instance, present as declared or absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import checks
from ..api import Json, Reader, Writer
from ..apply.progress import Progress
from ..apply.rollout import Rollout, RolloutPlan
from ..client.client import Client
from ..errors import CloudNexusError, InvalidOption, NotFound, OperationMissing
from ..operation import Context, Operation, Params, Plan
from ..plan import changes, instances
from ..plan.fleet import Member
from ..plan.instances import DECLARATION, GUARDS, Guards, check_guards, check_look_alike, declared, no_such_id, renamed, the_one
from ..plan.resource import INSTANCE

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **DECLARATION,
    "unique_name": {"type": "bool", "default": True},
    **GUARDS,
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}


def _check(params: Params) -> None:
    desired = declared(params)
    check_guards(params)
    checks.integer("wait_timeout", params["wait_timeout"], 1, 86_400)
    if params["id"] is not None:
        checks.identifier("id", params["id"])
        return
    if "name" not in desired:
        raise InvalidOption("name", "is required, or id, to say which instance is meant.")
    for option in ("plan", "region"):
        if params["state"] == "present" and option not in desired:
            raise InvalidOption(option, "is required with state=present, unless id says which existing instance is meant.")


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    desired = declared(params)
    current, leaving = _current(params, reader)
    try:
        change = _present(params, desired, current) if params["state"] == "present" else changes.absent(INSTANCE, current)
        Guards.of(params).check([change])
    except CloudNexusError as error:
        error.known = _unchanged(current)
        raise
    why = {"reasons": list(change.reasons), "not_compared": list(change.not_compared)}
    member = _member(params, change, desired, leaving)
    plan = RolloutPlan((member,), unique_name=params["unique_name"], wait=params["wait"], wait_timeout=params["wait_timeout"])

    def apply(client: Client, writer: Writer, progress: Progress) -> Mapping[str, Any]:
        rollout = Rollout(plan, client, writer, context.warn, progress)
        rollout.run()
        (work,) = rollout.works
        known = {"action": work.action, "instance": work.instance, **why}
        if work.error is not None:
            work.error.known = {"changed": work.action != "none", **known}
            if isinstance(work.error, OperationMissing) and work.action == "none":
                work.error.message += " Nothing was changed; what the API does not offer can be done in the CloudNexus dashboard."
            raise work.error
        return known

    return Plan({"action": change.action, "instance": change.predicted, **why}, change, apply, plan.creates)


def _member(params: Params, change: changes.Change, desired: Mapping[str, Any], leaving: tuple[Json, ...]) -> Member:
    guards, name = Guards.of(params), (change.current or {}).get("name", "")
    kept = guards.protects(name)
    return Member(params["name"] or name, change, desired, leaving, frozenset() if kept else guards.replaceable_for, kept)


def _present(params: Params, desired: Mapping[str, Any], current: Json | None) -> changes.Change:
    if current is None and params["id"] is not None:
        raise no_such_id(params["id"])
    guards = Guards.of(params)
    return instances.present(current, desired, recreate=guards.replaceable_for, wait=params["wait"], resend=guards.resent)


def _current(params: Params, reader: Reader) -> tuple[Json | None, tuple[Json, ...]]:
    """The instance that is meant, None if there is none, and those of its name that are being deleted already.

    Raises Ambiguous, OperationMissing.
    """
    if params["id"] is not None:
        return _by_id(params, reader)
    if params["state"] == "present" and not params["unique_name"]:
        return None, ()
    listed = _listed(params["name"], reader, "unique_name=false to make one without looking" if params["state"] == "present" else None)
    current, leaving = the_one(params["name"], (item for item in listed if item["name"] == params["name"]))
    if current is None and not leaving:
        check_look_alike(params["name"], listed)
    return current, leaving


def _by_id(params: Params, reader: Reader) -> tuple[Json | None, tuple[Json, ...]]:
    try:
        current, _leaving = the_one("", [reader.instance(params["id"])])
    except NotFound:
        current = None
    if current is None and params["state"] == "absent":
        reader.confirm_base()
    if current is None or params["state"] == "absent" or params["name"] in (None, current["name"]) or not params["unique_name"]:
        return current, ()
    try:
        return current, renamed(current["id"], params["name"], _listed(params["name"], reader))
    except CloudNexusError as error:
        error.known = _unchanged(current)
        raise


def _unchanged(current: Json | None) -> dict[str, Any]:
    return {"changed": False, "action": "none", "instance": current}


def _listed(name: str, reader: Reader, way_out: str | None = None) -> list[Json]:
    """All instances. Raises OperationMissing with what to do instead (contract: rule 1)."""
    try:
        return reader.instances()
    except OperationMissing as error:
        ways = "pass id to say which instance is meant" + (f", or {way_out}" if way_out else "")
        error.message += f" So the name {name} can't be looked up, and nothing was changed; {ways}."
        raise


OPERATION = Operation(ARGUMENT_SPEC, _plan, _check)

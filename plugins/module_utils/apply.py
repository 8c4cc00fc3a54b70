# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a change out: the only code that reaches the writing operations.

Whatever fails, the error's ``known`` says what exists by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .api import Json, Reader, Writer
from .changes import Change, recreated
from .client import Client
from .clock import Deadline
from .errors import (
    Ambiguous,
    CloudNexusError,
    Drift,
    InDoubt,
    NotFound,
    OperationMissing,
    WaitFailed,
)
from .resource import INSTANCE
from .wait import wait_until

#: Seconds over which the list is read again after a create whose answer was lost, before the create may be sent once
#: more: the list may lag behind (contract: rule 4).
SETTLING_TIME = 5.0
#: Seconds that a change of the CDN takes to reach the edge (contract: PUT /cdn/config).
CDN_PROPAGATION = 60.0

RUNNING = "running"
#: Statuses that an instance won't leave by itself; they end a wait (docs/contract.md).
BROKEN = ("failed", "error")
#: The status of one that is being deleted: it is as good as gone (docs/contract.md).
LEAVING = "deleting"


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """A change of one instance, and how to carry it out."""

    change: Change
    #: What the user declared, for a new instance in place of one that can't be changed.
    desired: Mapping[str, Any]
    #: Whether an instance may be looked up by its name (``unique_name``).
    unique_name: bool
    recreate: bool
    wait: bool
    wait_timeout: int
    #: Instances of the same name that are being deleted already.
    leaving: tuple[Json, ...] = ()


class InstanceApplier:
    """Carries out one plan. ``instance`` and ``action`` say at any time what has come of it."""

    def __init__(self, plan: InstancePlan, client: Client, warn: Callable[[str], None]) -> None:
        self._plan = plan
        self._warn = warn
        self._reader = Reader(client)
        self._writer = Writer(client)
        self._clock = client.clock
        self._deadline = client.clock.deadline(plan.wait_timeout)
        self.instance: Json | None = dict(plan.change.current) if plan.change.current is not None else None
        self.action: str = "none"
        #: The request that is under way, or whose outcome is not known yet; for the sentence of an interruption.
        self._under_way: str | None = None

    def apply(self) -> None:
        """Do what the plan says. Raises a CloudNexusError that knows what exists by now."""
        try:
            self._apply(self._plan.change, self.instance)
        except CloudNexusError as error:
            error.known = {"changed": self.action != "none", "action": self.action, "instance": self.instance}
            raise
        except BaseException:  # Ctrl-C, or the task's own timeout: no result will say what exists
            self._warn(self._so_far())
            raise

    def _so_far(self) -> str:
        """What an interruption leaves behind."""
        done = {"create": "was created", "recreate": "was created in place of the old one", "update": "was changed", "delete": "was deleted"}
        parts = []
        if self.action in done and self.instance is not None:
            status = f"; its last status is {self.instance.get('status')!r}" if self.action != "delete" else ""
            parts.append(f"The {INSTANCE.called(self.instance)} {done[self.action]}{status}.")
        elif self.action == "delete" and self._plan.change.current is not None:
            parts.append(f"The old {INSTANCE.called(self._plan.change.current)} was deleted to make room for a new one.")
        if self._under_way:
            parts.append(f"{self._under_way}, and may or may not have had its effect.")
        if not parts:
            parts.append("Nothing was changed.")
        return f"Interrupted. {' '.join(parts)} The same task again finds what there is, and goes on from there."

    def _apply(self, change: Change, current: Json | None) -> None:
        if change.action == "create" or self._plan.wait:
            # As in _recreate: two of one name would be ambiguous to the next run.
            for leaving in self._plan.leaving:
                self._wait_until_gone(leaving)
            self.instance = current
        if change.action == "create":
            instance = self._create(change.body)
        elif current is None:
            return
        elif change.action == "delete":
            self._delete(current)
            return
        elif change.action == "recreate":
            instance = self._recreate(current, change)
        elif change.action == "update":
            instance = self._update(current, change)
        else:
            instance = current
        if self._plan.wait:
            self._wait_until_up(instance)
        if self.action in ("create", "recreate") and self._plan.unique_name:
            self._look_for_a_twin(instance)

    # --- Create ---

    def _create(self, body: Mapping[str, Any], *, old_id: str | None = None) -> Json:
        """Make one instance, never two (contract: rule 4). ``old_id`` is one of the same name that was just deleted."""
        try:
            instance = self._create_or_find(body, old_id)
        except _NothingToBeFound:
            try:
                instance = self._create_or_find(body, old_id)
            except _NothingToBeFound as error:
                raise _in_doubt(body, error.lost, "it was sent twice, and the list of instances shows none of that name") from None
        self.instance = instance
        self.action = "recreate" if old_id else "create"
        self._under_way = None
        return instance

    def _create_or_find(self, body: Mapping[str, Any], old_id: str | None) -> Json:
        """Send the creation; where its answer is lost, look whether it worked. Raises _NothingToBeFound if not."""
        self._under_way = f"The creation of {body['name']} was under way"
        try:
            return self._writer.create_instance(body)
        except CloudNexusError as error:
            if not error.in_doubt:
                raise
            lost = error
        if not self._plan.unique_name:
            raise _in_doubt(body, lost, "with unique_name=false nothing can tell whether it does")

        def look() -> Json | None:
            try:
                found = [item for item in self._named(body["name"]) if item["id"] != old_id]
            except CloudNexusError as error:
                raise _in_doubt(body, lost, f"the list of instances could not be read to find out: {error.message}") from None
            if len(found) > 1:
                ambiguous = two_of_one_name(body["name"], found)
                ambiguous.message += f" The answer to this task's own creation was lost, so that one of them may be its: {lost.message}"
                raise ambiguous
            return found[0] if found else None

        found = wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        if found is None:
            raise _NothingToBeFound(lost)
        others = [name for name in ("plan", "region") if found.get(name) not in (None, body[name])]
        if others:
            raise _in_doubt(body, lost, f"{found['id']} has that name, but another {' and '.join(others)}: somebody else may have made it")
        return found

    def _look_for_a_twin(self, instance: Json) -> None:
        """Somebody else may have made one of the same name at the same moment; only looking again shows it (contract: rule 9).

        The list is read until it shows the new instance too, so that the next run finds it, for the settling time at most.
        """

        def look() -> list[Json] | None:
            named = self._named(instance["name"])
            twins = [item for item in named if item["id"] != instance["id"] and item.get("status") != LEAVING]
            return twins if twins or len(named) > len(twins) else None

        try:
            twins = wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        except CloudNexusError as error:
            error.message = f"This task has made {instance['id']}. Whether there is another one of its name could not be seen: {error.message}"
            raise
        if twins:
            raise Ambiguous(
                f"This task has made {instance['id']}, and the list shows {_ids(twins)} of the same name {instance['name']} besides. Another run or user "
                "made it at the same moment, or a creation whose answer was lost had its effect late. Until one of them is deleted (state=absent with "
                "its id), the name is ambiguous."
            )

    def _named(self, name: str) -> list[Json]:
        return [item for item in self._reader.instances() if item["name"] == name]

    # --- Delete, recreate, update ---

    def _delete(self, current: Json) -> None:
        self._send_delete(current)
        if self._plan.wait:
            self._wait_until_gone(current)

    def _send_delete(self, current: Json) -> None:
        self._under_way = f"The deletion of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.delete_instance(current["id"], current.get("region"))
        except NotFound as error:
            # Gone already (an earlier attempt, somebody else), or the API has no such operation.
            if self._seen(current) is not None:
                raise OperationMissing("DELETE /instances/{id}", api_error=error.api_error) from None
        self.action = "delete"
        self._under_way = None

    def _recreate(self, current: Json, change: Change) -> Json:
        self._send_delete(current)
        # Not before the old one is gone: two of one name would be ambiguous to the next run (contract: rule 5).
        self._wait_until_gone(current)
        self.instance = None
        try:
            return self._create(change.body, old_id=current["id"])
        except CloudNexusError as error:
            error.message = f"{error.message} The old {INSTANCE.called(current)} has been deleted to make room for it."
            raise

    def _update(self, current: Json, change: Change) -> Json:
        self._under_way = f"A change of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.update_instance(current["id"], change.body, current.get("region"))
        except (OperationMissing, NotFound) as error:
            # A 404 may also mean that the instance is gone by now.
            if self._seen(current) is None:
                raise
            if self._plan.recreate:
                return self._recreate(current, recreated(INSTANCE, current, self._plan.desired, reasons=change.reasons))
            differences = "; ".join(f"{name} is {change.before[name]!r}, wanted is {change.after[name]!r}" for name in change.body)
            raise Drift(
                f"The {INSTANCE.called(current)} differs from what is wanted ({differences}), and the API does not offer PATCH /instances/{{id}} "
                "to change it in place. recreate=true deletes it and makes a new one.",
                api_error=error.api_error,
            ) from None
        self.action = "update"
        self._under_way = None
        # The answer to a PATCH is not documented: a fresh read says what has come of it.
        self.instance = (None if self._plan.wait else self._seen(current)) or {**current, **change.body}
        return self.instance

    # --- Wait ---

    def _wait_until_up(self, instance: Json) -> None:
        """Wait until the instance runs and shows what was changed, by the one deadline."""
        may_be_missing_until = self._clock.deadline(SETTLING_TIME if self.action in ("create", "recreate") else 0)

        def look() -> bool | None:
            seen = self._seen(instance, self._deadline)
            if seen is not None:
                self.instance = seen
                return self._is_up(seen) or None
            # Right after its creation an instance may not be shown yet.
            if may_be_missing_until.passed:
                raise WaitFailed(f"The {INSTANCE.called(instance)} is gone: the API no longer shows it.")
            return None

        # What a PATCH has changed must be read once more; else what is known already may do.
        if self.action != "update" and self._is_up(instance):
            return
        if wait_until(look, self._deadline) is None:
            raise WaitFailed(
                f"The {INSTANCE.called(instance)} is not up after {self._plan.wait_timeout} s (wait_timeout); its last status is "
                f"{(self.instance or instance).get('status')!r}. It exists, and may come up later."
            )

    def _is_up(self, instance: Json) -> bool:
        """Raises WaitFailed for one that won't come up any more."""
        status = instance.get("status")
        if status in BROKEN:
            raise WaitFailed(f"The {INSTANCE.called(instance)} does not come up: its status is {status!r}. recreate=true deletes it and makes a new one.")
        applied = self.action != "update" or all(instance.get(name) in (None, value) for name, value in self._plan.change.body.items())
        return status == RUNNING and applied

    def _wait_until_gone(self, current: Json) -> None:
        def look() -> bool | None:
            seen = self._seen(current, self._deadline)
            if seen is None:
                return True
            self.instance = seen
            return None

        if wait_until(look, self._deadline) is None:
            raise WaitFailed(
                f"The {INSTANCE.called(current)} was deleted, but the API still shows it after {self._plan.wait_timeout} s (wait_timeout); its last "
                f"status is {(self.instance or current).get('status')!r}."
            )

    def _seen(self, instance: Json, deadline: Deadline | None = None) -> Json | None:
        """The instance as the API shows it now; None where it does not."""
        try:
            return self._reader.instance(instance["id"], deadline)
        except NotFound:
            return None


class _NothingToBeFound(Exception):
    """The answer to a creation was lost, and the list shows no new instance even after the settling time."""

    def __init__(self, lost: CloudNexusError) -> None:
        super().__init__(lost.message)
        self.lost = lost


def _in_doubt(body: Mapping[str, Any], lost: CloudNexusError, why: str) -> InDoubt:
    return InDoubt(
        f"The answer to the creation of {body['name']} was lost, so that an instance may exist; {why}. Nothing more was sent. What was lost: {lost.message}",
        api_error=lost.api_error,
    )


def put_cdn_config(body: Mapping[str, Any], client: Client, warn: Callable[[str], None], *, wait: bool) -> None:
    """Replace the CDN configuration, and sit out its propagation if that was asked for."""
    so_far = "The change of the CDN configuration was under way, and may or may not have had its effect"
    try:
        Writer(client).put_cdn_config(body)
        so_far = f"The CDN configuration was changed; it reaches the edge within {CDN_PROPAGATION:.0f} s"
        if wait:
            client.clock.sleep(CDN_PROPAGATION)
    except CloudNexusError:
        raise
    except BaseException:  # as in InstanceApplier.apply
        warn(f"Interrupted. {so_far}.")
        raise


def two_of_one_name(name: str, found: list[Json]) -> Ambiguous:
    return Ambiguous(f"There are {len(found)} instances of the name {name}: {_ids(found)}. Which one is meant can be told with id.")


def _ids(instances: list[Json]) -> str:
    return " and ".join(sorted(item["id"] for item in instances))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a change out: the only code that reaches the writing operations.

Whatever fails, the error's ``known`` says what exists by then.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class InstanceApplier:
    """Carries out one plan. ``instance`` and ``action`` say at any time what has come of it."""

    def __init__(self, plan: InstancePlan, client: Client) -> None:
        self._plan = plan
        self._reader = Reader(client)
        self._writer = Writer(client)
        self._clock = client.clock
        self._deadline = client.clock.deadline(plan.wait_timeout)
        self.instance: Json | None = dict(plan.change.current) if plan.change.current is not None else None
        self.action: str = "none"

    def apply(self) -> None:
        """Do what the plan says. Raises a CloudNexusError that knows what exists by now."""
        try:
            self._apply(self._plan.change)
        except CloudNexusError as error:
            error.known = {"changed": self.action != "none", "action": self.action, "instance": self.instance}
            raise

    def _apply(self, change: Change) -> None:
        if change.action == "delete":
            self._delete()
            return
        if change.action == "create":
            self._create(change.body, known_ids=frozenset())
        elif change.action == "recreate":
            self._recreate(change)
        elif change.action == "update":
            self._update(change)
        if self._plan.wait and self.instance is not None:
            self._wait_until_up(change)

    # --- Create ---

    def _create(self, body: Mapping[str, Any], known_ids: frozenset[str]) -> None:
        """Make one instance, never two (contract: rule 4)."""
        for last in (False, True):
            try:
                self.instance = self._writer.create_instance(body)
            except CloudNexusError as error:
                if not error.in_doubt:
                    raise
                self.instance = self._found_again(body, known_ids, error)
                if self.instance is None and last:
                    why = "it was sent twice, and the list of instances shows none of that name"
                    raise self._in_doubt(body, error, why) from None
            if self.instance is not None:
                break
        self.action = "recreate" if self.action == "delete" else "create"

    def _found_again(self, body: Mapping[str, Any], known_ids: frozenset[str], lost: CloudNexusError) -> Json | None:
        """The answer to a create was lost: look whether there is an instance now."""
        name = body["name"]
        if not self._plan.unique_name:
            raise self._in_doubt(body, lost, "with unique_name=false nothing can tell whether it does") from None

        def look() -> Json | None:
            try:
                found = [item for item in self._reader.instances() if item["name"] == name and item["id"] not in known_ids]
            except CloudNexusError as error:
                raise self._in_doubt(body, lost, f"the list of instances could not be read to find out: {error.message}") from None
            if len(found) > 1:
                raise two_of_one_name(name, found)
            return found[0] if found else None

        found = wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        if found is not None:
            others = [key for key in ("plan", "region") if found.get(key) is not None and found[key] != body[key]]
            if others:
                raise self._in_doubt(body, lost, f"{found['id']} has that name, but another {' and '.join(others)}: somebody else may have made it")
        return found

    def _in_doubt(self, body: Mapping[str, Any], lost: CloudNexusError, why: str) -> InDoubt:
        return InDoubt(
            f"The answer to the creation of {body['name']} was lost, so that an instance may exist; {why}. "
            f"Nothing more was sent. What was lost: {lost.message}",
            api_error=lost.api_error,
        )

    # --- Delete, recreate, update ---

    def _delete(self) -> None:
        """Delete the instance, and wait until it is gone if that was asked for."""
        self._send_delete()
        if self._plan.wait:
            self._wait_until_gone()

    def _send_delete(self) -> None:
        assert self.instance is not None
        instance_id = self.instance["id"]
        try:
            self._writer.delete_instance(instance_id, self.instance.get("region"))
        except NotFound as error:
            # Gone already (an earlier attempt, somebody else), or the API has no such operation.
            if self._seen(instance_id) is not None:
                raise OperationMissing("DELETE /instances/{id}", api_error=error.api_error) from None
        self.action = "delete"

    def _wait_until_gone(self) -> None:
        assert self.instance is not None
        instance_id = self.instance["id"]

        def look() -> bool | None:
            seen = self._seen(instance_id, self._deadline)
            if seen is None:
                return True
            self.instance = seen
            return None

        if wait_until(look, self._deadline) is None:
            raise WaitFailed(
                f"The {_called(self.instance)} was deleted, but the API still shows it after {self._plan.wait_timeout} s (wait_timeout); "
                f"its last status is {self.instance.get('status')!r}."
            )

    def _recreate(self, change: Change) -> None:
        old = self.instance
        assert old is not None
        self._send_delete()
        # Not before the old one is gone: two of one name would be ambiguous to the next run (contract: rule 5).
        self._wait_until_gone()
        self.instance = None
        try:
            self._create(change.body, known_ids=frozenset((old["id"],)))
        except CloudNexusError as error:
            error.message = f"{error.message} The old {_called(old)} has been deleted to make room for it."
            raise

    def _update(self, change: Change) -> None:
        assert self.instance is not None
        instance_id = self.instance["id"]
        try:
            self._writer.update_instance(instance_id, change.body, self.instance.get("region"))
        except (OperationMissing, NotFound) as error:
            seen = self._seen(instance_id)
            if seen is None:
                raise
            self.instance = seen
            if self._plan.recreate:
                self._recreate(recreated(INSTANCE, seen, self._plan.desired, reasons=change.reasons))
                return
            differences = "; ".join(f"{name} is {change.before[name]!r}, wanted is {change.after[name]!r}" for name in change.body)
            raise Drift(
                f"The {_called(seen)} differs from what is wanted ({differences}), and the API does not offer PATCH /instances/{{id}} "
                "to change it in place. recreate=true deletes it and makes a new one.",
                api_error=error.api_error,
            ) from None
        self.action = "update"
        self.instance = {**self.instance, **change.body}
        if not self._plan.wait:
            # The answer to a PATCH is not documented: a fresh read says what has come of it.
            self.instance = self._seen(instance_id) or self.instance

    # --- Wait ---

    def _wait_until_up(self, change: Change) -> None:
        """Wait until the instance runs and shows what was changed, by the one deadline."""
        assert self.instance is not None
        instance_id = self.instance["id"]
        updated = self.action == "update"
        settled = self._clock.deadline(SETTLING_TIME)

        def is_up(instance: Json) -> bool:
            missing = INSTANCE.managed(instance)
            applied = not updated or all(missing.get(name, value) == value for name, value in change.body.items())
            return instance.get("status") == RUNNING and applied

        def look() -> bool | None:
            seen = self._seen(instance_id, self._deadline)
            if seen is not None:
                self.instance = seen
                if seen.get("status") in BROKEN:
                    raise WaitFailed(f"The {_called(seen)} does not come up: its status is {seen['status']!r}.")
                return True if is_up(seen) else None
            # Right after its creation an instance may not be shown yet.
            if self.action not in ("create", "recreate") or settled.passed:
                raise WaitFailed(f"The {_called(self.instance)} is gone: the API no longer shows it.")
            return None

        if not updated and is_up(self.instance):
            return
        if not updated and self.instance.get("status") in BROKEN:
            raise WaitFailed(
                f"The {_called(self.instance)} does not come up: its status is {self.instance['status']!r}. "
                "recreate=true deletes it and makes a new one."
            )
        if wait_until(look, self._deadline) is None:
            raise WaitFailed(
                f"The {_called(self.instance)} is not up after {self._plan.wait_timeout} s (wait_timeout); "
                f"its last status is {self.instance.get('status')!r}. It exists, and may come up later."
            )

    def _seen(self, instance_id: str, deadline: Deadline | None = None) -> Json | None:
        try:
            return self._reader.instance(instance_id, deadline)
        except NotFound:
            return None


def put_cdn_config(body: Mapping[str, Any], client: Client, *, wait: bool) -> None:
    """Replace the CDN configuration, and sit out its propagation if that was asked for."""
    Writer(client).put_cdn_config(body)
    if wait:
        client.clock.sleep(CDN_PROPAGATION)


def two_of_one_name(name: str, found: list[Json]) -> Ambiguous:
    ids = " and ".join(sorted(item["id"] for item in found))
    return Ambiguous(f"There are {len(found)} instances of the name {name}: {ids}. Which one is meant can be told with id.")


def _called(instance: Mapping[str, Any] | None) -> str:
    return INSTANCE.called(instance) if instance else "instance"

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a change out, one write at a time: the only code that reaches the writing operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .api import Json, Reader, Writer
from .changes import Change, recreated
from .client import Client
from .errors import CloudNexusError, Drift, InDoubt, NotBegun, NotFound, OperationMissing
from .fleet import Member
from .progress import INTERVAL, Progress
from .resource import INSTANCE, brief

#: Seconds that a change of the CDN takes to reach the edge (contract: PUT /cdn/config).
CDN_PROPAGATION = 60.0


class Work:
    """One instance while a task works on it. It says at any time what has come of it so far."""

    def __init__(self, member: Member) -> None:
        self.name = member.name
        self.desired = member.desired
        self.leaving = member.leaving
        #: What is still to be done, or was.
        self.change = member.change
        self.instance: Json | None = dict(member.change.current) if member.change.current is not None else None
        #: What was done: ``delete`` is also the first half of ``recreate``.
        self.action: str = "none"
        self.error: CloudNexusError | None = None
        #: The request that is under way, or whose outcome is not known yet; for the sentence of an interruption.
        self.under_way: str | None = None
        #: The error that the answer to the creation was lost with, while nothing is known of what came of it.
        self.lost: CloudNexusError | None = None

    @property
    def current(self) -> Mapping[str, Any]:
        """The instance as it was before; empty where there was none."""
        return self.change.current or {}

    @property
    def id(self) -> str:
        return str((self.instance or self.current)["id"])

    @property
    def called(self) -> str:
        return INSTANCE.called(self.instance or self.current)

    def fail(self, error: CloudNexusError) -> None:
        if self.change.action == "recreate" and self.action == "delete" and self.instance is None:
            error.message = f"{error.message} The old {INSTANCE.called(self.current)} has been deleted to make room for it."
        self.error = error

    def not_begun(self, why: str) -> None:
        """Nothing is sent for it, because of what came before."""
        if self.lost is None:
            self.fail(NotBegun(why))
        else:
            self.give_up(f"the list of instances shows none of that name. {why}")

    def give_up(self, why: str) -> None:
        """The answer to its creation was lost, and nothing tells what came of it (contract: rule 4)."""
        text = f"The answer to the creation of {self.name} was lost, so that an instance may exist; {why}. Nothing more was sent. What was lost: {self.lost}"
        self.fail(InDoubt(text, api_error=self.lost.api_error if self.lost else None))

    def created(self, instance: Json) -> None:
        """It is there: the answer said so, or the list shows it."""
        self.instance = instance
        self.action = "recreate" if self.change.action == "recreate" else "create"
        self.under_way = self.lost = None


class Steps:
    """The single writes. Each says in its Work what has come of it, and raises a CloudNexusError."""

    def __init__(self, client: Client, *, recreate: bool) -> None:
        self._reader = Reader(client)
        self._writer = Writer(client)
        #: Whether an instance may be replaced where the API turns out not to change it in place.
        self._recreate = recreate

    def create(self, work: Work) -> None:
        """Where the answer is lost, ``work.lost`` says so, and nothing is raised (contract: rule 4)."""
        work.under_way = f"The creation of {work.name} was under way"
        try:
            work.created(self._writer.create_instance(work.change.body))
        except CloudNexusError as error:
            if not error.in_doubt:
                work.under_way = None
                raise
            work.lost = error

    def delete(self, work: Work) -> None:
        current = work.current
        work.under_way = f"The deletion of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.delete_instance(current["id"], current.get("region"))
        except NotFound as error:
            # Gone already (an earlier attempt, somebody else), or the API has no such operation.
            if self.seen(work.current["id"]) is not None:
                raise OperationMissing("DELETE /instances/{id}", api_error=error.api_error) from None
        work.action = "delete"
        work.under_way = None

    def update(self, work: Work) -> None:
        """Where the API does not change it in place, and that is allowed, ``work.change`` is its replacement afterwards."""
        current, change = work.current, work.change
        work.under_way = f"A change of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.update_instance(current["id"], change.body, current.get("region"))
        except (OperationMissing, NotFound) as error:
            # A 404 may also mean that the instance is gone by now.
            if self.seen(current["id"]) is None:
                raise
            work.under_way = None
            work.change = self._replacement(work, change, error)
            return
        work.action = "update"
        work.under_way = None
        work.instance = {**current, **change.body}

    def _replacement(self, work: Work, change: Change, error: CloudNexusError) -> Change:
        if self._recreate:
            return recreated(INSTANCE, work.current, work.desired, reasons=change.reasons)
        differences = "; ".join(f"{name} is {brief(repr(change.before[name]))}, wanted is {brief(repr(change.after[name]))}" for name in change.body)
        raise Drift(
            f"The {work.called} differs from what is wanted ({differences}), and the API does not offer PATCH /instances/{{id}} "
            "to change it in place. recreate=true deletes it and makes a new one.",
            api_error=error.api_error,
        ) from None

    def seen(self, instance_id: str) -> Json | None:
        """The instance as the API shows it now; None where it does not."""
        try:
            return self._reader.instance(instance_id)
        except NotFound:
            return None


def put_cdn_config(body: Mapping[str, Any], client: Client, warn: Callable[[str], None], progress: Progress, *, wait: bool) -> None:
    """Replace the CDN configuration, and sit out its propagation if that was asked for."""
    so_far = "The change of the CDN configuration was under way, and may or may not have had its effect"
    try:
        Writer(client).put_cdn_config(body)
        so_far = f"The CDN configuration was changed; it reaches the edge within {CDN_PROPAGATION:.0f} s"
        if wait:
            reached = client.clock.deadline(CDN_PROPAGATION)
            while not reached.passed:
                client.clock.sleep(min(reached.left, INTERVAL))
                progress.tell(lambda: "the CDN configuration is on its way to the edge")
    except CloudNexusError:
        raise
    except BaseException:  # as in Rollout.run
        warn(f"Interrupted. {so_far}.")
        raise

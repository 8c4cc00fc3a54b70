# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single writes to an instance: create, update, delete."""

from __future__ import annotations

from ..api import Json, Reader, Writer
from ..client.client import Client
from ..errors import CloudNexusError, Drift, NotFound, OperationMissing
from ..plan.changes import Change, differences
from ..plan.instances import replacement
from ..plan.resource import INSTANCE
from .work import Work


class Steps:
    """The single writes. Each says in its Work what has come of it, and raises a CloudNexusError."""

    def __init__(self, client: Client, writer: Writer) -> None:
        self._reader = Reader(client)
        self._writer = writer

    def create(self, work: Work) -> None:
        """If the response is lost, or does not show the instance, ``work.lost`` says why, and nothing is raised (contract: rule 4)."""
        work.under_way = f"The creation of {work.name} was under way"
        try:
            made = self._writer.create_instance(work.change.body)
        except CloudNexusError as error:
            if not error.in_doubt:
                work.under_way = None
                raise
            work.sent += 1
            work.lost = error
            return
        work.sent += 1
        if made.instance is not None:
            work.created(made.instance)
        else:
            work.taken(made.error)
            if made.id is not None:
                work.instance = {"id": made.id, **INSTANCE.shown(work.change.body)}

    def delete(self, work: Work) -> None:
        current = work.current
        work.under_way = f"The deletion of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.delete_instance(current["id"], current.get("region"))
        except NotFound:
            # Gone already (an earlier attempt, somebody else), or the API refuses to delete it.
            if self.seen(work.current["id"]) is not None:
                work.under_way = None
                raise
        work.action = "delete"
        work.under_way = None

    def update(self, work: Work) -> None:
        """If the API can't update it in place, and replacement is allowed, ``work.change`` is its replacement afterwards."""
        current, change = work.current, work.change
        work.under_way = f"A change of the {INSTANCE.called(current)} was under way"
        try:
            self._writer.update_instance(current["id"], change.body, current.get("region"))
        except (OperationMissing, NotFound) as error:
            gone = self.seen(current["id"]) is None
            if gone or isinstance(error, NotFound):
                # The instance is gone, or the API refused what was sent (a plan that it does not know, say).
                work.under_way = None
                raise
            work.under_way = None
            work.change = self._replacement(work, change, error)
            return
        work.action = "update"
        work.under_way = None
        work.instance = {**current, **change.body}

    def _replacement(self, work: Work, change: Change, error: CloudNexusError) -> Change:
        if not work.replaceable_for.isdisjoint(change.causes):
            return replacement(change, work.desired)
        raise Drift(
            f"The {work.called} differs from what is wanted ({differences(change.before, change.after, change.body)}), "
            f"and the API does not offer PATCH /instances/{{id}} to change it in place. {_instead(work, change)}",
            api_error=error.api_error,
        ) from None

    def seen(self, instance_id: str) -> Json | None:
        """The instance as the API shows it now; None if it does not."""
        try:
            return self._reader.instance(instance_id)
        except NotFound:
            return None


def _instead(work: Work, change: Change) -> str:
    """What to do about one that is not replaced."""
    if not change.causes:
        return "Use auto_scale_update=on_create: the API does not show the policy, so that nothing tells whether it differs."
    if work.protected:
        return "It is protected, so it was not replaced."
    if work.replaceable_for:
        return f"recreate_for allows no replacement for {' and '.join(change.causes)}."
    return "recreate=true deletes it and makes a new one."

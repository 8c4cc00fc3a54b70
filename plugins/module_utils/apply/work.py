# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance while a task works on it: what is still to be done, and what was done so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Json
from ..errors import CloudNexusError, Drift, InDoubt, NotBegun
from ..masking import brief
from ..plan.fleet import Member
from ..plan.resource import INSTANCE


class Work:
    """One instance while a task works on it. It says at any time what has come of it so far."""

    def __init__(self, member: Member) -> None:
        self.name = member.name
        self.desired = member.desired
        self.leaving = member.leaving
        self.replaceable_for = member.replaceable_for
        self.protected = member.protected
        #: What is still to be done, or was.
        self.change = member.change
        self.instance: Json | None = dict(member.change.current) if member.change.current is not None else None
        #: What was done: ``delete`` is also the first half of ``recreate``.
        self.action: str = "none"
        self.error: CloudNexusError | None = None
        #: The request that is under way, or whose outcome is not known yet; for the sentence of an interruption.
        self.under_way: str | None = None
        #: Why the response to the create does not show the instance, as long as nothing else does.
        self.lost: CloudNexusError | None = None
        #: Whether the API took a create (a success status): an instance exists, whether it is known or not.
        self.exists = False
        #: Creates that were sent and may have had their effect.
        self.sent = 0

    @property
    def current(self) -> Mapping[str, Any]:
        """The instance as it was before; empty if there was none."""
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
        """Nothing tells what came of the create (contract: rule 4)."""
        what = (
            f"The API has created {self.name}, and its response does not show the instance"
            if self.exists
            else f"The response to the create of {self.name} was lost, so that an instance may exist"
        )
        text = f"{what}; {why}. Nothing more was sent. What came: {self.lost}"
        self.fail(InDoubt(text, api_error=self.lost.api_error if self.lost else None))

    def taken(self, error: CloudNexusError | None) -> None:
        """The API took the create, and its response does not show the instance."""
        self.exists = True
        self.action = "recreate" if self.change.action == "recreate" else "create"
        self.lost = error

    def created(self, instance: Json) -> None:
        """The instance is there: the response shows it, or the list does. It fails if it is not what was sent."""
        self.taken(None)
        self.instance = instance
        self.under_way = None
        differing = INSTANCE.differing(instance, self.change.body)
        if differing:
            shown = INSTANCE.managed(instance)
            told = "; ".join(f"{name} is {brief(repr(shown[name]))}, sent was {brief(repr(self.change.body[name]))}" for name in differing)
            self.fail(Drift(f"The API has created the {self.called}, and shows something else than was sent: {told}. Declare it as the API shows it."))

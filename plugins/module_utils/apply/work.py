# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance while a task works on it: what is still to be done, and what was done so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Json
from ..errors import CloudNexusError, InDoubt, NotBegun
from ..plan.fleet import Member
from ..plan.resource import INSTANCE


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

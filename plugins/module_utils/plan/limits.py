# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The most that one task may create, replace and delete. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Drift
from .fleet import Member
from .resource import named

#: Names that a sentence lists; the result's ``changes`` has all of them.
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of one kind of change."""

    option: str
    #: None for any number.
    most: int | None
    #: The word for what is done with each.
    done: str
    members: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Total:
    """The most instances that there are in the end. It bounds growth: a fleet that has more already may stay as it is, or shrink."""

    most: int | None
    before: int
    after: int


def check(limits: Sequence[Limit], total: Total) -> None:
    """Raises one Drift for all limits that a task would exceed, before anything is changed."""
    told, needed = [], []
    for limit in limits:
        count = len(limit.members)
        if limit.most is not None and count > limit.most:
            told.append(f"{limit.option}: {count} instances would be {limit.done}, and {limit.most} may be. They are {_names(limit.members)}.")
            needed.append(f"{limit.option} to {count}")
    if total.most is not None and total.most < total.after and total.before < total.after:
        told.append(f"max_total: the fleet would have {total.after} instances, and may have {total.most}. It has {total.before}.")
        needed.append(f"max_total to {total.after}")
    if told:
        raise Drift(f"{' '.join(told)} Nothing was changed. If it is meant, set {' and '.join(needed)}.")


def _names(members: Sequence[Member]) -> str:
    names = [named(member.change.current) if member.change.current else member.name for member in members]
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")

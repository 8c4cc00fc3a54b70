# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes instances, never two for one (contract: rules 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..api import Json
from ..clock import Clock
from ..errors import Ambiguous, CloudNexusError
from ..plan.instances import LEAVING, by_name, ids, two_of_one_name
from .status import StatusReader
from .wait import wait_until
from .work import Work
from .writes import Writes

#: Seconds over which the list is read again after a create whose answer was lost, before the create may be sent once
#: more: the list may lag behind (contract: rule 4).
SETTLING_TIME = 5.0


class Creation:
    """Creates many at once, and settles the doubts about them with one reading of the list for all."""

    def __init__(self, send: Callable[[Work], None], writes: Writes, statuses: StatusReader, clock: Clock, *, unique_name: bool) -> None:
        self._send = send
        self._writes = writes
        self._statuses = statuses
        self._clock = clock
        #: Whether an instance may be looked up by its name.
        self._unique_name = unique_name

    def create(self, works: Sequence[Work]) -> None:
        """Make one instance each. What can't be told to exist or not is given up, and says so."""
        if not works:
            return
        self._statuses.forget()
        self._writes.each(works, self._send, "created")
        if not (left := self._settle(works)):
            return
        self._statuses.forget()
        self._writes.each(left, self._send, "created")
        for work in self._settle(left):
            work.give_up("it was sent twice, and the list of instances shows none of that name")

    def _settle(self, works: Sequence[Work]) -> list[Work]:
        """Look which of those whose answer was lost have been made. Returns those that can't be found."""
        pending = [work for work in works if work.lost is not None and work.error is None]
        if not self._unique_name:
            for work in pending:
                work.give_up("with unique_name=false nothing can tell whether it does")
            return []

        def look() -> bool | None:
            try:
                of_name = by_name(self._statuses.listed())
            except CloudNexusError as error:
                for work in pending:
                    work.give_up(f"the list of instances could not be read to find out: {error.message}")
                return True
            for work in list(pending):
                old = work.current.get("id")
                named = [item for item in of_name.get(work.name, []) if item.get("status") != LEAVING and item["id"] != old]
                if named:
                    pending.remove(work)
                    _take(work, named)
            return None if pending else True

        if pending:
            wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        return [work for work in pending if work.error is None]

    def look_for_twins(self, made: Sequence[Work]) -> None:
        """Somebody else may have made one of the same name at the same moment; only looking again shows it (contract: rule 9).

        The list is read until it shows the new instances too, so that the next run finds them, for the settling time at most.
        """
        pending = list(made) if self._unique_name else []
        looks = 0

        def look() -> bool | None:
            nonlocal looks
            of_name = by_name(self._statuses.listed(again=looks > 0))
            looks += 1
            pending[:] = [work for work in pending if not _looked_for_twins(work, of_name.get(work.name, []))]
            return None if pending else True

        try:
            if pending:
                wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        except CloudNexusError as error:
            for work in pending:
                text = f"This task has made {work.id}. Whether there is another one of its name could not be seen: {error.message}"
                work.fail(CloudNexusError(text, api_error=error.api_error))


def _take(work: Work, found: list[Json]) -> None:
    """These are of the name of a creation whose answer was lost."""
    if len(found) > 1:
        ambiguous = two_of_one_name(work.name, found)
        ambiguous.message += f" The answer to this task's own creation was lost, so that one of them may be its: {work.lost}"
        work.fail(ambiguous)
        return
    others = [name for name in ("plan", "region") if found[0].get(name) not in (None, work.change.body[name])]
    if others:
        work.give_up(f"{found[0]['id']} has that name, but another {' and '.join(others)}: somebody else may have made it")
    else:
        work.created(found[0])


def _looked_for_twins(work: Work, named: list[Json]) -> bool:
    """Whether the list shows what there is to see: another one of the name, or the new one alone."""
    twins = [item for item in named if item["id"] != work.id and item.get("status") != LEAVING]
    if twins:
        work.fail(
            Ambiguous(
                f"This task has made {work.id}, and the list shows {ids(twins)} of the same name {work.name} besides. Another run or user made it at the "
                "same moment, or a creation whose answer was lost had its effect late. Until one of them is deleted (state=absent with its id), the name "
                "is ambiguous."
            )
        )
    return bool(twins) or any(item["id"] == work.id for item in named)

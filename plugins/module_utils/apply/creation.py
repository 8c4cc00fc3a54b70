# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes instances, never two for one (contract: rules 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..api import Json
from ..clock import Clock
from ..errors import Ambiguous, CloudNexusError, Contradiction, InDoubt
from ..plan.instances import LEAVING, by_name, ids, look_alike, two_of_one_name
from ..plan.resource import named
from .status import StatusReader
from .wait import wait_until
from .work import Work
from .writes import Writes

#: Seconds over which the list is read again after a create, for another instance of the name (contract: rule 9).
SETTLING_TIME = 5.0
#: Seconds over which the API is read again for an instance that may exist, before the create is sent once more: the list
#: may lag (contract: rule 4).
SHOWING_TIME = 30.0


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
        self._send_all(works)
        left = self._settle(works)
        # A second create after one that the API took would make a second instance, and what it did not understand it would not understand again.
        again = [work for work in left if work.lost is not None and work.lost.transient and not work.exists]
        for work in left:
            if work not in again:
                work.give_up("the list of instances shows none of that name")
        if again:
            self._send_all(again)
            for work in self._settle(again):
                work.give_up("it was sent twice, and the list of instances shows none of that name")

    def _send_all(self, works: Sequence[Work]) -> None:
        self._statuses.forget()
        self._writes.each(works, self._send, "created")
        self._see([work for work in works if work.exists and work.lost is not None and work.instance is not None and work.error is None])

    def _see(self, named: Sequence[Work]) -> None:
        """Read those whose response names the id alone."""
        pending = list(named)

        def look() -> bool | None:
            seen = self._statuses.read([work.id for work in pending], by_list=False)
            for work in list(pending):
                now = seen.get(work.id)
                if now is None:
                    continue
                pending.remove(work)
                if isinstance(now, CloudNexusError):
                    work.fail(
                        CloudNexusError(f"The API has created {work.id} for {work.name}, which could not be read: {now.message}", api_error=now.api_error)
                    )
                else:
                    work.created(now)
            return None if pending else True

        if pending:
            wait_until(look, self._clock.deadline(SHOWING_TIME), first_interval=1.0)
        for work in pending:
            work.fail(InDoubt(f"The API has created {work.id} for {work.name}, and does not show it after {SHOWING_TIME:.0f} s. It may appear later."))

    def _settle(self, works: Sequence[Work]) -> list[Work]:
        """Look which of those that may exist, and are not known, are there. Returns those that can't be found."""
        pending = [work for work in works if work.lost is not None and work.error is None]
        if not self._unique_name:
            for work in pending:
                work.give_up(
                    "with unique_name=false nothing can tell whether it does" if not work.exists else "with unique_name=false nothing can tell which one it is"
                )
            return []
        alike: dict[str, str] = {}

        def look() -> bool | None:
            try:
                listed = self._statuses.listed()
            except Contradiction:
                return None
            except CloudNexusError as error:
                for work in pending:
                    work.give_up(f"the list of instances could not be read to find out: {error.message}")
                return True
            of_name = by_name(listed)
            for work in list(pending):
                old = work.current.get("id")
                found = [item for item in of_name.get(work.name, []) if item.get("status") != LEAVING and item["id"] != old]
                if found:
                    pending.remove(work)
                    _take(work, found)
                elif other := look_alike(work.name, listed):
                    alike[work.name] = named(other)
            return None if pending else True

        if pending:
            wait_until(look, self._clock.deadline(SHOWING_TIME), first_interval=1.0)
        for work in pending:
            if work.error is None and work.name in alike:
                work.give_up(f"the list shows {alike[work.name]}, whose name the API may have made of it")
        return [work for work in pending if work.error is None]

    def look_for_twins(self, made: Sequence[Work]) -> None:
        """Somebody else may have made one of the same name at the same moment; only looking again shows it (contract: rule 9).

        The list is read until it shows the new instances too, so that the next run finds them, for the settling time at most.
        """
        pending = list(made) if self._unique_name else []
        looks = 0

        def look() -> bool | None:
            nonlocal looks
            looks += 1
            try:
                of_name = by_name(self._statuses.listed(again=looks > 1))
            except Contradiction:
                return None
            pending[:] = [work for work in pending if not _looked_for_twins(work, of_name.get(work.name, []))]
            return None if pending else True

        try:
            if pending:
                seconds = SHOWING_TIME if any(work.sent > 1 for work in pending) else SETTLING_TIME
                wait_until(look, self._clock.deadline(seconds), first_interval=1.0)
        except CloudNexusError as error:
            for work in pending:
                text = f"This task has made {work.id}. Whether there is another one of its name could not be seen: {error.message}"
                work.fail(CloudNexusError(text, api_error=error.api_error))


def _take(work: Work, found: list[Json]) -> None:
    """Take the instances that have the name of a create whose response was lost."""
    if len(found) > 1:
        ambiguous = two_of_one_name(work.name, found)
        ambiguous.message += f" The response to this task's create request was lost, so it may have created one of them: {work.lost}"
        work.fail(ambiguous)
        return
    others = [name for name in ("plan", "region") if found[0].get(name) not in (None, work.change.body[name])]
    if others:
        work.give_up(f"{found[0]['id']} has that name, but another {' and '.join(others)}: somebody else may have made it")
    else:
        work.created(found[0])


def _looked_for_twins(work: Work, found: list[Json]) -> bool:
    """Whether the list shows what there is to see: another one of the name, or the new one alone if one create was sent."""
    twins = [item for item in found if item["id"] != work.id and item.get("status") != LEAVING]
    if twins:
        work.fail(
            Ambiguous(
                f"This task created {work.id}, but the list also shows {ids(twins)} of the same name {work.name}. Either another run or user created it "
                "at the same moment, or a create request whose response was lost took effect late. Until you delete one of them (state=absent with its "
                "id), the name is ambiguous."
            )
        )
    # The first of two creates may have its effect late: the look for it goes on for the whole time.
    return bool(twins) or (work.sent < 2 and any(item["id"] == work.id for item in found))

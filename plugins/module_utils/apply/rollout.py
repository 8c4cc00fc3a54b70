# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the changes of many instances, or of one: in parallel, with one deadline, one settling, one poll loop.

The order is: what is made or changed in place, and its wait; then replacements, batch by batch; then deletions. What
takes something away is not begun once anything has failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..api import Json, Writer
from ..client.client import Client
from ..errors import CloudNexusError, Drift, Fault, NotBegun, WaitFailed
from ..masking import brief
from ..plan.fleet import Member
from ..plan.instances import BROKEN, RUNNING, does_not_come_up
from ..plan.resource import INSTANCE, named
from .creation import SHOWING_TIME, Creation
from .progress import Progress
from .status import Seen, StatusReader
from .steps import Steps
from .wait import wait_until
from .work import Work
from .writes import Writes


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The changes of one task, and how to carry them out."""

    members: tuple[Member, ...]
    #: Whether an instance may be looked up by its name (``unique_name``).
    unique_name: bool = True
    wait: bool = True
    wait_timeout: int = 600
    concurrency: int = 1
    #: How many are replaced at a time.
    max_unavailable: int = 1
    #: How many may be replaced in all, those included that the API turns out not to change in place; None for any number.
    max_replacements: int | None = None
    #: Requests that a reading of the list takes; None if it has not been read.
    list_pages: int | None = None

    @property
    def creates(self) -> tuple[str, ...]:
        """The names that it may create an instance of; none if it makes one without looking for the name."""
        return tuple(member.name for member in self.members if member.may_create) if self.unique_name else ()


class Rollout:
    """Applies one plan. ``works`` say at any time what has come of each member."""

    def __init__(self, plan: RolloutPlan, client: Client, writer: Writer, warn: Callable[[str], None], progress: Progress) -> None:
        self._plan = plan
        self._warn = warn
        self._progress = progress
        self._stop = client.stop
        self._clock = client.clock
        self._deadline = client.clock.deadline(plan.wait_timeout)
        client.be_patient(self._deadline)
        self._steps = Steps(client, writer)
        self._writes = Writes(client, self._deadline, plan.concurrency, self._tell)
        self._statuses = StatusReader(client, self._deadline, plan.concurrency, plan.list_pages)
        self._creation = Creation(self._steps.create, self._writes, self._statuses, client.clock, unique_name=plan.unique_name)
        self.works = [Work(member) for member in plan.members]
        #: What lines of progress begin with.
        self._stage = ""

    @property
    def failed(self) -> list[Work]:
        return [work for work in self.works if work.error is not None]

    def run(self) -> None:
        """Do what the plan says. Whatever fails is in ``works``; only an interruption is raised."""
        try:
            self._run()
        except Exception as error:  # whatever it is, it hides nothing of what exists
            for work in self.works:
                if work.change.changed and work.error is None:
                    work.fail(Fault(error))
        except BaseException:  # Ctrl-C, or the task's own timeout: no result will say what exists
            self._stop.set()
            self._warn(so_far(self.works))
            raise

    def _run(self) -> None:
        self._wait_for_leaving()
        first = self._with("create", "update", "none")
        self._creation.create(self._with("create"))
        updates = self._with("update")
        self._writes.each(updates, self._steps.update, "changed")
        self._bound_replacements([work for work in updates if work.change.action == "recreate"])
        # An update that turned out to need a replacement is one of the next.
        first = [work for work in first if work.change.action != "recreate" and work.instance is not None]
        if self._plan.wait:
            self._wait_until_up(first)
        else:
            self._refresh([work for work in first if work.action == "update"])
        self._replace_all(self._with("recreate"))
        self._creation.look_for_twins([work for work in self.works if work.action in ("create", "recreate") and work.error is None])
        self._delete(self._with("delete"))

    def _with(self, *actions: str) -> list[Work]:
        return [work for work in self.works if work.change.action in actions and work.error is None]

    def _bound_replacements(self, turned: Sequence[Work]) -> None:
        """Fail the updates that turned out to need a replacement if there are more replacements than allowed. Then nothing is replaced."""
        most, count = self._plan.max_replacements, len(self._with("recreate"))
        if most is None or count <= most:
            return
        for work in turned:
            work.fail(
                Drift(
                    f"max_replacements: {count} instances would be replaced, and {most} may be. The API does not offer PATCH /instances/{{id}}, "
                    f"so that the {work.called} can't be changed in place. If it is meant, set max_replacements to {count}."
                )
            )

    def _all_well(self, works: Sequence[Work], otherwise: str) -> bool:
        """Whether nothing has failed so far; if something has, these are not touched."""
        if not self.failed:
            return True
        for work in works:
            work.fail(NotBegun(otherwise))
        return False

    def _tell(self, line: str) -> None:
        self._progress.tell(lambda: self._stage + line)

    # --- What takes something away ---

    def _replace_all(self, works: Sequence[Work]) -> None:
        """So many at a time, each batch up before the next is touched; those that are of no use as they are come first."""
        works = sorted(works, key=lambda work: work.current.get("status") not in BROKEN)
        size = self._plan.max_unavailable
        otherwise = "Not replaced, because something else failed before."
        for start in range(0, len(works), size):
            batch, rest = works[start : start + size], works[start + size :]
            if not self._all_well(works[start:], otherwise):
                return
            self._stage = f"{start} of {len(works)} replaced; " if len(works) > 1 else ""
            self._replace(batch, wait=self._plan.wait or bool(rest))
            self._stage = ""
            otherwise = "Not replaced, because the batch before it did not come up."

    def _replace(self, batch: Sequence[Work], *, wait: bool) -> None:
        self._writes.each(batch, self._steps.delete, "deleted")
        # Not before the old one is gone: two of one name would be ambiguous to the next run (contract: rule 5).
        self._wait_until_gone([(work, work.current["id"]) for work in batch if work.error is None])
        going_on = [work for work in batch if work.error is None]
        for work in going_on:
            work.instance = None
        self._creation.create(going_on)
        if wait:
            self._wait_until_up([work for work in going_on if work.error is None])

    def _delete(self, surplus: Sequence[Work]) -> None:
        if self._all_well(surplus, "Not deleted, because something else failed before."):
            self._writes.each(surplus, self._steps.delete, "deleted")
            if self._plan.wait:
                self._wait_until_gone([(work, work.id) for work in surplus if work.error is None], by_list=True)

    # --- Waits ---

    def _wait_for_leaving(self) -> None:
        """As for a replacement: two of one name would be ambiguous to the next run."""
        taking = [work for work in self.works if self._plan.wait or work.change.action == "create" or "name" in work.change.body]
        leaving = [(work, item["id"]) for work in taking for item in work.leaving]
        self._wait_until_gone(leaving)
        for work in self.works:
            if work.leaving and work.error is None:
                work.instance = dict(work.current) if work.change.current is not None else None

    def _wait_until_up(self, works: Iterable[Work]) -> None:
        """Wait until the instances run and show what was changed, by the one deadline."""
        may_be_missing_until = self._clock.deadline(SHOWING_TIME)
        # What a PATCH has changed must be read once more; else what is known already may do.
        pending = [work for work in works if work.error is None and (work.action == "update" or not self._is_up(work))]
        pending = [work for work in pending if work.error is None]
        count = len(pending)

        def look() -> bool | None:
            # Right after its creation an instance may not be shown yet.
            certain = {work.id for work in pending if work.action not in ("create", "recreate") or may_be_missing_until.passed}
            seen = self._statuses.read([work.id for work in pending], certain=certain)
            pending[:] = [work for work in pending if not self._came_up(work, seen, certain)]
            if pending:
                self._tell(_by_status(count, pending))
            return None if pending else True

        if pending and wait_until(look, self._deadline) is None:
            for work in pending:
                work.fail(
                    WaitFailed(
                        f"The {work.called} is not up after {self._plan.wait_timeout} s (wait_timeout); its last status is "
                        f"{_status(work.instance)}{_not_shown(work)}. It exists, and may come up later."
                    )
                )

    def _came_up(self, work: Work, seen: Mapping[str, Seen], certain: Collection[str]) -> bool:
        """Whether there is nothing more to wait for: it is up, or has failed."""
        now = seen.get(work.id)
        if isinstance(now, CloudNexusError):
            work.fail(now)
        elif now is not None:
            work.instance = now
            return self._is_up(work) or work.error is not None
        elif work.id in seen and work.id in certain:
            work.fail(WaitFailed(f"The {work.called} is gone: the API no longer shows it."))
        return work.error is not None

    @staticmethod
    def _is_up(work: Work) -> bool:
        """Fails one that won't come up any more."""
        instance = work.instance or {}
        status = instance.get("status")
        if status in BROKEN:
            work.fail(does_not_come_up(instance))
            return False
        if work.action == "update":
            return status == RUNNING and not INSTANCE.differing(instance, work.change.body)
        return status == RUNNING

    def _wait_until_gone(self, waited: Sequence[tuple[Work, str]], *, by_list: bool = False) -> None:
        pending = {instance_id: work for work, instance_id in waited}
        count = len(pending)

        def look() -> bool | None:
            for instance_id, seen in self._statuses.read(list(pending), by_list=by_list).items():
                if isinstance(seen, dict):
                    pending[instance_id].instance = seen
                    continue
                work = pending.pop(instance_id)
                if seen is not None:
                    work.fail(seen)
            if pending:
                self._tell(f"{count - len(pending)} of {count} gone")
            return None if pending else True

        if pending and wait_until(look, self._deadline) is None:
            for work in pending.values():
                work.fail(
                    WaitFailed(
                        f"The {work.called} was deleted, but the API still shows it after {self._plan.wait_timeout} s (wait_timeout); its last "
                        f"status is {_status(work.instance)}."
                    )
                )

    def _refresh(self, works: Sequence[Work]) -> None:
        """The response to a PATCH is not documented: a fresh read says what has come of it."""
        if not works:
            return
        seen = self._statuses.read([work.id for work in works])
        for work in works:
            now = seen.get(work.id)
            if isinstance(now, CloudNexusError):
                work.fail(now)
            elif now is not None:
                work.instance = now


def _status(instance: Json | None) -> str:
    return brief(repr((instance or {}).get("status")))


def _not_shown(work: Work) -> str:
    """The part of a change that the API took and does not show."""
    names = INSTANCE.differing(work.instance or {}, work.change.body) if work.action == "update" else []
    return f", and the API does not show the change of {' and '.join(names)}" if names else ""


def so_far(works: Sequence[Work]) -> str:
    """What an interruption leaves behind."""
    parts = []
    for action, words in (("create", "created"), ("recreate", "created in place of the old"), ("update", "changed"), ("delete", "deleted")):
        done = [work.instance for work in works if work.action == action and work.instance is not None]
        if len(done) == 1:
            status = f"; its last status is {_status(done[0])}" if action != "delete" else ""
            one = " one" if action == "recreate" else ""
            parts.append(f"The {INSTANCE.called(done[0])} was {words}{one}{status}.")
        elif done:
            ones = " ones" if action == "recreate" else ""
            names = ", ".join(named(item) for item in done)
            parts.append(f"These {len(done)} instances were {words}{ones}: {names}.")
    parts += [
        f"The old {INSTANCE.called(work.current)} was deleted to make room for a new one." for work in works if work.action == "delete" and not work.instance
    ]
    parts += [f"{work.under_way}, and may or may not have had its effect." for work in works if work.under_way]
    return f"Interrupted. {' '.join(parts or ['Nothing was changed.'])} The same task again finds what there is, and goes on from there."


def _by_status(count: int, pending: Sequence[Work]) -> str:
    """``3 of 12 running, 9 provisioning``"""
    if count == 1:
        return f"{pending[0].name} {(pending[0].instance or {}).get('status')}"
    numbers: dict[str, int] = defaultdict(int)
    for work in pending:
        numbers[str((work.instance or {}).get("status") or "of unknown status")] += 1
    return ", ".join([f"{count - len(pending)} of {count} running", *(f"{number} {status}" for status, number in sorted(numbers.items()))])

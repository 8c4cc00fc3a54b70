# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the changes of many instances, or of one: in parallel, with one deadline, one settling, one poll loop.

The order is: what is made or changed in place, and its wait; then replacements, batch by batch; then deletions. What
takes something away is not begun once anything has failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .api import Json, Reader
from .apply import Steps, Work
from .client import Client
from .errors import (
    Ambiguous,
    CloudNexusError,
    InDoubt,
    NotBegun,
    NotFound,
    NotSent,
    RateLimited,
    Unauthorized,
    Untrusted,
    WaitFailed,
)
from .fleet import Member
from .instances import BROKEN, LEAVING, RUNNING, ids, two_of_one_name
from .parallel import in_parallel
from .progress import Progress
from .resource import INSTANCE
from .wait import wait_until

#: An instance as the API shows it, None where it shows nothing, or why it can't be seen.
Seen: TypeAlias = "Json | CloudNexusError | None"

#: Seconds over which the list is read again after a create whose answer was lost, before the create may be sent once
#: more: the list may lag behind (contract: rule 4).
SETTLING_TIME = 5.0
#: Errors that say nothing of an instance, but that no other request would fare better.
_OF_THE_API = (Unauthorized, Untrusted, NotSent, RateLimited)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The changes of one task, and how to carry them out."""

    members: tuple[Member, ...]
    #: Whether an instance may be looked up by its name (``unique_name``).
    unique_name: bool = True
    #: Whether an instance may be replaced where the API turns out not to change it in place.
    recreate: bool = False
    wait: bool = True
    wait_timeout: int = 600
    concurrency: int = 1
    #: How many are replaced at a time.
    max_unavailable: int = 1
    #: Requests that a reading of the list takes; None where it has not been read.
    list_pages: int | None = None


class Rollout:
    """Carries out one plan. ``works`` say at any time what has come of each member."""

    def __init__(self, plan: RolloutPlan, client: Client, warn: Callable[[str], None], progress: Progress) -> None:
        self._plan = plan
        self._warn = warn
        self._progress = progress
        self._client = client
        self._reader = Reader(client)
        self._steps = Steps(client, recreate=plan.recreate)
        self._clock = client.clock
        self._deadline = client.clock.deadline(plan.wait_timeout)
        self.works = [Work(member) for member in plan.members]
        #: The error after which no other request would fare better.
        self._halt: CloudNexusError | None = None
        #: The last reading of the list, if nothing was made since.
        self._listed: list[Json] | None = None
        #: What lines of progress begin with.
        self._stage = ""

    @property
    def failed(self) -> list[Work]:
        return [work for work in self.works if work.error is not None]

    def run(self) -> None:
        """Do what the plan says. Whatever fails is in ``works``; only an interruption is raised."""
        try:
            self._run()
        except BaseException:  # Ctrl-C, or the task's own timeout: no result will say what exists
            self._client.stop.set()
            self._warn(so_far(self.works))
            raise

    def _run(self) -> None:
        self._wait_for_leaving()
        first = self._with("create", "update", "none")
        self._create(self._with("create"))
        self._write(self._with("update"), self._steps.update, "changed")
        # Where an update turned out to need a replacement, it is one of the next.
        first = [work for work in first if work.change.action != "recreate" and work.instance is not None]
        if self._plan.wait:
            self._wait_until_up(first)
        else:
            self._refresh([work for work in first if work.action == "update"])
        self._replace_all(self._with("recreate"))
        self._look_for_twins([work for work in self.works if work.action in ("create", "recreate") and work.error is None])
        surplus = self._with("delete")
        if self._all_well(surplus, "Not deleted, because something else failed before."):
            self._write(surplus, self._steps.delete, "deleted")
            if self._plan.wait:
                self._wait_until_gone([(work, work.current["id"]) for work in surplus if work.error is None], self._plan.list_pages)

    def _tell(self, line: str) -> None:
        self._progress.tell(lambda: self._stage + line)

    def _with(self, *actions: str) -> list[Work]:
        return [work for work in self.works if work.change.action in actions and work.error is None]

    def _all_well(self, works: Sequence[Work], otherwise: str) -> bool:
        """Whether nothing has failed so far; if something has, these are not touched."""
        if not self.failed:
            return True
        for work in works:
            work.fail(NotBegun(otherwise))
        return False

    # --- Writes ---

    def _write(self, works: Sequence[Work], step: Callable[[Work], None], done: str) -> None:
        """Take one step with each, in parallel. After the deadline, or once the API is of no use, none is begun.

        What was deleted to be replaced gets its successor after the deadline too: nobody asked for one less.
        """
        finished: list[Work] = []

        def one(work: Work) -> None:
            if self._halt is not None:
                self._not_begun(work, f"Nothing was sent, because the API would not have taken it: {self._halt.message}")
            elif self._deadline.passed and work.action != "delete":
                self._not_begun(work, f"Nothing was sent, because {self._plan.wait_timeout} s (wait_timeout) were over before it was its turn.")
            else:
                try:
                    step(work)
                except CloudNexusError as error:
                    if isinstance(error, _OF_THE_API):
                        self._halt = error
                    if work.lost is None:
                        work.fail(error)
                    else:
                        self._give_up(work, f"sent once more, it was refused: {error.message}")
            finished.append(work)

        def tick() -> None:
            if len(finished) < len(works):
                self._tell(f"{len(finished)} of {len(works)} {done}")

        in_parallel(works, one, self._plan.concurrency, self._client.stop, tick)

    def _not_begun(self, work: Work, why: str) -> None:
        if work.lost is None:
            work.fail(NotBegun(why))
        else:
            self._give_up(work, f"the list of instances shows none of that name. {why}")

    def _create(self, works: Sequence[Work]) -> None:
        """Make one instance each, never two (contract: rule 4)."""
        if not works:
            return
        self._listed = None
        self._write(works, self._steps.create, "created")
        if not (left := self._settle(works)):
            return
        self._listed = None
        self._write(left, self._steps.create, "created")
        for work in self._settle(left):
            self._give_up(work, "it was sent twice, and the list of instances shows none of that name")

    def _settle(self, works: Sequence[Work]) -> list[Work]:
        """Look which of the creations whose answer was lost have worked, with one reading of the list for all of them.

        Returns those that can't be found.
        """
        pending = [work for work in works if work.lost is not None and work.error is None]
        if not self._plan.unique_name:
            for work in pending:
                self._give_up(work, "with unique_name=false nothing can tell whether it does")
            return []

        def look() -> bool | None:
            try:
                self._listed = self._reader.instances()
                listed = _by_name(self._listed)
            except CloudNexusError as error:
                for work in pending:
                    self._give_up(work, f"the list of instances could not be read to find out: {error.message}")
                return True
            for work in list(pending):
                old = work.change.current
                named = [item for item in listed.get(work.name, []) if item.get("status") != LEAVING and not (old and item["id"] == old["id"])]
                if named:
                    pending.remove(work)
                    self._take(work, named)
            return None if pending else True

        if pending:
            wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        return [work for work in pending if work.error is None]

    def _take(self, work: Work, found: list[Json]) -> None:
        """These are of the name of a creation whose answer was lost."""
        body = work.change.body
        if len(found) > 1:
            ambiguous = two_of_one_name(work.name, found)
            ambiguous.message += f" The answer to this task's own creation was lost, so that one of them may be its: {work.lost}"
            work.fail(ambiguous)
            return
        others = [name for name in ("plan", "region") if found[0].get(name) not in (None, body[name])]
        if others:
            self._give_up(work, f"{found[0]['id']} has that name, but another {' and '.join(others)}: somebody else may have made it")
        else:
            work.created(found[0])

    @staticmethod
    def _give_up(work: Work, why: str) -> None:
        work.fail(
            InDoubt(
                f"The answer to the creation of {work.name} was lost, so that an instance may exist; {why}. Nothing more was sent. What was lost: {work.lost}",
                api_error=work.lost.api_error if work.lost else None,
            )
        )

    # --- Replacements ---

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
        self._write(batch, self._steps.delete, "deleted")
        # Not before the old one is gone: two of one name would be ambiguous to the next run (contract: rule 5).
        self._wait_until_gone([(work, work.current["id"]) for work in batch if work.error is None])
        going_on = [work for work in batch if work.error is None]
        for work in going_on:
            work.instance = None
        self._create(going_on)
        if wait:
            self._wait_until_up([work for work in going_on if work.error is None])

    # --- Waits ---

    def _wait_for_leaving(self) -> None:
        """As for a replacement: two of one name would be ambiguous to the next run."""
        leaving = [(work, item["id"]) for work in self.works if self._plan.wait or work.change.action == "create" for item in work.leaving]
        self._wait_until_gone(leaving)
        for work in self.works:
            if work.leaving and work.error is None:
                work.instance = dict(work.current) if work.change.current is not None else None

    def _wait_until_up(self, works: Iterable[Work]) -> None:
        """Wait until the instances run and show what was changed, by the one deadline."""
        may_be_missing_until = self._clock.deadline(SETTLING_TIME)
        # What a PATCH has changed must be read once more; else what is known already may do.
        pending = [work for work in works if work.error is None and (work.action == "update" or not self._is_up(work))]
        pending = [work for work in pending if work.error is None]
        count = len(pending)

        def look() -> bool | None:
            # Right after its creation an instance may not be shown yet.
            certain = {_id(work) for work in pending if work.action not in ("create", "recreate") or may_be_missing_until.passed}
            seen = self._look_at([_id(work) for work in pending], self._plan.list_pages, certain)
            pending[:] = [work for work in pending if not self._came_up(work, seen, certain)]
            if pending:
                self._tell(_statuses(count, pending))
            return None if pending else True

        if pending and wait_until(look, self._deadline) is None:
            for work in pending:
                work.fail(
                    WaitFailed(
                        f"The {work.called} is not up after {self._plan.wait_timeout} s (wait_timeout); its last status is "
                        f"{(work.instance or {}).get('status')!r}. It exists, and may come up later."
                    )
                )

    def _came_up(self, work: Work, seen: dict[str, Seen], certain: Collection[str]) -> bool:
        """Whether there is nothing more to wait for: it is up, or has failed."""
        instance_id = _id(work)
        now = seen.get(instance_id)
        if isinstance(now, CloudNexusError):
            work.fail(now)
        elif now is not None:
            work.instance = now
            return self._is_up(work) or work.error is not None
        elif instance_id in seen and instance_id in certain:
            work.fail(WaitFailed(f"The {work.called} is gone: the API no longer shows it."))
        return work.error is not None

    @staticmethod
    def _is_up(work: Work) -> bool:
        """Fails one that won't come up any more."""
        instance = work.instance or {}
        status = instance.get("status")
        if status in BROKEN:
            work.fail(WaitFailed(f"The {work.called} does not come up: its status is {status!r}. recreate=true deletes it and makes a new one."))
            return False
        applied = work.action != "update" or all(instance.get(name) in (None, value) for name, value in work.change.body.items())
        return status == RUNNING and applied

    def _wait_until_gone(self, waited: Sequence[tuple[Work, str]], list_pages: int | None = None) -> None:
        pending = {instance_id: work for work, instance_id in waited}
        count = len(pending)

        def look() -> bool | None:
            for instance_id, seen in self._look_at(list(pending), list_pages).items():
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
                        f"status is {(work.instance or {}).get('status')!r}."
                    )
                )

    def _refresh(self, works: Sequence[Work]) -> None:
        """The answer to a PATCH is not documented: a fresh read says what has come of it."""
        if not works:
            return
        seen = self._look_at([_id(work) for work in works], self._plan.list_pages)
        for work in works:
            now = seen.get(_id(work))
            if isinstance(now, CloudNexusError):
                work.fail(now)
            elif now is not None:
                work.instance = now

    def _look_at(self, wanted: Sequence[str], list_pages: int | None, certain: Collection[str] = ()) -> dict[str, Seen]:
        """What the API shows of each id now; None where it shows nothing. One that could not be looked at is left out.

        By the list, where that takes fewer requests than one for each. It may lag behind: it is not believed that it
        lacks one of ``certain``.
        """
        if list_pages is None or list_pages >= len(wanted):
            return self._one_by_one(wanted)
        try:
            self._listed = self._reader.instances(self._deadline)
        except CloudNexusError as error:
            # No time was left to read it to its end: the time that is over is what there is to say.
            return {} if self._deadline.passed else dict.fromkeys(wanted, error)
        listed = {item["id"]: item for item in self._listed}
        seen: dict[str, Seen] = {instance_id: listed.get(instance_id) for instance_id in wanted}
        return seen | self._one_by_one([instance_id for instance_id in wanted if instance_id not in listed and instance_id in certain])

    def _one_by_one(self, wanted: Sequence[str]) -> dict[str, Seen]:
        seen: dict[str, Seen] = {}

        def look(instance_id: str) -> None:
            try:
                seen[instance_id] = self._reader.instance(instance_id, self._deadline)
            except NotFound:
                seen[instance_id] = None
            except CloudNexusError as error:
                seen[instance_id] = error

        in_parallel(wanted, look, self._plan.concurrency, self._client.stop, lambda: None)
        return seen

    def _look_for_twins(self, made: Sequence[Work]) -> None:
        """Somebody else may have made one of the same name at the same moment; only looking again shows it (contract: rule 9).

        The list is read until it shows the new instances too, so that the next run finds them, for the settling time at most.
        """
        pending = list(made) if self._plan.unique_name else []

        def look() -> bool | None:
            listed, self._listed = self._listed, None
            by_name = _by_name(self._reader.instances() if listed is None else listed)
            for work in list(pending):
                named = by_name.get(work.name, [])
                twins = [item for item in named if item["id"] != _id(work) and item.get("status") != LEAVING]
                if twins:
                    work.fail(
                        Ambiguous(
                            f"This task has made {_id(work)}, and the list shows {ids(twins)} of the same name {work.name} besides. Another run or user "
                            "made it at the same moment, or a creation whose answer was lost had its effect late. Until one of them is deleted "
                            "(state=absent with its id), the name is ambiguous."
                        )
                    )
                if twins or any(item["id"] == _id(work) for item in named):
                    pending.remove(work)
            return None if pending else True

        try:
            if pending:
                wait_until(look, self._clock.deadline(SETTLING_TIME), first_interval=1.0)
        except CloudNexusError as error:
            for work in pending:
                if work.error is None:
                    text = f"This task has made {_id(work)}. Whether there is another one of its name could not be seen: {error.message}"
                    work.fail(CloudNexusError(text, api_error=error.api_error))


def so_far(works: Sequence[Work]) -> str:
    """What an interruption leaves behind."""
    parts = []
    for action, words in (("create", "created"), ("recreate", "created in place of the old"), ("update", "changed"), ("delete", "deleted")):
        done = [work.instance for work in works if work.action == action and work.instance is not None]
        if len(done) == 1:
            status = f"; its last status is {done[0].get('status')!r}" if action != "delete" else ""
            one = " one" if action == "recreate" else ""
            parts.append(f"The {INSTANCE.called(done[0])} was {words}{one}{status}.")
        elif done:
            ones = " ones" if action == "recreate" else ""
            names = ", ".join(f"{item['name']} ({item['id']})" for item in done)
            parts.append(f"These {len(done)} instances were {words}{ones}: {names}.")
    parts += [
        f"The old {INSTANCE.called(work.current)} was deleted to make room for a new one." for work in works if work.action == "delete" and not work.instance
    ]
    parts += [f"{work.under_way}, and may or may not have had its effect." for work in works if work.under_way]
    return f"Interrupted. {' '.join(parts or ['Nothing was changed.'])} The same task again finds what there is, and goes on from there."


def _statuses(count: int, pending: Sequence[Work]) -> str:
    """``3 of 12 running, 9 provisioning``"""
    if count == 1:
        return f"{pending[0].name} {(pending[0].instance or {}).get('status')}"
    numbers: dict[str, int] = defaultdict(int)
    for work in pending:
        numbers[str((work.instance or {}).get("status") or "of unknown status")] += 1
    return ", ".join([f"{count - len(pending)} of {count} running", *(f"{number} {status}" for status, number in sorted(numbers.items()))])


def _by_name(listed: Iterable[Json]) -> dict[str, list[Json]]:
    by_name: dict[str, list[Json]] = defaultdict(list)
    for item in listed:
        by_name[item["name"]].append(item)
    return by_name


def _id(work: Work) -> str:
    return str((work.instance or {})["id"])

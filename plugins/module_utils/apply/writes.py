# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many writes at once: in parallel, none begun after the deadline, and none once the API takes no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..client.client import Client
from ..clock import Deadline
from ..errors import CloudNexusError, Fault, NotSent, RateLimited, Unauthorized, Untrusted
from .parallel import in_parallel
from .work import Work

#: Errors that say nothing of an instance, but that no other request would fare better.
_OF_THE_API = (Unauthorized, Untrusted, NotSent, RateLimited)


class Writes:
    """The writes of one task. What comes of each is in its Work."""

    def __init__(self, client: Client, deadline: Deadline, concurrency: int, tell: Callable[[str], None]) -> None:
        self._stop = client.stop
        self._deadline = deadline
        self._concurrency = concurrency
        self._tell = tell
        #: The error after which no other request would fare better.
        self._halt: CloudNexusError | None = None

    def each(self, works: Sequence[Work], step: Callable[[Work], None], done: str) -> None:
        """Take one step with each. ``done`` says what is done with it, for lines of progress.

        What was deleted to be replaced gets its successor after the deadline too: nobody asked for one less.
        """
        finished: list[Work] = []

        def one(work: Work) -> None:
            if self._halt is not None:
                work.not_begun(f"Nothing was sent, because the API would not have taken it: {self._halt.message}")
            elif self._deadline.passed and work.action != "delete":
                work.not_begun("Nothing was sent, because the time (wait_timeout) was over before it was its turn.")
            else:
                self._take(work, step)
            finished.append(work)

        def tick() -> None:
            if len(finished) < len(works):
                self._tell(f"{len(finished)} of {len(works)} {done}")

        in_parallel(works, one, self._concurrency, self._stop, tick)

    def _take(self, work: Work, step: Callable[[Work], None]) -> None:
        try:
            step(work)
        except Exception as error:
            failure = error if isinstance(error, CloudNexusError) else Fault(error)
            if isinstance(failure, _OF_THE_API):
                self._halt = failure
            if work.lost is None:
                work.fail(failure)
            else:
                work.give_up(f"sent once more, it was refused: {failure.message}")

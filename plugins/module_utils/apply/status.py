# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API shows of many instances, with as few requests as possible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from ..api import Json, Reader
from ..client.client import Client
from ..clock import Deadline
from ..errors import CloudNexusError, Contradiction, NotFound
from .parallel import in_parallel

#: An instance as the API shows it, None if it shows nothing, or why it can't be seen.
Seen: TypeAlias = "Json | CloudNexusError | None"


class StatusReader:
    """Reads the list, or each instance, whichever takes fewer requests."""

    def __init__(self, client: Client, deadline: Deadline, concurrency: int, list_pages: int | None) -> None:
        self._reader = Reader(client)
        self._stop = client.stop
        self._deadline = deadline
        self._concurrency = concurrency
        #: Requests that a reading of the list takes; None if it has not been read.
        self._list_pages = list_pages
        #: The last reading of the list, as long as nothing was made since.
        self._listed: list[Json] | None = None

    def listed(self, *, again: bool = True) -> list[Json]:
        """All instances; without ``again`` as they were read last, if nothing was made since."""
        if again or self._listed is None:
            self._listed = self._reader.instances()
        return self._listed

    def forget(self) -> None:
        """Something is made now, which the last reading of the list can't show."""
        self._listed = None

    def read(self, wanted: Sequence[str], *, certain: Collection[str] = (), by_list: bool = True) -> dict[str, Seen]:
        """What the API shows of each id now. One that could not be looked at is left out.

        By the list, if that takes fewer requests than one for each. It may lag behind: it is not believed that it
        lacks one of ``certain``.
        """
        if not by_list or self._list_pages is None or self._list_pages >= len(wanted):
            return self._one_by_one(wanted)
        try:
            self._listed = self._reader.instances(self._deadline)
        except Contradiction:
            return self._one_by_one(wanted)
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

        in_parallel(wanted, look, self._concurrency, self._stop, lambda: None)
        return seen

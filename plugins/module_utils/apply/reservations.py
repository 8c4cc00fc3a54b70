# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the tasks of this machine from creating one name at the same time: one on five hosts, say (contract: rule 9).

A task looks, and then holds its names from before the create until the list shows the new instances. A task that looked before that looks
once more. There is a file for each API and account; each name has a place in it, which the operating system locks, and which ends
with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..client.private_files import TokenCacheError, TokenCacheMissing, default_folder, make_folder, open_lock
from ..client.settings import Settings
from ..clock import Clock, Deadline
from ..errors import WaitFailed
from ..plan.instances import form

#: Places in the file; names that share one wait for each other without need.
_PLACES = 1 << 16
#: Bytes of a place: when its name was last created, on the clock that all processes of a machine share.
_SIZE = 8
#: In the place of a time while somebody holds the name. It stays if that process is killed.
_HELD = (1 << 63) - 1
_INTERVAL = 0.1


class Reservations:
    """The names of one account. If the user's cache folder can't be used, nothing is reserved."""

    def __init__(self, settings: Settings, clock: Clock, check: Callable[[], None]) -> None:
        self._settings = settings
        self._clock = clock
        #: Raises if the task is to end.
        self._check = check

    def _path(self) -> Path:
        """The file of the API and the account."""
        account = self._settings.api_key or f"{self._settings.client_id}\n{self._settings.refresh_token}"
        name = hashlib.sha256(f"{self._settings.api_url}\n{account}".encode()).hexdigest()[:32]
        return Path(self._settings.token_cache or default_folder()) / f"{name}.names"

    def now(self) -> int:
        """The moment, to be compared with when a name was last created."""
        return int(self._clock.now() * 1e9)

    @contextlib.contextmanager
    def held(self, names: Sequence[str], looked: int, deadline: Deadline) -> Iterator[bool]:
        """Hold the names. Yields whether another task may have created one of them since this one ``looked``.

        Raises WaitFailed if another one holds one until ``deadline``.
        """
        try:
            path = self._path()
            make_folder(path.parent)
            descriptor = open_lock(path)
        except (TokenCacheError, TokenCacheMissing):
            yield False
            return
        places = {_place(name): name for name in names}
        try:
            late = False
            for place in sorted(places):  # in one order for all, so that no two wait for each other
                late |= self._hold(descriptor, place, places[place], looked, deadline)
            yield late
            for place in places:
                _write(descriptor, place, self.now())
        finally:
            os.close(descriptor)

    def _hold(self, descriptor: int, place: int, name: str, looked: int, deadline: Deadline) -> bool:
        """Lock one place, and return whether its name may have been created since ``looked``."""
        waited = False
        while not _locked(descriptor, place):
            waited = True
            self._check()
            if deadline.passed:
                raise WaitFailed(f"Another task on this machine is creating {name}, and has not ended in time (wait_timeout). Nothing was changed.")
            self._clock.sleep(min(_INTERVAL, deadline.left))
        last = int.from_bytes(os.pread(descriptor, _SIZE, place * _SIZE), "big")
        _write(descriptor, place, _HELD)
        # A time to come is one from before the machine was started.
        return waited or last == _HELD or looked <= last <= self.now()


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(form(name).encode()).digest()[:4], "big") % _PLACES


def _write(descriptor: int, place: int, moment: int) -> None:
    os.pwrite(descriptor, moment.to_bytes(_SIZE, "big"), place * _SIZE)


def _locked(descriptor: int, place: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _SIZE, place * _SIZE)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: nothing is reserved
        return True
    return True

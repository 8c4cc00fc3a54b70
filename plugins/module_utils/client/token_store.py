# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token cache: all workers, hosts and runs on one control node share one refresh.

One file for each API and client, readable by its owner alone, replaced atomically, and locked while a token is renewed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import checks
from ..clock import Deadline
from ..errors import InvalidOption
from .private_files import TokenCacheError, TokenCacheMissing, check, check_folder, make_folder, open_lock

#: Seconds between two attempts to get the lock.
_LOCK_INTERVAL = 0.05
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and how to get the next one."""

    access_token: str
    refresh_token: str
    #: When to renew it, in seconds since the epoch; None if the API did not say when it expires.
    renew_at: float | None
    #: The fingerprint of the refresh token that the user gave, and that this one stems from.
    origin: str


def fingerprint(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


class TokenStore:
    """The file for one API and client."""

    def __init__(self, folder: str, api_url: str, client_id: str, origin: str) -> None:
        # Of each grant: two users of one client have a refresh token each.
        name = hashlib.sha256(f"{api_url}\n{client_id}\n{origin}".encode()).hexdigest()[:32]
        self._folder = Path(folder)
        #: The file of version 1.0, one for each client, shared by its users.
        self._old_path = self._folder / f"{hashlib.sha256(f'{api_url}{chr(10)}{client_id}'.encode()).hexdigest()[:32]}.json"
        self._path = self._folder / f"{name}.json"
        self._lock_path = self._folder / f"{name}.lock"

    def read(self) -> Token | None:
        """The cached token, None if there is none that could be used. Raises TokenCacheError."""
        try:
            check_folder(self._folder)
        except TokenCacheMissing:
            return None
        return self._read(self._path) or self._read(self._old_path)

    def _read(self, path: Path) -> Token | None:
        try:
            # Opening a pipe waits for its other end, unless O_NONBLOCK is set; a file is read as ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenCacheError(f"token_cache: {path} can't be read: {error.strerror}.") from None
        try:
            check(os.fstat(descriptor), path, stat.S_ISREG, 0o077, "chmod 600")
            content = os.read(descriptor, _MOST_BYTES)
        except OSError as error:
            raise TokenCacheError(f"token_cache: {path} can't be read: {error.strerror}.") from None
        finally:
            os.close(descriptor)
        return _parsed(content)

    def write(self, token: Token) -> None:
        """Replace what is kept. Raises TokenCacheError, TokenCacheMissing."""
        make_folder(self._folder)
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()  # left by a process of the same number that crashed
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(asdict(token)).encode())
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise TokenCacheMissing(f"token_cache: {self._path} can't be written: {error.strerror}.") from None

    @contextlib.contextmanager
    def locked(self, deadline: Deadline) -> Iterator[None]:
        """Be the only one, of all processes, who renews this token. The lock ends with the process, whatever happens to it.

        Raises TokenCacheError, TokenCacheMissing.
        """
        make_folder(self._folder)
        with contextlib.ExitStack() as held:
            self._lock(open_lock(self._lock_path), held, deadline)
            # If the directory is removed meanwhile, that lock goes with it, and the next process would get another. The parent directory stays.
            with contextlib.suppress(OSError, TokenCacheMissing):
                self._lock(os.open(self._folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), held, deadline)
            make_folder(self._folder)
            yield

    def _lock(self, descriptor: int, held: contextlib.ExitStack, deadline: Deadline) -> None:
        held.callback(os.close, descriptor)
        self._wait_for_lock(descriptor, deadline)

    def _wait_for_lock(self, descriptor: int, deadline: Deadline) -> None:
        while not self._got_lock(descriptor):
            if deadline.passed:
                raise TokenCacheError(f"token_cache: another process holds {self._lock_path}, and did not let go of it in time.")
            deadline.clock.sleep(min(_LOCK_INTERVAL, deadline.left))

    def _got_lock(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise TokenCacheMissing(f"token_cache: {self._lock_path} can't be locked: {error.strerror}.") from None
        return True


def _parsed(content: bytes) -> Token | None:
    """The token in a file's content; None for anything that this collection has not written."""
    try:
        data = json.loads(content)
        token = Token(**data)
        checks.secret("access_token", token.access_token)
        checks.secret("refresh_token", token.refresh_token)
    except (ValueError, TypeError, AttributeError, InvalidOption):
        return None
    known = token.renew_at is None or (isinstance(token.renew_at, (int, float)) and not isinstance(token.renew_at, bool))
    return token if known and isinstance(token.origin, str) else None

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where access tokens are kept between runs, so that all workers, hosts and runs on one controller share one refresh.

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
from ..errors import CloudNexusError, InvalidOption

#: Seconds between two attempts to get the lock.
_LOCK_INTERVAL = 0.05
_MOST_BYTES = 64 * 1024


class TokenCacheError(CloudNexusError):
    """The cache is not safe to use; going on would show a token to others, or take one from them."""


class TokenCacheMissing(CloudNexusError):
    """The cache can't be written here; what is kept lives as long as the process."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and how to get the next one."""

    access_token: str
    refresh_token: str
    #: When to renew it, in seconds since the epoch; None where the API did not say when it expires.
    renew_at: float | None
    #: The fingerprint of the refresh token that the user gave, and that this one stems from.
    origin: str


def fingerprint(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def default_folder() -> str:
    """The user's cache folder for this collection; it need not exist. It is no absolute path where the user has no home."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cloudnexus")


class TokenStore:
    """The file for one API and client."""

    def __init__(self, folder: str, api_url: str, client_id: str) -> None:
        name = hashlib.sha256(f"{api_url}\n{client_id}".encode()).hexdigest()[:32]
        self._folder = Path(folder)
        self._path = self._folder / f"{name}.json"
        self._lock_path = self._folder / f"{name}.lock"

    def read(self) -> Token | None:
        """The token that is kept, None where there is none that could be used. Raises TokenCacheError."""
        try:
            self._check_folder()
        except TokenCacheMissing:
            return None
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenCacheError(f"token_cache: {self._path} can't be read: {error.strerror}.") from None
        with os.fdopen(descriptor, "rb") as file:
            self._check(os.fstat(descriptor), self._path, stat.S_ISREG, 0o077, "chmod 600")
            content = file.read(_MOST_BYTES)
        return _parsed(content)

    def write(self, token: Token) -> None:
        """Replace what is kept. Raises TokenCacheError, TokenCacheMissing."""
        self._make_folder()
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
        self._make_folder()
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TokenCacheMissing(f"token_cache: {self._lock_path} can't be opened: {error.strerror}.") from None
        try:
            self._check(os.fstat(descriptor), self._lock_path, stat.S_ISREG, 0o022, "chmod 600")
            self._wait_for_lock(descriptor, deadline)
            yield
        finally:
            os.close(descriptor)

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

    def _make_folder(self) -> None:
        if not self._folder.is_absolute():
            # As in a container that runs as a user of no name: tokens must not come to lie where it was started, in a project for one.
            raise TokenCacheMissing(f"token_cache: {self._folder} can't be made: the user has no home (HOME).")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise TokenCacheMissing(f"token_cache: {self._folder} can't be made: {error.strerror}.") from None
        self._check_folder()

    def _check_folder(self) -> None:
        try:
            status = os.lstat(self._folder)
        except OSError as error:
            raise TokenCacheMissing(f"token_cache: {self._folder} can't be read: {error.strerror}.") from None
        self._check(status, self._folder, stat.S_ISDIR, 0o022, "chmod 700")

    @staticmethod
    def _check(status: os.stat_result, path: Path, kind: object, forbidden: int, command: str) -> None:
        """Refuse what somebody else could have put there, or could read."""
        if not callable(kind) or not kind(status.st_mode):
            raise TokenCacheError(f"token_cache: {path} is not what it should be (a link, or of another kind), and is not used.")
        if status.st_uid != os.geteuid():
            raise TokenCacheError(f"token_cache: {path} belongs to another user, and is not used.")
        if status.st_mode & forbidden:
            raise TokenCacheError(f"token_cache: {path} is open to other users, and is not used; close it with {command} {path}.")


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

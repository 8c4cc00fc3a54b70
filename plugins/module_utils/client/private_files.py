# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder and files in it that belong to this user, and that nobody else can write or read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import CloudNexusError


class TokenCacheError(CloudNexusError):
    """The cache is not safe to use; going on would show a token to others, or take one from them."""


class TokenCacheMissing(CloudNexusError):
    """The cache can't be written here; what is kept lives as long as the process."""


def default_folder() -> str:
    """The user's cache folder for this collection; it need not exist. It is no absolute path if the user has no home."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cloudnexus")


def make_folder(folder: Path) -> None:
    """Raises TokenCacheError, TokenCacheMissing."""
    if not folder.is_absolute():
        # As in a container that runs as a user of no name: tokens must not end up in its working directory, which may be a project.
        raise TokenCacheMissing(f"token_cache: {folder} can't be made: the user has no home (HOME).")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TokenCacheMissing(f"token_cache: {folder} can't be made: {error.strerror}.") from None
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Raises TokenCacheError, TokenCacheMissing."""
    try:
        status = os.lstat(folder)
    except OSError as error:
        raise TokenCacheMissing(f"token_cache: {folder} can't be read: {error.strerror}.") from None
    check(status, folder, stat.S_ISDIR, 0o022, "chmod 700")


def open_lock(path: Path) -> int:
    """A descriptor of a file in a folder that ``make_folder`` has made, to read, write and lock it. Raises TokenCacheError, TokenCacheMissing."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    except OSError as error:
        raise TokenCacheMissing(f"token_cache: {path} can't be opened: {error.strerror}.") from None
    try:
        check(os.fstat(descriptor), path, stat.S_ISREG, 0o022, "chmod 600")
    except TokenCacheError:
        os.close(descriptor)
        raise
    return descriptor


def check(status: os.stat_result, path: Path, kind: object, forbidden: int, command: str) -> None:
    """Refuse what somebody else could have put there, or could read. Raises TokenCacheError."""
    if not callable(kind) or not kind(status.st_mode):
        raise TokenCacheError(f"token_cache: {path} is not what it should be (a link, or of another kind), and is not used.")
    if status.st_uid != os.geteuid():
        raise TokenCacheError(f"token_cache: {path} belongs to another user, and is not used.")
    if status.st_mode & forbidden:
        raise TokenCacheError(f"token_cache: {path} is open to other users, and is not used; close it with {command} {path}.")

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of known SSH hosts: the entries of one host, and nobody else's.

``ssh-keygen -R`` removes whole lines, so that another name on the line is forgotten too, and loses what another process adds meanwhile.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_HASHED = "|1|"
#: A line about hosts: not a comment, and without a marker (@cert-authority, @revoked).
_ENTRY = re.compile(r"(?P<indent>[ \t]*)(?P<names>[^\s#@]\S*)(?P<rest>[ \t].*)", re.DOTALL)
#: In seconds: how long another process may take for its change.
_LOCK_TIMEOUT = 10.0
_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


def entry_name(address: str, port: int) -> str:
    """The name that ssh looks a host up by."""
    return address.lower() if port == 22 else f"[{address.lower()}]:{port}"


def without(text: str, name: str) -> str:
    """The file without the entries of a host. Other names, patterns, authorities and revoked keys stay."""
    return "".join(_line_without(line, name) for line in text.splitlines(keepends=True))


def _line_without(line: str, name: str) -> str:
    entry = _ENTRY.fullmatch(line)
    if entry is None:
        return line
    names = entry["names"].split(",")
    kept = [other for other in names if not _is(other, name)]
    if len(kept) == len(names):
        return line
    return f"{entry['indent']}{','.join(kept)}{entry['rest']}" if kept else ""


def _is(entry: str, name: str) -> bool:
    if not entry.startswith(_HASHED):
        return entry.lower() == name
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in entry.removeprefix(_HASHED).split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def forget(files: Sequence[str], name: str, *, check: bool = False) -> list[str]:
    """Remove the entries of a host. Returns the files that had any; with ``check`` they stay as they are."""
    return [file for file in files if _change(file, lambda text: without(text, name), check=check)]


def replace(files: Sequence[str], name: str, lines: Sequence[str], *, only_add: bool = False) -> None:
    """Make these lines the only entries of a host. ``only_add`` keeps those that there are: the name may be another host's too."""
    if not only_add:
        forget(files[1:], name)

    def changed(text: str) -> str:
        kept = text if only_add else without(text, name)
        end = "" if not kept or kept.endswith("\n") else "\n"
        return kept + end + "".join(f"{line}\n" for line in lines if f"{line}\n" not in kept)

    _change(files[0], changed)


def _change(file: str, change: Callable[[str], str], *, check: bool = False) -> bool:
    # A link leads to the file that is meant; /dev/null has no entries.
    path = Path(os.path.realpath(file))
    if path.exists() and not path.is_file():
        return False
    if check or not path.parent.is_dir():
        before = _read(path)
        after = change(before)
        if check or after == before:
            return after != before
        path.parent.mkdir(mode=0o700, parents=True)
    with _locked(path.parent):
        before = _read(path)
        after = change(before)
        if after == before:
            return False
        if path.exists() and after.startswith(before):
            # As ssh itself does, so that what another ssh adds meanwhile stays.
            with path.open("a", newline="", **_ENCODING) as opened:  # type: ignore[call-overload]
                opened.write(after.removeprefix(before))
        else:
            _put(path, after)
    return True


def _read(path: Path) -> str:
    try:
        with path.open(newline="", **_ENCODING) as opened:  # type: ignore[call-overload]
            text: str = opened.read()
            return text
    except FileNotFoundError:
        return ""


def _put(path: Path, text: str) -> None:
    """Put the whole file in place at once, with the mode and the owner that it had."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", newline="", **_ENCODING) as opened:  # type: ignore[call-overload]
            opened.write(text)
            if path.exists():
                before = path.stat()
                os.fchmod(opened.fileno(), stat.S_IMODE(before.st_mode))
                if before.st_uid != os.geteuid():
                    os.fchown(opened.fileno(), before.st_uid, before.st_gid)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process of the collection at a time. The lock is the folder's, so that no file is left behind."""
    descriptor = os.open(folder, os.O_RDONLY)
    ends_at = time.monotonic() + _LOCK_TIMEOUT
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a site, a directory or an archive, into one archive that is the same for the same content, wherever and whenever it is packed.

``pack.py FOLDER SITE BASE...`` writes ``FOLDER/web-server-<digest>.tar.gz`` and writes ``{"digest": ..., "archive": ...}``, or ``{"error": ...}``. A relative
SITE is looked for in one base after the other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any

LEFT_OUT = {".git", ".hg", ".svn"}
#: Of a site, path by path: how a file is opened.
Files = dict[str, Callable[[], AbstractContextManager[IO[bytes]]]]


class BadSite(Exception):
    """What is wrong with it, as the end of a sentence."""


def files_of(site: Path, stack: ExitStack) -> Files:
    """The files of a site. What must stay open for that is closed with ``stack``."""
    if site.is_dir():
        found: Files = {}
        _walk(site, "", (), found)
    elif not site.exists():
        raise BadSite(f"{site} does not exist on the controller.")
    elif zipfile.is_zipfile(site):
        found = _zipped(stack.enter_context(zipfile.ZipFile(site)))
    elif tarfile.is_tarfile(site):
        found = _tarred(stack.enter_context(tarfile.TarFile.open(site)))
    else:
        raise BadSite(f"{site} is neither a directory nor an archive (tar, also with gzip, bzip2 or xz, or zip).")
    if not found:
        raise BadSite(f"{site} holds no file.")
    return found


def _walk(folder: Path, prefix: str, above: tuple[str, ...], found: Files) -> None:
    """Links are followed: what they lead to is part of the site."""
    real = os.path.realpath(folder)
    if real in above:
        raise BadSite(f"the links below {folder} lead in a circle.")
    for path in sorted(folder.iterdir()):
        name = prefix + path.name
        if path.is_dir():
            if path.name not in LEFT_OUT:
                _walk(path, name + "/", (*above, real), found)
        elif path.is_file():
            found[_checked(name)] = lambda path=path: path.open("rb")  # type: ignore[misc]
        else:
            raise BadSite(f"{path} is neither a file nor a directory, nor a link to one.")


def _zipped(archive: zipfile.ZipFile) -> Files:
    names = [item for item in archive.infolist() if not item.is_dir()]
    return {_checked(item.filename): lambda item=item: archive.open(item) for item in names if not _left_out(item.filename)}  # type: ignore[misc]


def _tarred(archive: tarfile.TarFile) -> Files:
    found: Files = {}
    for member in archive:
        if member.isdir() or _left_out(member.name):
            continue
        if not member.isfile():
            raise BadSite(f"{member.name} in the archive is a link or no file; pack what it leads to.")
        found[_checked(member.name)] = lambda member=member: archive.extractfile(member)  # type: ignore[misc, assignment, return-value]
    return found


def _left_out(name: str) -> bool:
    return not LEFT_OUT.isdisjoint(name.split("/")[:-1])


def _checked(name: str) -> str:
    """The path without what means nothing. Raises BadSite where it leads elsewhere."""
    parts = [part for part in name.split("/") if part != "."]
    if name.startswith("/") or not parts or ".." in parts or any(ord(letter) < 32 for letter in name):
        raise BadSite(f"{name!r} is no path within a site.")
    return "/".join(parts)


def pack(site: Path, folder: Path) -> tuple[str, Path]:
    """Return the digest of a site's content and the archive of it."""
    with ExitStack() as stack:
        files = files_of(site, stack)
        hashes = {name: _hash(files[name]) for name in sorted(files)}
        whole = hashlib.sha256()
        for name, value in hashes.items():
            whole.update(os.fsencode(name) + b"\0" + value)
        digest = whole.hexdigest()[:16]
        archive = folder / f"web-server-{digest}.tar.gz"
        if not archive.exists():
            _write(files, hashes, archive)
    return digest, archive


def _hash(opened: Callable[[], AbstractContextManager[IO[bytes]]]) -> bytes:
    value = hashlib.sha256()
    with opened() as file:
        while chunk := file.read(1 << 20):
            value.update(chunk)
    return value.digest()


def _write(files: Files, hashes: dict[str, bytes], archive: Path) -> None:
    """Hosts of one run share the archive, so it appears at once."""
    number, temporary = tempfile.mkstemp(dir=archive.parent)
    with (
        os.fdopen(number, "wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        folders = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
        for name in sorted(folders):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, value in hashes.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            # nginx makes the ETag of a file's time and size. This time is made of the content: between 2000 and 2017, and never ahead of a clock.
            entry.mtime = 946684800 + int.from_bytes(value[:4], "big") % (1 << 29)
            with tempfile.TemporaryFile() as content, files[name]() as source:
                while chunk := source.read(1 << 20):
                    content.write(chunk)
                entry.size = content.tell()
                content.seek(0)
                tar.addfile(entry, content)
    os.replace(temporary, archive)


def main(arguments: list[str]) -> dict[str, Any]:
    folder, site, *bases = (Path(item).expanduser() for item in arguments)
    site = next((base / site for base in bases if (base / site).exists()), site)
    try:
        digest, archive = pack(site, folder)
    except BadSite as error:
        return {"error": str(error)}
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        return {"error": f"{site} can't be read: {error}"}
    return {"digest": digest, "archive": str(archive)}


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)

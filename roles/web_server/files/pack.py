# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a site, a directory or an archive, into one archive that is the same for the same content, wherever and whenever it is packed.

``pack.py digest SITE BASE...`` prints ``{"digest": ..., "sample": PATH}`` with a file that the host can be asked for, and packs nothing.
A relative SITE is looked up in one base after the other.
``pack.py archive DIGEST SITE BASE...`` prints ``{"archive": PATH}``, a file that belongs to this call alone.
``pack.py remove PATH`` removes that file, and the packed site with the last one.
Each prints ``{"error": ...}`` if it fails.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import re
import secrets
import signal
import stat
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LEFT_OUT = {".git", ".hg", ".svn"}
#: As many as Linux follows for one path.
MOST_LINKS = 40
#: Links to directories can multiply a site without being a circle.
MOST_FILES = 1_000_000
LONGEST_TARGET = 4096
#: What a run left that was killed, in seconds.
OLD = 86_400
#: For another run that packs, in seconds.
LONGEST_WAIT = 600
#: A file that changes again within this time of its last change may show the same times, in seconds.
GRANULARITY = 2
MOST_DIGESTS = 200
CHUNK = 1 << 20
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ON_UNIX = (3, 19)


class BadSite(Exception):
    """What is wrong with it, as one sentence that names the path."""


@dataclass(frozen=True)
class OnDisk:
    """A file of a directory."""

    path: str


@dataclass(frozen=True)
class Stored:
    """A file of an archive: its hash, and where its content is in the spool."""

    hash: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Link:
    """A link: its target as it is written, and whether that starts at the root of the site instead of the link's own directory."""

    target: str
    from_root: bool = False


Leaf = OnDisk | Stored
Tree = dict[str, Any]
Place = tuple[str, ...]
Files = dict[str, Leaf]
Show = Callable[[str], str]


def shown(name: str) -> str:
    """A name that can't change a terminal."""
    return name if name.isprintable() else ascii(name)


# --- Reading a site ---


class Spool:
    """Takes the contents of an archive in their order: to go back in a compressed one means to unpack it again."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self.file, self._end = file, 0

    def add(self, source: IO[bytes]) -> Stored:
        value, start = hashlib.sha256(), self._end
        for chunk in _chunks(source):
            value.update(chunk)
            self._end += len(chunk)
            if self.file:
                self.file.write(chunk)
        return Stored(value.digest(), start, self._end - start)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def directory(site: Path) -> Files:
    """The files of a directory."""
    root = os.path.realpath(site)

    def show(name: str) -> str:
        return shown(f"{site}/{name}")

    return _files(_scanned(root, root, "", show), show)


def archive(site: Path, spool: Spool) -> Files:
    """The files of an archive."""

    def show(name: str) -> str:
        return f"{shown(name)} in {shown(site.name)}"

    # Tar first: a tar that ends with a zip would count as that zip.
    # Opening a pipe waits for its other end, and a device may have no end.
    if site.is_file() and _is_tar(site):
        with tarfile.open(site) as tar:
            return _files(_tarred(tar, spool, show), show)
    if site.is_file() and zipfile.is_zipfile(site):
        with zipfile.ZipFile(site) as packed:
            return _files(_zipped(packed, spool, show), show)
    raise BadSite(f"{shown(str(site))} is neither a directory nor an archive (tar, also with gzip, bzip2 or xz, or zip).")


def _is_tar(site: Path) -> bool:
    # A compressed file that is broken raises the errors of its compression.
    try:
        return tarfile.is_tarfile(site)
    except (EOFError, ValueError):
        return False


def _scanned(folder: str, root: str, prefix: str, show: Show) -> Tree:
    tree: Tree = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if CONTROL.search(entry.name):
                raise BadSite(f"{show(name)} has a control character in its name.")
            if entry.is_symlink():
                if entry.name not in LEFT_OUT:
                    tree[entry.name] = _link(entry.path, root, show(name))
            elif entry.is_dir():
                if entry.name not in LEFT_OUT:
                    tree[entry.name] = _scanned(entry.path, root, name + "/", show)
            elif entry.is_file():
                tree[entry.name] = OnDisk(entry.path)
            else:
                raise BadSite(f"{show(name)} is neither a file nor a directory, nor a link to one.")
    return tree


def _link(path: str, root: str, told: str) -> Link:
    real = os.path.realpath(path)
    if os.path.commonpath([root, real]) != root:
        raise _leaves(told, os.readlink(path))
    return Link(os.path.relpath(real, root), from_root=True)


def _tarred(tar: tarfile.TarFile, spool: Spool, show: Show) -> Tree:
    tree: Tree = {}
    for member in tar:
        place = _place(member.name, show)
        if _left_out(place, file=member.isfile()):
            continue
        if member.isdir():
            _put(tree, place, {}, show)
        elif member.issym() or member.islnk():
            _put(tree, place, Link(member.linkname, from_root=member.islnk()), show)
        elif member.isfile():
            content = tar.extractfile(member)
            assert content is not None
            _put(tree, place, spool.add(content), show)
        else:
            raise BadSite(f"{show(member.name)} is neither a file nor a directory, nor a link to one.")
    _refuse_half(tar)
    return tree


def _refuse_half(tar: tarfile.TarFile) -> None:
    """Python takes a header that is broken, or none, for the end of the archive."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    mark = tar.fileobj.read(tarfile.BLOCKSIZE)
    if len(mark) < tarfile.BLOCKSIZE or mark.strip(b"\0"):
        raise tarfile.ReadError("the archive has no end, so a part of it may be missing")


def _zipped(packed: zipfile.ZipFile, spool: Spool, show: Show) -> Tree:
    tree: Tree = {}
    for item in packed.infolist():
        # Python cuts the other name at a NUL.
        name, kind = item.orig_filename, stat.S_IFMT(item.external_attr >> 16)
        if item.create_system not in ON_UNIX:
            name = name.replace("\\", "/")
            if re.match("[A-Za-z]:", name):
                raise BadSite(f"{show(item.orig_filename)} is not a path within the site.")
        place = _place(name, show)
        folder = name.endswith("/") or kind == stat.S_IFDIR
        if _left_out(place, file=not folder):
            continue
        if item.flag_bits & 1:
            raise BadSite(f"{show(name)} is encrypted.")
        if folder:
            _put(tree, place, {}, show)
        elif kind == stat.S_IFLNK:
            with packed.open(item) as content:
                target = content.read(LONGEST_TARGET + 1)
            _put(tree, place, Link(os.fsdecode(target)), show)
        elif kind in (0, stat.S_IFREG):
            with packed.open(item) as content:
                _put(tree, place, spool.add(content), show)
        else:
            raise BadSite(f"{show(name)} is neither a file nor a directory, nor a link to one.")
    return tree


def _place(name: str, show: Show) -> Place:
    """The parts of a name in an archive, without those that mean nothing."""
    if CONTROL.search(name):
        raise BadSite(f"{show(name)} has a control character in its name.")
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts:
        raise BadSite(f"{show(name) if name else show('A file without a name')} is not a path within the site.")
    return tuple(part for part in parts if part not in ("", "."))


def _left_out(place: Place, *, file: bool) -> bool:
    return not LEFT_OUT.isdisjoint(place[:-1] if file else place)


def _put(tree: Tree, place: Place, node: Any, show: Show) -> None:
    name = "/".join(place)
    if not place:
        if node == {}:
            return
        raise BadSite(f"{show('The root')} is not a directory.")
    for part in place[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise BadSite(f"{show(name)} is below something that is not a directory.")
    known = tree.setdefault(place[-1], node)
    if known is not node and not (node == {} and isinstance(known, dict)):
        raise BadSite(f"{show(name)} occurs more than once.")


def _leaves(told: str, target: str) -> BadSite:
    return BadSite(f"{told} is a link that leaves the site, to {shown(target)}.")


def _files(root: Tree, show: Show) -> Files:
    """The files of a tree by their paths, with links replaced by what they lead to."""
    found: Files = {}

    def walk(tree: Tree, prefix: str, at: Place, above: tuple[Place, ...]) -> None:
        for key, node in tree.items():
            name, place = prefix + key, (*at, key)
            if isinstance(node, Link):
                place, node = _followed(root, place, node, show(name))  # noqa: PLW2901
            if not isinstance(node, dict):
                found[name] = node
            elif place in above:
                raise BadSite(f"{show(name)} is a link that leads in a circle.")
            else:
                walk(node, name + "/", place, (*above, place))
            if len(found) > MOST_FILES:
                raise BadSite(f"{show(name)} is one file too many; a site has at most {MOST_FILES}, with links followed.")

    walk(root, "", (), ((),))
    return {name: found[name] for name in sorted(found)}


def _followed(root: Tree, place: Place, link: Link, told: str) -> tuple[Place, Any]:
    """Where a link leads, link after link: the place without links, and what is there. The operating system isn't asked."""
    at: list[str] = [] if link.from_root else list(place[:-1])
    ahead, links = _steps(link, told), 1
    while ahead:
        step = ahead.pop()
        if step == "..":
            if not at:
                raise _leaves(told, link.target)
            at.pop()
            continue
        here = _at(root, at)
        node = here.get(step) if isinstance(here, dict) else None
        if node is None:
            raise BadSite(f"{told} is a link to {shown(link.target)}, which is not in the site.")
        if not isinstance(node, Link):
            at.append(step)
            continue
        links += 1
        if links > MOST_LINKS:
            raise BadSite(f"{told} is a link that leads in a circle.")
        at = [] if node.from_root else at
        ahead += _steps(node, told)
    return tuple(at), _at(root, at)


def _steps(link: Link, told: str) -> list[str]:
    """The last one first."""
    if link.target.startswith("/"):
        raise _leaves(told, link.target)
    if not link.target or len(link.target) > LONGEST_TARGET:
        raise BadSite(f"{told} is a link to nothing that can be in the site.")
    return [part for part in reversed(link.target.split("/")) if part not in ("", ".")]


def _at(root: Tree, place: Iterable[str]) -> Any:
    node: Any = root
    for part in place:
        node = node[part]
    return node


# --- The digest ---


def _opened(leaf: OnDisk) -> IO[bytes]:
    """Open a file that is no link, even if something replaced it since the directory was read."""
    file = os.fdopen(os.open(leaf.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BadSite(f"{shown(leaf.path)} is no file any more.")
    return file


def _hash(leaf: Leaf) -> bytes:
    if isinstance(leaf, Stored):
        return leaf.hash
    with _opened(leaf) as file:
        return Spool().add(file).hash


def _digest(hashes: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, value in hashes.items():
        whole.update(os.fsencode(name) + b"\0" + value)
    return whole.hexdigest()[:16]


def _hashes(site: Path, files: Files) -> dict[str, bytes]:
    if not files:
        raise BadSite(f"{shown(str(site))} holds no file.")
    return {name: _hash(leaf) for name, leaf in files.items()}


def sample_of(files: Iterable[str]) -> str:
    """A file that nginx serves: the page of the root if there is one. Empty if there is no file with a plain name."""
    served = [name for name in files if name.isprintable() and not re.search(r"(^|/)\.(?!well-known/)", name)]
    return "index.html" if "index.html" in served else next(iter(served), "")


def digest_of(site: Path, folder: Path) -> dict[str, str]:
    """The digest of a site's content, and one of its files. A site that looks as it did is not read again: the hosts of a run ask for the same one."""
    files = directory(site) if site.is_dir() else None
    looks = [("", os.stat(site))] if files is None else [(name, os.lstat(leaf.path)) for name, leaf in files.items() if isinstance(leaf, OnDisk)]
    recent = time.time() - GRANULARITY
    signature = hashlib.sha256()
    for name, look in looks:
        signature.update(os.fsencode(name) + repr((look.st_dev, look.st_ino, look.st_size, look.st_mtime_ns, look.st_ctime_ns)).encode() + b"\0")
    kept = folder / "digests.json"
    known = _known(kept)
    if found := known.get(signature.hexdigest()):
        return found
    files = archive(site, Spool()) if files is None else files
    result = {"digest": _digest(_hashes(site, files)), "sample": sample_of(files)}
    if all(max(look.st_mtime, look.st_ctime) < recent for _name, look in looks):
        entries = [*known.items(), (signature.hexdigest(), result)][-MOST_DIGESTS:]
        with _replaced(kept) as file:
            file.write(json.dumps(dict(entries)).encode())
    return result


def _known(kept: Path) -> dict[str, dict[str, str]]:
    try:
        loaded = json.loads(kept.read_bytes()) if kept.is_file() else None
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) and all(map(_is_result, loaded.values())) else {}


def _is_result(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"digest", "sample"} or not all(isinstance(part, str) for part in value.values()):
        return False
    return bool(re.fullmatch("[0-9a-f]{16}", value["digest"])) and value["sample"].isprintable()


# --- The archive ---


def archive_of(site: Path, digest: str, folder: Path) -> Path:
    """Pack a site once for all that ask for it. Each gets a hard link of its own, so the last one to remove it is known."""
    whole = folder / f"web-server-{digest}.tar.gz"
    if not whole.exists():
        with tempfile.TemporaryFile(dir=folder) as spooled:
            files = directory(site) if site.is_dir() else archive(site, Spool(spooled))
            hashes = _hashes(site, files)
            if _digest(hashes) != digest:
                raise _changed(site)
            with _replaced(whole) as file:
                _write(site, files, hashes, spooled, file)
    own = folder / f"web-server-{digest}.{secrets.token_hex(8)}.tar.gz"
    os.link(whole, own)
    return own


def _changed(site: Path) -> BadSite:
    return BadSite(f"{shown(str(site))} has changed while the role ran; run it again.")


def remove(own: Path, folder: Path) -> None:
    """Remove what :func:`archive_of` returned, and the packed site if nobody else needs it."""
    if own.parent != folder or not (match := re.fullmatch(r"(web-server-[0-9a-f]{16})\.[0-9a-f]{16}\.tar\.gz", own.name)):
        raise BadSite(f"{shown(str(own))} is no packed site.")
    own.unlink(missing_ok=True)
    whole = folder / f"{match[1]}.tar.gz"
    with suppress(FileNotFoundError):
        if whole.stat().st_nlink == 1:
            whole.unlink()


def _write(site: Path, files: Files, hashes: dict[str, bytes], spooled: IO[bytes], file: IO[bytes]) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
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
            leaf = files[name]
            if isinstance(leaf, Stored):
                entry.size = leaf.size
                spooled.seek(leaf.start)
                tar.addfile(entry, spooled)
            elif _added(tar, entry, leaf) != value:
                raise _changed(site)


def _added(tar: tarfile.TarFile, entry: tarfile.TarInfo, leaf: OnDisk) -> bytes:
    """Add a file, and return the hash of what was added."""
    with _opened(leaf) as file:
        entry.size = os.fstat(file.fileno()).st_size
        watched = _Watched(file)
        tar.addfile(entry, watched)  # type: ignore[arg-type]
        return watched.hash.digest()


class _Watched:
    """A file that hashes what is read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


# --- The directory that they are kept in ---


def kept_in() -> Path:
    """A directory of this user's own: in the cache, or where temporary files are if there can't be a cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache if os.path.isabs(cache) else "~/.cache")
    try:
        return _own(base.expanduser(), "cloudnexus", "sites")
    except (OSError, RuntimeError):
        return _own(Path(tempfile.gettempdir()), f"cloudnexus-{os.geteuid()}", "sites")


def _own(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        folder /= name
        folder.mkdir(mode=0o700, exist_ok=True)
        look = folder.lstat()
        if not stat.S_ISDIR(look.st_mode) or look.st_uid != os.geteuid() or look.st_mode & 0o022:
            raise OSError(f"{folder} is not a directory of yours that nobody else can write to")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"{folder} can't be written")
    return folder


@contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole, or not at all."""
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix="web-server-", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time: the hosts of a run ask for the same site at the same moment."""

    def late(*_arguments: object) -> None:
        raise BadSite(f"{folder} is locked by another run for more than {LONGEST_WAIT} seconds.")

    with _lock(folder / "lock") as lock:
        before = signal.signal(signal.SIGALRM, late)
        signal.alarm(LONGEST_WAIT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        yield


def _lock(path: Path) -> IO[bytes]:
    """Open the lock file. A pipe in its place would wait for a reader."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, 0o600), "rb")
    except OSError as error:
        raise BadSite(f"The lock {path} can't be opened: {error.strerror}.") from None
    look = os.fstat(file.fileno())
    if not stat.S_ISREG(look.st_mode) or look.st_uid != os.geteuid():
        file.close()
        raise BadSite(f"The lock {path} is not a file of yours. Remove it and run the role again.")
    return file


def _tidy(folder: Path) -> None:
    """Remove what was left by runs that were killed."""
    for path in folder.glob("web-server-*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - OLD:
                path.unlink()


# --- The command ---


def _found(site: str, bases: list[str]) -> Path:
    wanted = Path(site).expanduser()
    for place in [Path(base) / wanted for base in bases] or [wanted]:
        if place.exists():
            return place
    raise BadSite(f"{shown(site)} does not exist on the control node.")


def _result(command: str, arguments: list[str]) -> dict[str, str]:
    folder = kept_in()
    with _locked(folder):
        _tidy(folder)
        if command == "remove":
            remove(Path(arguments[0]), folder)
            return {}
        if command == "archive":
            digest, site, *bases = arguments
            return {"archive": str(archive_of(_found(site, bases), digest, folder))}
        site, *bases = arguments
        return digest_of(_found(site, bases), folder)


def main(arguments: list[str]) -> dict[str, str]:
    command, *rest = arguments
    try:
        return _result(command, rest)
    except BadSite as error:
        return {"error": str(error)}
    except Exception as error:
        # A broken archive raises whatever its format, its compression or its names come to.
        what = rest[1 if command == "archive" else 0]
        return {"error": f"{shown(what)} can't be read: {shown(' '.join(str(error).split()) or type(error).__name__).rstrip('.')}."}


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)

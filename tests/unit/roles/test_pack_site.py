# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role web_server packs a site: the same for the same content, and nothing from outside the site."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

from .scripts import directory, load, tarball, zipped

CONTENT = {"index.html": b"<p>hello</p>", "css/deep/style.css": b"a { color: red }", "n\xe4me with spaces.txt": b""}
PACK = load("pack")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cloudnexus" / "sites"


def pack(site: Path) -> Any:
    """The digest of a site and its archive, or the error."""
    result = PACK.main(["digest", str(site)])
    return result if "error" in result else {**result, **PACK.main(["archive", result["digest"], str(site)])}


def packed(site: Path) -> dict[str, bytes]:
    """The files of a site, as they reach the host."""
    result = pack(site)
    assert "error" not in result, result
    with tarfile.open(result["archive"]) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def refused(site: Path) -> str:
    """What is said of a site that can't be packed: one sentence, the same without a digest."""
    error: str = PACK.main(["digest", str(site)])["error"]
    assert PACK.main(["archive", "0" * 16, str(site)])["error"] == error
    assert "\n" not in error
    assert error.endswith(".")
    return error


# --- The same content ---


def test_the_same_content_is_the_same_archive_whatever_it_comes_in(tmp_path: Path) -> None:
    touched = directory(tmp_path / "touched", CONTENT)
    os.utime(touched / "index.html", (1, 1))
    (touched / "index.html").chmod(0o777)
    (touched / "empty").mkdir()
    directory(touched / ".git", {"config": b"secret"})
    entries = [(f"./{name}", data) for name, data in CONTENT.items()]
    sites = [
        directory(tmp_path / "site", CONTENT),
        touched,
        zipped(tmp_path / "site.zip", CONTENT.items()),
        tarball(tmp_path / "a.tgz", entries, "w:gz"),
        tarball(tmp_path / "a.tar.xz", [(".", {"type": tarfile.DIRTYPE}), *reversed(entries), (".git/config", b"secret")], "w:xz"),
    ]
    results = []
    for site in sites:
        result = pack(site)
        results.append((result["digest"], Path(result["archive"]).read_bytes()))
        PACK.main(["remove", result["archive"]])
    assert all(item == results[0] for item in results)


def test_the_entries_of_the_archive(tmp_path: Path) -> None:
    site = directory(tmp_path / "site", CONTENT)
    assert packed(site) == CONTENT
    with tarfile.open(pack(site)["archive"]) as tar:
        assert {member.name for member in tar if member.isdir()} == {"css", "css/deep"}
        assert {(member.isdir(), oct(member.mode), member.uid, member.gid) for member in tar} == {(True, "0o755", 0, 0), (False, "0o644", 0, 0)}


def test_times_differ_with_the_content_and_the_name_does_not_matter(tmp_path: Path) -> None:
    result = pack(directory(tmp_path / "site", {"a": b"one", "b": b"two", "c": b"one"}))
    with tarfile.open(result["archive"]) as tar:
        times = {member.name: member.mtime for member in tar}
    assert times["a"] == times["c"] != times["b"]
    assert all(946684800 <= time < 1500000000 for time in times.values())


@pytest.mark.parametrize("content", [{"index.html": b"other"}, {**CONTENT, "more": b""}, {"index.htm": CONTENT["index.html"]}])
def test_other_content_is_another_release(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert pack(directory(tmp_path / "site", CONTENT))["digest"] != pack(directory(tmp_path / "other", content))["digest"]


def test_names_that_differ_in_case_alone_are_two_files(tmp_path: Path) -> None:
    content = {"Index.html": b"one", "index.html": b"two"}
    assert packed(tarball(tmp_path / "site.tar", content.items())) == packed(zipped(tmp_path / "site.zip", content.items())) == content


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path: Path) -> None:
    download = zipped(tmp_path / "download.zip", [("inner", b"")]).read_bytes()
    assert packed(tarball(tmp_path / "site.tar", [("index.html", b"hello"), ("z.zip", download)])) == {"index.html": b"hello", "z.zip": download}


def test_backslashes_of_a_zip_from_windows_are_directories(tmp_path: Path) -> None:
    entries = [("css\\", b""), ("css\\deep\\style.css", b"a"), ("index.html", b"b")]
    assert packed(zipped(tmp_path / "site.zip", entries, system=0)) == {"css/deep/style.css": b"a", "index.html": b"b"}
    assert packed(zipped(tmp_path / "unix.zip", [("a\\b", b"a")])) == {"a\\b": b"a"}


def test_a_relative_path_is_looked_up_in_one_directory_after_the_other(tmp_path: Path) -> None:
    site = directory(tmp_path / "second" / "site", CONTENT)
    assert PACK.main(["digest", "site", str(tmp_path / "first"), str(tmp_path / "second")]) == PACK.main(["digest", str(site)])


# --- Links ---

#: Links within a site, from the root of which they lead to the text "hello" or to a directory with it.
INSIDE = {"same": "index.html", "css/up": "../index.html", "css/far": "./deep/../../index.html", "again": "same", "folder": "css/deep", "css/back": "../img"}
FOLLOWED = dict.fromkeys(("same", "css/up", "css/far", "again", "folder/a", "css/back/b", "index.html", "css/deep/a", "img/b"), b"hello")
FILES = {"index.html": b"hello", "css/deep/a": b"hello", "img/b": b"hello"}


def linked(kind: str, path: Path, links: dict[str, str], content: dict[str, bytes]) -> Path:
    """A site with links, as a directory, a tar or a zip."""
    if kind == "directory":
        directory(path, content)
        for name, target in links.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).symlink_to(target)
        return path
    if kind == "tar":
        return tarball(path, [*[(name, {"type": tarfile.SYMTYPE, "linkname": target}) for name, target in links.items()], *content.items()])
    zipped(path, content.items())
    with PACK.zipfile.ZipFile(path, "a") as archive:
        for name, target in links.items():
            item = PACK.zipfile.ZipInfo(name)
            item.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(item, target)
    return path


KINDS = pytest.mark.parametrize("kind", ["directory", "tar", "zip"])


@KINDS
def test_links_within_a_site_are_followed(tmp_path: Path, kind: str) -> None:
    assert packed(linked(kind, tmp_path / "site", INSIDE, FILES)) == FOLLOWED


@KINDS
@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret", "css/../../secret", "..", "/", "../site-secret/x"])
def test_a_link_that_leaves_the_site_is_refused(tmp_path: Path, kind: str, target: str) -> None:
    """Nothing of what it leads to is packed: the environment of the control node, which has the API key, for one."""
    (tmp_path / "secret").write_text("secret")
    directory(tmp_path / "site-secret", {"x": b"secret"})
    written = target if target.startswith("/") else f"../{target}"
    error = refused(linked(kind, tmp_path / "site", {"css/leak": written}, FILES))
    assert "css/leak" in error
    assert error.endswith(f" is a link that leaves the site, to {written}.")


def test_a_link_of_a_directory_may_leave_the_site_and_come_back(tmp_path: Path) -> None:
    assert packed(linked("directory", tmp_path / "site", {"css/same": "../../site/index.html"}, FILES))["css/same"] == b"hello"


@KINDS
@pytest.mark.parametrize(
    ("links", "message"),
    [
        ({"a": "nowhere"}, "which is not in the site"),
        ({"a": "index.html/x"}, "which is not in the site"),
        ({"a": ".git/config"}, "which is not in the site"),
        ({"a": "a"}, "is a link"),
        ({"a": "b", "b": "a"}, "is a link"),
        ({"css/round": "."}, "leads in a circle"),
        ({"css/round": "../css"}, "leads in a circle"),
        ({"css/round": ".."}, "leads in a circle"),
        ({"css/img": "../img", "img/css": "../css"}, "leads in a circle"),
    ],
)
def test_a_link_to_nothing_or_in_a_circle_is_refused(tmp_path: Path, kind: str, links: dict[str, str], message: str) -> None:
    error = refused(linked(kind, tmp_path / "site", links, {**FILES, ".git/config": b"secret"}))
    assert message in error
    assert any(name in error for name in links)


def test_links_that_multiply_a_site_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PACK, "MOST_FILES", 1000)
    links = {f"{number}/{name}": f"../{number + 1}" for number in range(40) for name in "ab"}
    assert "one file too many" in refused(linked("tar", tmp_path / "site.tar", links, {"40/x": b""}))


def test_hard_links_of_a_tar(tmp_path: Path) -> None:
    def site(target: str) -> Path:
        return tarball(tmp_path / "site.tar", [("css/a", b"hello"), ("css/b", {"type": tarfile.LNKTYPE, "linkname": target})])

    assert packed(site("css/a")) == {"css/a": b"hello", "css/b": b"hello"}
    assert "css/b in site.tar is a link that leaves the site, to /etc/passwd." in refused(site("/etc/passwd"))
    assert "css/b in site.tar is a link to a, which is not in the site." in refused(site("a"))


def test_the_path_of_the_site_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(directory(tmp_path / "site", FILES))
    (tmp_path / "site" / "absolute").symlink_to(tmp_path / "site" / "index.html")
    assert packed(tmp_path / "current") == {**FILES, "absolute": b"hello"}


# --- Names ---


@pytest.mark.parametrize("name", ["../index.html", "/index.html", "a/../../index.html", "a/../index.html", "..", "//server/index.html"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    sites = [tarball(tmp_path / "site.tar", [(name, b"")]), zipped(tmp_path / "site.zip", [(name, b"")])]
    windows = zipped(tmp_path / "windows.zip", [(name.replace("/", "\\"), b"")], system=0)
    assert {refused(site) for site in [*sites, windows]} == {
        f"{name} in {site} is not a path within the site." for site in ("site.tar", "site.zip", "windows.zip")
    }


def test_a_drive_of_windows_is_refused(tmp_path: Path) -> None:
    assert "is not a path within the site" in refused(zipped(tmp_path / "site.zip", [("C:\\index.html", b"")], system=0))


@pytest.mark.parametrize("letter", ["\n", "\x1b", "\x7f", "\x9b", "\0"])
def test_a_control_character_in_a_name_is_refused_and_shown_escaped(tmp_path: Path, letter: str) -> None:
    name = f"a{letter}[31m"
    sites = [] if letter == "\0" else [directory(tmp_path / "site", {name: b""}), tarball(tmp_path / "site.tar", [(name, b"")])]
    archive = zipped(tmp_path / "site.zip", [("a_[31m", b"")])
    archive.write_bytes(archive.read_bytes().replace(b"a_[31m", name.encode("latin-1")))
    for site in [*sites, *([archive] if letter.isascii() else [])]:
        error = refused(site)
        assert "control character" in error
        assert error.isprintable()


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of a zip's
        for entries in ([("a", b"1"), ("./a", b"2")], [("a", b"1"), ("a/b", b"2")], [("a/b", b"1"), ("a", b"2")]):
            for site in (tarball(tmp_path / "site.tar", entries), zipped(tmp_path / "site.zip", entries)):
                assert refused(site) in {
                    f"a in {site.name} occurs more than once.",
                    f"a/b in {site.name} is below something that is not a directory.",
                }
    below = [("a", {"type": tarfile.SYMTYPE, "linkname": "b"}), ("b/x", b"1"), ("a/y", b"2")]
    assert refused(tarball(tmp_path / "link.tar", below)) == "a/y in link.tar is below something that is not a directory."


# --- What is no site ---


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_a_device_or_a_fifo_is_refused(tmp_path: Path, kind: bytes) -> None:
    entries = [("index.html", b""), ("dev/pipe", {"type": kind})]
    assert refused(tarball(tmp_path / "site.tar", entries)) == "dev/pipe in site.tar is neither a file nor a directory, nor a link to one."
    unix = {tarfile.FIFOTYPE: stat.S_IFIFO, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}[kind]
    archive = zipped(tmp_path / "site.zip", [("dev/pipe", b"")], kind=unix)
    assert refused(archive) == "dev/pipe in site.zip is neither a file nor a directory, nor a link to one."


def test_a_fifo_of_a_directory_is_refused_and_not_opened(tmp_path: Path) -> None:
    site = directory(tmp_path / "site", {"index.html": b""})
    os.mkfifo(site / "pipe")
    assert refused(site) == f"{site}/pipe is neither a file nor a directory, nor a link to one."


def test_a_fifo_in_the_place_of_an_archive_is_not_opened(tmp_path: Path, cache: Path) -> None:
    """Nor is one in the place of the digests."""
    os.mkfifo(tmp_path / "site")
    cache.mkdir(mode=0o700, parents=True)
    os.mkfifo(cache / "digests.json")
    command = [sys.executable, PACK.__file__, "digest", str(tmp_path / "site")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    assert "site is neither a directory nor an archive" in json.loads(done.stdout)["error"]


def test_a_path_that_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no archive")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "nowhere") == f"{tmp_path}/nowhere does not exist on the control node."
    assert "text.txt is neither a directory nor an archive" in refused(tmp_path / "text.txt")
    assert refused(tmp_path / "empty") == f"{tmp_path}/empty holds no file."
    assert "no-such-user" in refused(Path("~no-such-user/site"))
    assert "site.zip is encrypted" in refused(encrypted(tmp_path / "site.zip"))


def encrypted(path: Path) -> Path:
    data = zipped(path, [("index.html", b"hello")]).read_bytes()
    place = data.index(b"PK\x01\x02")
    path.write_bytes(data[: place + 8] + b"\x01" + data[place + 9 :])
    return path


NOISE = {f"file{number}": os.urandom(700) for number in range(9)}


@pytest.mark.parametrize(
    "made",
    [
        lambda path: tarball(path, NOISE.items()),
        lambda path: tarball(path, NOISE.items(), "w:gz"),
        lambda path: tarball(path, NOISE.items(), "w:bz2"),
        lambda path: tarball(path, NOISE.items(), "w:xz"),
        lambda path: zipped(path, NOISE.items()),
    ],
    ids=["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"],
)
def test_a_broken_archive_is_never_packed_in_part(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    """Cut at any place or with other bytes in it: one sentence, or all of its files."""
    whole = made(tmp_path / "whole").read_bytes()
    broken = tmp_path / "broken"
    cuts = [whole[:length] for length in range(0, len(whole) - 1024, 509)]
    holes = [whole[:place] + b"\xff" * 40 + whole[place + 40 :] for place in range(0, len(whole), 331)]
    said = set()
    for data in [*cuts, *holes]:
        broken.write_bytes(data)
        result = pack(broken)
        said.add("error" in result)
        if "error" in result:
            assert str(broken) in result["error"] or "broken" in result["error"]
            assert "\n" not in result["error"]
        else:
            assert len(packed(broken)) == len(NOISE)
    assert True in said


def test_the_script_prints_json_alone(tmp_path: Path) -> None:
    """As the role runs it: without the user's own Python settings."""
    site = directory(tmp_path / "site", CONTENT)
    (site / os.fsdecode(b"latin-\xe4")).write_bytes(b"")
    command = [sys.executable, "-I", "-S", str(ROOT / "roles" / "web_server" / "files" / "pack.py")]
    done = subprocess.run([*command, "digest", str(site)], check=True, capture_output=True, text=True)
    assert (json.loads(done.stdout), done.stderr) == (PACK.main(["digest", str(site)]), "")
    assert os.fsdecode(b"latin-\xe4") in packed(site)

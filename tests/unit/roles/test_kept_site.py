# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role web_server keeps of a site on the control node: one archive for all hosts, and none in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import ROOT

from .scripts import directory, load

PACK = load("pack")
#: What may stay: the lock, and the digests of sites that were read.
STAYS = {"lock", "digests.json"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cloudnexus" / "sites"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return directory(tmp_path / "site", {"index.html": b"hello"})


def digest(site: Path) -> str:
    found: str = PACK.main(["digest", str(site)])["digest"]
    return found


def archive(site: Path, wanted: str) -> Path:
    return Path(PACK.main(["archive", wanted, str(site)])["archive"])


def kept(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - STAYS


def test_a_digest_leaves_nothing_behind(site: Path, cache: Path) -> None:
    digest(site)
    assert kept(cache) == set()


def test_hosts_share_one_archive_and_the_last_one_removes_it(site: Path, cache: Path) -> None:
    wanted = digest(site)
    first, second = archive(site, wanted), archive(site, wanted)
    assert first != second
    assert first.stat().st_ino == second.stat().st_ino
    assert PACK.main(["remove", str(first)]) == {}
    assert not first.exists()
    assert second.exists()
    third = archive(site, wanted)
    assert third.stat().st_ino == second.stat().st_ino
    for path in (second, third, third):
        assert PACK.main(["remove", str(path)]) == {}
    assert kept(cache) == set()


def test_hosts_that_ask_at_the_same_moment(site: Path, cache: Path) -> None:
    wanted = digest(site)
    script = [sys.executable, str(ROOT / "roles" / "web_server" / "files" / "pack.py")]
    running = [subprocess.Popen([*script, "archive", wanted, str(site)], stdout=subprocess.PIPE) for _number in range(6)]
    paths = [Path(json.loads(process.communicate()[0])["archive"]) for process in running]
    assert len({path.stat().st_ino for path in paths}) == 1
    assert len(set(paths)) == len(paths)
    ending = [subprocess.Popen([*script, "remove", str(path)]) for path in paths]
    assert {process.wait() for process in ending} == {0}
    assert kept(cache) == set()


def test_a_site_that_changes_meanwhile_is_not_packed(site: Path, cache: Path) -> None:
    wanted = digest(site)
    (site / "index.html").write_text("other")
    assert PACK.main(["archive", wanted, str(site)]) == {"error": f"{site} has changed while the role ran; run it again."}
    assert kept(cache) == set()


def test_a_file_that_changes_while_it_is_packed(site: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, read = digest(site), PACK._hashes

    def then_changed(*arguments: object) -> object:
        hashes = read(*arguments)
        (site / "index.html").write_text("HELLO")
        return hashes

    monkeypatch.setattr(PACK, "_hashes", then_changed)
    assert PACK.main(["archive", wanted, str(site)]) == {"error": f"{site} has changed while the role ran; run it again."}
    assert kept(cache) == set()


def test_a_full_disk_leaves_nothing_behind(site: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    wanted = digest(site)
    monkeypatch.setattr(PACK, "_write", full)
    assert PACK.main(["archive", wanted, str(site)]) == {"error": f"{site} can't be read: [Errno 28] No space left on device."}
    assert kept(cache) == set()


def test_the_next_run_removes_the_rest_of_one_that_was_killed(site: Path, cache: Path) -> None:
    wanted = digest(site)
    old, new = archive(site, wanted), archive(directory(site.with_name("other"), {"a": b""}), digest(site.with_name("other")))
    part = cache / "web-server-killed.part"
    part.write_bytes(b"")
    for path in (old, part):
        os.utime(path, (1, 1))
    digest(site)
    assert kept(cache) == {new.name, f"{new.name.split('.')[0]}.tar.gz"}


@pytest.mark.parametrize("path", ["/etc/hostname", "web-server-x.tar.gz", "../index.html", "digests.json"])
def test_nothing_else_is_removed(site: Path, cache: Path, path: str) -> None:
    digest(site)
    (cache / "digests.json").write_text("{}")
    before = sorted(cache.iterdir())
    assert "is no packed site." in PACK.main(["remove", str(cache / path)])["error"]
    assert sorted(cache.iterdir()) == before


# --- The lock ---


def link(lock: Path) -> None:
    lock.symlink_to(lock.with_name("elsewhere"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, link])
def test_something_else_in_the_place_of_the_lock_is_refused(site: Path, cache: Path, make: Callable[[Path], None]) -> None:
    """A pipe kept the role waiting, and a link had it make a file elsewhere."""
    digest(site)
    (cache / "lock").unlink()
    make(cache / "lock")
    script = ROOT / "roles" / "web_server" / "files" / "pack.py"
    told = json.loads(subprocess.run([sys.executable, str(script), "digest", str(site)], check=True, capture_output=True, timeout=30).stdout)
    assert told["error"].startswith(f"The lock {cache / 'lock'} ")
    assert not (cache / "elsewhere").exists()


def test_the_lock_of_another_user_is_refused(site: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest(site)
    monkeypatch.setattr(PACK.os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(PACK, "kept_in", lambda: cache)
    assert PACK.main(["digest", str(site)]) == {"error": f"The lock {cache / 'lock'} is not a file of yours. Remove it and run the role again."}


# --- A site that was read before ---


def reading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_arguments: object) -> None:
        raise AssertionError("the site is read again")

    monkeypatch.setattr(PACK, "_hashes", read)


def test_a_site_that_looks_as_it_did_is_read_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PACK, "GRANULARITY", -1000)  # as if it were old
    first = digest(site)
    with monkeypatch.context() as patched:
        reading_fails(patched)
        assert digest(site) == first
    before = (site / "index.html").stat()
    (site / "index.html").write_text("HELLO")
    os.utime(site / "index.html", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = digest(site)
    assert second != first
    (site / "more").write_text("")
    assert digest(site) not in {first, second}


def test_a_site_that_has_just_changed_is_read_again(site: Path, cache: Path) -> None:
    """A second change within the same tick of the clock would show the same times."""
    digest(site)
    assert not (cache / "digests.json").exists()


def test_digests_that_are_no_digests_are_ignored(site: Path, cache: Path) -> None:
    first = digest(site)
    for text in ("", "[]", '{"a": 1}', '{"a": "../../x"}', "\0"):
        (cache / "digests.json").write_text(text)
        assert digest(site) == first


# --- The directory ---


def test_the_directory_is_nobody_elses(site: Path, cache: Path) -> None:
    os.umask(0o002)
    try:
        archive(site, digest(site))
    finally:
        os.umask(0o022)
    assert [path.stat().st_mode & 0o777 for path in (cache, cache.parent)] == [0o700, 0o700]


def replaced_by_link(cache: Path) -> None:
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to(cache.with_name("elsewhere"))


def replaced_by_file(cache: Path) -> None:
    cache.rename(cache.with_name("elsewhere"))
    cache.write_text("")


def opened_to_others(cache: Path) -> None:
    cache.chmod(0o777)


@pytest.mark.parametrize("spoil", [replaced_by_link, replaced_by_file, opened_to_others])
def test_without_a_cache_it_is_where_temporary_files_are(
    site: Path, cache: Path, tmp_path: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    wanted = digest(site)
    spoil(cache)
    assert archive(site, wanted).parent == tmp_path / "tmp" / f"cloudnexus-{os.geteuid()}" / "sites"


@pytest.mark.parametrize(
    ("names", "sample"),
    [
        (["a.html", "index.html"], "index.html"),
        (["css/a b.css", "z"], "css/a b.css"),
        ([".htaccess", "a/.git2/b", ".well-known/x"], ".well-known/x"),
        ([".htaccess"], ""),
        (["latin-\udce4"], ""),
    ],
)
def test_a_file_that_the_host_can_be_asked_for(tmp_path: Path, names: list[str], sample: str) -> None:
    site = directory(tmp_path / "site", dict.fromkeys(names, b""))
    for _first_and_from_the_cache in range(2):
        assert PACK.main(["digest", str(site)])["sample"] == sample
        for name in names:
            os.utime(site / name, (1, 1))

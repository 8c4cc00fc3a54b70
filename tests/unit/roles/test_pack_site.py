# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role web_server packs a site: the same for the same content, and nothing that leads elsewhere."""

from __future__ import annotations

import importlib.util
import io
import os
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.checkout import ROOT

CONTENT = {"index.html": b"<p>hello</p>", "css/deep/style.css": b"a { color: red }", "n\xe4me with spaces.txt": b""}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_site", ROOT / "roles" / "web_server" / "files" / "pack.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PACK = load()


def pack(site: Path, tmp_path: Path) -> Any:
    return PACK.main([str(tmp_path), str(site)])


def directory(root: Path, content: dict[str, bytes] | None = None) -> Path:
    for name, data in (content or CONTENT).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def tarball(path: Path, mode: str = "w:gz", content: dict[str, bytes] | None = None, prefix: str = "./", **fields: Any) -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in (content or CONTENT).items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size, entry.mode = len(data), 0o600
            for field, value in fields.items():
                setattr(entry, field, value)
            tar.addfile(entry, io.BytesIO(data))
    return path


def test_the_same_content_is_the_same_archive_whatever_it_comes_in(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        for name, data in CONTENT.items():
            archive.writestr(name, data)
    touched = directory(tmp_path / "touched")
    os.utime(touched / "index.html", (1, 1))
    (touched / "index.html").chmod(0o777)
    (touched / "empty").mkdir()
    directory(touched / ".git", {"config": b"secret"})
    sites = [directory(tmp_path / "site"), touched, tmp_path / "site.zip", tarball(tmp_path / "a.tgz"), tarball(tmp_path / "a.tar.xz", "w:xz")]
    packed = []
    for number, site in enumerate(sites):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = pack(site, folder)
        packed.append((result["digest"], Path(result["archive"]).read_bytes()))
    assert all(item == packed[0] for item in packed)


def test_what_is_in_the_archive(tmp_path: Path) -> None:
    result = pack(directory(tmp_path / "site"), tmp_path)
    with tarfile.open(result["archive"]) as tar:
        assert {member.name: tar.extractfile(member).read() for member in tar if member.isfile()} == CONTENT  # type: ignore[union-attr]
        assert {member.name for member in tar if member.isdir()} == {"css", "css/deep"}
        assert {(member.isdir(), oct(member.mode), member.uid, member.gid) for member in tar} == {(True, "0o755", 0, 0), (False, "0o644", 0, 0)}


def test_times_differ_with_the_content_and_the_name_does_not_matter(tmp_path: Path) -> None:
    result = pack(directory(tmp_path / "site", {"a": b"one", "b": b"two", "c": b"one"}), tmp_path)
    with tarfile.open(result["archive"]) as tar:
        times = {member.name: member.mtime for member in tar}
    assert times["a"] == times["c"] != times["b"]
    assert all(946684800 <= time < 1500000000 for time in times.values())


@pytest.mark.parametrize("content", [{"index.html": b"other"}, {**CONTENT, "more": b""}, {"index.htm": CONTENT["index.html"]}])
def test_other_content_is_another_release(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert pack(directory(tmp_path / "site"), tmp_path)["digest"] != pack(directory(tmp_path / "other", content), tmp_path)["digest"]


def test_links_in_a_directory_are_followed(tmp_path: Path) -> None:
    site = directory(tmp_path / "site", {"index.html": b"hello"})
    directory(tmp_path / "elsewhere", {"image.svg": b"<svg/>"})
    (site / "images").symlink_to(tmp_path / "elsewhere")
    copied = directory(tmp_path / "copied", {"index.html": b"hello", "images/image.svg": b"<svg/>"})
    assert pack(site, tmp_path) == pack(copied, tmp_path)


def test_a_relative_path_is_looked_for_in_one_folder_after_the_other(tmp_path: Path) -> None:
    directory(tmp_path / "second" / "site")
    found = PACK.main([str(tmp_path), "site", str(tmp_path / "first"), str(tmp_path / "second")])
    assert found == pack(tmp_path / "second" / "site", tmp_path)


@pytest.mark.parametrize(
    ("prefix", "fields"),
    [("../", {}), ("/", {}), ("a/../../", {}), ("", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}), ("", {"type": tarfile.FIFOTYPE})],
)
def test_an_archive_that_leads_elsewhere(tmp_path: Path, prefix: str, fields: dict[str, Any]) -> None:
    site = tarball(tmp_path / "site.tar", "w", {"index.html": b""}, prefix, **fields)
    assert "index.html" in pack(site, tmp_path)["error"]


def test_what_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no archive")
    (tmp_path / "empty").mkdir()
    circle = directory(tmp_path / "circle")
    (circle / "round").symlink_to(circle)
    fifo = directory(tmp_path / "fifo")
    os.mkfifo(fifo / "pipe")
    cut = tarball(tmp_path / "cut.tar.gz", content={"noise": os.urandom(5000)})
    cut.write_bytes(cut.read_bytes()[:3000])
    said = {name: pack(tmp_path / name, tmp_path)["error"] for name in ("nowhere", "text.txt", "empty", "circle", "fifo", "cut.tar.gz")}
    assert said["nowhere"] == f"{tmp_path}/nowhere does not exist on the controller."
    assert "neither a directory nor an archive" in said["text.txt"]
    assert said["empty"] == f"{tmp_path}/empty holds no file."
    assert "in a circle" in said["circle"]
    assert "pipe is neither a file nor a directory" in said["fifo"]
    assert "cut.tar.gz" in said["cut.tar.gz"]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of known SSH hosts: the entries of one host change, and no other byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils import known_hosts
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.ssh import parsed

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtvbW11dA"


def hashed(name: str, salt: bytes = b"0123456789abcdef0123") -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


OTHERS = f"""\
# 10.0.0.1 is in a comment

10.0.0.10 {KEY}
[10.0.0.1]:2222 {KEY}
*.0.0.1 {KEY}
!10.0.0.1,10.0.0.* {KEY}
@cert-authority 10.0.0.1 {KEY}
@revoked 10.0.0.1 {KEY}
{hashed("10.0.0.2")} {KEY}
|1|broken {KEY}
10.0.0.1
"""


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"10.0.0.1 {KEY}\n", ""),
        (f"10.0.0.1\t{KEY} a comment\n", ""),
        (f"  10.0.0.1 {KEY}\n", ""),
        (f"{hashed('10.0.0.1')} {KEY}\n", ""),
        (f"web.example.com,10.0.0.1 {KEY}\n", f"web.example.com {KEY}\n"),
        (f"10.0.0.1,web.example.com {KEY}\n", f"web.example.com {KEY}\n"),
    ],
)
def test_the_entries_of_one_host_are_removed(line: str, left: str) -> None:
    assert known_hosts.without(OTHERS + line + OTHERS, "10.0.0.1") == OTHERS + left + OTHERS


def test_a_port_is_part_of_the_name() -> None:
    assert known_hosts.entry_name("Web.example.com", 22) == "web.example.com"
    assert known_hosts.entry_name("10.0.0.1", 2222) == "[10.0.0.1]:2222"
    assert known_hosts.without(f"[10.0.0.1]:2222 {KEY}\n10.0.0.1 {KEY}\n", "[10.0.0.1]:2222") == f"10.0.0.1 {KEY}\n"
    assert known_hosts.without(f"Web.Example.com {KEY}\n", "web.example.com") == ""


def test_a_new_key_replaces_the_old_ones_in_all_files(tmp_path: Path) -> None:
    first, second = tmp_path / "known_hosts", tmp_path / "known_hosts2"
    first.write_bytes(OTHERS.encode() + f"10.0.0.1 {KEY}\n".encode() + b"caf\xe9 " + KEY.encode())
    first.chmod(0o640)
    second.write_text(f"10.0.0.1 {KEY}\n{OTHERS}")
    known_hosts.replace([str(first), str(second)], "10.0.0.1", [f"10.0.0.1 {KEY}NEW"])
    assert first.read_bytes() == OTHERS.encode() + b"caf\xe9 " + KEY.encode() + f"\n10.0.0.1 {KEY}NEW\n".encode()
    assert first.stat().st_mode & 0o777 == 0o640
    assert second.read_text() == OTHERS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["known_hosts", "known_hosts2"]


def test_a_file_that_is_not_there_yet_is_nobody_elses_business(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    known_hosts.replace([str(file)], "10.0.0.1", [f"10.0.0.1 {KEY}"])
    assert file.read_text() == f"10.0.0.1 {KEY}\n"
    assert (file.stat().st_mode & 0o077, file.parent.stat().st_mode & 0o077) == (0, 0)


def test_a_name_that_may_be_shared_keeps_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"web {KEY}\n")
    for _time in range(2):
        known_hosts.replace([str(file)], "web", [f"web {KEY}NEW"], only_add=True)
    assert file.read_text() == f"web {KEY}\nweb {KEY}NEW\n"


def test_only_a_file_with_an_entry_is_written(tmp_path: Path) -> None:
    """A link leads to the file that is meant, and what is no file has no entries."""
    real, link, other = tmp_path / "real", tmp_path / "known_hosts", tmp_path / "other"
    real.write_text(f"10.0.0.1 {KEY}\n{OTHERS}")
    link.symlink_to(real)
    other.write_text(OTHERS)
    before = other.stat()
    files = [str(link), str(other), "/dev/null", str(tmp_path / "none" / "none")]
    assert known_hosts.forget(files, "10.0.0.1", check=True) == [str(link)]
    assert known_hosts.without(real.read_text(), "10.0.0.1") != real.read_text()
    assert known_hosts.forget(files, "10.0.0.1") == [str(link)]
    assert known_hosts.forget(files, "10.0.0.1") == []
    assert link.is_symlink()
    assert real.read_text() == OTHERS
    assert (other.stat().st_mtime_ns, other.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert not (tmp_path / "none").exists()


def test_what_ssh_says_of_its_settings() -> None:
    output = "hostname Web.example.com\nport 2222\nuserknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/%k none\nstricthostkeychecking ask\n"
    known = parsed(output)
    assert (known.name, known.files, known.alias, known.strict) == ("[web.example.com]:2222", ("/home/me/.ssh/known_hosts",), False, "ask")
    known = parsed(f"{output}hostkeyalias inst_1\n")
    assert (known.name, known.alias) == ("inst_1", True)

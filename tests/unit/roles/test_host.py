# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role web_server decides on a host: what is to be done, and why nginx has not loaded its configuration."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from .scripts import load

HOST = load("host")
PATHS = {name: f"/{name}" for name in ("file", "folder", "tls", "names")}
DRAFT = "listen *:80;\n@ipv6@listen [::]:80;\n@http2@http2 on;\n@ipv6@@!http2@listen [::]:443 http2;\n@brotli@brotli on;\ndigest @digest@;"
QUESTION: dict[str, Any] = {
    "state": "present", "paths": PATHS, "all_addresses": True, "brotli": True, "long_names": False, "certificate": "0.pem", "release": "new", "draft": DRAFT,
    "site": {"address": "127.0.0.1", "host": "shop.example", "ports": [["http", 80], ["https", 443]], "health": "/health", "sample": "index.html"},
}  # fmt: skip
BASE: dict[str, Any] = {
    "family": "Debian", "distribution": "debian", "version": "12", "name": "Debian 12", "there": ["file", "folder", "tls"], "previous": "",
    "current": "/folder/releases/new", "releases": ["new"], "tls": ["0.pem"], "intact": ["0.pem"], "names": False, "other_names": False, "other_sites": False,
    "installed": ["nginx", HOST.BROTLI], "package_lists": True, "nginx": "1.22.1", "ipv6": True, "default_site": False, "running": True,
    "starts_at_boot": True, "sample": True,
}  # fmt: skip
TEXT, DIGEST = HOST.rendered(DRAFT, BASE)
#: A host on which there is nothing to do.
SEEN: dict[str, Any] = {**BASE, "configuration": hashlib.sha256(TEXT.encode()).hexdigest(), "pages": [(200, DIGEST)] * 2}

CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {}, []),
    ({}, {"family": ""}, ["host"]),
    ({}, {"installed": ["nginx"]}, ["packages"]),
    ({"brotli": False}, {"installed": ["nginx"]}, []),
    ({}, {"default_site": True}, ["default site"]),
    ({"all_addresses": False}, {"default_site": True}, []),
    ({"long_names": True}, {}, ["names"]),
    ({"long_names": True}, {"other_names": True}, []),
    ({}, {"intact": []}, ["certificate"]),
    ({}, {"tls": ["0.pem", "1.pem"]}, ["surplus"]),
    ({"certificate": ""}, {}, ["surplus"]),
    ({}, {"releases": []}, ["release"]),
    ({}, {"current": "/folder/releases/old"}, ["release"]),
    ({}, {"releases": ["new", "old"], "previous": "/folder/releases/old"}, []),
    ({}, {"releases": ["new", "old", "older"], "previous": "/folder/releases/old"}, ["surplus"]),
    ({}, {"sample": False}, ["release"]),
    ({}, {"configuration": ""}, ["configuration"]),
    ({}, {"running": False, "pages": [], "sample": False}, ["service", "running"]),
    ({}, {"starts_at_boot": False}, ["service"]),
    # What runs is another configuration than the file's, on one of the ports.
    ({}, {"pages": [(200, DIGEST), (200, "0" * 16)], "sample": False}, ["running"]),
    ({}, {"pages": [(200, DIGEST), (0, "")]}, ["running"]),
]


@pytest.mark.parametrize(("declared", "found", "todo"), CASES)
def test_what_is_to_be_done(declared: dict[str, Any], found: dict[str, Any], todo: list[str]) -> None:
    assert HOST.plan({**QUESTION, **declared}, {**SEEN, **found})["todo"] == todo


@pytest.mark.parametrize(
    ("found", "todo"),
    [
        ({"there": []}, []),
        ({"there": ["folder"]}, ["folder"]),
        ({"there": ["file"], "names": True, "other_sites": True}, ["file"]),
        ({"there": [], "names": True}, ["names"]),
    ],
)
def test_what_is_to_be_removed(found: dict[str, Any], todo: list[str]) -> None:
    assert HOST.plan({"state": "absent", "paths": PATHS}, {**SEEN, **found})["todo"] == todo


def test_the_release_before_is_kept_until_there_is_another_one() -> None:
    kept = {"current": "/folder/releases/new", "previous": "/folder/releases/old", "releases": ["new", "old"]}
    for found, previous in ((kept, "old"), ({**kept, "current": "/folder/releases/b", "releases": ["b", "old", "new"]}, "b")):
        planned = HOST.plan(QUESTION, {**SEEN, **found})
        assert planned["previous_release"] == f"/folder/releases/{previous}"
        assert planned["surplus"] == [f"/folder/releases/{name}" for name in found["releases"] if name not in ("new", previous)]


def test_a_configuration_for_each_host() -> None:
    new = HOST.rendered(DRAFT, {**BASE, "nginx": "1.26.3", "ipv6": False, "version": "11"})[0].split("\n")
    assert new[:-1] == ["listen *:80;", "http2 on;"]
    assert TEXT.split("\n")[:-1] == ["listen *:80;", "listen [::]:80;", "listen [::]:443 http2;", "brotli on;"]
    assert TEXT.endswith(f"digest {DIGEST};")
    assert HOST.rendered(DRAFT + " ", BASE)[1] != DIGEST


@pytest.mark.parametrize(
    ("os_release", "family", "version", "brotli"),
    [
        ('ID=debian\nVERSION_ID="11"\n', "Debian", "11", False),
        ('ID=debian\nVERSION_ID="13"\n', "Debian", "13", True),
        ("ID=debian\n", "Debian", "", True),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"', "Debian", "22.04", False),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', "Debian", "24.04", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"', "Debian", "22", False),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.5"', "RedHat", "9.5", False),
        ("ID=fedora\nVERSION_ID=43", "RedHat", "43", False),
        ("ID='ol'\nID_LIKE='fedora'\nVERSION_ID='8.10'", "RedHat", "8.10", False),
        ("ID=alpine\nVERSION_ID=3.20", "", "3.20", False),
        ("", "", "", False),
    ],
)
def test_distributions(os_release: str, family: str, version: str, brotli: bool) -> None:
    found = HOST.distribution(os_release)
    assert (found["family"], found["version"], HOST.has_brotli(found)) == (family, version, brotli)


def test_what_is_served_instead() -> None:
    site, right = QUESTION["site"], (200, DIGEST)

    def said(*pages: tuple[int, str], sample: bool = True) -> str:
        sentence: str = HOST.difference(site, DIGEST, {"pages": pages, "sample": sample, "status": 404})
        return sentence

    assert said(right, right) == ""
    assert said(right, (0, "refused")) == "https://127.0.0.1:443/health can't be read: refused."
    assert said((200, ""), right).startswith("http://127.0.0.1:80/health returns status 200 and X-Site-Digest (none): expected ")
    assert said(right, right, sample=False) == "nginx can't serve /index.html, a file of the site: it returns status 404."


def test_the_error_log_from_now_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, line = tmp_path / "error.log", "2026/11/25 22:50:09 [emerg] {}#{}: {}\n"
    path.write_text(line.format(7, 7, "old"))
    monkeypatch.setattr(HOST, "setting", lambda name, otherwise: str(path))
    log = HOST.ErrorLog()
    assert log.fatal(7) == []
    with path.open("a") as file:
        file.writelines([line.format(8, 8, "other"), *[line.format(7, 7, "bind() to 127.0.0.1:80 failed (98: Address already in use)")] * 2])
        file.write("2026/11/25 22:50:09 [alert] 7#7: worker process 9 exited on signal 9\n")
    assert log.fatal(7) == ["bind() to 127.0.0.1:80 failed (98: Address already in use)"]
    assert not HOST.gave_up(log.fatal(7))
    with path.open("a") as file:
        file.write(line.format(7, 7, "still could not bind()"))
    assert HOST.gave_up(log.fatal(7))


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
@pytest.mark.parametrize(("listens_on", "wanted"), [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_an_address_that_is_in_use(listens_on: str, wanted: str) -> None:
    """A restart helps if nginx itself uses it. It would only stop a site that is served, if another program does."""
    with socket.socket() as listener:
        listener.bind((listens_on, 0))
        listener.listen()
        port = listener.getsockname()[1]
        messages = [f"bind() to {wanted}:{port} failed (98: Address already in use)", "still could not bind()"]
        assert HOST.in_its_own_way(messages, os.getpid())
        assert not HOST.in_its_own_way(messages, os.getppid())
        assert not HOST.in_its_own_way([f"bind() to 127.0.0.2:{port} failed (98: x)"], os.getpid()) or listens_on == "0.0.0.0"
    assert not HOST.in_its_own_way(messages, os.getpid())


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_addresses_as_the_kernel_writes_them() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert ("/proc/net/tcp6", HOST.in_kernel("::1")[1]) in [entry[:2] for entry in HOST.listening(port)]
        assert HOST.in_its_own_way([f"bind() to [::]:{port} failed (98: x)"], os.getpid())


def test_the_script_changes_nothing_in_check_mode() -> None:
    assert HOST.main("pretend", {}) == {}

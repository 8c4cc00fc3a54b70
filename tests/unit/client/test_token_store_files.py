# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the token cache: the lock, what a file may hold, and how it is written."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.token_store import Token, TokenStore

from ..fake_api import FakeApi
from .test_token_store import healthy, run, stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize(("permissions", "used"), [(0o644, True), (0o620, False), (0o602, False)])
def test_a_lock_that_others_can_write(folder: Path, permissions: int, used: bool) -> None:
    """That others may read it and look into the folder shows no token."""
    api = FakeApi(token_seconds=600)
    run(api, folder)
    (lock,) = folder.glob("*.lock")
    lock.chmod(permissions)
    folder.chmod(0o755)
    api.clock.time += 1000
    result = run(api, folder)
    assert healthy(result) is used
    assert used or f"{lock} is open to other users, and is not used; close it with chmod 600" in result["msg"]


def test_a_lock_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    api, warnings = FakeApi(token_seconds=600), list[str]()
    run(api, folder)
    (lock,) = folder.glob("*.lock")
    lock.rename(tmp_path / "elsewhere.lock")
    lock.symlink_to(tmp_path / "elsewhere.lock")
    api.clock.time += 1000
    assert healthy(run(api, folder, warnings=warnings))
    assert f"{lock} can't be opened" in warnings[0]


def test_a_file_system_without_locks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    warnings: list[str] = []
    assert healthy(run(FakeApi(), folder, warnings=warnings))
    assert "can't be locked: No locks available" in warnings[0]


def test_what_a_crash_has_left_is_replaced(folder: Path) -> None:
    api, warnings = FakeApi(token_seconds=600), list[str]()
    run(api, folder / "deep")
    (path,) = (folder / "deep").glob("*.json")
    path.with_suffix(f".{os.getpid()}.tmp").write_text("half")
    api.clock.time += 1000
    assert healthy(run(api, folder / "deep", warnings=warnings))
    assert (warnings, sorted(item.suffix for item in path.parent.iterdir())) == ([], [".json", ".lock"])


def test_the_whole_file_is_on_the_disk_before_it_takes_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[dict[str, str]] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append({path.suffix: path.read_text() for path in folder.iterdir()}))
    run(FakeApi(), folder)
    assert [{suffix: json.loads(text or "{}") for suffix, text in files.items()} for files in synced] == [{".tmp": stored(folder), ".lock": {}}]


TOKEN = {"access_token": "an-access-token", "refresh_token": "a-refresh-token", "renew_at": 1.5, "origin": "c"}


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        *[({"renew_at": value}, True) for value in (1.5, 7, None)],
        *[({"renew_at": value}, False) for value in (True, "7", [])],
        *[({field: value}, False) for field in ("access_token", "refresh_token") for value in ("", "a b", 5, None)],
        *[({"origin": value}, False) for value in (5, None)],
        ({"more": 1}, False),
    ],
)
def test_what_can_be_used_of_a_file(folder: Path, changes: dict[str, Any], read: bool) -> None:
    store = TokenStore(str(folder), "https://h", "c", "o")
    store.write(Token("x" * 8, "y" * 8, None, "z"))
    (path,) = folder.glob("*.json")
    path.write_text(json.dumps({**TOKEN, **changes}))
    assert store.read() == (Token(**{**TOKEN, **changes}) if read else None)


@contextlib.contextmanager
def lock_held(folder: Path) -> Iterator[Callable[[], None]]:
    """Another process renews the token; it ends with the block, or by a call."""
    (lock,) = folder.glob("*.lock")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def test_another_renewal_is_awaited_for_as_long_as_a_request_may_take(folder: Path) -> None:
    api = FakeApi(token_seconds=600)
    run(api, folder)
    api.clock.time += 1000
    started = api.clock.time
    with lock_held(folder):
        result = run(api, folder, api_timeout=3, api_retries=1)
    assert result["msg"].endswith("did not let go of it in time.")
    assert api.clock.time - started == pytest.approx(3 * 2)


def test_a_lock_that_becomes_free_is_taken_within_a_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi(token_seconds=600)
    run(api, folder)
    api.clock.time += 1000
    with lock_held(folder) as let_go:
        monkeypatch.setattr(api.clock, "sleep", lambda seconds: (api.clock.sleeps.append(seconds), let_go()))
        assert healthy(run(api, folder))
    assert 0 < sum(api.clock.sleeps) < 0.5

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token cache: shared, rotated, safe from others, and losing as little as can be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.private_files import default_folder
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import token_cache
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.token_store import Token, TokenCacheError, TokenStore, fingerprint
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import health_info

from tests.checkout import CACHE, ROOT
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

from ..fake_api import BASE_URL, FakeApi, answer, run_operation
from ..spoilers import Right

REFRESH = ("POST", "/auth/token/refresh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def run(api: FakeApi, folder: Path, *, refresh_token: str = REFRESH_TOKEN, warnings: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """A run of its own: nothing is left in memory of the one before."""
    auth._known.clear()
    given = {"api_key": None, "refresh_token": refresh_token, "client_id": CLIENT_ID, "token_cache": str(folder), **more}
    return run_operation(api, health_info.OPERATION, warnings=warnings, **given)


def healthy(result: dict[str, Any]) -> bool:
    return bool(result.get("health", {}).get("status") == "healthy")


def refreshes(api: FakeApi) -> list[str]:
    return [body["refresh_token"] for call, body in zip(api.calls, api.bodies, strict=True) if call == REFRESH]


def stored(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*.json")
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- Shared between runs -----------------------------------------------------------------------------------------------


def test_runs_share_a_token(folder: Path) -> None:
    api = FakeApi()
    assert all(healthy(run(api, folder)) for _number in range(3))
    assert len(refreshes(api)) == 1


def test_none_shares_nothing() -> None:
    api = FakeApi()
    for _number in range(2):
        auth._known.clear()
        assert healthy(run_operation(api, health_info.OPERATION, api_key=None, refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID, token_cache="none"))
    assert len(refreshes(api)) == 2


def test_it_is_closed_to_others(folder: Path) -> None:
    before = os.umask(0)
    try:
        run(FakeApi(), folder)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {path.suffix: mode(path) for path in folder.iterdir()} == {".json": 0o600, ".lock": 0o600}


def test_a_token_is_renewed_before_it_expires(folder: Path) -> None:
    api = FakeApi(token_seconds=600)
    run(api, folder)
    api.clock.time += 539
    run(api, folder)
    assert len(refreshes(api)) == 1
    api.clock.time += 1
    run(api, folder)
    assert len(refreshes(api)) == 2


@pytest.mark.parametrize("expires_in", [None, "600", True, [], -5, 1e300])
def test_a_life_that_the_api_does_not_tell(folder: Path, expires_in: Any) -> None:
    api = FakeApi()

    def untold(right: Callable[[], Any]) -> Any:
        token = json.loads(right().body)
        return answer(200, {**token, "expires_in": expires_in})

    api.spoil(*REFRESH, untold)
    counts = []
    for elapsed in (0, 0, 10):
        api.clock.time += elapsed
        assert healthy(run(api, folder))
        counts.append(len(refreshes(api)))
    assert counts == ([1, 2, 2] if expires_in == -5 else [1, 1, 1])


def test_a_token_that_was_revoked_is_renewed_once(folder: Path) -> None:
    api = FakeApi()
    run(api, folder)
    api.account._tokens.clear()
    assert healthy(run(api, folder))
    assert len(refreshes(api)) == 2


def test_a_token_that_another_run_has_renewed_is_taken_over(folder: Path) -> None:
    api = FakeApi(rotate=True)
    run(api, folder)
    known = dict(auth._known)
    api.account._tokens.clear()
    run(api, folder)
    auth._known.update(known)  # a worker that still has the old one in memory
    given = {"api_key": None, "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "token_cache": str(folder)}
    assert healthy(run_operation(api, health_info.OPERATION, **given))
    assert len(refreshes(api)) == 2


# --- Rotation ----------------------------------------------------------------------------------------------------------


def test_a_rotated_refresh_token_is_used_from_then_on(folder: Path) -> None:
    api = FakeApi(rotate=True, token_seconds=600)
    for _number in range(3):
        assert healthy(run(api, folder))
        api.clock.time += 1000
    first, second, third = refreshes(api)
    assert first == REFRESH_TOKEN
    assert len({first, second, third}) == 3


def test_one_that_was_given_anew_wins(folder: Path) -> None:
    api = FakeApi(rotate=True, token_seconds=600)
    run(api, folder)
    api.settings.clients[CLIENT_ID] = "cn_given_anew"  # the user has logged in again
    assert healthy(run(api, folder, refresh_token="cn_given_anew"))
    assert refreshes(api) == [REFRESH_TOKEN, "cn_given_anew"]
    api.clock.time += 1000
    assert healthy(run(api, folder, refresh_token="cn_given_anew"))
    kept = [json.loads(path.read_text())["origin"] for path in folder.glob("*.json")]
    assert sorted(kept) == sorted([fingerprint(REFRESH_TOKEN), fingerprint("cn_given_anew")])


def test_two_users_of_one_client_have_a_token_each(folder: Path) -> None:
    """A file for both would log out the one, or show the one what is the other's."""
    api = FakeApi(rotate=True, token_seconds=600)
    api.settings.clients |= {"second": "cn_of_another_user"}
    run(api, folder)
    first = stored(folder)
    run(api, folder, refresh_token="cn_of_another_user")
    assert first in [json.loads(path.read_text()) for path in folder.glob("*.json")]


def test_what_version_1_0_kept_is_used_and_left_alone(folder: Path) -> None:
    """Its file was for all users of a client; a refresh token that the API has replaced may be there alone."""
    api = FakeApi(rotate=True)
    run(api, folder)
    (path,) = folder.glob("*.json")
    name = hashlib.sha256("\n".join((BASE_URL, CLIENT_ID)).encode()).hexdigest()[:32]
    old = folder / f"{name}.json"
    path.rename(old)
    assert healthy(run(api, folder))
    assert len(refreshes(api)) == 1
    old.write_text(old.read_text().replace(fingerprint(REFRESH_TOKEN), fingerprint("somebody else's")))
    assert "returned 401" in run(api, folder)["msg"]  # the token of the user was used up by the first refresh


def test_a_refresh_token_without_a_usable_access_token_is_kept(folder: Path) -> None:
    api = FakeApi(rotate=True)

    def without(right: Right) -> Response:
        return answer(200, {"refresh_token": json.loads(right().body)["refresh_token"], "access_token": None})

    api.spoil("POST", "/auth/token/refresh", without)
    assert "contains no usable access_token" in run(api, folder)["msg"]
    assert healthy(run(api, folder))
    assert len(set(refreshes(api))) == 2


def test_a_folder_that_is_removed_during_a_renewal_makes_no_second_one(folder: Path) -> None:
    """The lock's file goes with the folder; the lock of the folder above it does not."""
    first = TokenStore(str(folder), "https://h", "c", "o")
    second = TokenStore(str(folder), "https://h", "c", "o")
    with first.locked(Clock().deadline(5)):
        shutil.rmtree(folder)
        with pytest.raises(TokenCacheError, match="another process holds"), second.locked(Clock().deadline(0.2)):
            pass
        first.write(Token("access-token", "refresh-token", None, "o"))
    with second.locked(Clock().deadline(5)):
        assert second.read() == Token("access-token", "refresh-token", None, "o")


def test_clients_and_apis_have_their_own(folder: Path) -> None:
    api = FakeApi(clients={CLIENT_ID: REFRESH_TOKEN, "other": "cn_other"})
    run(api, folder)
    run(api, folder, client_id="other", refresh_token="cn_other")
    run(api, folder, api_url="https://other.test/v1")
    assert len(list(folder.glob("*.json"))) == 3
    assert refreshes(api) == [REFRESH_TOKEN, "cn_other", REFRESH_TOKEN]


def test_a_refusal_changes_nothing_and_says_what_to_do(folder: Path) -> None:
    api = FakeApi(rotate=True, token_seconds=600)
    run(api, folder)
    before = stored(folder)
    api.clock.time += 1000
    api.settings.clients[CLIENT_ID] = "cn_other"
    result = run(api, folder)
    assert result["failed"]
    assert "Log in again and set CLOUDNEXUS_REFRESH_TOKEN to the new refresh token" in result["msg"]
    assert stored(folder) == before
    assert REFRESH_TOKEN not in str(result)
    assert before["refresh_token"] not in str(result)


def test_a_key_until_it_is_refused(folder: Path) -> None:
    api = FakeApi()
    run(api, folder)
    assert healthy(run(api, folder, api_key="cn_revoked"))
    assert len(refreshes(api)) == 1
    assert api.bearers[-2] == "cn_revoked"


# --- What is not safe, and what can't be had ---------------------------------------------------------------------------


def test_a_folder_that_others_can_write(folder: Path) -> None:
    api = FakeApi()
    for permissions in (0o770, 0o707, 0o1777, 0o720, 0o702):
        folder.mkdir(exist_ok=True)
        folder.chmod(permissions)
        result = run(api, folder)
        assert result["msg"] == f"token_cache: {folder} is open to other users, and is not used; close it with chmod 700 {folder}."
    assert not api.calls


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_file_that_others_can_read_or_write(folder: Path, permissions: int) -> None:
    api = FakeApi()
    run(api, folder)
    (path,) = folder.glob("*.json")
    path.chmod(permissions)
    assert f"{path} is open to other users, and is not used; close it with chmod 600" in run(api, folder)["msg"]


def test_a_file_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    api = FakeApi()
    run(api, folder)
    (path,) = folder.glob("*.json")
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    assert "can't be read" in run(api, folder)["msg"]


def test_a_folder_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert "is not what it should be" in run(FakeApi(), folder)["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else(folder: Path) -> None:
    api = FakeApi()
    run(api, folder)
    (path,) = folder.glob("*.json")
    os.chown(path, 12345, 12345)
    assert "belongs to another user" in run(api, folder)["msg"]
    os.chown(folder, 12345, 12345)
    assert "belongs to another user" in run(api, folder)["msg"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b'{"access_token": 5}', b'{"access_token": "a", "refresh_token": "b c", "renew_at": 1, "origin": "x"}', b"x" * 100_000],
)
def test_a_file_that_holds_something_else_is_as_good_as_none(folder: Path, content: bytes) -> None:
    api = FakeApi()
    run(api, folder)
    (path,) = folder.glob("*.json")
    path.write_bytes(content)
    assert healthy(run(api, folder))
    assert len(refreshes(api)) == 2
    assert stored(folder)["refresh_token"] == REFRESH_TOKEN


def test_where_nothing_can_be_kept_the_task_goes_on_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    api, warnings = FakeApi(), list[str]()
    assert healthy(run(api, tmp_path / "file" / "cache", warnings=warnings))
    assert len(warnings) == 1
    assert "can't be made" in warnings[0]
    assert "If refresh tokens rotate" in warnings[0]


def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what it does where neither HOME nor the password file knows one
    warnings: list[str] = []
    assert healthy(run(FakeApi(), tmp_path, token_cache=None, warnings=warnings))
    assert warnings[0].startswith("token_cache: ~/.cache/cloudnexus can't be made: the user has no home (HOME).")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    api, warnings = FakeApi(), list[str]()
    assert healthy(run(api, folder, warnings=warnings))
    assert "No space left on device" in warnings[0]
    assert not list(folder.glob("*.tmp"))


def test_the_option() -> None:
    assert token_cache("token_cache", None) == default_folder()
    assert token_cache("token_cache", "none") is None
    assert token_cache("token_cache", "/x") == "/x"
    with pytest.raises(InvalidOption, match="token_cache: expected the absolute path of a folder, or none"):
        token_cache("token_cache", "x")


def test_the_default_is_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_folder() == "/home/me/.cache/cloudnexus"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_folder() == "/cache/cloudnexus"


# --- Several at once, and interruptions: real processes ----------------------------------------------------------------

SCRIPT = """
import sys
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, run
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations.health_info import OPERATION
url, refresh_token, client_id, folder = sys.argv[1:]
params = dict(api_key=None, refresh_token=refresh_token, client_id=client_id, api_url=url, api_timeout=10, api_retries=2,
              validate_certs=True, ca_path=None, token_cache=folder)
print("ready", flush=True)
sys.stdin.readline()
print(run(OPERATION, params, Context(False, False, print)), flush=True)
"""


def start(emulator: EmulatorProcess, folder: Path) -> subprocess.Popen[str]:
    """A process that makes one request as soon as it is told to."""
    return _started(SCRIPT, emulator.api_url, REFRESH_TOKEN, CLIENT_ID, str(folder))


def _started(script: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(CACHE / "collections")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_ten_at_once_make_one_refresh(emulator: EmulatorProcess, folder: Path) -> None:
    emulator.set(rotate=True, latency=0.1)
    processes = [start(emulator, folder) for _number in range(10)]
    for process in processes:
        go(process)
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all("'healthy'" in output for output in outputs), outputs
    paths = [entry["path"] for entry in emulator.requests()]
    assert (paths.count("/auth/token/refresh"), paths.count("/health")) == (1, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_refresh_is_not_lost(emulator: EmulatorProcess, folder: Path, number: int) -> None:
    emulator.set(rotate=True)
    emulator.fault("slow", path="/auth/token/refresh", seconds=1)
    process = start(emulator, folder)
    go(process)
    while not emulator.requests():
        pass
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    # The refresh token that was given is used up; the one that came for it was kept.
    again = start(emulator, folder)
    go(again)
    assert "'healthy'" in again.communicate(timeout=30)[0]


def test_a_killed_refresh_is_lost_and_says_what_to_do(emulator: EmulatorProcess, folder: Path) -> None:
    emulator.set(rotate=True)
    emulator.fault("slow", path="/auth/token/refresh", seconds=30)
    emulator.fault("lost", path="/auth/token/refresh", effect=True)
    process = start(emulator, folder)
    go(process)
    while not emulator.requests():
        pass
    process.kill()
    process.communicate()
    emulator.clear_faults()
    emulator.fault("lost", path="/auth/token/refresh", effect=True)
    again = start(emulator, folder)
    go(again)
    output = again.communicate(timeout=60)[0]
    assert "Log in again and set CLOUDNEXUS_REFRESH_TOKEN to the new refresh token" in output


HOLDER = """
import sys
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.private_files import default_folder
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.token_store import TokenStore
with TokenStore(sys.argv[1], "https://h", "c", "o").locked(Clock().deadline(5)):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_that_is_not_let_go_of_ends_the_wait(folder: Path) -> None:
    holder = _started(HOLDER, str(folder))
    try:
        store = TokenStore(str(folder), "https://h", "c", "o")
        with pytest.raises(TokenCacheError, match="another process holds"), store.locked(Clock().deadline(0.3)):
            pass
        holder.kill()  # the lock ends with the process
        holder.communicate()
        with store.locked(Clock().deadline(0.3)):
            store.write(Token("a", "b", None, "c"))
    finally:
        holder.kill()
        holder.communicate()

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API in memory with a clock of its own: the emulator's account behind the transport's interface.

Hours pass in no time, and every request is seen. What it spoils is scripted by the test.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.private_files import default_folder
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, Operation, run
from requests.structures import CaseInsensitiveDict

from tests.emulator.account import Account, ApiRefusal, Page
from tests.emulator.settings import API_KEY
from tests.emulator.settings import Settings as AccountSettings

BASE_URL = "https://api.test/v1"
ASSUMED = {("GET", "/instances"), ("PATCH", "/instances/{id}"), ("DELETE", "/instances/{id}"), ("GET", "/cdn/config")}


class FakeClock(Clock):
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        if seconds:
            self.sleeps.append(seconds)
        self.time += seconds


#: What a test puts in an answer's place: called with the function that makes the right answer, and so the effect.
Spoiler = Callable[[Callable[[], Response]], Response]


class FakeApi:
    """Stands in for Transport."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.settings = AccountSettings(boot_seconds=3.0)
        self.settings.update(settings)
        self.account = Account(self.settings, self.clock.now)
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.bearers: list[str | None] = []
        self.spoilers: list[tuple[str, str, Spoiler]] = []
        #: What spoils the request of a number, whatever it asks for; requests are counted from 0.
        self.script: dict[int, Spoiler] = {}
        self.spoilt: list[tuple[str, str]] = []
        #: The ids of the instances that the collection has made, in contrast to another user.
        self.made: list[str] = []
        #: The name that each of them was made with.
        self.names: dict[str, str] = {}
        #: The user's cache folder.
        self.cache = tempfile.TemporaryDirectory()
        self._lock = threading.RLock()

    # --- For tests ---

    def spoil(self, method: str, path: str, spoiler: Spoiler, times: int = 1) -> None:
        self.spoilers.extend([(method, path, spoiler)] * times)

    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] != "GET"]

    def client(self, **settings: Any) -> Client:
        client = Client(Settings(BASE_URL, API_KEY, **settings), Secrets([API_KEY]), self.clock, lambda warning: None)
        client._transport = self  # type: ignore[assignment]
        return client

    def make(self, name: str, plan: str = "starter", region: str = "us-east", **fields: Any) -> dict[str, Any]:
        """What another user makes; it has booted already."""
        instance = self.account.create_instance({"name": name, "plan": plan, "region": region, **fields}, self.account.key_for(API_KEY))
        self.account.set_status(instance["id"], "running")
        return self.account.instance(instance["id"], self.account.key_for(API_KEY))

    # --- Transport's interface ---

    def exchange(self, method: str, url: str, *, body: Any, bearer: str | None, timeout: float, most: int) -> Response:
        with self._lock:  # the requests of a fleet may come from several threads
            return self._exchange(method, url, body, bearer)

    def _exchange(self, method: str, url: str, body: Any, bearer: str | None) -> Response:
        parts = urlsplit(url)
        path = unquote(parts.path).removeprefix("/v1")
        self.calls.append((method, path))
        self.bodies.append(body)
        self.bearers.append(bearer)

        def right() -> Response:
            return self._answer(method, path, parse_qs(parts.query), body, bearer)

        if (number := len(self.calls) - 1) in self.script:
            self.spoilt.append((method, path))
            return self.script.pop(number)(right)
        for index, (spoilt_method, spoilt_path, spoiler) in enumerate(self.spoilers):
            if (spoilt_method, spoilt_path) == (method, path):
                del self.spoilers[index]
                return spoiler(right)
        return right()

    def _answer(self, method: str, path: str, query: dict[str, list[str]], body: Any, bearer: str | None) -> Response:
        try:
            return self._handled(method, path, query, json.loads(json.dumps(body)), bearer)
        except ApiRefusal as refusal:
            return answer(refusal.status, {"error": {"code": refusal.code, "message": refusal.message}, "request_id": "req_1"})

    def _handled(self, method: str, path: str, query: dict[str, list[str]], body: Any, bearer: str | None) -> Response:
        account = self.account
        cursor = query.get("cursor", [None])[0]
        if (method, path) == ("POST", "/auth/token/refresh"):
            return answer(200, account.refresh_token(body))
        key = account.key_for(bearer or "")
        instance_id = path.split("/")[2] if path.startswith("/instances/") else ""
        pattern = path.replace(instance_id, "{id}") if instance_id else path
        if self.settings.profile == "documented" and (method, pattern) in ASSUMED:
            raise ApiRefusal(self.settings.missing_status, "not_offered", "Not offered.")
        if (method, pattern) == ("GET", "/instances"):
            return answer(200, _page(path, account.instances(cursor, key)))
        if (method, pattern) == ("POST", "/instances"):
            instance = account.create_instance(body, key)
            self.made.append(instance["id"])
            self.names[instance["id"]] = instance["name"]
            return answer(201, instance)
        if (method, pattern) == ("GET", "/instances/{id}"):
            return answer(200, account.instance(instance_id, key))
        if (method, pattern) == ("PATCH", "/instances/{id}"):
            return answer(200, account.update_instance(instance_id, body, key))
        if (method, pattern) == ("DELETE", "/instances/{id}"):
            account.delete_instance(instance_id, key)
            return answer(204)
        if (method, pattern) == ("GET", "/storage/buckets"):
            return answer(200, _page(path, account.buckets(cursor)))
        if (method, pattern) == ("GET", "/cdn/config"):
            return answer(200, account.cdn_config())
        if (method, pattern) == ("PUT", "/cdn/config"):
            return answer(200, account.put_cdn_config(body))
        if (method, pattern) == ("GET", "/health"):
            return answer(200, account.health())
        if (method, pattern) == ("GET", "/instances/{id}/logs"):
            return answer(200, account.instance_log(instance_id, key))
        raise ApiRefusal(404, "unknown_path", "There is nothing here.")


def answer(status: int, data: Any = None, headers: dict[str, str] | None = None) -> Response:
    body = b"" if data is None else json.dumps(data).encode()
    return Response(status, CaseInsensitiveDict({"Content-Type": "application/json", **(headers or {})}), body)


def _page(path: str, page: Page) -> dict[str, Any]:
    next_page = f"{path}?cursor={page.cursor}" if page.cursor else None
    return {"items": page.items, "pagination": {"next_page": next_page, "total_count": page.total}}


def run_operation(
    api: FakeApi,
    operation: Operation,
    *,
    check_mode: bool = False,
    warnings: list[str] | None = None,
    show: Callable[[str], None] | None = None,
    trace: bool = False,
    tell: Callable[[str], None] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Run an operation as either mode would, against ``api``."""
    import ansible_collections.cloudnexus.cloud.plugins.module_utils.operation as module

    params = {name: option.get("default") for name, option in operation.argument_spec.items()}
    params |= {"api_key": API_KEY, "refresh_token": None, "client_id": None, "api_url": BASE_URL, "api_timeout": 30, "api_retries": 5}
    params |= {"validate_certs": True, "ca_path": None, "token_cache": "none", **given}
    warn = (warnings if warnings is not None else []).append
    context = Context(check_mode=check_mode, diff=True, warn=warn, show=show, trace=trace, tell=tell)

    def client(settings: Settings, secrets: Secrets, clock: Clock, warn: Callable[[str], None]) -> Client:
        made = Client(settings, secrets, clock, warn)
        made._transport = api  # type: ignore[assignment]
        return made

    original, module.Client = module.Client, client  # type: ignore[misc,assignment]
    with pytest.MonkeyPatch.context() as patch:
        if os.path.isabs(default_folder()):  # the user has a home
            patch.setenv("XDG_CACHE_HOME", api.cache.name)
        try:
            return run(operation, params, context, api.clock)
        finally:
            module.Client = original  # type: ignore[misc]

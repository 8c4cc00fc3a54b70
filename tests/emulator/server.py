# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: every request is logged, perhaps hit by a fault, authenticated, validated and processed, and the response validated."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from .account import Account, ApiRefusal, Page
from .contract import BASE_PATH, Contract
from .faults import Faults, strike
from .settings import Key, Settings

#: The permission that each operation takes.
PERMISSIONS = {
    "listInstances": "instances:read",
    "getInstance": "instances:read",
    "getInstanceLogs": "instances:read",
    "createInstance": "instances:write",
    "updateInstance": "instances:write",
    "deleteInstance": "instances:write",
    "listBuckets": "storage:read",
    "getCdnConfig": "cdn:read",
    "putCdnConfig": "cdn:write",
}


@dataclass(slots=True)
class Entry:
    """One request in the log."""

    method: str
    path: str
    query: dict[str, str]
    #: The connection that it came by, as the client's port.
    connection: int
    #: Seconds since the emulator started.
    at: float
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    fault: str | None = None
    #: How the request broke the contract.
    violation: str | None = None


class Emulator:
    """One emulated API with its control interface, as an aiohttp application."""

    def __init__(self, settings: Settings) -> None:
        self.contract = Contract()
        self.settings = settings
        self.account = Account(settings)
        self.faults = Faults()
        self.log: list[Entry] = []
        #: Responses of the emulator itself that broke the contract: its own mistakes.
        self.mistakes: list[str] = []
        self._started = time.monotonic()
        self._requests = itertools.count(1)
        self._allowance: dict[str, tuple[float, float]] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1024 * 1024)
        for path in self.contract.document["paths"]:
            app.router.add_route("*", BASE_PATH + path, self._serve(path))
        app.router.add_route("*", BASE_PATH + "/{rest:.*}", self._serve(None))
        _Control(self).add_routes(app)
        return app

    # --- One request ---

    def _serve(self, path: str | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        operations = {method: (operation_id, standing) for method, item, operation_id, standing in self.contract.operations() if item == path}

        async def serve(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            entry = self._logged(request, body)
            if self.settings.latency:
                await asyncio.sleep(self.settings.latency)

            async def respond() -> web.Response:
                return self._respond(request, body, operations, entry)

            fault = self.faults.match(request.method, entry.path)
            if fault is None:
                response: web.StreamResponse = await respond()
            else:
                entry.fault = fault.kind
                response = await strike(fault, request, respond)
            entry.status = response.status
            return response

        return serve

    def _logged(self, request: web.Request, body: bytes) -> Entry:
        connection = request.transport.get_extra_info("peername")[1] if request.transport else 0
        try:
            data = json.loads(body) if body else None
        except ValueError:
            data = body.decode(errors="replace")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
        path = request.path.removeprefix(BASE_PATH)
        entry = Entry(request.method, path, dict(request.query), connection, time.monotonic() - self._started, data, headers)
        self.log.append(entry)
        return entry

    def _respond(self, request: web.Request, body: bytes, operations: dict[str, tuple[str, str]], entry: Entry) -> web.Response:
        request_id = f"req_{next(self._requests):06x}"
        served = {method: item for method, item in operations.items() if self.settings.profile == "full" or item[1] != "assumed"}
        try:
            operation_id = self._operation(request.method, operations, served)
            key = self._key(request, operation_id)
            if self.settings.validate:
                entry.violation = self.contract.request_violation(request, body)
                if entry.violation:
                    raise ApiRefusal(400, "contract_violation", entry.violation)
            response = self._handled(operation_id, request, entry.body, key)
        except ApiRefusal as refusal:
            response = _error(refusal, request_id)
            if refusal.status == 405:
                response.headers["Allow"] = ", ".join(sorted(served))
            if refusal.status == 429:
                response.headers["Retry-After"] = "1"
            if refusal.status in (404, 405, 501) and refusal.code in ("unknown_path", "not_offered"):
                return response  # outside the contract
        if self.settings.validate:
            mistake = self.contract.response_violation(request, body, response)
            if mistake:
                self.mistakes.append(f"{request.method} {request.path}: {mistake}")
                print(f"The emulator broke the contract: {self.mistakes[-1]}", file=sys.stderr, flush=True)
                return _error(ApiRefusal(500, "emulator_violation", mistake), request_id)
        response.headers["X-Request-Id"] = request_id
        return response

    def _operation(self, method: str, operations: dict[str, tuple[str, str]], served: dict[str, tuple[str, str]]) -> str:
        if not operations:
            raise ApiRefusal(404, "unknown_path", "There is nothing here.")
        if method not in served:
            status = self.settings.missing_status if method in operations else 405
            raise ApiRefusal(status, "not_offered", f"{method} is not offered here.")
        return served[method][0]

    def _key(self, request: web.Request, operation_id: str) -> Key:
        if operation_id == "refreshToken":
            return Key()
        scheme, _space, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise ApiRefusal(401, "no_credential", "The request holds no Bearer credential.")
        key = self.account.key_for(credential)
        if self.settings.rate_limit:
            self._limit(credential)
        permission = PERMISSIONS.get(operation_id)
        if permission and permission not in key.permissions:
            raise ApiRefusal(403, "permission_denied", f"The key lacks the permission {permission}.")
        return key

    def _limit(self, credential: str) -> None:
        """A bucket of tokens that holds one second's worth."""
        now, rate = time.monotonic(), self.settings.rate_limit
        left, before = self._allowance.get(credential, (rate, now))
        left = min(rate, left + (now - before) * rate)
        self._allowance[credential] = (max(left - 1, left if left < 1 else 0.0), now)
        if left < 1:
            raise ApiRefusal(429, "rate_limited", "Too many requests.")

    def _handled(self, operation_id: str, request: web.Request, body: Any, key: Key) -> web.Response:
        account, instance_id, cursor = self.account, request.match_info.get("id", ""), request.query.get("cursor")
        if operation_id == "getHealth":
            return _json(account.health())
        if operation_id == "refreshToken":
            return _json(account.refresh_token(body))
        if operation_id == "createInstance":
            return _json(account.create_instance(body, key), 201)
        if operation_id == "getInstance":
            return _json(account.instance(instance_id, key))
        if operation_id == "getInstanceLogs":
            return _json(account.instance_log(instance_id, key))
        if operation_id == "updateInstance":
            return _json(account.update_instance(instance_id, body, key))
        if operation_id == "deleteInstance":
            account.delete_instance(instance_id, key)
            return web.Response(status=204)
        if operation_id == "listInstances":
            return _json(_page("/instances", account.instances(cursor, key)))
        if operation_id == "listBuckets":
            return _json(_page("/storage/buckets", account.buckets(cursor)))
        if operation_id == "getCdnConfig":
            return _json(account.cdn_config())
        assert operation_id == "putCdnConfig", operation_id
        return _json(account.put_cdn_config(body))


def _page(path: str, page: Page) -> dict[str, Any]:
    next_page = f"{path}?cursor={page.cursor}" if page.cursor else None
    return {"items": page.items, "pagination": {"next_page": next_page, "total_count": page.total}}


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(data).encode(), headers={"Content-Type": "application/json"})


def _error(refusal: ApiRefusal, request_id: str) -> web.Response:
    response = _json({"error": {"code": refusal.code, "message": refusal.message}, "request_id": request_id}, refusal.status)
    response.headers["X-Request-Id"] = request_id
    return response


class _Control:
    """The control interface below ``/_emulator``: it is not part of the emulated API."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/_emulator", self.overview)
        app.router.add_get("/_emulator/state", self.state)
        app.router.add_get("/_emulator/requests", self.requests)
        app.router.add_delete("/_emulator/requests", self.forget_requests)
        app.router.add_get("/_emulator/faults", self.faults)
        app.router.add_post("/_emulator/faults", self.add_faults)
        app.router.add_delete("/_emulator/faults", self.clear_faults)
        app.router.add_patch("/_emulator/settings", self.change_settings)
        app.router.add_post("/_emulator/reset", self.reset)
        app.router.add_post("/_emulator/instances", self.create_instance)
        app.router.add_patch("/_emulator/instances/{id}", self.change_instance)
        app.router.add_delete("/_emulator/instances/{id}", self.delete_instance)

    async def overview(self, request: web.Request) -> web.Response:
        emulator = self._emulator
        return _json({"requests": len(emulator.log), "struck": emulator.faults.struck, "mistakes": emulator.mistakes, "profile": emulator.settings.profile})

    async def state(self, request: web.Request) -> web.Response:
        return _json(self._emulator.account.state())

    async def requests(self, request: web.Request) -> web.Response:
        return _json([asdict(entry) for entry in self._emulator.log])

    async def forget_requests(self, request: web.Request) -> web.Response:
        self._emulator.log.clear()
        return _json({})

    async def faults(self, request: web.Request) -> web.Response:
        return _json(self._emulator.faults.pending())

    async def add_faults(self, request: web.Request) -> web.Response:
        return await self._changed(request, lambda data: self._emulator.faults.add(data if isinstance(data, list) else [data]))

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._emulator.faults.clear()
        return _json({})

    async def change_settings(self, request: web.Request) -> web.Response:
        return await self._changed(request, self._emulator.settings.update)

    async def reset(self, request: web.Request) -> web.Response:
        """A new account with the settings given, as if the emulator had just been started."""
        emulator = self._emulator

        def reset(data: dict[str, Any]) -> None:
            settings = Settings()
            settings.update(data)
            emulator.settings = settings
            emulator.account = Account(settings)
            emulator.faults.clear()
            emulator.faults.struck = 0
            emulator.log.clear()
            emulator.mistakes.clear()

        return await self._changed(request, reset)

    async def create_instance(self, request: web.Request) -> web.Response:
        """What another user makes; a field ``id`` gives it that id."""
        data = await request.json()
        instance_id = data.pop("id", None)
        try:
            return _json(self._emulator.account.create_instance(data, Key(), instance_id), 201)
        except ApiRefusal as refusal:
            return _json({"error": {"code": refusal.code, "message": refusal.message}}, refusal.status)

    async def change_instance(self, request: web.Request) -> web.Response:
        """What another user changes; a field ``status`` sets the status for good."""
        data = await request.json()
        account, instance_id = self._emulator.account, request.match_info["id"]
        if "status" in data:
            account.set_status(instance_id, data.pop("status"))
        return _json(account.update_instance(instance_id, data, Key()))

    async def delete_instance(self, request: web.Request) -> web.Response:
        self._emulator.account.delete_instance(request.match_info["id"], Key())
        return _json({})

    @staticmethod
    async def _changed(request: web.Request, change: Callable[[Any], None]) -> web.Response:
        try:
            change(await request.json())
        except (ValueError, TypeError) as error:
            return _json({"error": {"code": "invalid", "message": str(error)}}, 400)
        return _json({})

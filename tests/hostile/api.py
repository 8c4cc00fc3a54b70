# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of the API that has other habits than its documentation suggests: an account in memory, and what it shows."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import threading
import unicodedata
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal

from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock

from .server import Request, Response, json_response

Json = dict[str, Any]

PLANS = ("starter", "professional", "enterprise")
REGIONS = ("us-east", "eu-west", "ap-south")
#: Each time.
ALWAYS = 1_000_000
_SENT = ("name", "plan", "region", "image_id", "ssh_keys", "auto_scale")
_PARTS = ("min_instances", "max_instances", "cpu_threshold")


@dataclass(frozen=True)
class Habits:
    """How this API differs from what one would expect. Without arguments it doesn't."""

    # Names
    names: Literal["as sent", "lower", "cut", "NFC"] = "as sent"
    #: Whether the list shows names as they were sent, although the response to a create doesn't.
    lists_names_as_sent: bool = False

    # The response to a create
    created: int = 201
    created_body: Literal["whole", "id and status", "empty", "data", "instance"] = "whole"
    location: bool = False

    # What is shown of an instance
    shows: frozenset[str] = frozenset()
    #: A part of auto_scale and fields that nobody sent.
    shows_more: bool = False
    hides: frozenset[str] = frozenset()
    keys: Literal["as sent", "SHA256", "MD5"] = "as sent"
    #: Plans and regions in upper case.
    upper_case: bool = False

    # Time
    boots_in: float = 1
    ends_as: str = "running"
    deletes_in: float = 0
    list_lag: float = 0

    # Lists
    page_size: int = 50
    #: So many readings of a list count an item that isn't there.
    miscounts: int = 0

    # Requests
    #: Requests a second; None for any number.
    rate: float | None = None
    #: Requests at once.
    burst: int = 1
    retry_after: Literal["none", "seconds", "fraction", "date"] = "none"
    #: Interim responses before each response.
    interim: tuple[int, ...] = ()
    #: The error that a PATCH is refused with.
    patch: tuple[int, str] | None = None
    #: The least cache_ttl that the CDN takes; anything less counts as this.
    least_ttl: int = 0


def normalized(name: str, habits: Habits) -> str:
    """The name that the API makes of ``name``."""
    return {"as sent": name, "lower": name.lower(), "cut": name[:63], "NFC": unicodedata.normalize("NFC", name)}[habits.names]


@dataclass
class Instance:
    id: str
    #: What was sent, changes included.
    sent: Json
    created_at: float
    #: When the list begins to show it.
    listed_at: float
    status: str | None = None
    deleted_at: float | None = None
    #: Whether a request made it, in contrast to a test.
    requested: bool = False


@dataclass(frozen=True)
class Seen:
    """One request that the API has handled, and how."""

    method: str
    path: str
    body: Any
    status: int


@dataclass
class Refusal(Exception):
    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """One account. ``handle`` takes one request at a time."""

    def __init__(self, habits: Habits, clock: Clock) -> None:
        self.habits = habits
        self.clock = clock
        self.seen: list[Seen] = []
        #: The ids that a DELETE was taken for.
        self.deleted: list[str] = []
        #: The lag of the next creates, in place of the habit's.
        self.lags: list[float] = []
        self.cdn: Json = {"cache_ttl": 3600, "ssl_enabled": True, "compression": "gzip"}
        self.buckets: list[Json] = [{"id": f"bkt_{number}", "name": f"bucket-{number}", "size_bytes": 1, "object_count": 1} for number in range(2)]
        self._instances: dict[str, Instance] = {}
        self._numbers = itertools.count(1)
        self._readings = {"/instances": 0, "/storage/buckets": 0}
        self._tokens, self._filled_at = float(habits.burst), clock.now()
        self._lock = threading.Lock()

    # --- For tests ---

    def put(self, name: str = "web-01", **given: Any) -> str:
        """What somebody else has made long ago. Returns its id."""
        status = given.pop("status", "running")
        made = self._made({"name": name, "plan": "starter", "region": "us-east", **given})
        made.created_at = made.listed_at = self.clock.now() - 3600
        made.status = None if status == "running" else status
        if status == "deleting":
            made.deleted_at = self.clock.now()
        return made.id

    def instances(self) -> dict[str, Json]:
        """What there is and stays, as ``GET /instances/{id}`` shows it."""
        return {item.id: self._shown(item) for item in self._there() if item.deleted_at is None}

    def made(self) -> list[str]:
        """The normalized names of what requests have made, and what stays of it."""
        return [normalized(item.sent["name"], self.habits) for item in self._there() if item.requested and item.deleted_at is None]

    def writes(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method != "GET"]

    def creates(self) -> list[Seen]:
        """The creates that were not refused for their rate."""
        return [seen for seen in self.seen if (seen.method, seen.path) == ("POST", "/instances") and seen.status != 429]

    # --- Requests ---

    def handle(self, request: Request) -> Response:
        with self._lock:
            try:
                body = json.loads(request.body) if request.body else None
                self._limit()
                response = self._handled(request, body)
            except Refusal as refusal:
                error = {"error": {"code": refusal.code, "message": refusal.code.replace("_", " ")}}
                response = json_response(refusal.status, error, **refusal.headers)
            self.seen.append(Seen(request.method, request.path, body, response.status))
            return Response(response.status, response.body, response.headers, self.habits.interim)

    def _handled(self, request: Request, body: Any) -> Response:
        method, path = request.method, request.path
        if path == "/instances":
            return self._created(body) if method == "POST" else self._list(request, [self._shown(item, listed=True) for item in self._listed()])
        if path.startswith("/instances/"):
            return self._one(method, path, body)
        if path == "/storage/buckets":
            return self._list(request, self.buckets)
        if path == "/cdn/config":
            if method == "PUT":
                self.cdn = {"ssl_enabled": True, "compression": "none", **body, "cache_ttl": max(body["cache_ttl"], self.habits.least_ttl)}
            return json_response(200, self.cdn if method == "GET" else {"status": "accepted"})
        raise Refusal(404, "unknown_path")

    def _one(self, method: str, path: str, body: Any) -> Response:
        item = next((item for item in self._there() if item.id == path.split("/")[2]), None)
        if item is None:
            raise Refusal(404, "not_found")
        if method == "PATCH":
            if self.habits.patch is not None:
                raise Refusal(*self.habits.patch)
            _check(body, required=())
            item.sent |= body
        if method == "DELETE":
            self.deleted.append(item.id)
            item.deleted_at = item.deleted_at or self.clock.now()
            return json_response(204)
        if path.endswith("/logs"):
            return Response(200, b"line 1\nline 2\n", {"Content-Type": "text/plain"})
        return json_response(200, self._shown(item))

    def _created(self, body: Any) -> Response:
        _check(body, required=("name", "plan", "region"))
        made = self._made(body)
        made.requested = True
        shown = self._shown(made)
        bodies = {"whole": shown, "id and status": {name: shown[name] for name in ("id", "status")}, "empty": None, "data": {"data": shown}}
        headers = {"Location": f"/v1/instances/{made.id}"} if self.habits.location else {}
        return json_response(self.habits.created, {**bodies, "instance": {"instance": shown}}[self.habits.created_body], **headers)

    def _made(self, body: Json) -> Instance:
        now = self.clock.now()
        lag = self.lags.pop(0) if self.lags else self.habits.list_lag
        made = Instance(f"inst_{next(self._numbers):08x}", dict(body), created_at=now, listed_at=now + lag)
        self._instances[made.id] = made
        return made

    def _limit(self) -> None:
        """A token bucket."""
        habits = self.habits
        if habits.rate is None:
            return
        now = self.clock.now()
        self._tokens = min(habits.burst, self._tokens + (now - self._filled_at) * habits.rate)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return
        wait, wall = (1 - self._tokens) / habits.rate, self.clock.wall()
        headers = {
            "none": {},
            "seconds": {"Retry-After": str(math.ceil(wait))},
            "fraction": {"Retry-After": f"{wait:.2f}"},
            "date": {"Retry-After": formatdate(math.ceil(wall + wait), usegmt=True), "Date": formatdate(int(wall), usegmt=True)},
        }
        raise Refusal(429, "too_many_requests", headers[habits.retry_after])

    # --- What is shown ---

    def _there(self) -> list[Instance]:
        return [item for item in self._instances.values() if item.deleted_at is None or self.clock.now() < item.deleted_at + self.habits.deletes_in]

    def _listed(self) -> list[Instance]:
        return [item for item in self._there() if self.clock.now() >= item.listed_at]

    def _list(self, request: Request, items: list[Json]) -> Response:
        start = int(request.query.get("cursor", ["0"])[0])
        if not start:
            self._readings[request.path] += 1
        end = start + self.habits.page_size
        total = len(items) + (self._readings[request.path] <= self.habits.miscounts)
        next_page = f"{request.path}?cursor={end}" if end < len(items) else None
        return json_response(200, {"items": items[start:end], "pagination": {"next_page": next_page, "total_count": total}})

    def _status(self, item: Instance) -> str:
        if item.deleted_at is not None:
            return "deleting"
        if item.status is not None:
            return item.status
        return "provisioning" if self.clock.now() < item.created_at + self.habits.boots_in else self.habits.ends_as

    def _shown(self, item: Instance, *, listed: bool = False) -> Json:
        habits = self.habits
        shown = {name: item.sent[name] for name in _SENT if name in item.sent and (name in habits.shows or name in ("name", "plan", "region"))}
        if not (listed and habits.lists_names_as_sent):
            shown["name"] = normalized(shown["name"], habits)
        if "ssh_keys" in shown:
            shown["ssh_keys"] = [fingerprint(key, habits.keys) for key in shown["ssh_keys"]]
        if habits.upper_case:
            shown |= {name: shown[name].upper() for name in ("plan", "region")}
        if habits.shows_more:
            shown |= {"tags": ["blue"], "cpu": {"load": 0.5}, "project": None}
            if "auto_scale" in shown:
                shown["auto_scale"] = {**shown["auto_scale"], "cooldown": 300}
        shown |= {"id": item.id, "status": self._status(item), "ip": "10.4.2.15", "created_at": "2025-05-20T14:32:00Z"}
        return {name: value for name, value in shown.items() if name not in habits.hides}


def fingerprint(key: str, how: str) -> str:
    """An OpenSSH public key, as an API that doesn't keep keys shows it."""
    data = base64.b64decode(key.split()[1])
    if how == "SHA256":
        return f"SHA256:{base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')}"
    if how == "MD5":
        text = hashlib.md5(data).hexdigest()
        return ":".join(text[index : index + 2] for index in range(0, len(text), 2))
    return key


def _check(body: Any, *, required: tuple[str, ...]) -> None:
    """Refuse everything that the documentation doesn't name."""
    if not isinstance(body, dict) or set(body) - set(_SENT) or not set(required) <= set(body):
        raise Refusal(400, "unknown_or_missing_field")
    if body.get("plan", PLANS[0]) not in PLANS or body.get("region", REGIONS[0]) not in REGIONS:
        raise Refusal(400, "plan_or_region_not_offered")
    if set(body.get("auto_scale", {})) - set(_PARTS):
        raise Refusal(400, "unknown_part_of_auto_scale")
    if not all(str(key).startswith(("ssh-", "ecdsa-", "sk-")) for key in body.get("ssh_keys", [])):
        raise Refusal(400, "not_a_public_key")

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account: what the API keeps. Plain Python without HTTP, so that tests can use it as a model too."""

from __future__ import annotations

import base64
import bisect
import copy
import ipaddress
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from .settings import NOT_OF_AN_INSTANCE, Key, Settings

Json = dict[str, Any]
_NOT_SHOWN = ("image_id", "ssh_keys", "auto_scale")
_BUCKETS = (
    ("bkt_1a2b3c", "media-assets", "us-east", 4589231456, 12450, "2025-01-15T09:00:00Z"),
    ("bkt_4d5e6f", "db-backups", "eu-west", 89012345678, 365, "2024-12-01T00:00:00Z"),
)
_REGIONS = ("us-east", "eu-west", "ap-south")


class ApiRefusal(Exception):
    """The API says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(slots=True)
class Instance:
    """An instance with everything that was asked for, shown or not."""

    id: str
    number: int
    body: Json
    created_at: float
    created: str
    ip: str
    deleted_at: float | None = None
    #: A status that a test has set by hand.
    status: str | None = None


@dataclass(slots=True)
class Page:
    items: list[Json]
    cursor: str | None
    total: int


@dataclass(slots=True)
class Token:
    expires_at: float
    key: Key = field(default_factory=Key)


class Account:
    """One account of the emulated cloud. ``now`` is its clock, in seconds."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._now = now
        self._started = now()
        #: In the order of their numbers.
        self._instances: dict[str, Instance] = {}
        #: The addresses of those that are not gone.
        self._taken: set[str] = set()
        #: Those that are being deleted, by id.
        self._leaving: dict[str, Instance] = {}
        #: What a key of these regions is shown, so that a page of a long list costs as much as it holds.
        self._listed: dict[tuple[str, ...], list[Instance]] = {}
        self._numbers = 0
        self._tokens: dict[str, Token] = {}
        self._cdn: Json = {"cache_ttl": 3600, "ssl_enabled": True, "compression": "gzip"}
        #: How many instances were ever made.
        self.created = 0

    # --- Credentials ---

    def key_for(self, credential: str) -> Key:
        """Raises ApiRefusal (401) for a credential that is not valid now."""
        if credential in self.settings.keys:
            return self.settings.keys[credential]
        token = self._tokens.get(credential)
        if token is None:
            raise ApiRefusal(401, "invalid_credential", "The credential is not valid.")
        if self._now() >= token.expires_at:
            raise ApiRefusal(401, "token_expired", "The access token has expired.")
        return token.key

    def refresh_token(self, body: Json) -> Json:
        client_id = body["client_id"]
        if self.settings.clients.get(client_id) != body["refresh_token"]:
            raise ApiRefusal(401, "invalid_grant", "The refresh token is not valid for this client.")
        access_token = f"cn_access_{secrets.token_hex(12)}"
        self._tokens[access_token] = Token(self._now() + self.settings.token_seconds)
        response: Json = {"access_token": access_token, "expires_in": self.settings.token_seconds, "token_type": "Bearer"}
        if self.settings.rotate:
            response["refresh_token"] = self.settings.clients[client_id] = f"cn_refresh_{secrets.token_hex(12)}"
        return response

    # --- Instances ---

    def create_instance(self, body: Json, key: Key, instance_id: str | None = None) -> Json:
        self._allow_region(key, body["region"])
        self._bury()
        ip = self._free_address(self._numbers + 1)
        self._numbers += 1
        self.created += 1
        instance = Instance(
            id=instance_id or f"inst_{self._numbers:08x}",
            number=self._numbers,
            body=copy.deepcopy(body),
            created_at=self._now(),
            created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            ip=ip,
        )
        self._forget(instance.id)
        self._instances[instance.id] = instance
        self._taken.add(ip)
        return self._shown(instance)

    def instance(self, instance_id: str, key: Key) -> Json:
        return self._shown(self._find(instance_id, key))

    def instances(self, cursor: str | None, key: Key) -> Page:
        self._bury()
        visible = self._visible(key)
        return self._page(len(visible), lambda position: visible[position].number, lambda position: self._shown(visible[position]), cursor)

    def update_instance(self, instance_id: str, body: Json, key: Key) -> Json:
        instance = self._find(instance_id, key)
        instance.body.update(copy.deepcopy(body))
        self._listed.clear()
        return self._shown(instance)

    def delete_instance(self, instance_id: str, key: Key) -> None:
        instance = self._find(instance_id, key)
        if instance.deleted_at is None:
            instance.deleted_at = self._now()
            self._leaving[instance_id] = instance
        self._bury()

    def instance_log(self, instance_id: str, key: Key) -> Json:
        instance = self._find(instance_id, key)
        return {"lines": [f"{instance.created} cloud-init: {instance.body['name']} was created", f"status: {self._status(instance)}"]}

    def set_status(self, instance_id: str, status: str) -> None:
        self._instances[instance_id].status = status

    def _find(self, instance_id: str, key: Key) -> Instance:
        self._bury()
        instance = self._instances.get(instance_id)
        if instance is None:
            raise ApiRefusal(404, "not_found", f"There is no instance {instance_id}.")
        self._allow_region(key, instance.body["region"])
        return instance

    def _visible(self, key: Key) -> list[Instance]:
        """The instances in the list, in the order of their numbers."""
        if self.settings.list_lag:
            return [item for item in self._instances.values() if item.body["region"] in key.regions and self._now() >= item.created_at + self.settings.list_lag]
        if key.regions not in self._listed:
            self._listed[key.regions] = [item for item in self._instances.values() if item.body["region"] in key.regions]
        return self._listed[key.regions]

    def _bury(self) -> None:
        gone = [item.id for item in self._leaving.values() if item.deleted_at is not None and self._now() >= item.deleted_at + self.settings.delete_seconds]
        for instance_id in gone:
            self._forget(instance_id)

    def _forget(self, instance_id: str) -> None:
        gone = self._instances.pop(instance_id, None)
        if gone is not None:
            self._taken.discard(gone.ip)
        self._leaving.pop(instance_id, None)
        self._listed.clear()

    def _free_address(self, number: int) -> str:
        """The address of a new instance of that number, or the next one that nobody has. Raises ApiRefusal if there is none."""
        network = ipaddress.ip_network(self.settings.addresses)
        usable = network.num_addresses - NOT_OF_AN_INSTANCE
        # Of one more than are taken at least one is free.
        for offset in range(min(usable, len(self._taken) + 1)):
            address = str(network[(number - 1 + offset) % usable + 2])
            if address not in self._taken:
                return address
        raise ApiRefusal(400, "no_address", f"The network {network} has no address left: its {usable} are all in use. Give the emulator larger --addresses.")

    def _status(self, instance: Instance) -> str:
        if instance.deleted_at is not None:
            return "deleting"
        if instance.status is not None:
            return instance.status
        if self._now() < instance.created_at + self.settings.boot_seconds:
            return "provisioning"
        return "failed" if any(text in instance.body["name"] for text in self.settings.failing) else "running"

    def _shown(self, instance: Instance) -> Json:
        shown: Json = {
            "id": instance.id,
            "name": instance.body["name"],
            "status": self._status(instance),
            "plan": instance.body["plan"],
            "region": instance.body["region"],
            "ip": instance.ip,
            "created_at": instance.created,
            "links": {"self": f"/instances/{instance.id}", "logs": f"/instances/{instance.id}/logs"},
        }
        if self.settings.show_all:
            shown.update({name: copy.deepcopy(instance.body[name]) for name in _NOT_SHOWN if name in instance.body})
        return shown

    @staticmethod
    def _allow_region(key: Key, region: str) -> None:
        if region not in key.regions:
            raise ApiRefusal(403, "region_not_allowed", f"The key is not valid for region {region}.")

    # --- Buckets ---

    def buckets(self, cursor: str | None) -> Page:
        return self._page(self.settings.buckets, lambda position: position + 1, lambda position: self._bucket(position + 1), cursor)

    def _bucket(self, number: int) -> Json:
        if number <= len(_BUCKETS):
            values: tuple[Any, ...] = _BUCKETS[number - 1]
        else:
            created = datetime(2025, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=number)
            values = (
                f"bkt_{number:06x}",
                f"bucket-{number:05}",
                _REGIONS[number % 3],
                number * 1024,
                number,
                created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        return dict(zip(("id", "name", "region", "size_bytes", "object_count", "created_at"), values, strict=True))

    # --- CDN and health ---

    def cdn_config(self) -> Json:
        return dict(self._cdn)

    def put_cdn_config(self, body: Json) -> Json:
        """A PUT replaces: what is left out falls back to the API's defaults."""
        self._cdn = {"ssl_enabled": True, "compression": "none", **body}
        return {"status": "accepted"}

    def health(self) -> Json:
        return {"status": "healthy", "version": "2.4.1", "uptime": int(self._now() - self._started), "region": "us-east-1"}

    # --- Pages ---

    def _page(self, total: int, number: Callable[[int], int], shown: Callable[[int], Json], cursor: str | None) -> Page:
        """The page after ``cursor``. A cursor names the last item seen, so that it stays right while items are added and deleted.

        ``number`` and ``shown`` are asked by an item's position in the list; numbers rise with it.
        """
        after = _decoded(cursor) if cursor else 0
        start = min(max(after, 0), total) if self.settings.shifting_pages else bisect.bisect_right(range(total), after, key=number)
        end = min(start + self.settings.page_size, total)
        last = end if self.settings.shifting_pages else number(end - 1) if end else 0
        return Page([shown(position) for position in range(start, end)], _encoded(last) if end < total else None, total)

    def state(self) -> Json:
        """Everything, for tests."""
        self._bury()
        return {
            "instances": [{**self._shown(item), **copy.deepcopy(item.body)} for item in self._instances.values()],
            "cdn": dict(self._cdn),
            "created": self.created,
        }


def _encoded(number: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": number}).encode()).decode()


def _decoded(cursor: str) -> int:
    try:
        number = json.loads(base64.urlsafe_b64decode(cursor.encode()))["after"]
    except (ValueError, KeyError, TypeError):
        number = None
    if not isinstance(number, int):
        raise ApiRefusal(400, "invalid_cursor", "The cursor is not one of this list.")
    return number

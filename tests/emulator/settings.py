# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator can be told: how the account behaves, and who may call it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields
from typing import Any

API_KEY = "cn_test_emulator_key"
REFRESH_TOKEN = "cn_refresh_emulator_token"
CLIENT_ID = "emulator-client"
#: Addresses of a network that no instance gets: its first and its last one are no hosts, and the second is the router's.
NOT_OF_AN_INSTANCE = 3
ALL_REGIONS = ("us-east", "eu-west", "ap-south")
ALL_PERMISSIONS = ("instances:read", "instances:write", "storage:read", "cdn:read", "cdn:write")


@dataclass(slots=True)
class Key:
    """What a credential may do."""

    regions: tuple[str, ...] = ALL_REGIONS
    permissions: tuple[str, ...] = ALL_PERMISSIONS

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Key:
        return cls(tuple(data.get("regions", ALL_REGIONS)), tuple(data.get("permissions", ALL_PERMISSIONS)))


@dataclass(slots=True)
class Settings:
    """Every field can be given at start and changed while it runs; times are in seconds."""

    #: ``documented`` serves what the vendor documented and linked, ``full`` what is assumed as well.
    profile: str = "full"
    #: How the ``documented`` profile refuses an operation that it does not serve: 404, 405 or 501.
    missing_status: int = 405
    #: How long a new instance is ``provisioning``.
    boot_seconds: float = 2.0
    #: An instance whose name holds one of these texts ends as ``failed`` instead of ``running``.
    failing: list[str] = field(default_factory=list)
    #: How long a deleted instance is still shown, as ``deleting``.
    delete_seconds: float = 0.0
    #: How long a new instance is missing from the list.
    list_lag: float = 0.0
    #: The network that instances get their addresses from, one after the other. No two that are there have the same.
    addresses: str = "10.4.0.0/16"
    page_size: int = 20
    #: Page by position instead of after an item, so that a list that changes while it is read shifts.
    shifting_pages: bool = False
    #: Minimum time of each response.
    latency: float = 0.0
    #: Requests per second and credential; 0 is no limit.
    rate_limit: float = 0.0
    #: Show image_id, ssh_keys and auto_scale, which the documented responses don't.
    show_all: bool = False
    #: How many buckets the account has.
    buckets: int = 24
    #: How long an access token is valid.
    token_seconds: int = 3600
    #: Whether a token refresh gives a new refresh token and ends the old one.
    rotate: bool = False
    #: Check requests and responses against the contract. Off only if its cost would distort a measurement.
    validate: bool = True
    keys: dict[str, Key] = field(default_factory=lambda: {API_KEY: Key()})
    #: Refresh tokens by client id.
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: REFRESH_TOKEN})

    def update(self, changes: dict[str, Any]) -> None:
        """Set the given fields. Raises ValueError for one that there isn't."""
        known = {item.name for item in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no such setting: {name}")
            if name == "profile" and value not in ("documented", "full"):
                raise ValueError("profile is documented or full")
            if name == "addresses" and ipaddress.ip_network(value).num_addresses <= NOT_OF_AN_INSTANCE:
                raise ValueError(f"addresses: {value} is too small for an instance; the smallest network is a /30, or a /126 of IPv6")
            setattr(self, name, {token: Key.from_dict(key) for token, key in value.items()} if name == "keys" else value)

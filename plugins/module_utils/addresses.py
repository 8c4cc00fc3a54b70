# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address an instance can have: none that leads to the machine that connects to it, and none that belongs to no host. Pure."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Any

LOOPBACK = "a loopback address"

#: Nearly all addresses. It takes Python ten times as long to understand one as to match it.
_USUAL = re.compile(r"(?!127\.|169\.254\.)(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])(?:\.(?:0|[1-9]\d{0,2})){3}", re.ASCII)
#: Names that systems give to a loopback address, without a look at any DNS.
_LOOPBACK_NAMES = re.compile(r"(?:.*\.)?localhost(?:\.localdomain)?|ip6-(?:localhost|loopback)", re.IGNORECASE)


def not_of_an_instance(address: str, *, local: bool = False) -> str | None:
    """What an address is that no instance can have; None if one can.

    ``local`` says that the API itself has a loopback address, as an emulator has: then its instances may have such ones too.
    """
    if _USUAL.fullmatch(address):
        return None
    kind = _kind(address)
    return None if local and kind == LOOPBACK else kind


def _kind(address: str) -> str | None:
    """What is special of an address or a host's name."""
    found = _parsed(address)
    if found is None:
        return LOOPBACK if _LOOPBACK_NAMES.fullmatch(address.rstrip(".")) else None
    if found.is_loopback:
        return LOOPBACK
    if found.is_unspecified:
        return "an unspecified address"
    if found.is_link_local and "%" not in address:  # with the name of an interface it is one on purpose
        return "a link-local address"
    if found.is_multicast:
        return "a multicast address"
    return "the broadcast address" if str(found) == "255.255.255.255" else None


def _parsed(address: str) -> Any:
    """An ``IPv4Address`` or ``IPv6Address`` in any spelling that a resolver takes (127.1, 0x7f000001, ::ffff:127.0.0.1, ff02::1%eth0); None for a name."""
    if ":" not in address and not address[:1].isdigit():
        return None
    try:
        found: Any = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(address))
        except (OSError, UnicodeError):
            return None
    return getattr(found, "ipv4_mapped", None) or found

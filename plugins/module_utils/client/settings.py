# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach the API: the connection options, checked."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import checks
from ..errors import InvalidOption
from .private_files import default_folder


@dataclass(frozen=True, slots=True)
class Settings:
    """The connection options of a task. Secrets don't show in its repr."""

    api_url: str
    api_key: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    #: Seconds for the whole of one attempt.
    api_timeout: int = 30
    #: Attempts after the first.
    api_retries: int = 5
    validate_certs: bool = True
    ca_path: str | None = None
    #: The folder of the token cache, None for none.
    token_cache: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Settings:
        """Check the connection options. Raises InvalidOption."""
        api_key, refresh_token, client_id = (params.get(name) for name in ("api_key", "refresh_token", "client_id"))
        if api_key is not None:
            checks.secret("api_key", api_key)
        if refresh_token is not None:
            checks.secret("refresh_token", refresh_token)
        if client_id is not None:
            checks.text("client_id", client_id)
        if api_key is None and (refresh_token is None or client_id is None):
            raise InvalidOption(
                "api_key",
                "expected a credential: api_key (or CLOUDNEXUS_API_KEY), or refresh_token with client_id "
                "(or CLOUDNEXUS_REFRESH_TOKEN with CLOUDNEXUS_CLIENT_ID).",
            )
        return cls(
            api_url=api_url("api_url", params["api_url"]),
            api_key=api_key,
            refresh_token=refresh_token,
            client_id=client_id,
            api_timeout=checks.integer("api_timeout", params["api_timeout"], 1, 600),
            api_retries=checks.integer("api_retries", params["api_retries"], 0, 20),
            validate_certs=params["validate_certs"],
            ca_path=absolute("ca_path", params.get("ca_path") or None),
            token_cache=token_cache("token_cache", params.get("token_cache")),
        )


def absolute(option: str, path: str | None) -> str | None:
    """A relative path would be another file in each mode: a module starts in a folder of its own."""
    if path is not None and not os.path.isabs(path):
        raise InvalidOption(option, "expected an absolute path.")
    return path


def token_cache(option: str, value: str | None) -> str | None:
    """The directory of the token cache, None if tokens aren't cached."""
    if value is None:
        return default_folder()
    if value == "none":
        return None
    if not os.path.isabs(value):
        raise InvalidOption(option, "expected the absolute path of a folder, or none.")
    return value


def api_url(option: str, value: str) -> str:
    """The base URL without a trailing slash. The value is not repeated in the sentence: it may hold a password."""
    expected = "expected the API's base URL, such as https://api.cloudnexus.io/v1"
    if not value or not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise InvalidOption(option, f"{expected}.")
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise InvalidOption(option, f"{expected}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidOption(option, f"{expected}.")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise InvalidOption(option, f"{expected}, without a user, a query or a fragment.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidOption(option, "expected https: over http, which is for a loopback address only, the credential would be readable.")
    # Scheme and host in one spelling: what is decided by them is decided once.
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local(url: str) -> bool:
    """Whether an address leads to this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An access token for other tools, from the same store as the one that the modules use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Clock
from ..errors import CloudNexusError, InvalidOption
from ..masking import Secrets, credentials_in
from ..printable import printable
from .client import Client
from .settings import Settings


def access_token(params: Mapping[str, Any], warn: Callable[[str], None], clock: Clock | None = None) -> str:
    """Return an access token that is valid as far as the API has said. Renews it if it is about to expire.

    ``params`` are the connection options without ``api_key``. Raises a CloudNexusError, without secrets.
    """
    secrets = Secrets((params.get("refresh_token"), *credentials_in(str(params.get("api_url")))))
    for option in ("refresh_token", "client_id"):
        if params.get(option) is None:
            raise InvalidOption(option, f"is required (or CLOUDNEXUS_{option.upper()}); refresh_token and client_id together get an access token.")
    try:
        return Client(Settings.from_params({**params, "api_key": None}), secrets, clock or Clock(), warn).access_token()
    except CloudNexusError as error:
        error.message = printable(secrets.shown(error.message))
        raise

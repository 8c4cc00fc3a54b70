# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Bearer credential is sent, and when it is renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import checks
from .clock import Clock
from .errors import ApiError, BadAnswer, CloudNexusError, InvalidOption, Refused
from .masking import Secrets
from .settings import Settings

#: An access token is renewed this many seconds before it expires, so that none expires on its way.
EARLY = 60.0

#: Sends ``{refresh_token, client_id}`` to ``POST /auth/token/refresh`` and returns the answer's object.
Refresh = Callable[[Mapping[str, str]], Mapping[str, Any]]


@dataclass(slots=True)
class _Token:
    access_token: str
    refresh_token: str
    #: When to renew it, on the clock; None where the answer did not say when it expires.
    renew_at: float | None = None


# The tokens that this process got, by (URL, client, refresh token as the user gave it): the items of a loop share one.
_tokens: dict[tuple[str, str, str], _Token] = {}
_lock = threading.Lock()


class Credential:
    """The API key, or an access token that is got with the refresh token and renewed when needed.

    Where both are given the key is used until the API refuses it (401).
    """

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, refresh: Refresh) -> None:
        self._secrets = secrets
        self._clock = clock
        self._refresh = refresh
        self._api_key = settings.api_key
        self._pair: tuple[str, str, str] | None = None
        if settings.refresh_token and settings.client_id:
            self._pair = (settings.api_url, settings.client_id, settings.refresh_token)
        for value in (settings.api_key, settings.refresh_token):
            secrets.add(value)

    def bearer(self) -> str:
        """The credential to send now. Raises what the refresh raises."""
        if self._api_key is not None or self._pair is None:
            return self._api_key or ""
        with _lock:
            token = self._held(self._pair)
            if token is None or (token.renew_at is not None and self._clock.now() >= token.renew_at):
                token = self._renew(self._pair, token)
            return token.access_token

    def renew(self, refused: str) -> bool:
        """The API refused ``refused`` with 401: get another one. False where there is none to be had."""
        if self._pair is None:
            return False
        with _lock:
            token = self._held(self._pair)
            # Another worker may have renewed it in the meantime.
            if token is None or token.access_token == refused:
                self._renew(self._pair, token)
            self._api_key = None
        return True

    def _held(self, pair: tuple[str, str, str]) -> _Token | None:
        token = _tokens.get(pair)
        if token is not None:
            self._secrets.add(token.access_token)
            self._secrets.add(token.refresh_token)
        return token

    def _renew(self, pair: tuple[str, str, str], old: _Token | None) -> _Token:
        _url, client_id, given = pair
        refresh_token = old.refresh_token if old else given
        try:
            answer = self._refresh({"refresh_token": refresh_token, "client_id": client_id})
            access_token = _usable(answer.get("access_token"))
        except CloudNexusError as error:
            # Whatever the token was for has not been sent.
            error.in_doubt = False
            if isinstance(error, Refused):
                error.message += " The refresh token is not, or no longer, valid for this client: log in again and set CLOUDNEXUS_REFRESH_TOKEN anew."
            raise
        self._secrets.add(access_token)
        rotated, expires_in = answer.get("refresh_token"), answer.get("expires_in")
        if not isinstance(rotated, str) or not rotated:
            rotated = refresh_token
        self._secrets.add(rotated)
        token = _Token(access_token, rotated)
        if isinstance(expires_in, (int, float)) and not isinstance(expires_in, bool):
            # A token that lives for less than two minutes is used for half of its life.
            token.renew_at = self._clock.now() + max(expires_in - EARLY, expires_in / 2)
        _tokens[pair] = token
        return token


def _usable(access_token: Any) -> str:
    """The access token, if it can be sent in a header. Raises BadAnswer."""
    try:
        return checks.secret("access_token", access_token if isinstance(access_token, str) else "")
    except InvalidOption:
        message = "POST /auth/token/refresh: the API's answer holds no usable access_token."
        raise BadAnswer(message, api_error=ApiError("POST", "/auth/token/refresh")) from None

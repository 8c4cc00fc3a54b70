# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Bearer credential is sent, and when it is renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from .. import checks
from ..clock import Clock
from ..errors import ApiError, BadResponse, CloudNexusError, InvalidOption, RateLimited, Refused
from ..masking import Secrets
from .private_files import TokenCacheMissing
from .settings import Settings
from .token_store import Token, TokenStore, fingerprint

#: An access token is renewed this many seconds before it expires, so that none expires on its way.
EARLY = 60.0
#: Seconds that an access token is believed to live at most.
_LONGEST_LIFE = 365 * 24 * 3600

#: In the place of an access token that did not come with a refresh token. It has expired from the first, and is never sent.
_NONE = "no-access-token"

#: Sends ``{refresh_token, client_id}`` to ``POST /auth/token/refresh``, and passes the response's dictionary to the second
#: argument before anything can interrupt it. Returns what that returns.
Refresh = Callable[[Mapping[str, str], Callable[[Mapping[str, Any]], Token]], Token]

# The tokens that this process knows, by (URL, client, the fingerprint of the refresh token that the user gave): the
# items of a loop need not read the file.
_known: dict[tuple[str, str, str], Token] = {}
_lock = threading.Lock()


class Credential:
    """The API key, or an access token that is got with the refresh token and renewed when needed.

    If both are given, the key is used until the API refuses it (401).
    """

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, refresh: Refresh, warn: Callable[[str], None]) -> None:
        self._api_key = settings.api_key
        self._session: TokenSession | None = None
        for value in (settings.api_key, settings.refresh_token):
            secrets.add(value)
        if settings.refresh_token and settings.client_id:
            self._session = TokenSession(settings, secrets, clock, refresh, warn)

    def bearer(self) -> str:
        """The credential to send now. Raises what the refresh raises."""
        if self._api_key is not None or self._session is None:
            return self._api_key or ""
        return self._session.token().access_token

    def renew(self, refused: str) -> bool:
        """The API refused ``refused`` with 401: get another one. False if there is none to be had."""
        if self._session is None:
            return False
        self._session.token(refused)
        self._api_key = None
        return True


class TokenSession:
    """The access token of one client, shared by everything on this controller that uses the same refresh token."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, refresh: Refresh, warn: Callable[[str], None]) -> None:
        self._given = settings.refresh_token or ""
        self._client_id = settings.client_id or ""
        self._origin = fingerprint(self._given)
        self._key = (settings.api_url, self._client_id, self._origin)
        self._store = TokenStore(settings.token_cache, settings.api_url, self._client_id, self._origin) if settings.token_cache else None
        #: How long somebody else's refresh may take, and so how long its end is waited for.
        self._patience = float(settings.api_timeout * (settings.api_retries + 1))
        self._secrets = secrets
        self._clock = clock
        self._refresh = refresh
        self._warn = warn

    def token(self, refused: str | None = None) -> Token:
        """A token that is valid as far as can be told, and is not ``refused``. Raises what the refresh raises."""
        with _lock, ExitStack() as stack:
            token = self._usable(_known.get(self._key), refused) or self._usable(self._kept(), refused)
            if token is None:
                self._be_alone(stack)
                # The previous holder of the lock may have renewed it in the meantime.
                kept = self._kept()
                token = self._usable(kept, refused) or self._renewed(kept)
            _known[self._key] = token
            return token

    def _usable(self, token: Token | None, refused: str | None) -> Token | None:
        if token is None:
            return None
        self._secrets.add_token(token.access_token)
        self._secrets.add_token(token.refresh_token)
        expired = token.renew_at is not None and self._clock.wall() >= token.renew_at
        return None if expired or token.access_token == refused else token

    def _kept(self) -> Token | None:
        """The cached token, if it stems from the refresh token that the user gives now. A new refresh token takes precedence."""
        kept = self._store.read() if self._store else _known.get(self._key)
        if kept is None or (kept.origin != self._origin and kept.refresh_token != self._given):
            return None
        return kept

    def _be_alone(self, stack: ExitStack) -> None:
        """Hold the lock of the store until ``stack`` ends. If there can be no store, go on without one."""
        if self._store is not None:
            try:
                stack.enter_context(self._store.locked(self._clock.deadline(self._patience)))
            except TokenCacheMissing as error:
                self._without_store(error)

    def _without_store(self, error: TokenCacheMissing) -> None:
        self._store = None
        self._warn(f"{error.message} Tokens aren't cached after this task. If refresh tokens rotate, you must log in again for the next task.")

    def _renewed(self, old: Token | None) -> Token:
        refresh_token = old.refresh_token if old else self._given
        self._secrets.add_token(refresh_token)
        try:
            return self._refresh({"refresh_token": refresh_token, "client_id": self._client_id}, lambda response: self._keep(response, refresh_token))
        except CloudNexusError as error:
            # Whatever the token was for has not been sent.
            error.in_doubt = False
            if isinstance(error, Refused) and not isinstance(error, RateLimited):
                error.message += " Log in again and set CLOUDNEXUS_REFRESH_TOKEN to the new refresh token."
            raise

    def _keep(self, response: Mapping[str, Any], refresh_token: str) -> Token:
        """The token of a response, saved at once: a rotated refresh token that is lost can't be recovered."""
        rotated, expires_in = response.get("refresh_token"), response.get("expires_in")
        if isinstance(rotated, str) and rotated:
            refresh_token = _checked(rotated)
            self._secrets.add_token(refresh_token)
        try:
            access_token = _checked(response.get("access_token"))
        except BadResponse:
            # The old refresh token is used up all the same: the new one serves the next attempt.
            self._write(Token(_NONE, refresh_token, 0.0, self._origin))
            raise
        self._secrets.add_token(access_token)
        renew_at = None
        if isinstance(expires_in, (int, float)) and not isinstance(expires_in, bool):
            expires_in = max(0, min(expires_in, _LONGEST_LIFE))
            # A token that lives for less than two minutes is used for half of its life.
            renew_at = self._clock.wall() + max(expires_in - EARLY, expires_in / 2)
        token = Token(access_token, refresh_token, renew_at, self._origin)
        self._write(token)
        return token

    def _write(self, token: Token) -> None:
        _known[self._key] = token
        if self._store is not None:
            try:
                self._store.write(token)
            except TokenCacheMissing as error:
                self._without_store(error)


def _checked(token: Any) -> str:
    """A token of the API, if it can be sent in a header. Raises BadResponse."""
    try:
        return checks.secret("access_token", token if isinstance(token, str) else "")
    except InvalidOption:
        message = "POST /auth/token/refresh: the API's response contains no usable access_token."
        raise BadResponse(message, api_error=ApiError("POST", "/auth/token/refresh")) from None

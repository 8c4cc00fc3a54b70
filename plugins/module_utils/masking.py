# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret that the client holds, and the removal of each from anything a user could see."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

MASK = "********"
#: Tokens that are held at most, access tokens and refresh tokens together.
TOKENS = 100
_LONGEST_IN_A_SENTENCE = 100
#: Characters of a secret at least. A shorter one can't be masked: it would be in words of the result too.
SHORTEST = 8
#: Letters and digits in a row that a text and a secret have in common, for the text to be too close to it.
_CLOSE = 12


def credentials_in(address: str) -> list[str]:
    """What may be a credential in an address, whether or not it is a valid one: all before the last ``@``, and its parts."""
    before, at, _host = address.rpartition("@")
    if not at:
        return []
    whole = before.rpartition("//")[2]
    user, _colon, password = whole.partition(":")
    return [part for text in (whole, password, user) for part in (text, unquote(text))]


def brief(value: Any) -> str:
    """A value of the API in a sentence: it may be of any length."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_IN_A_SENTENCE else f"{text[:_LONGEST_IN_A_SENTENCE]}..."


def _forms_of(value: str) -> tuple[str, ...]:
    """The forms in which an error or an address could show it."""
    return value, quote(value, safe=""), json.dumps(value)[1:-1]


class Secrets:
    """The secrets of one task; those that arrive at run time (access tokens) are added as they come."""

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        self._values: set[str] = set()
        self._forms: set[str] = set()
        #: The newest tokens and their forms, in the order of their last use.
        self._tokens: dict[str, tuple[str, ...]] = {}
        self._ordered: tuple[str, ...] = ()
        self._lock = threading.Lock()
        for value in values:
            self.add(value)

    def add(self, value: str | None) -> None:
        """Hold ``value`` from now on, in each form in which an error or an address could show it. A short one can't be held."""
        if not value or len(value) < SHORTEST:
            return
        with self._lock:
            self._values.add(value)
            self._forms.update(_forms_of(value))
            self._order()

    def values(self) -> frozenset[str]:
        return frozenset(self._forms)

    def add_token(self, value: str) -> None:
        """Hold a token as ``add`` does, until ``TOKENS`` others have been used after it. A long task or event source may get thousands."""
        if len(value) < SHORTEST:
            return
        with self._lock:  # the requests of a fleet come from several threads
            known = self._tokens.pop(value, None)
            self._tokens[value] = known or _forms_of(value)
            if known is None:
                if len(self._tokens) > TOKENS:
                    del self._tokens[next(iter(self._tokens))]
                self._order()

    def _order(self) -> None:
        # The longest first: a secret that contains another one is masked whole.
        self._ordered = tuple(sorted(self._forms.union(*self._tokens.values()), key=len, reverse=True))

    def mask(self, text: str) -> str:
        for form in self._ordered:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def shown(self, text: str) -> str:
        """A text of somebody else without secrets. Nothing of it if it holds a part of one, in another spelling for one."""
        masked = self.mask(text)
        return "(not shown, as it holds a part of a credential)" if self._is_close(masked) else masked

    def _is_close(self, text: str) -> bool:
        import html  # noqa: PLC0415 - its table of names takes milliseconds, and only a failure needs it

        found = {_letters(spelling) for spelling in (text, unquote(text), html.unescape(text))}
        parts: dict[int, set[str]] = {}
        for secret in map(_letters, self._spellings()):
            size = min(_CLOSE, len(secret))
            if size not in parts:  # once for all secrets of a length, of which there are hundreds
                parts[size] = {part for letters in found for part in _parts(letters, size)}
            if size and not parts[size].isdisjoint(_parts(secret, size)):
                return True
        return False

    def _spellings(self) -> Iterator[str]:
        with self._lock:
            values = [*self._values, *self._tokens]
        for value in values:
            data = value.encode()
            yield value
            yield data.hex()
            # As a part of something longer that is encoded, it begins at the first, second or third byte of three.
            for before in range(3):
                yield base64.b64encode(b"\0" * before + data).decode().rstrip("=")[4 if before else 0 : -2]

    def mask_data(self, data: Any) -> Any:
        """Return ``data`` (plain JSON) without secrets, in keys as well as in values. The keys of a result itself stay as they are.

        The data is searched as one string first: a result of 100,000 entries that holds none, the usual case,
        is returned as it is.
        """
        if not self._ordered:
            return data
        text = json.dumps(data, ensure_ascii=False)
        if not any(form in text or json.dumps(form, ensure_ascii=False)[1:-1] in text for form in self._ordered):
            return data
        if isinstance(data, dict):
            return {key: self._masked(value) for key, value in data.items()}
        return self._masked(data)

    def _masked(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.mask(data)
        if isinstance(data, dict):
            return {self.mask(key): self._masked(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self._masked(value) for value in data]
        return data


def _parts(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(len(text) - size + 1))


def _letters(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())

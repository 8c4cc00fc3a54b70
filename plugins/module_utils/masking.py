# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret that the client holds, and the removal of each from anything a user could see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

MASK = "********"


class Secrets:
    """The secrets of one task; those that arrive at run time (access tokens) are added as they come."""

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        self._forms: set[str] = set()
        self._ordered: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str | None) -> None:
        """Hold ``value`` from now on, in each form in which an error or an address could show it."""
        if not value:
            return
        self._forms.update((value, quote(value, safe=""), json.dumps(value)[1:-1]))
        # The longest first: a secret that contains another one is masked whole.
        self._ordered = tuple(sorted(self._forms, key=len, reverse=True))

    def values(self) -> frozenset[str]:
        return frozenset(self._forms)

    def mask(self, text: str) -> str:
        for form in self._ordered:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def mask_data(self, data: Any) -> Any:
        """Return ``data`` (plain JSON) without secrets, in keys as well as in values.

        The data is searched as one string first: a result of 100,000 entries that holds none, the usual case,
        is returned as it is.
        """
        if not self._ordered:
            return data
        text = json.dumps(data, ensure_ascii=False)
        if not any(form in text or json.dumps(form, ensure_ascii=False)[1:-1] in text for form in self._ordered):
            return data
        return self._masked(data)

    def _masked(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.mask(data)
        if isinstance(data, dict):
            return {self.mask(key): self._masked(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self._masked(value) for value in data]
        return data

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much one response, and one list with all its pages, may hold (contract: rule 6). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Extent:
    """An amount of data: what was read, or the most that may be read."""

    #: Bytes of bodies.
    size: int = 0
    #: JSON values: texts, numbers, lists, dictionaries, and all that these hold. Python takes some 20 to 200 bytes for each.
    values: int = 0
    #: Items of a list.
    items: int = 0

    def __add__(self, other: Extent) -> Extent:
        return Extent(self.size + other.size, self.values + other.values, self.items + other.items)

    def excess(self, most: Extent) -> str | None:
        """The limit in ``most`` that this exceeds, in words. None if it exceeds none."""
        if self.size > most.size:
            return in_words(most.size)
        if self.values > most.values:
            return f"{most.values:,} JSON values"
        return f"{most.items:,} items" if self.items > most.items else None


#: A response about one object. A full instance has some 500 bytes and 20 values.
OBJECT = Extent(64 * KIB, 2_000)
#: A response that holds a page of a list, or a log. A page of 1,000 full instances has some 500 kB and 20,000 values.
PAGE = Extent(8 * MIB, 500_000)
#: A list with all its pages, or all logs of one task. 100,000 full instances fit.
TOTAL = Extent(64 * MIB, 3_000_000, 200_000)

_SEPARATORS = (b",", b"[", b"{")
#: A text, an empty list or dictionary, or what precedes a value.
_TOKEN = re.compile(rb'"[^"]*"|[\[{]\s*[\]}]|([\[{,])')


def in_words(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


def has_more_values(body: bytes, most: int) -> bool:
    """Whether a body of JSON has more than ``most`` values. Nothing is built to find out."""
    # Each value but the first has a separator before it. Most bodies need no closer look.
    if len(body) < 2 * most or sum(map(body.count, _SEPARATORS)) < most:
        return False
    values = 1
    for token in _TOKEN.finditer(body.replace(rb"\\", b"").replace(rb"\"", b"")):
        values += token[1] is not None
        if values > most:
            return True
    return False

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a fleet's changes, by which a run is held to what was approved. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidOption

# A digest is a hash over all changes, which decides, and after it a short mark for each change, by which a refusal can
# say what differs. If the approval covers more than the instances, a hash over that follows.

#: The parts of a digest of each version.
_PARTS = {"v1": 3, "v2": 4}
_HASH = 64
_NAME_MARK, _CHANGE_MARK = 3, 4


def digest(entries: Iterable[Mapping[str, Any]], also: Mapping[str, Any] | None = None) -> str:
    """The same for the same changes over the same state: ``v1.<hash>.<marks>``, or ``v2.<hash>.<marks>.<hash>`` with what it covers ``also``."""
    texts = {_text(entry): entry["name"] for entry in entries}
    whole = hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
    marks = b"".join(sorted(_mark(name, _NAME_MARK) + _mark(text, _CHANGE_MARK) for text, name in texts.items()))
    of_instances = f"{whole}.{base64.urlsafe_b64encode(marks).decode()}"
    return f"v2.{of_instances}.{hashlib.sha256(_text(also).encode()).hexdigest()}" if also else f"v1.{of_instances}"


def covers_the_same(approved: str, now: str) -> bool:
    """Whether two digests agree in what they cover beside the instances."""
    return approved.split(".")[3:] == now.split(".")[3:]


def checked_digest(option: str, value: str) -> str:
    """Raises InvalidOption for anything but a digest."""
    expected = "expected the changes_digest of an earlier run or of check mode, as it is."
    parts = value.split(".")
    if len(parts) != _PARTS.get(parts[0]) or {len(part) for part in (parts[1], *parts[3:])} != {_HASH}:
        raise InvalidOption(option, expected)
    try:
        marks = base64.b64decode(parts[2].encode(), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidOption(option, expected) from None
    if len(marks) % (_NAME_MARK + _CHANGE_MARK):
        raise InvalidOption(option, expected)
    return value


def differences(approved: str, entries: list[dict[str, Any]], known_names: Iterable[str]) -> str:
    """What the changes have that the approved ones had not, and the other way round.

    ``known_names`` are those that a change that was approved, and is not to be made any more, may have been of.
    """
    size = _NAME_MARK + _CHANGE_MARK
    marks = base64.urlsafe_b64decode(approved.split(".")[2].encode())
    pairs = [(marks[start : start + _NAME_MARK], marks[start + _NAME_MARK : start + size]) for start in range(0, len(marks), size)]
    left = list(pairs)
    others = []
    for entry in entries:
        pair = (_mark(entry["name"], _NAME_MARK), _mark(_text(entry), _CHANGE_MARK))
        if pair in left:
            left.remove(pair)
        else:
            others.append(entry)
    approved_names = {name for name, _change in left}
    other: list[str] = []
    new: list[str] = []
    for entry in others:
        (other if _mark(entry["name"], _NAME_MARK) in approved_names else new).append(f"{entry['action']} {entry['name']}")
    now = {_mark(entry["name"], _NAME_MARK) for entry in entries}
    gone = [name for name, _change in left if name not in now]
    by_mark = {_mark(name, _NAME_MARK): name for name in known_names}
    named = sorted({by_mark[name] for name in gone if name in by_mark})
    unnamed = sum(name not in by_mark for name in gone)
    parts = [
        f"not approved: {', '.join(new)}" if new else "",
        f"approved in another form: {', '.join(other)}" if other else "",
        f"approved, and not to be done any more: {', '.join([*named, *([f'{unnamed} of names that are not known here'] if unnamed else [])])}" if gone else "",
    ]
    return "; ".join(part for part in parts if part) or "the same instances, in another way"


def _text(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True)


def _mark(text: str, size: int) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:size]

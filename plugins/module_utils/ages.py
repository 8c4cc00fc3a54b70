# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an instance was created, in any form in which an API shows it. Pure."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

#: Orders times: whole seconds since the epoch and the fraction of a second. What is no time comes after all that is.
Age = tuple[bool, int, float]

_UNKNOWN: Age = (True, 0, 0.0)
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_EPOCH_TIME = datetime.datetime(1970, 1, 1)
_SECONDS_A_DAY = 86400
#: A count since the epoch from here on is one of milliseconds, microseconds, nanoseconds.
_SCALES = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))
#: ISO 8601: a calendar date, a week date or an ordinal date, each in its basic and its extended form, and maybe a time with its offset.
_ISO = re.compile(
    r"(?P<year>\d{4})(?:-?W(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?|-?(?P<of_year>\d{3})|-?(?P<month>\d{2})(?:-?(?P<day>\d{2}))?)?"
    r"(?:[Tt ](?P<hour>\d{2})(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?(?P<fraction>[.,]\d{1,30})?"
    r" ?(?:[Zz]|(?P<sign>[+\u2212-])(?P<offset_hour>\d{2})(?::?(?P<offset_minute>\d{2}))?)?)?",
    re.ASCII,
)
#: A count since the epoch as a text. Up to eight digits are a date of ISO 8601.
_COUNT = re.compile(r"-?(?P<whole>\d{9,25})(?:\.\d{1,30})?", re.ASCII)


def age(created_at: Any) -> Age:
    """The place of a time among others: the oldest first, and what can't be read last.

    A time is a text of ISO 8601, of which one without an offset is UTC, or a count since the epoch (of seconds, milliseconds, microseconds or
    nanoseconds, by its size), as a number or as a text.
    """
    if isinstance(created_at, str):
        if (usual := _usual(created_at)) is not None:
            return usual
        text = created_at.strip()
        if _COUNT.fullmatch(text):
            return _counted(float(text) if "." in text else int(text))
        found = _ISO.fullmatch(text)
        return _of_iso(found) if found else _UNKNOWN
    if isinstance(created_at, (int, float)) and not isinstance(created_at, bool):
        return _counted(created_at)
    return _UNKNOWN


def _usual(text: str) -> Age | None:
    """The form that most APIs have (2026-01-02T03:04:05Z), which Python reads ten times as fast; None for any other."""
    if text[10:11] != "T" or text[19:] != "Z":
        return None
    try:
        since = datetime.datetime.fromisoformat(text[:19]) - _EPOCH_TIME
    except (ValueError, TypeError):
        return None
    return False, since.days * _SECONDS_A_DAY + since.seconds, 0.0


def _counted(count: float) -> Age:
    if isinstance(count, float) and not math.isfinite(count):
        return _UNKNOWN
    for from_here, scale in _SCALES:
        if abs(count) >= from_here:
            # In whole numbers: nanoseconds since the epoch are more than a float can tell apart.
            seconds, rest = divmod(int(count), scale)
            return False, seconds, rest / scale
    return False, math.floor(count), count - math.floor(count)


def _of_iso(found: re.Match[str]) -> Age:
    part = {name: int(value) for name, value in found.groupdict().items() if value and name not in ("fraction", "sign")}
    day = _day(part)
    hour, minute, second = (part.get(name, 0) for name in ("hour", "minute", "second"))
    # 24:00 ends a day, and 23:59:60 is a leap second.
    if day is None or hour > 24 or minute > 59 or second > 60:
        return _UNKNOWN
    offset = (part.get("offset_hour", 0) * 60 + part.get("offset_minute", 0)) * 60 * (1 if found["sign"] == "+" else -1)
    seconds = (day - _EPOCH) * _SECONDS_A_DAY + hour * 3600 + minute * 60 + second - offset
    # A fraction is one of the smallest part that is given.
    unit = 1 if "second" in part else 60 if "minute" in part else 3600
    fraction = float("0." + found["fraction"][1:]) * unit if found["fraction"] else 0.0
    return False, seconds + math.floor(fraction), fraction - math.floor(fraction)


def _day(part: dict[str, int]) -> int | None:
    """The number of a day. None if there is no such day."""
    try:
        if "week" in part:
            return datetime.date.fromisocalendar(part["year"], part["week"], part.get("weekday", 1)).toordinal()
        if "of_year" in part:
            first = datetime.date(part["year"], 1, 1).toordinal()
            last = datetime.date(part["year"], 12, 31).toordinal()
            return first + part["of_year"] - 1 if 1 <= part["of_year"] <= last - first + 1 else None
        return datetime.date(part["year"], part.get("month", 1), part.get("day", 1)).toordinal()
    except ValueError:
        return None

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two instances is the older one, in whatever form the API shows when each was created."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.ages import age
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.hosts import named
from hypothesis import given
from hypothesis import strategies as st

#: The same moment, as each of these.
SAME = [
    "2026-01-02T03:04:05Z",
    "2026-01-02t03:04:05z",
    "2026-01-02 03:04:05",
    "2026-01-02 03:04:05 Z",
    " 2026-01-02T03:04:05 ",
    "2026-01-02T03:04:05.000Z",
    "2026-01-02T03:04:05,0+00",
    "2026-01-02T03:04:05+0000",
    "2026-01-02T05:04:05+02:00",
    "2026-01-01T22:04:05-05:00",
    "2026-01-01T22:04:05\u221205:00",
    "2026-01-02T08:34:05+0530",
    "20260102T030405Z",
    "2026-002T03:04:05Z",
    "2026002T030405Z",
    "2026-W01-5T03:04:05Z",
    "2026W015T030405Z",
    1767323045,
    1767323045.0,
    1767323045000,
    1767323045000000,
    1767323045000000000,
    "1767323045",
    "1767323045.0",
    "1767323045000",
]
#: Later and later.
ORDER = [
    -1e9,
    "1969-12-31T23:59:59.5Z",
    0,
    "1970-01-01T00:00:00.25Z",
    "2026",
    "2026-01-01T00:00:00.1Z",
    "2026-01-01T00:00:00.12Z",
    "2026-01-01T00:00:00.123456789Z",
    "2026-01-01T00:00:00.1234567891Z",
    "2026-01-01T23:00:00-02:00",
    "2026-01-02T01:30+00:00",
    "2026-01-02T01.75Z",
    "2026-01-02T01:46.5Z",
    "2026-01-02T04:00:00+02:00",
    1767323045.5,
    1767323045501,
    "2026-01-02T23:59:60Z",
    "2026-01-03T00:00:00.5Z",
    "2026-01-03T24:00Z",
    "2026-02",
    "20260315",
    "2026-12-31",
    "9999-12-31T23:59:59Z",
]
UNKNOWN = [
    None, "", "yesterday", "2026-13-01", "2026-02-30", "2026-366", "2026-W60", "0000-01-01", "2026-01-01T25:00", "2026-01-01T00:60", "1.5",
    "2026-01-01Z", True, [], {}, float("nan"), float("inf"), "1" * 40, "\u0661" * 10, "2026-01-01T00:00:00+1",
]  # fmt: skip

#: Between these an offset leads to no year that Python doesn't know.
EARLY, LATE = datetime.datetime(2, 1, 1), datetime.datetime(9998, 1, 1)


def test_every_form_of_one_moment_is_the_same() -> None:
    assert {age(form) for form in SAME} == {(False, 1767323045, 0.0)}


@given(st.randoms())
def test_the_older_one_is_older_in_every_form(chance: random.Random) -> None:
    shuffled = list(ORDER)
    chance.shuffle(shuffled)
    assert sorted(shuffled, key=age) == ORDER
    assert len(set(map(age, ORDER))) == len(ORDER)


@pytest.mark.parametrize("created_at", UNKNOWN, ids=repr)
def test_what_is_no_time_is_the_newest(created_at: Any) -> None:
    assert age(created_at) > max(map(age, ORDER))
    first, second = named([{"id": "inst_1", "name": "web", "created_at": created_at}, {"id": "inst_2", "name": "web", "created_at": "2026-01-01"}], ["name"])
    assert (first.host, first.instance["id"], second.host) == ("web", "inst_2", "inst_1")


@given(st.datetimes(), st.none() | st.integers(-1439, 1439))
def test_what_python_writes_is_read(moment: datetime.datetime, minutes: int | None) -> None:
    written = moment if minutes is None else moment.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes)))
    unknown, seconds, fraction = age(written.isoformat())
    since = moment - datetime.timedelta(minutes=minutes or 0) - datetime.datetime(1970, 1, 1) if EARLY < moment < LATE else None
    assert not unknown
    assert since is None or datetime.timedelta(seconds=seconds, microseconds=round(fraction * 1e6)) == since


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.lists(st.integers()) | st.from_regex(r"[0-9TWZ:+.,-]{1,30}"))
def test_whatever_it_is_it_has_a_place(created_at: Any) -> None:
    assert age(created_at) <= age(None)

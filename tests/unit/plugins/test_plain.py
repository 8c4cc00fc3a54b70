# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the core gets of Ansible's values: plain Python."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.plain import plain


class Text(str):
    """As Ansible tags a text."""

    def __str__(self) -> str:
        return "not the value"


class Number(int):
    pass


class Fraction(float):
    pass


class Words(list[Any]):
    pass


def kinds(value: Any) -> Any:
    """The type of a value, and of all that are in it."""
    if isinstance(value, dict):
        return dict, [(type(key), kinds(item)) for key, item in value.items()]
    return (list, [kinds(item) for item in value]) if isinstance(value, list) else type(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Number(5), 5),
        (Fraction(0.5), 0.5),
        (Text("web"), "web"),
        ({Text("name"): Text("web")}, {"name": "web"}),
        (UserDict({"name": Number(5)}), {"name": 5}),
        ({5: True}, {"5": True}),
        (Words([Text("a"), None]), ["a", None]),
        ((Text("a"), Number(1)), ["a", 1]),
        ({Text("a")}, ["a"]),
        (b"a", "b'a'"),
    ],
)
def test_a_value_becomes_plain(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert kinds(found) == kinds(expected)

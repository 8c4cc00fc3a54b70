# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is left in what the collection says."""

from __future__ import annotations

import json

from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import MASK, Secrets
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def test_each_form_of_a_secret_is_masked() -> None:
    secrets = Secrets(['cn/k"ey+1'])
    assert secrets.mask('cn/k"ey+1 cn%2Fk%22ey%2B1 cn/k\\"ey+1') == f"{MASK} {MASK} {MASK}"


def test_the_longer_secret_first() -> None:
    assert Secrets(["abc", "abcdef"]).mask("abcdef") == MASK


def test_a_secret_that_comes_later() -> None:
    secrets = Secrets()
    assert secrets.mask_data({"a": "token"}) == {"a": "token"}
    secrets.add("token")
    assert secrets.mask_data({"a token": ["my token", {"b": "token"}], "c": True, "d": 1}) == {f"a {MASK}": [f"my {MASK}", {"b": MASK}], "c": True, "d": 1}


def test_nothing_to_mask_costs_no_copy() -> None:
    data = {"a": ["b"] * 10}
    assert Secrets(["x"]).mask_data(data) is data
    assert Secrets([None, ""]).mask_data(data) is data


@given(JSON, st.text(min_size=3), st.text())
def test_no_secret_survives(data: object, secret: str, around: str) -> None:
    masked = Secrets([secret]).mask_data({"x": data, "y": around + secret + around, secret: 1})
    assert not [text for text in _texts(masked) if secret in text and secret not in MASK]


def _texts(data: object) -> list[str]:
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in (key, *_texts(value))]
    if isinstance(data, list):
        return [text for value in data for text in _texts(value)]
    return [data] if isinstance(data, str) else []


def test_json_stays_json() -> None:
    assert json.loads(json.dumps(Secrets(["a"]).mask_data({"a": [1, None, 2.5]}))) == {MASK: [1, None, 2.5]}

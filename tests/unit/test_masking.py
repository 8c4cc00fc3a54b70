# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is left in what the collection says."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import MASK, TOKENS, Secrets, credentials_in
from ansible_collections.cloudnexus.cloud.plugins.module_utils.printable import printable
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def test_each_form_of_a_secret_is_masked() -> None:
    secrets = Secrets(['cn/k"ey+1'])
    assert secrets.mask('cn/k"ey+1 cn%2Fk%22ey%2B1 cn/k\\"ey+1') == f"{MASK} {MASK} {MASK}"


def test_the_longer_secret_first() -> None:
    assert Secrets(["abcdefgh", "abcdefghijkl"]).mask("abcdefghijkl") == MASK


def test_a_secret_that_comes_later() -> None:
    secrets = Secrets()
    assert secrets.mask_data({"a": "the_token"}) == {"a": "the_token"}
    secrets.add("the_token")
    data = {"a": [{"a the_token": "my the_token"}, {"b": "the_token"}], "c": True, "d": 1}
    assert secrets.mask_data(data) == {"a": [{f"a {MASK}": f"my {MASK}"}, {"b": MASK}], "c": True, "d": 1}


def test_the_keys_of_a_result_and_short_words_are_never_masked() -> None:
    """A result without its own keys is another result: a failure would be reported as success."""
    secrets = Secrets(["failed", "d", "web", "instances"])
    data = {"failed": True, "instances": [{"name": "web-01"}], "msg": "failed"}
    assert secrets.mask_data(data) == data


SECRET = "cn_live_sk_4Fz81kQwT0"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.encode("utf-16-le").decode("latin-1"),
        "\0".join(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode() + b"!").decode(),
        "".join(f"%{ord(character):02x}" for character in SECRET),
        "".join(f"&#{ord(character)};" for character in SECRET),
        f"{SECRET[:10]}\n{SECRET[10:]}",
        SECRET[:16],
        SECRET[5:],
        SECRET.upper(),
        "-".join(SECRET),
        SECRET.encode().hex(),
    ],
)
def test_no_spelling_and_no_part_of_a_secret_is_shown(text: str) -> None:
    shown = Secrets([SECRET]).shown(f"The key {text} is not known here.")
    assert shown in ("(not shown, as it holds a part of a credential)", f"The key {MASK} is not known here.")


def test_other_texts_are_shown_as_they_are() -> None:
    text = "The plan is not offered in this region, at https://api.cloudnexus.io/v1/instances: live with it."
    assert Secrets([SECRET]).shown(text) == text


@pytest.mark.parametrize(
    "address", ["http://user:pa55word#a@host", "http://user:pa55word@host:99999", "user:pa55word@host", "https://pa55word@host/v1", "http://u:pa55%77ord@h"]
)
def test_a_password_in_an_address_is_known_before_the_address_is_understood(address: str) -> None:
    assert any("pa55word" in found for found in credentials_in(address))


def test_what_a_terminal_takes_for_a_command_is_shown_escaped() -> None:
    assert printable("web\x1b[2J\r\n[WARNING]: x\u202e") == "web\\x1b[2J\\r\\n[WARNING]: x\\u202e"


def test_nothing_to_mask_costs_no_copy() -> None:
    data = {"a": ["b"] * 10}
    assert Secrets(["xxxxxxxx"]).mask_data(data) is data
    assert Secrets([None, ""]).mask_data(data) is data


@given(JSON, st.text(min_size=8), st.text())
def test_no_secret_survives(data: object, secret: str, around: str) -> None:
    masked = Secrets([secret]).mask_data({"x": data, "y": around + secret + around, "z": {secret: 1}})
    assert not [text for text in _texts(masked) if secret in text and secret not in MASK]


def _texts(data: object) -> list[str]:
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in (key, *_texts(value))]
    if isinstance(data, list):
        return [text for value in data for text in _texts(value)]
    return [data] if isinstance(data, str) else []


def test_json_stays_json() -> None:
    assert json.loads(json.dumps(Secrets(["a" * 8]).mask_data({"x": {"a" * 8: [1, None, 2.5]}}))) == {"x": {MASK: [1, None, 2.5]}}


def test_tokens_that_were_replaced_long_ago_are_forgotten() -> None:
    """An event source gets one each hour, and every text is searched for each that is held."""
    secrets = Secrets(["the-api-key"])
    for number in range(2_000):
        secrets.add_token(f"token-{number:04}")
        secrets.add_token("the-refresh-token")
    assert secrets.mask("token-0000 token-1998 token-1999 the-refresh-token the-api-key") == f"token-0000 {MASK} {MASK} {MASK} {MASK}"
    assert len(secrets._ordered) <= 3 * TOKENS


def test_a_token_that_is_still_used_is_held_however_many_follow() -> None:
    secrets = Secrets()
    for number in range(1_000):
        secrets.add_token("of-a-long-request")
        secrets.add_token(f"token-{number}")
    assert secrets.mask("of-a-long-request") == MASK

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the API: which of them can be compared, and how a sentence shows them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import _LONGEST_IN_A_SENTENCE, brief
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import CDN_CONFIG, INSTANCE, key_data


@pytest.mark.parametrize(
    ("field", "value", "managed"),
    [
        ("image_id", "img_1", True),
        ("image_id", {"id": "img_1"}, False),
        ("image_id", "", False),
        ("ssh_keys", [], False),
        ("ssh_keys", ["ssh-rsa AAAAB"], True),
        ("ssh_keys", "ssh-rsa AAAAB", False),
        ("ssh_keys", ["ssh-rsa AAAAB", {"id": 1}], False),
        ("ssh_keys", ["ssh-rsa AAAAB", "SHA256:fingerprint"], False),
        ("auto_scale", {"min_instances": 1, "now": "many"}, True),
        ("auto_scale", {"min_instances": None}, False),
        ("auto_scale", {"min_instances": "1"}, False),
        ("auto_scale", {"max_instances": True}, False),
        ("auto_scale", [1, 3], False),
        ("plan", None, False),
        ("plan", "huge", True),
        ("region", "us-east", True),
        ("region", "us-east-1a", False),
        ("region", ["us-east"], False),
    ],
)
def test_a_value_of_another_shape_counts_as_not_shown(field: str, value: Any, managed: bool) -> None:
    assert (field in INSTANCE.managed({field: value})) is managed


@pytest.mark.parametrize(("state", "called"), [({"id": "i", "name": "web"}, "instance web (i)"), ({"name": "web"}, "instance"), ({"id": "i"}, "instance")])
def test_how_a_sentence_names_an_instance(state: dict[str, Any], called: str) -> None:
    assert INSTANCE.called(state) == called
    assert CDN_CONFIG.called({}) == "CDN configuration"


@pytest.mark.parametrize(("length", "cut"), [(0, False), (1, True)])
def test_a_long_value_is_cut(length: int, cut: bool) -> None:
    text = "x" * (_LONGEST_IN_A_SENTENCE + length)
    assert brief(text) == "x" * _LONGEST_IN_A_SENTENCE + ("..." if cut else "")
    assert brief(None) == "None"


@pytest.mark.parametrize("key", ["ssh-rsa AAAA", "ssh-rsa AAAA me", "ssh-rsa  AAAA me and you"])
def test_a_comment_is_no_part_of_a_key(key: str) -> None:
    assert key_data(key) == ("ssh-rsa", "AAAA")


def test_what_the_documented_responses_show() -> None:
    everything = {"name": "web", "plan": "starter", "region": "us-east", "image_id": "img", "ssh_keys": [], "auto_scale": {}}
    assert INSTANCE.shown(everything) == {"name": "web", "plan": "starter", "region": "us-east"}
    assert CDN_CONFIG.shown({"cache_ttl": 5, "edges": 12}) == {"cache_ttl": 5}


@pytest.mark.parametrize(
    ("field", "shown", "desired", "differs"),
    [
        ("plan", "Starter", "starter", False),
        ("plan", "huge", "starter", True),
        ("region", "US-EAST", "us-east", False),
        ("region", "eu-west", "us-east", True),
        ("region", "us-east-1a", "eu-west", False),
        ("ssh_keys", ["ssh-rsa AAAAB me"], ["ssh-rsa AAAAB"], False),
        ("ssh_keys", ["ssh-rsa AAAAB"], ["ssh-rsa AAAAB", "ssh-rsa AAAAC"], True),
        ("auto_scale", {"min_instances": 1, "now": 5}, {"min_instances": 1, "max_instances": 3}, False),
        ("auto_scale", {"min_instances": 2, "max_instances": 3}, {"min_instances": 1}, True),
        ("name", "web", "web-01", True),
    ],
)
def test_what_differs(field: str, shown: Any, desired: Any, differs: bool) -> None:
    assert INSTANCE.differing({field: shown}, {field: desired}) == ([field] if differs else [])
    assert INSTANCE.differing({}, {field: desired}) == INSTANCE.differing({field: shown}, {}) == []

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's pattern means what it means in Python, and its match ends."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import matching
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet

from .fake_api import FakeApi, run_operation

#: A name as long as a host's name may be.
LONG = "a" * 62 + "!"


@pytest.mark.parametrize("pattern", ["", "[0-9]+", "a", "a.b", "(a|b)+", "(?i)AB", "[0-9]{2}-[a-z]*", "\\w+\\d?", "é+"])
def test_a_pattern_means_what_it_means_in_python(pattern: str) -> None:
    texts = ["", "1", "42", "42-", "42-x", "a", "ab", "a\nb", "AB", "éé", 'a"b', LONG]
    assert matching.matches(pattern, texts) == [re.fullmatch(pattern, text, re.DOTALL) is not None for text in texts]


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|aa)+", "(a*)*b", "a*a*a*a*a*a*a*a*a*a*b", "(?:a?){40}a{40}"])
def test_a_catastrophic_pattern_is_given_up_on(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(matching, "TIMEOUT", 0.5)
    started = time.monotonic()
    with pytest.raises(matching.TooSlow):
        matching.matches(pattern, [LONG] * 20)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("pattern", ["[0-9]+", ".*", "[a-z]{1,60}", "a?"])
def test_a_simple_pattern_takes_no_process(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(matching.subprocess, "run", None)
    assert len(matching.matches(pattern, ["1", "a" * 1_000_000])) == 2


def test_nothing_is_deleted_by_a_pattern_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "TIMEOUT", 0.5)
    api = FakeApi()
    api.make("web-" + "a" * 58 + "b")
    result = run_operation(api, fleet.OPERATION, instances=[], name_prefix="web-", prune=True, prune_pattern="(a+)+", max_deletions=9)
    assert result["msg"].startswith("prune_pattern: expected a pattern that is matched with 1 names within 0.5 s. Nothing was changed.")
    assert not api.writes()

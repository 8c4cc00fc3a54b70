# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make release` refuses, and what it changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.packaging.release import Refused, bumped, check

GOOD: dict[str, Any] = {"version": "1.2.0", "current": "1.1.9", "fragments": ["new.yml"], "uncommitted": "", "added": [("plugins/a.py", "1.2.0")]}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"version": ""}, "VERSION: expected a semantic version such as 1.2.3, got nothing."),
    ({"version": "1.2"}, "VERSION: expected a semantic version such as 1.2.3, got 1.2."),
    ({"version": "v1.2.3"}, "VERSION: expected a semantic version such as 1.2.3, got v1.2.3."),
    ({"version": "1.2.0\n"}, "VERSION: expected a semantic version such as 1.2.3, got 1.2.0\n."),
    ({"version": "1.1.9"}, "VERSION: expected one after 1.1.9, which galaxy.yml has, got 1.1.9."),
    ({"version": "1.1.10-rc.1", "current": "1.1.10"}, "VERSION: expected one after 1.1.10, which galaxy.yml has, got 1.1.10-rc.1."),
    ({"uncommitted": " M a.py\n?? b c\n"}, "There are changes that are not committed, and would not be part of it: a.py, b c."),
    ({"fragments": []}, "There is no fragment in changelogs/fragments, so nothing to release."),
    ({"added": [("roles/a", "1.1.0"), ("plugins/a.py", "1.10.0")]}, "plugins/a.py has something that version 1.10.0 adds, which is after 1.2.0."),
]


def test_the_next_version() -> None:
    check(**GOOD)
    check(**{**GOOD, "version": "1.10.0"})


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_what_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        check(**{**GOOD, **given})
    assert str(refused.value) == sentence


def test_only_the_version_is_another_one() -> None:
    assert bumped("a: 1\nversion: 1.1.9\nother_version: 3\n", "^version: (.*)$", "1.2.0") == "a: 1\nversion: 1.2.0\nother_version: 3\n"

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches a user's regular expression within a time limit.

Python can't interrupt a match, and a pattern such as ``(a+)+`` can take hours for one name. So a process of its own matches, which can be ended.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence

#: Seconds for all texts.
TIMEOUT = 5.0

_CODE = """
import json, re, sys
pattern, texts = json.load(sys.stdin)
pattern = re.compile(pattern, re.DOTALL)
json.dump([pattern.fullmatch(text) is not None for text in texts], sys.stdout)
"""


class TooSlow(Exception):
    """The match takes longer than the limit."""


def matches(pattern: str, texts: Sequence[str]) -> list[bool]:
    """Whether the pattern matches the whole of each text; ``.`` matches line ends too. Raises TooSlow."""
    if not texts:
        return []
    if _is_linear(pattern):
        compiled = re.compile(pattern, re.DOTALL)
        return [compiled.fullmatch(text) is not None for text in texts]
    # -I: nothing of the environment or the current directory is imported.
    command = [sys.executable, "-I", "-S", "-c", _CODE]
    try:
        done = subprocess.run(command, input=json.dumps([pattern, texts]), capture_output=True, check=True, text=True, timeout=TIMEOUT)  # noqa: S603 - a constant command
    except subprocess.TimeoutExpired:
        raise TooSlow from None
    found: list[bool] = json.loads(done.stdout)
    return found


def _is_linear(pattern: str) -> bool:
    """Whether the time can only grow with the length of a text: there is one repetition at most, and no group or alternative."""
    return re.search(r"[(|]", pattern) is None and len(re.findall(r"[*+?{]", pattern)) <= 1

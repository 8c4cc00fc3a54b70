# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several named things a command line asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def choose(wanted: list[str], known: Mapping[str, Callable[..., Any]], kind: str) -> Iterable[str]:
    """The names of ``wanted``, or all. Shows them and ends where ``list`` is asked for, or one that there isn't."""
    if wanted == ["list"]:
        for name, function in known.items():
            print(f"{name:<14} {function.__doc__}")
        sys.exit(0)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"No such {kind}: {', '.join(unknown)}. There are {', '.join(known)}.", file=sys.stderr)
        sys.exit(2)
    return wanted or known

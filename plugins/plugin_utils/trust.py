# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the API as inventory variables: plain text to every ansible-core, and never a template.

From ansible-core 2.19 on a text must be trusted, or ``ansible-inventory --list --export`` wraps it, and AWX, which reads
that, finds a dictionary where a status should be. Before, each text is taken for a template unless it is marked unsafe.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

#: What makes of a text one that is taken as it is, and one that is never a template.
_trusted: Callable[[str], str] = str
_unsafe: Callable[[str], str] = str
try:
    from ansible.template import trust_as_template

    _trusted = trust_as_template
except ImportError:  # ansible-core 2.18 and older
    from ansible.utils.unsafe_proxy import wrap_var

    _unsafe = wrap_var

_SYNTAX = ("{{", "{%", "{#")
#: Begins a text that brings its own syntax along.
_OVERRIDE = "#jinja2:"


def may_be_template(text: str) -> bool:
    """Whether Jinja would find anything but text in it."""
    return ("{" in text and any(mark in text for mark in _SYNTAX)) or text.startswith(_OVERRIDE)


@lru_cache(maxsize=1024)  # a status is the same for thousands of hosts, and to mark it is not cheap
def _marked(text: str) -> str:
    return _unsafe(text) if may_be_template(text) else _trusted(text)


def as_text(value: Any) -> Any:
    """``value`` (plain JSON data) with each text in it marked as what it is."""
    if isinstance(value, str):
        return _marked(value)
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value

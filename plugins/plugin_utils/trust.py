# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the API as inventory variables: data to every ansible-core, and never a template.

From ansible-core 2.19 on a text must be trusted, or ``ansible-inventory --list --export`` wraps it, and AWX, which reads
that, finds a dictionary in place of a status. Before, each text is taken for a template unless it is marked unsafe,
and AWX finds a dictionary for each that is. So the mark depends on the text: one of plain words and signs (a status, a
region, an address) can do no harm, not even as a part of an expression, and stays as it is. Every other text is marked.
"""

from __future__ import annotations

import re
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
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText

    _unsafe = AnsibleUnsafeText

_SYNTAX = ("{{", "{%", "{#")
#: Begins a text that brings its own syntax along.
_OVERRIDE = "#jinja2:"
#: Texts without a brace, a parenthesis, a quote or a filter: neither they, nor several of them joined, can call anything.
_PLAIN = re.compile(r"[\w .:/+@,=?&-]*")


def may_be_template(text: str) -> bool:
    """Whether Jinja would find anything but text in it."""
    return ("{" in text and any(mark in text for mark in _SYNTAX)) or text.startswith(_OVERRIDE)


def is_plain(text: str) -> bool:
    """Whether it is harmless wherever a user's template or condition puts it, alone or joined with others."""
    return _PLAIN.fullmatch(text) is not None


def as_template(text: str) -> str:
    """A text of the user's own file, as the template that it is."""
    return _trusted(text)


@lru_cache(maxsize=1024)  # a status is the same for thousands of hosts, and to mark it is not cheap
def _marked(text: str) -> str:
    # Without the marks that it may have: the next text that is equal comes from somewhere else.
    bare = str.__str__(text)
    return _trusted(bare) if is_plain(bare) else _unsafe(bare)


@lru_cache(maxsize=1024)
def _key(key: str) -> str:
    return key if is_plain(key) else _unsafe(key)


def as_text(value: Any) -> Any:
    """``value`` (plain JSON data) with each text in it, keys too, marked as what it is."""
    if isinstance(value, str):
        return _marked(value)
    if isinstance(value, dict):
        return {_key(key) if isinstance(key, str) else key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value

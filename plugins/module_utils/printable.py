# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts for a terminal or a log: what a terminal would act on is escaped. Pure."""

from __future__ import annotations


def printable(text: str, *, lines: bool = False) -> str:
    """Return ``text`` with every control character escaped, as in a Python literal. ``lines`` keeps its line breaks.

    Names come from the API, and an escape sequence in one could clear the screen, or forge a warning.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or (lines and character == "\n") else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()

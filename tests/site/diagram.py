# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fenced block ``diagram``, drawn with the characters for boxes: text where it is read as text, and a drawing (SVG) on the site.

Each character is a cell. Those that draw lines become lines, a closed box gets a ground, arrowheads become triangles,
and the rest is text. Colours and font are those of the page, by its style sheet, so that it reads as well on a dark page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH, HEIGHT = 8.4, 19
#: Where the line of a character leads to: up, down, left, right.
LINES = {
    "─": "lr", "│": "ud", "┌": "dr", "┐": "dl", "└": "ur", "┘": "ul", "├": "udr", "┤": "udl", "┬": "dlr", "┴": "ulr", "┼": "udlr",
}  # fmt: skip
ARROWS = {"▼": "d", "▲": "u", "◀": "l", "▶": "r"}
_ENDS = {"u": (0.0, -0.5), "d": (0.0, 0.5), "l": (-0.5, 0.0), "r": (0.5, 0.0)}


def drawing(text: str, title: str) -> str:
    """The SVG of a drawing."""
    rows = text.rstrip("\n").split("\n")
    width, height = max(map(len, rows)) * WIDTH, len(rows) * HEIGHT
    shapes = [*_boxes(rows), f'<path class="line" d="{"".join(_lines(rows))}"/>', *_arrows(rows), *_texts(rows)]
    return (
        f'<svg class="diagram" role="img" aria-label="{html.escape(title)}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(shapes)}</svg>'
    )


def _at(row: int, column: int, direction: str = "") -> str:
    across, down = _ENDS[direction] if direction else (0.0, 0.0)
    return f"{(column + 0.5 + across) * WIDTH:g} {(row + 0.5 + down) * HEIGHT:g}"


def _cells(rows: list[str], of: dict[str, str]) -> Iterator[tuple[int, int, str]]:
    for row, line in enumerate(rows):
        yield from ((row, column, character) for column, character in enumerate(line) if character in of)


def _lines(rows: list[str]) -> Iterator[str]:
    for row, column, character in _cells(rows, LINES):
        for direction in LINES[character]:
            yield f"M{_at(row, column)}L{_at(row, column, direction)}"
    for row, column, character in _cells(rows, ARROWS):  # what leads to the arrowhead
        back = {"u": "d", "d": "u", "l": "r", "r": "l"}[ARROWS[character]]
        yield f"M{_at(row, column)}L{_at(row, column, back)}"


def _boxes(rows: list[str]) -> Iterator[str]:
    """The grounds of the closed boxes, outer ones first."""
    cells = {(row, column): character for row, line in enumerate(rows) for column, character in enumerate(line)}
    for (top, left), corner in cells.items():
        if corner != "┌":
            continue
        right = next((column for column in range(left + 1, len(rows[top])) if rows[top][column] not in "─┬┴┼▼▲"), None)
        bottom = next((row for row in range(top + 1, len(rows)) if cells.get((row, left), " ") not in "│├┤┼◀▶"), None)
        if right is None or bottom is None or (cells.get((top, right)), cells.get((bottom, left)), cells.get((bottom, right))) != ("┐", "└", "┘"):
            continue
        x, y = (left + 0.5) * WIDTH, (top + 0.5) * HEIGHT
        yield f'<rect class="box" x="{x:g}" y="{y:g}" width="{(right - left) * WIDTH:g}" height="{(bottom - top) * HEIGHT:g}" rx="3"/>'


def _arrows(rows: list[str]) -> Iterator[str]:
    turned = {"r": 0, "d": 90, "l": 180, "u": 270}
    for row, column, character in _cells(rows, ARROWS):
        yield f'<path class="arrow" transform="translate({_at(row, column)}) rotate({turned[ARROWS[character]]})" d="M-4 -4.5L5 0L-4 4.5Z"/>'


def _texts(rows: list[str]) -> Iterator[str]:
    drawn = "".join([*LINES, *ARROWS])
    for row, line in enumerate(rows):
        for match in re.finditer(rf"[^\s{drawn}]+(?: [^\s{drawn}]+)*", line):
            place = f'x="{match.start() * WIDTH:g}" y="{(row + 0.5) * HEIGHT:g}" textLength="{len(match.group()) * WIDTH:g}"'
            yield f'<text {place} dominant-baseline="central">{html.escape(match.group())}</text>'


class Diagram(SphinxDirective):
    has_content = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.raw("", f'<div class="diagram-frame" tabindex="0">{drawing(text, "Diagram; its text is in the page source")}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("diagram", Diagram)
    return {"parallel_read_safe": True}

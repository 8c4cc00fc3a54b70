# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what a fleet's plan says of the differences between a declaration and the account, for programs and for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidOption
from ..masking import brief
from ..printable import printable
from .fleet import in_order, line, short
from .instances import STOPPED
from .resource import INSTANCE

#: What each action of a plan says of an instance. A plan does nothing with an instance that somebody stopped, as the API can't start it.
_KINDS = {"create": "missing", "update": "different", "recreate": "different", "none": "different", "delete": "undeclared"}
#: Names that a summary lists of each kind.
_LISTED = 3
_COLUMNS = ("name", "drift", "action", "account", "declared")
_NOTHING = "-"


def report(result: Any) -> dict[str, Any]:
    """Return the drift that the result of a fleet shows. Raises InvalidOption for anything else, above all for a failure."""
    if not isinstance(result, Mapping) or result.get("failed") or not all(isinstance(result.get(key), list) for key in ("changes", "instances", "unchanged")):
        raise InvalidOption("_input", "expected the result of a cloudnexus_fleet task that did not fail.")
    stopped = _stopped(result)
    differences = [{**entry, "drift": _KINDS[entry["action"]]} for entry in in_order([*result["changes"], *stopped])]
    names = {kind: [item["name"] for item in differences if item["drift"] == kind] for kind in ("missing", "different", "undeclared")}
    names["unchanged"] = sorted(set(result["unchanged"]) - {entry["name"] for entry in stopped})
    summary, rows = _summary(names), [_row(item) for item in differences]
    found = {"drift": bool(differences), "summary": summary, **names, "differences": differences, "changes_digest": result.get("changes_digest")}
    return {"report": found, "table": _table(rows), "markdown": _markdown(summary, rows)}


def _stopped(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An entry for each instance that is as declared, but that somebody stopped."""
    changed = {entry["id"] for entry in result["changes"]}
    found = [item for item in result["instances"] if item.get("status") == STOPPED and item.get("id") not in changed]
    return [
        {
            "name": item["name"],
            "id": item.get("id"),
            "action": "none",
            "reasons": [f"its status is {STOPPED}"],
            "before": INSTANCE.managed(item),
            "after": INSTANCE.managed(item),
        }
        for item in found
    ]


def _summary(names: Mapping[str, Sequence[str]]) -> str:
    """``1 missing (web-03), 2 different (web-01, web-02), 0 undeclared, 5 unchanged``"""
    counts = [f"{len(names[kind])} {kind}{_listed(names[kind])}" for kind in ("missing", "different", "undeclared")]
    return ", ".join([*counts, f"{len(names['unchanged'])} unchanged"])


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = [f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return f" ({', '.join([*(printable(brief(name)) for name in names[:_LISTED]), *more])})"


# --- For people --------------------------------------------------------------------------------------------------------


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
    before, after, reasons = item["before"], item["after"], item["reasons"]
    if item["drift"] == "different":
        account = " ".join(f"{reason}={short(reason, before[reason])}" if reason in before else reason for reason in reasons)
        declared = " ".join(f"{reason}={short(reason, after[reason])}" for reason in reasons if reason in after)
    else:
        account, declared = line(before), line(after)
    return tuple(printable(text) or _NOTHING for text in (item["name"], item["drift"], item["action"], account, declared))


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with columns of one width. No lines without rows."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (_COLUMNS, *rows)) for column in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (_COLUMNS, *rows)]


def _markdown(summary: str, rows: Sequence[tuple[str, ...]]) -> str:
    lines = [_columns(_COLUMNS), _columns(["---"] * len(_COLUMNS)), *(_columns([_literal(cell) for cell in row]) for row in rows)] if rows else []
    return "\n".join(["# Drift", "", f"{_literal(summary)}.", *([""] if lines else []), *lines]) + "\n"


def _columns(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _literal(text: str) -> str:
    """A text without Markdown syntax, whatever an instance is named."""
    return re.sub(r"([\\`*{}\[\]<>#!|~$&]|(?<!\w)_|_(?!\w))", r"\\\1", text)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's changes for people who review them: a line, a table, and a plan that can be kept as a file and approved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidOption
from ..printable import printable
from .approval import checked_digest, digest
from .fleet import FleetChange, in_order, in_words, line, short
from .instances import REASONS

#: Changes with the form of a plan; another form needs another number.
_FORMAT = 1
#: What each action is called.
_WORDS = {"create": "create", "update": "update", "recreate": "replace", "delete": "delete"}


def summary(change: FleetChange) -> str:
    """``2 to create, 0 to update, 1 to replace (region), 1 to delete, 5 unchanged``"""
    counted = {action: f"{len(change.names(action))} to {word}" for action, word in _WORDS.items()}
    causes = {cause for member in change.with_action("recreate") for cause in member.change.causes}
    if causes:
        counted["recreate"] += f" ({', '.join(sorted(causes, key=REASONS.index))})"
    return f"{', '.join(counted.values())}, {len(change.names('none'))} unchanged"


def markdown(change: FleetChange, changes_digest: str, also: Mapping[str, Any] | None) -> str:
    """The changes as a table, as a comment on a pull request shows it."""
    lines = [f"**{summary(change)}**", ""]
    if change.changed:
        lines += ["| Action | Instance | Change |", "| --- | --- | --- |", *map(_row, in_order(change.entries())), ""]
    if change.not_compared():
        lines += [f"Not compared, because the API does not show it: {_text(in_words(change.not_compared()))}", ""]
    if also:
        lines += [f"Also covered by the digest: {', '.join(map(_code, sorted(also)))}", ""]
    return "\n".join([*lines, f"Digest: {_code(changes_digest)}", ""])


def _row(entry: Mapping[str, Any]) -> str:
    name = _code(entry["name"]) + (f" ({_code(entry['id'])})" if entry["id"] else "")
    return f"| {_WORDS[entry['action']]} | {name} | {'<br>'.join(_cells(entry))} |"


def _cells(entry: Mapping[str, Any]) -> Iterable[str]:
    before, after = entry["before"], entry["after"]
    if entry["action"] in ("create", "delete"):
        return [_code(line({name: value for name, value in (after or before).items() if name != "id"}))]
    return [
        f"{reason}: {_code(short(reason, before[reason])) if reason in before else 'not shown'} → {_code(short(reason, after[reason]))}"
        if reason in after
        else _text(reason)
        for reason in entry["reasons"]
    ]


def _code(text: str) -> str:
    """A text of the API as code, so that it is neither markup nor the end of a cell."""
    return f"`{_text(text)}`"


def _text(text: str) -> str:
    return printable(text).replace("`", "'").replace("|", "\\|")


# --- A plan that is kept ---------------------------------------------------------------------------------------------


def kept(change: FleetChange, entries: list[dict[str, Any]], changes_digest: str, also: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a file holds, for a review and for ``approved_plan``."""
    plan = {"format_version": _FORMAT, "summary": summary(change), "changes": entries, "changes_digest": changes_digest}
    return {**plan, "also_approved": dict(also)} if also else plan


def check_plan(option: str, plan: Mapping[str, Any]) -> None:
    """Raises InvalidOption for anything but a plan that is as it was."""
    entries, given, also = plan.get("changes"), plan.get("changes_digest"), plan.get("also_approved")
    if not (
        plan.get("format_version") == _FORMAT
        and isinstance(entries, list)
        and all(isinstance(entry, Mapping) and isinstance(entry.get("name"), str) for entry in entries)
        and isinstance(given, str)
        and isinstance(also, Mapping | None)
    ):
        raise InvalidOption(option, "expected the plan of an earlier run or of check mode, as it is.")
    if checked_digest(f"{option}.changes_digest", given) != digest(entries, also):
        raise InvalidOption(option, "expected a plan that nobody has edited, but its changes_digest is not the one of its changes.")

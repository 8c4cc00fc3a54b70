# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may what in AWX 24.6.1, as far as the tests need it.

From ``awx/main/access.py`` (``CredentialTypeAccess``, ``JobAccess``, ``WorkflowApprovalAccess``, ``JobTemplateAccess``) and from the roles of
``awx/main/models/jobs.py`` and ``workflow.py``: Execute and Approve of a workflow include Read of the workflow, and of none of its templates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: Each role, and those that include it.
INCLUDED_IN = {
    "admin_role": {"admin_role"},
    "execute_role": {"execute_role", "admin_role"},
    "approval_role": {"approval_role", "admin_role"},
    "read_role": {"read_role", "execute_role", "approval_role", "admin_role"},
}


@dataclass(slots=True)
class User:
    """Somebody with a token."""

    name: str
    number: int
    token: str
    superuser: bool = False
    #: The organizations that the user administers.
    admin_of: set[int] = field(default_factory=set)
    teams: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Roles:
    """The roles of objects: AWX numbers each role of each object."""

    numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    #: The teams that have a role, by its number.
    teams: dict[int, list[int]] = field(default_factory=dict)

    def add(self, item: int, names: Iterable[str], number: int) -> None:
        for offset, name in enumerate(names):
            self.numbers[item, name] = number * 10 + offset

    def of(self, item: int) -> dict[str, int]:
        return {name: number for (owner, name), number in self.numbers.items() if owner == item}

    def has(self, user: User, item: int, role: str, organization: int | None) -> bool:
        if user.superuser or organization in user.admin_of:
            return True
        numbers = [number for name, number in self.of(item).items() if name in INCLUDED_IN[role]]
        return any(user.teams & set(self.teams.get(number, [])) for number in numbers)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syncs of projects, as AWX 24.6.1 makes them.

A new project is synced, and one of which the URL, the branch, the type or the refspec has changed (``awx/main/models/projects.py``: ``Project.save``).
Writing the same values again syncs nothing, whatever became of the last sync. The playbooks and the revision of a project are those of its last good
sync (``awx/main/tasks/jobs.py``: ``RunProjectUpdate.post_run_hook``).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import rules

Json = dict[str, Any]
#: What AWX syncs a project for if it changes.
TRIGGERS = ("scm_url", "scm_branch", "scm_type", "scm_refspec")
ACTIVE = ("pending", "waiting", "running")


@dataclass(slots=True)
class Update:
    """A sync: it is pending, then running, and done when it is asked for a third time."""

    number: int
    branch: str
    status: str = "pending"
    output: str = ""


@dataclass(slots=True)
class Synced:
    """What is known of a project by its syncs."""

    updates: list[Update] = field(default_factory=list)
    revision: str = ""
    playbooks: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.updates[-1].status if self.updates else "never updated"

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass(slots=True)
class Repository:
    """The git repository that every project is read from: a folder, and the branches that there are."""

    folder: Path
    #: The revision of each branch; the one without a name is the default.
    branches: dict[str, str] = field(default_factory=lambda: {"": "1" * 40, "main": "1" * 40})
    projects: dict[int, Synced] = field(default_factory=dict)

    def of(self, project: int) -> Synced:
        return self.projects.setdefault(project, Synced())

    def start(self, project: int, branch: str, ids: itertools.count[int]) -> Update:
        update = Update(next(ids), branch)
        self.of(project).updates.append(update)
        return update

    def look(self, synced: Synced) -> None:
        """An active sync gets on, each time that somebody looks."""
        if synced.active:
            update = synced.updates[-1]
            update.status = "running" if update.status == "pending" else self._end(synced, update)

    def _end(self, synced: Synced, update: Update) -> str:
        if update.branch not in self.branches:
            update.output = _FAILED.format(branch=update.branch)
            return "failed"
        synced.revision = self.branches[update.branch]
        synced.playbooks = rules.playbooks(self.folder)
        return "successful"

    def update(self, number: int) -> tuple[int, Update]:
        """The sync of that number, with its project."""
        ((project, found),) = [(project, update) for project, synced in self.projects.items() for update in synced.updates if update.number == number]
        return project, found


_FAILED = """\
PLAY [Update source tree if necessary] *****************************************

TASK [update project using git] ************************************************
\x1b[0;31mfatal: [localhost]: FAILED! => {{"changed": false, "msg": "Failed to checkout branch {branch}"}}\x1b[0m

PLAY RECAP *********************************************************************
localhost                  : ok=0    changed=0    unreachable=0    failed=1    skipped=1    rescued=0    ignored=0
"""

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes when each task started and ended, as a line of JSON, to the file that TIMES_FILE names.

A task's own time is what is compared, and not the command's: Ansible's start, which takes longer than many a task, and
wobbles by more, is not in it.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: times
type: aggregate
short_description: The time of each task, for the benchmarks
description: Writes when each task started and ended, as a line of JSON, to the file that TIMES_FILE names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "times"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tasks: list[dict[str, Any]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tasks.append({"name": task.get_name(), "start": time.monotonic(), "ok": 0, "changed": 0, "failed": None})

    def v2_runner_on_ok(self, result: Any) -> None:
        task = self._ended()
        task["ok"] += 1
        task["changed"] += bool(_data(result).get("changed"))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended()["failed"] = json.dumps(_data(result), default=str)[:2000]

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        with open(os.environ["TIMES_FILE"], "w", encoding="utf-8") as file:
            file.writelines(json.dumps(task) + "\n" for task in self._tasks)

    def _ended(self) -> dict[str, Any]:
        """The task that a host has just ended; the last one's end stays."""
        self._tasks[-1]["end"] = time.monotonic()
        return self._tasks[-1]


def _data(result: Any) -> dict[str, Any]:
    # `result.result` is public since ansible-core 2.19; before, it is `result._result`.
    found: dict[str, Any] = result.result if hasattr(result, "result") else result._result
    return found

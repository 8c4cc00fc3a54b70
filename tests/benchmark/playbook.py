# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a playbook as a user would, and the time that each of its tasks took."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.checkout import ROOT, ansible_environment

HERE = Path(__file__).parent
FQCN = "cloudnexus.cloud.cloudnexus_"


class Failed(Exception):
    """What was to be measured did not happen, so that its time means nothing."""


@dataclass(frozen=True, slots=True)
class Played:
    #: Seconds of each task by its name, from its start to the end on the last host.
    tasks: dict[str, float]
    #: Seconds from the command to the first task.
    start: float


def play(
    folder: Path, tasks: dict[str, dict[str, Any]], api: dict[str, str], *, hosts: int = 0, changes: bool = False, options: tuple[str, ...] = ()
) -> Played:
    """Run these tasks, by name. Raises Failed where one fails, or changes something that it should not."""
    playbook, times = folder / "playbook.json", folder / "times.jsonl"
    play = {"hosts": "all" if hosts else "localhost", "gather_facts": False, "tasks": [{"name": name, **task} for name, task in tasks.items()]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    times.unlink(missing_ok=True)
    environment = ansible_environment(
        ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
        ANSIBLE_CALLBACKS_ENABLED="times",
        ANSIBLE_ACTION_PLUGINS=str(HERE / "action"),
        ANSIBLE_LIBRARY=str(HERE / "library"),
        ANSIBLE_FORKS="5",
        TIMES_FILE=str(times),
        **api,
    )
    command = ["ansible-playbook", str(playbook), *options, *(("-i", str(_inventory(folder, hosts))) if hosts else ())]
    started = time.monotonic()
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode or not times.exists():
        raise Failed(done.stdout[-4000:])
    entries = [json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()]
    for entry in entries:
        if entry["failed"] or entry["ok"] != (hosts or 1) or (entry["changed"] and not changes):
            raise Failed(f"{entry}")
    return Played({entry["name"]: entry["end"] - entry["start"] for entry in entries}, entries[0]["start"] - started)


def list_inventory(source: Path, listed: Path, api: dict[str, str], *, commands: Path | None = None, **environment: str) -> float:
    """Seconds that ``ansible-inventory --list`` takes. Raises Failed where the source can't be read."""
    environment = ansible_environment(ANSIBLE_INVENTORY_PLUGINS=str(HERE / "inventory"), ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true", **api, **environment)
    command = [str(commands / "ansible-inventory") if commands else "ansible-inventory", "-i", str(source), "--list", "--output", str(listed)]
    started = time.monotonic()
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    took = time.monotonic() - started
    if done.returncode:
        raise Failed(done.stdout[-4000:])
    return took


def _inventory(folder: Path, hosts: int) -> Path:
    inventory = folder / "hosts"
    lines = [f"{instance_name(number)} ansible_connection=local ansible_python_interpreter='{{{{ ansible_playbook_python }}}}'" for number in range(hosts)]
    inventory.write_text(os.linesep.join(lines), encoding="utf-8")
    return inventory


def instance_name(number: int) -> str:
    return f"web-{number:05}"


def varied(number: int) -> dict[str, str]:
    """An instance of which there are nine kinds."""
    plans, regions = ("starter", "professional", "enterprise"), ("us-east", "eu-west", "ap-south")
    return {"name": instance_name(number), "plan": plans[number % 3], "region": regions[number // 3 % 3]}


def declared(number: int) -> dict[str, str]:
    return {"name": instance_name(number), "plan": "starter", "region": "us-east"}

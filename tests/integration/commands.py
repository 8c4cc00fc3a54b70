# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running Ansible's commands against the emulator, and reading what came of it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkout import ROOT, ansible_environment
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

FQCN = "cloudnexus.cloud."
MODES = ("in-process", "module")


@dataclass(slots=True)
class Run:
    """What a command did."""

    status: int
    #: Standard output and error together.
    output: str
    #: One entry a task and host: task, action, host, status, result.
    entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The results of the collection's own tasks. Ansible takes ``failed`` out of what a callback gets; here it is again."""
        return [{**entry["result"], "failed": entry["status"] == "failed"} for entry in self.entries if entry["action"].startswith((FQCN, "cloudnexus_"))]

    @property
    def result(self) -> dict[str, Any]:
        (result,) = self.results
        return result

    def named(self, task: str) -> list[dict[str, Any]]:
        """The results of a task by its name, one for each host."""
        return [{**entry["result"], "failed": entry["status"] == "failed"} for entry in self.entries if entry["task"] == task]

    @property
    def changed(self) -> int:
        return sum(bool(entry["result"].get("changed")) for entry in self.entries)


@dataclass(slots=True)
class Ansible:
    """Ansible's commands, set up for one emulator and one mode."""

    emulator: EmulatorProcess
    folder: Path
    mode: str = "in-process"
    #: More environment variables; an empty value is set as such.
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> Path:
        """The token cache."""
        return self.folder / "tokens"

    def use_refresh_token(self, refresh_token: str = REFRESH_TOKEN) -> None:
        """In place of the API key."""
        self.environment |= {"CLOUDNEXUS_API_KEY": "", "CLOUDNEXUS_REFRESH_TOKEN": refresh_token, "CLOUDNEXUS_CLIENT_ID": CLIENT_ID}

    def command(self, *command: str, cwd: Path = ROOT, credentials: bool = True, typed: str = "") -> Run:
        """Run a command of Ansible's, with the address and the credential of the emulator in the environment; ``typed`` is its standard input."""
        results = self.folder / "results.jsonl"
        results.unlink(missing_ok=True)
        environment = self.variables(results, credentials=credentials)
        done = subprocess.run(
            command, check=False, cwd=cwd, env=environment, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
        )
        entries = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
        return Run(done.returncode, done.stdout, entries)

    def variables(self, results: Path, *, credentials: bool = True) -> dict[str, str]:
        """The environment of a command."""
        environment = ansible_environment(
            ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "tests" / "integration" / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="results",
            ANSIBLE_CONNECTION_PLUGINS=str(ROOT / "tests" / "integration" / "connection"),
            ANSIBLE_INJECT_INVOCATION="true",
            # Ansible takes `~` from HOME in one place and from the password file in another.
            ANSIBLE_ASYNC_DIR=str(self.folder / "async"),
            ANSIBLE_BECOME_PLUGINS=str(ROOT / "tests" / "integration" / "become"),
            CLOUDNEXUS_TOKEN_CACHE=str(self.tokens),
            CLOUDNEXUS_IN_PROCESS=str(self.mode == "in-process").lower(),
            RESULTS_FILE=str(results),
        )
        if credentials:
            environment |= {"CLOUDNEXUS_API_URL": self.emulator.api_url, "CLOUDNEXUS_API_KEY": self.emulator.api_key}
        return environment | self.environment

    def play(self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), credentials: bool = True, **play: Any) -> Run:
        """Run a play of these tasks. A task that fails does not end it."""
        return self.command("ansible-playbook", self.playbook(*tasks, **play), *arguments, credentials=credentials)

    def playbook(self, *tasks: dict[str, Any], **play: Any) -> str:
        return self.plays({**play, "tasks": list(tasks)})

    def plays(self, *plays: dict[str, Any]) -> str:
        """A playbook of several plays. A task that fails does not end it."""
        content = [
            {"hosts": "localhost", "gather_facts": False, **play, "tasks": [{"ignore_errors": True, **task} for task in play["tasks"]]} for play in plays
        ]
        playbook = self.folder / "playbook.yml"
        playbook.write_text(json.dumps(content))
        return str(playbook)

    def hosts(self, count: int) -> str:
        """An inventory of so many hosts that are all this machine."""
        inventory = self.folder / "hosts"
        lines = [f"host{number} ansible_connection=local ansible_python_interpreter='{{{{ ansible_playbook_python }}}}'" for number in range(count)]
        inventory.write_text("\n".join(lines))
        return str(inventory)

    def module(self, short_name: str, /, **options: Any) -> dict[str, Any]:
        """Run one module and return its result."""
        return self.play(task(short_name, **options)).result


def task(short_name: str, /, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """A task with one of the collection's modules, in diff mode."""
    return {f"{FQCN}cloudnexus_{short_name}": options, "check_mode": check_mode, "diff": True}

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: a private data directory, ansible-runner, and what AWX reads of it afterwards.

What AWX writes and reads was taken from AWX 24.6.1 (``awx/main/tasks/jobs.py``, ``awx/main/models/inventory.py``,
``awx/main/utils/safe_yaml.py`` and ``awx/main/management/commands/inventory_import.py``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT

from tests.awx.inventory import Inventory
from tests.checkout import ROOT, link_tree
from tests.emulator.process import EmulatorProcess

from .commands import Run
from .test_secrets import CANARY, FORMS

#: Of AWX's settings, what it gives to each job and to each update of an inventory.
EVERY_JOB = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
}
EVERY_UPDATE = {"ANSIBLE_INVENTORY_EXPORT": "True", "ANSIBLE_VERBOSE_TO_STDERR": "True"}


@dataclass(frozen=True, slots=True)
class Job:
    """What AWX keeps of a job."""

    status: str
    events: list[dict[str, Any]]
    #: What the job hands to those that follow in a workflow.
    artifacts: dict[str, Any]
    #: Where it ran, with everything that it left there.
    folder: Path

    @property
    def output(self) -> str:
        """What AWX shows as the job's output."""
        return "\n".join(event["stdout"] for event in self.events)

    @property
    def failures(self) -> list[str]:
        """What the events say of tasks that failed."""
        failed = [event["event_data"]["res"] for event in self.events if event["event"] == "runner_on_failed"]
        return [str(result.get("argument_errors") or result["msg"]) for result in failed]

    def hosts(self, task: str) -> list[str]:
        """The hosts that a task has succeeded on."""
        done = [event["event_data"] for event in self.events if event["event"] == "runner_on_ok"]
        return [data["host"] for data in done if data["task"] == task]

    @property
    def changed(self) -> int:
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return sum(stats["changed"].values())

    def facts(self) -> dict[str, dict[str, Any]]:
        """The fact cache, by the name of the file."""
        return {path.name: json.loads(path.read_text()) for path in (self.folder / "artifacts" / self.folder.name / "fact_cache").iterdir()}


@dataclass(slots=True)
class Awx:
    """An AWX that has one project, one credential and one inventory."""

    folder: Path
    project: Path
    #: What the injectors of the credential type set; what was left empty in the form as empty strings.
    credential: dict[str, str]
    #: The inventory's own variables, as its form has them.
    variables: dict[str, Any] = field(default_factory=dict)
    #: Where the collection is.
    collections: Path = field(default_factory=link_tree)
    _jobs: int = 0

    def job(
        self, playbook: str, answers: dict[str, Any], *, check: bool = False, inventory: dict[str, Any] | None = None,
        fact_cache: bool = False, verbosity: int = 0, canceled: Callable[[], bool] = lambda: False,
    ) -> Job:  # fmt: skip
        """Run a job template: ``answers`` are those of its survey, and what else becomes its extra variables."""
        folder = self._private_data_dir()
        script = folder / "inventory" / "hosts"
        script.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(inventory or {})!r})\n")
        script.chmod(0o700)
        (folder / "env" / "extravars").write_text(unsafe({**answers, "awx_job_id": self._jobs, "awx_user_name": "admin"}))
        arguments = ["--check"] * check + ["-u", "root", "--diff"] + [f"-{'v' * verbosity}"] * bool(verbosity)
        done = ansible_runner.run(
            ident=folder.name, private_data_dir=str(folder), playbook=playbook, inventory=str(script),
            envvars=self._environment(folder), suppress_env_files=True, fact_cache_type="jsonfile" if fact_cache else "", cmdline=" ".join(arguments),
            settings={"suppress_ansible_output": True, "job_timeout": 120}, quiet=True, cancel_callback=canceled,
        )  # fmt: skip
        events = list(done.events)
        artifacts = [event["event_data"].get("artifact_data", {}) for event in events if event["event"] == "playbook_on_stats"]
        return Job(done.status, events, artifacts[0] if artifacts else {}, folder)

    def update_inventory(self, source: str) -> tuple[int, str, dict[str, Any]]:
        """Sync an inventory source of the project: the exit status, the output at the highest verbosity, and what was exported."""
        folder = self._private_data_dir()
        exported = folder / "artifacts" / "output.json"
        exported.parent.mkdir(parents=True)
        command = [
            "ansible-inventory", "--list", "--export", "-i", str(folder / "project" / source), "--output", str(exported),
            "--playbook-dir", str(folder / "project"), "-vvvvv",
        ]  # fmt: skip
        environment = {**os.environ, **self._environment(folder), **EVERY_UPDATE}
        done = subprocess.run(
            command, check=False, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
        )
        return done.returncode, done.stdout, json.loads(exported.read_text()) if exported.exists() else {}

    def navigator(self, playbook: str, variables: dict[str, Any], *arguments: str) -> Run:
        """Run a playbook of the project with ansible-navigator on this machine, without an execution environment."""
        folder = self._private_data_dir()
        command = [
            "ansible-navigator", "run", playbook, *arguments, "-e", json.dumps(variables), "--execution-environment", "false", "--mode", "stdout",
            "--playbook-artifact-enable", "true", "--playbook-artifact-save-as", "artifact.json", "--log-file", "navigator.log", "--log-level", "debug",
        ]  # fmt: skip
        environment = {**os.environ, **self._environment(folder), "HOME": str(folder / "home")}
        done = subprocess.run(
            command,
            check=False,
            cwd=self.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return Run(done.returncode, done.stdout)

    def inventory(self, exported: dict[str, Any], *, slice_number: int = 1, slice_count: int = 1, **source: Any) -> dict[str, Any]:
        """What a job gets of an inventory that was synced from this export, with these settings of its source."""
        synced = Inventory(variables=self.variables)
        synced.sync({"overwrite": True, "overwrite_vars": False, "enabled_var": "", "enabled_value": "", **source}, exported)
        return synced.script(slice_number, slice_count)

    def _private_data_dir(self) -> Path:
        self._jobs += 1
        folder = self.folder / str(self._jobs)
        for name in ("env", "inventory"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(self.project, folder / "project")
        (folder / "requirements_collections").symlink_to(self.collections)
        return folder

    def _environment(self, folder: Path) -> dict[str, str]:
        return {
            **EVERY_JOB,
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "requirements_collections"),
            "ANSIBLE_HOME": str(folder / "home"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            **self.credential,
        }


def awx_of(emulator: EmulatorProcess, folder: Path) -> Awx:
    """An AWX with the project that is shipped, and a credential whose secret can be looked for. Each field of the credential type is injected, empty or not."""
    emulator.set(keys={CANARY: {}})
    filled_in = {"api_key": CANARY, "api_url": emulator.api_url}
    project = folder / "project"
    shutil.copytree(ROOT / "extensions" / "awx" / "project", project)
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return Awx(folder / "jobs", project, {variable: filled_in.get(option, "") for option, variable in ENVIRONMENT.items()}, local)


def assert_no_secret(folder: Path, *texts: str) -> None:
    """Not in what is shown, and in no file."""
    for text in texts:
        assert not any(form in text for form in FORMS)
    # ansible-runner itself keeps the job's whole environment in the file `command`, which AWX masks by the names.
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "command" and "requirements_collections" not in path.parts]
    assert len(files) > 5
    for path in files:
        assert not any(form.encode() in path.read_bytes() for form in FORMS), path


def unsafe(variables: dict[str, Any]) -> str:
    """Extra variables as AWX writes them: every text, the names among them, is marked as unsafe."""

    class Dumper(yaml.SafeDumper):
        def represent_data(self, data: Any) -> Any:
            return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)

    return yaml.dump(variables, Dumper=Dumper, default_flow_style=False)

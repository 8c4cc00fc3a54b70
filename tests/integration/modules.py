# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules as Ansible runs them on a host, without what brings them there: their ``main()``, one after the other.

``python -m tests.integration.modules`` reads a list of names and arguments from its standard input, and writes the results.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import multiprocessing
import subprocess
import sys
from typing import Any

from tests.checkout import ROOT, link_tree

from .commands import Ansible

PACKAGE = "ansible_collections.cloudnexus.cloud.plugins.modules"


def run_modules(ansible: Ansible, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of the modules of tasks that have no keywords but ``check_mode`` and ``diff``."""
    calls = []
    for task in tasks:
        ((module, options),) = [(name, value) for name, value in task.items() if name not in ("check_mode", "diff")]
        calls.append(
            (module.rpartition(".")[2], {**options, "_ansible_module_name": module, "_ansible_check_mode": task["check_mode"], "_ansible_diff": task["diff"]})
        )
    environment = {**ansible.variables(ansible.folder / "results.jsonl"), "PYTHONPATH": f"{ROOT}:{link_tree()}"}
    command = [sys.executable, "-m", "tests.integration.modules"]
    done = subprocess.run(command, check=True, env=environment, input=json.dumps(calls), stdout=subprocess.PIPE, text=True, timeout=300)
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return [_received(result) for result in results]


def _received(result: dict[str, Any]) -> dict[str, Any]:
    """As the controller shows it, which of ansible-core 2.19 and later gets a warning with what it knows of it."""
    if warnings := result.get("warnings"):
        result["warnings"] = [warning["event"]["msg"] if isinstance(warning, dict) else warning for warning in warnings]
    return said({"changed": False, "failed": False, **result})


def said(result: dict[str, Any]) -> dict[str, Any]:
    """A result without the arguments: which of them are shown, and what is masked, ansible-core 2.22 leaves to the controller."""
    return {key: value for key, value in result.items() if key != "invocation"}


def normalized(result: Any) -> Any:
    """A result without what differs from run to run, and without what Ansible adds to a module's."""
    if isinstance(result, dict):
        ignored = ("created_at", "uptime", "request_id", "lines", "ansible_facts", "exception")
        return {key: normalized(value) for key, value in result.items() if key not in ignored and not key.startswith("_ansible")}
    if isinstance(result, list):
        return [normalized(item) for item in result]
    # ansible-core 2.22 shows another text in the place of a secret than those before it.
    return "(not shown)" if result in ("$REDACTED$", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER") else result


def _main() -> None:
    calls = json.load(sys.stdin)
    for module, _options in calls:
        importlib.import_module(f"{PACKAGE}.{module}")
    # What is loaded serves them all; what one of them leaves in memory, warnings for one, is not there for the next.
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        json.dump(pool.starmap(_run, calls, chunksize=1), sys.stdout)


def _run(module: str, options: dict[str, Any]) -> Any:
    from ansible.module_utils import basic

    basic._ANSIBLE_PROFILE = "legacy"  # ansible-core 2.19 and later ask for it
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        importlib.import_module(f"{PACKAGE}.{module}").main()
    return json.loads(output.getvalue())


if __name__ == "__main__":
    _main()

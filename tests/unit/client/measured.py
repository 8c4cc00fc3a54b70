# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation in a process of its own, whose peak memory is measured. ``python -m tests.unit.client.measured URL OPERATION URLLIB3 THREADS``."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from tests.checkout import CACHE, ROOT

#: The urllib3 that is installed, and the 1.26 that pip brings along.
INSTALLED, OLD = "installed", "1.26"


@dataclass(frozen=True)
class Measured:
    """What came of it."""

    message: str
    #: Of the whole process, in MiB.
    peak: float


def measure(api_url: str, operation: str, urllib3: str = INSTALLED, threads: int = 1) -> Measured:
    """Run an operation, or the same reading of the list in several threads of one client."""
    command = [sys.executable, "-m", __spec__.name, api_url, operation, urllib3, str(threads)]
    path = f"{CACHE / 'collections'}:{ROOT}"
    done = run(command, check=False, capture_output=True, text=True, env={"PYTHONPATH": path}, cwd=CACHE, timeout=60)
    if done.returncode == 3:
        pytest.skip("this environment has no pip with urllib3 1.26")
    assert not done.returncode, done.stderr
    return Measured(**json.loads(done.stdout))


def _use_the_urllib3_of_pip() -> None:
    try:
        for name in ("requests.adapters", "requests.utils", "urllib3.connection", "urllib3.connectionpool", "urllib3.util.ssl_", "urllib3.util.connection"):
            importlib.import_module(f"pip._vendor.{name}")
        version = importlib.import_module("pip._vendor.urllib3").__version__
    except ImportError:
        version = ""
    if not version.startswith("1.26."):
        sys.exit(3)
    for name, module in list(sys.modules.items()):
        if name.startswith(("pip._vendor.urllib3", "pip._vendor.requests")):
            sys.modules[name.removeprefix("pip._vendor.")] = module


def _peak() -> float:
    """Of this process alone: what ``getrusage`` calls its peak begins with that of the process that started it."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def _main(api_url: str, name: str, urllib3: str, threads: str) -> None:
    if urllib3 == OLD:
        _use_the_urllib3_of_pip()
    core = "ansible_collections.cloudnexus.cloud.plugins.module_utils"
    operation = importlib.import_module(f"{core}.operations.{name}").OPERATION
    module = importlib.import_module(f"{core}.operation")
    params: dict[str, Any] = {name: option.get("default") for name, option in operation.argument_spec.items()}
    params |= {"api_key": "cn_key_of_a_test", "refresh_token": None, "client_id": None, "api_url": api_url, "api_timeout": 30, "api_retries": 0}
    params |= {"validate_certs": True, "ca_path": None, "token_cache": "none"}
    if threads == "1":
        messages = {module.run(operation, params, module.Context(False, False, print)).get("msg", "fine")}
    else:
        messages = _side_by_side(core, params, int(threads))
    print(json.dumps({"message": " | ".join(sorted(messages)), "peak": _peak()}))


def _side_by_side(core: str, params: dict[str, Any], count: int) -> set[str]:
    settings = importlib.import_module(f"{core}.client.settings").Settings.from_params(params)
    secrets, clock = importlib.import_module(f"{core}.masking").Secrets(), importlib.import_module(f"{core}.clock").Clock()
    client = importlib.import_module(f"{core}.client.client").Client(settings, secrets, clock, print)
    messages = set()

    def read() -> None:
        try:
            importlib.import_module(f"{core}.api").Reader(client).instances()
            messages.add("fine")
        except Exception as error:
            messages.add(str(error))

    workers = [threading.Thread(target=read) for _number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return messages


if __name__ == "__main__":
    _main(*sys.argv[1:])

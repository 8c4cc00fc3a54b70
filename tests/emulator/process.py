# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator in a process of its own, and its control interface: for tests, the demo and benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

ROOT = Path(__file__).parents[2]


class EmulatorProcess:
    """Starts an emulator and ends it with the ``with`` block; if this process dies, it ends by itself."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulator", "--json", "--until-eof", *arguments],
            cwd=ROOT,
            # With it Python would not look for modules in the folder that it is started in.
            env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulator did not start (exit status {self._process.wait()})")
        told = json.loads(line)
        self.api_url: str = told["api_url"]
        self.api_key: str = told["api_key"]
        self._control_url: str = told["control_url"]
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> EmulatorProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> int:
        """End it and return its exit status."""
        self._session.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    # --- Control ---

    def reset(self, **settings: Any) -> None:
        self._call("POST", "/reset", settings)

    def set(self, **settings: Any) -> None:
        self._call("PATCH", "/settings", settings)

    def fault(self, kind: str, **fields: Any) -> None:
        self._call("POST", "/faults", [{"kind": kind, **fields}])

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def overview(self) -> dict[str, Any]:
        return self._call("GET", "")  # type: ignore[no-any-return]

    def state(self) -> dict[str, Any]:
        return self._call("GET", "/state")  # type: ignore[no-any-return]

    def instances(self, name: str | None = None) -> list[dict[str, Any]]:
        return [item for item in self.state()["instances"] if name in (None, item["name"])]

    def requests(self) -> list[dict[str, Any]]:
        return self._call("GET", "/requests")  # type: ignore[no-any-return]

    def writes(self) -> list[dict[str, Any]]:
        """The requests that were to change something."""
        return [entry for entry in self.requests() if entry["method"] != "GET" and not entry["path"].startswith("/auth/")]

    def forget_requests(self) -> None:
        self._call("DELETE", "/requests")

    def create(self, name: str, plan: str = "starter", region: str = "us-east", **fields: Any) -> dict[str, Any]:
        """What another user makes."""
        return self._call("POST", "/instances", {"name": name, "plan": plan, "region": region, **fields})  # type: ignore[no-any-return]

    def change(self, instance_id: str, **fields: Any) -> None:
        self._call("PATCH", f"/instances/{instance_id}", fields)

    def delete(self, instance_id: str) -> None:
        self._call("DELETE", f"/instances/{instance_id}")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        response = self._session.request(method, self._control_url + path, json=body, timeout=30)
        if not response.ok:
            raise requests.HTTPError(f"{method} {path}: the emulator returned {response.status_code}: {response.text}", response=response)
        return response.json()

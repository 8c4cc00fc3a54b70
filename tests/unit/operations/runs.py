# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the instance and fleet operations against the account in memory."""

from __future__ import annotations

from typing import Any

from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet, instance

from ..fake_api import FakeApi, run_operation
from ..spoilers import POST

WEB = {"name": "web-01", "plan": "starter", "region": "us-east"}


def run_instance(api: FakeApi, **given: Any) -> dict[str, Any]:
    return run_operation(api, instance.OPERATION, **{"name": None, "id": None, "plan": None, "region": None, **given})


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Y me"


NAMES = ("created", "updated", "recreated", "deleted", "unchanged")


def web(number: int, **fields: Any) -> dict[str, Any]:
    return {"name": f"web-{number:02}", "plan": "starter", "region": "us-east", **fields}


def webs(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [web(number, **fields) for number in range(1, count + 1)]


def run_fleet(api: FakeApi, instances: list[dict[str, Any]], *, concurrency: int = 1, **given: Any) -> dict[str, Any]:
    """With one request at a time, so that their order is known; others say so."""
    return run_operation(api, fleet.OPERATION, instances=instances, concurrency=concurrency, **given)


def names(api: FakeApi) -> list[str]:
    return sorted(item["name"] for item in api.account.state()["instances"])


def posts(api: FakeApi) -> int:
    return api.calls.count(POST)

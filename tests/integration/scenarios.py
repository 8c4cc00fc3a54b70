# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules are run with, on three accounts: one playbook for each, so that Ansible starts three times and not fifty.

``test_modules`` looks at the results, runs the same tasks in module mode, and compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import API_KEY

from .commands import task

WEB: dict[str, Any] = {"plan": "starter", "region": "us-east"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com"
FULL: dict[str, Any] = {**WEB, "image_id": "img_1", "ssh_keys": [KEY], "auto_scale": {"min_instances": 2, "max_instances": 10, "cpu_threshold": 75}}
#: A key for one region only.
EUROPEAN = "cn_test_european_key"
#: One request at a time, so that ids are the same in each run.
GUARDED: dict[str, Any] = {"name_prefix": "guard-", "prune": False}
FLEET: dict[str, Any] = {"concurrency": 1, "name_prefix": "fleet-", "prune": True}


def instance(name: str, **options: Any) -> dict[str, Any]:
    return task("instance", **{**WEB, "name": name, **options})


def fleet(*names: str, **options: Any) -> dict[str, Any]:
    """A fleet of instances of these names, with more of each after a colon: ``fleet-01:region=eu-west``."""
    instances = []
    for declared in names:
        name, _colon, more = declared.partition(":")
        instances.append({**WEB, "name": name, **dict(item.split("=") for item in filter(None, more.split(",")))})
    return task("fleet", **{**FLEET, "instances": instances, **options})


@dataclass(frozen=True)
class Account:
    """The settings of the emulator, what exists already (name and fields), and the tasks, by the name of what they show."""

    settings: dict[str, Any]
    existing: tuple[tuple[str, dict[str, Any]], ...]
    scenarios: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return [item for tasks in self.scenarios.values() for item in tasks]

    def prepare(self, emulator: EmulatorProcess) -> None:
        emulator.reset(boot_seconds=0.2, delete_seconds=0.1, page_size=3, **self.settings)
        for name, fields in self.existing:
            status = fields.get("status")
            made = emulator.create(name, **{key: value for key, value in fields.items() if key != "status"})
            emulator.change(made["id"], status=status or "running")

    def sliced(self, results: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """The results of the tasks, by scenario."""
        left = iter(results)
        return {name: [next(left) for _task in tasks] for name, tasks in self.scenarios.items()}


ACCOUNT = Account(
    {"failing": ["broken"], "keys": {API_KEY: {}, EUROPEAN: {"regions": ["eu-west"]}}},
    (
        ("updated", {"id": "inst_updated"}),
        ("replaced", {"id": "inst_replaced"}),
        ("deleted", {"id": "inst_deleted"}),
        ("renamed", {"id": "inst_renamed"}),
        ("twin", {"id": "inst_twin_1"}),
        ("twin", {"id": "inst_twin_2"}),
        ("slow", {"id": "inst_slow", "status": "provisioning"}),
        ("info-1", {"id": "inst_info_1"}),
        ("info-2", {"id": "inst_info_2", "region": "eu-west", "plan": "enterprise"}),
        ("fleet-02", {"plan": "enterprise"}),
        ("fleet-03", {"region": "eu-west"}),
        ("fleet-09", {}),
        ("guard-01", {"id": "inst_guard_1", "region": "eu-west"}),
        ("guard-02", {"id": "inst_guard_2"}),
        ("guard-03", {"id": "inst_guard_3"}),
    ),
    {
        "create": [
            task("instance", name="created"),
            task("instance", **FULL, name="created", check_mode=True),
            task("instance", **FULL, name="created"),
            task("instance", **FULL, name="created"),
        ],
        "update": [instance("updated", plan="enterprise", check_mode=True), *[instance("updated", plan="enterprise")] * 2],
        "replace": [
            instance("replaced", region="eu-west"),
            instance("replaced", region="eu-west", recreate=True, check_mode=True),
            *[instance("replaced", region="eu-west", recreate=True)] * 2,
        ],
        "delete": [task("instance", name="deleted", state="absent", check_mode=True), *[task("instance", name="deleted", state="absent")] * 2],
        "by id": [task("instance", id="inst_renamed", name="renamed-2"), task("instance", id="inst_99"), task("instance", id="inst_99", state="absent")],
        "two of one name": [instance("twin")],
        "does not come up": [instance("broken"), instance("slow", wait_timeout=1)],
        "key of another region": [instance("american", api_key=EUROPEAN)],
        "instance_info": [
            task("instance_info"),
            task("instance_info", region="eu-west", name="info-2"),
            task("instance_info", id="inst_info_1", logs=True),
            task("instance_info", id="inst_99"),
            task("instance_info", names="info-1,info-2", name_prefix="info-", regions=["eu-west", "ap-south"], plans="enterprise"),
            task("instance_info", ids=["inst_info_2", "inst_99", "inst_info_1"], statuses=["running"]),
        ],
        "cdn": [
            task("cdn", cache_ttl=31536001),
            task("cdn", cache_ttl="90", check_mode=True),
            task("cdn", cache_ttl=90),
            task("cdn", cache_ttl=90),
            task("cdn", cache_ttl=90, compression="brotli"),
        ],
        "reads": [
            task("cdn_info", check_mode=True),
            task("health_info", check_mode=True),
            task("bucket_info", region="eu-west", limit=3),
            task("bucket_info", names=["media-assets"]),
        ],
        "types": [instance("types", auto_scale={"min_instances": 1, "max_instances": "3"}, wait="yes")],
        "fleet": [
            fleet("fleet-01", "fleet-02", "fleet-03", recreate=True, max_deletions=1, check_mode=True),
            *[fleet("fleet-01", "fleet-02", "fleet-03", recreate=True, max_deletions=1)] * 2,
        ],
        "guard rails": [
            fleet("guard-01", "guard-02", "guard-04", "guard-05", **GUARDED, recreate=True, max_creations=1, max_total=3, check_mode=True),
            fleet("guard-01", "guard-02", "guard-04", "guard-05", **GUARDED, recreate=True, max_creations=1, max_total=3),
            fleet("guard-01", "guard-02", **GUARDED, recreate=True, recreate_for=["status"]),
            fleet("guard-01", "guard-02", **GUARDED, recreate_for=["region"], protected=["guard-01"]),
            fleet("guard-01", "guard-02", **GUARDED, recreate_for=["region"], max_replacements=1, require_approval=True, check_mode=True),
            fleet("guard-01", "guard-02", **GUARDED, recreate_for=["region"], max_replacements=1, also_approved={"cdn": {"cache_ttl": 60}}),
            task("instance", name="guard-03", state="absent", protected=["guard-03"]),
            *[instance("guard-03", auto_scale={"max_instances": 3}, ssh_keys=[KEY], auto_scale_update="always")] * 2,
        ],
        "fleet that fails": [
            fleet("fleet-01:region=eu-west", prune=False),
            fleet("fleet-01"),
            fleet("fleet-01", "fleet-02", "fleet-03", "fleet-04:region=ap-south", api_key=EUROPEAN, prune=False),
        ],
        "fleet without waiting": [fleet("fleet-01:region=eu-west", recreate="yes", wait=False, prune=False), fleet(max_deletions=9)],
    },
)
SHOWS_ALL = Account(
    {"show_all": True},
    (("web-01", FULL),),
    {
        "drift": [
            task("instance", **{**FULL, "name": "web-01", "ssh_keys": [KEY.rpartition(" ")[0]]}),
            instance("web-01", auto_scale={"max_instances": 12}, check_mode=True),
            instance("web-01", auto_scale={"max_instances": 12}),
            instance("web-01", image_id="img_2"),
        ]
    },
)
DOCUMENTED = Account(
    {"profile": "documented"},
    (("there", {"id": "inst_there"}),),
    {
        "buckets": [task("bucket_info"), task("bucket_info", name="media-assets", limit=1)],
        "instance": [
            instance("web-01"),
            task("instance", name="web-01", state="absent"),
            instance("web-01", unique_name=False, check_mode=True),
            instance("web-01", unique_name=False),
            task("instance", id="inst_there", plan="starter"),
            task("instance", id="inst_there", plan="enterprise"),
            task("instance", id="inst_there", state="absent"),
        ],
        "fleet": [fleet("fleet-01")],
        "cdn": [task("cdn", cache_ttl=90, check_mode=True), task("cdn", cache_ttl=90), task("cdn_info")],
        "reads": [task("instance_info"), task("instance_info", id="inst_there", logs=True), task("health_info")],
    },
)
ACCOUNTS = {"full": ACCOUNT, "shows all": SHOWS_ALL, "documented": DOCUMENTED}

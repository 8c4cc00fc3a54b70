# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tier that slices configure is the one that the playbook ``cloudnexus.cloud.web_tier`` configures.

In the place of the role ``web_server`` there is one that writes down what it is given: its own tests are in test_web_server.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.inventory import Group, Inventory, slices
from tests.checkout import ROOT
from tests.emulator.process import EmulatorProcess

from .jobs import Awx

SOURCE = {"overwrite": True, "overwrite_vars": False, "enabled_var": "cloudnexus_status", "enabled_value": "running"}
NAMES = [f"shop-{number:02}" for number in range(1, 6)]
ANSWERS: dict[str, Any] = {"web_tier_name": "shop", "web_tier_count": 5, "web_tier_regions": ["us-east", "eu-west"]}
#: What the role is told by its variables, by the group, and by what the account knows.
WRITE = """
- name: Write down what the role is given
  ansible.builtin.copy:
    content: "{{ {'ttl': web_server_cache_ttl, 'compression': web_server_compression, 'site': web_server_site, 'host': ansible_host,
      'region': cloudnexus_region, 'plan': cloudnexus_plan, 'user': ansible_user, 'tier': 'web_tier' in group_names} | to_json }}"
    dest: "FOLDER/{{ inventory_hostname }}.json"
    mode: "0644"
"""


@pytest.fixture
def written(awx: Awx, tmp_path: Path) -> Path:
    """The folder that the role writes to; the collection is this one but for that role."""
    folder = tmp_path / "written"
    collection = tmp_path / "collections" / "ansible_collections" / "cloudnexus" / "cloud"
    tasks = collection / "roles" / "web_server" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(WRITE.replace("FOLDER", str(folder)))
    (tasks / "check.yml").write_text("[]\n")
    (collection / "roles" / "web_tier").symlink_to(ROOT / "roles" / "web_tier")
    for name in ("galaxy.yml", "meta", "playbooks", "plugins"):
        (collection / name).symlink_to(ROOT / name)
    awx.collections = tmp_path / "collections"
    return folder


def tier(awx: Awx, emulator: EmulatorProcess) -> Inventory:
    """The inventory in AWX with the tier, another host and a stopped one, and what users have set in it."""
    for number, name in enumerate(NAMES):
        emulator.create(name, region=("us-east", "eu-west")[number % 2])
    emulator.create("shop-db-01")
    stopped = emulator.create("shop-06")
    emulator.change(stopped["id"], status="stopped")
    status, output, exported = awx.update_inventory("instances.cloudnexus.yml")
    assert status == 0, output
    inventory = Inventory(variables={**awx.variables, "ansible_user": "admin"}, groups={"web_tier": Group({"web_server_site": "public"})})
    inventory.sync(SOURCE, exported)
    emulator.delete(stopped["id"])
    return inventory


def contents(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.iterdir())}


def test_slices_configure_what_the_playbook_does(awx: Awx, written: Path, emulator: EmulatorProcess) -> None:
    inventory = tier(awx, emulator)
    written.mkdir()
    reached = {"web_tier_wait_for_connection": False, "web_tier_configure": True}
    whole = awx.job("web_tier.yml", {**ANSWERS, **reached}, inventory=inventory.script())
    assert whole.status == "successful", whole.output
    expected = contents(written)
    assert list(expected) == NAMES
    assert expected["shop-02"] == {
        "ttl": 3600, "compression": "gzip", "site": "public", "host": inventory.hosts["shop-02"].variables["ansible_host"], "region": "eu-west",
        "plan": "starter", "user": "admin", "tier": True,
    }  # fmt: skip

    for path in written.iterdir():
        path.unlink()
    emulator.forget_requests()
    count = slices({"job_slice_count": 3}, inventory)
    seen: list[str] = []
    for number in range(1, count + 1):
        job = awx.job("web_tier_configure.yml", {"web_tier_name": "shop", "cloudnexus_job_slice_count": 3}, inventory=inventory.script(number, count))
        assert job.status == "successful", job.output
        seen += job.hosts("Write down what the role is given")
    # Each host of the tier in one slice, and no other host in any.
    assert sorted(seen) == NAMES
    assert contents(written) == expected
    assert emulator.requests() == []

    again = awx.job("web_tier_configure.yml", {"web_tier_name": "shop"}, inventory=inventory.script())
    assert (again.status, again.changed) == ("successful", 0)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"web_tier_name": "shpo"}, "web_tier_name: the inventory has no running host of the tier shpo."),
        ({"web_tier_name": "shop,all"}, "web_tier_name: expected letters, digits, dots, hyphens and underscores"),
        ({}, "web_tier_name: expected letters, digits, dots, hyphens and underscores"),
        ({"web_tier_name": "shop", "web_tier_group": "a b"}, "web_tier_group: expected the name of an inventory group"),
    ],
)
def test_a_tier_that_is_not_there(awx: Awx, variables: dict[str, Any], message: str) -> None:
    inventory = Inventory(variables=awx.variables)
    inventory.sync(SOURCE, {"_meta": {"hostvars": {"shop-01": {"cloudnexus_status": "running"}}}})
    job = awx.job("web_tier_configure.yml", variables, inventory=inventory.script())
    assert job.status == "failed"
    assert message in job.failures[0]


def test_a_slice_without_a_host_of_the_tier_is_no_failure(awx: Awx) -> None:
    inventory = Inventory(variables=awx.variables)
    inventory.sync(SOURCE, {"_meta": {"hostvars": {"other-01": {"cloudnexus_status": "running"}}}})
    job = awx.job("web_tier_configure.yml", {"web_tier_name": "shop", "cloudnexus_job_slice_count": 2}, inventory=inventory.script(1, 2))
    assert job.status == "successful", job.output


def test_the_project_of_awx_has_the_playbook() -> None:
    (play,) = yaml.safe_load((ROOT / "extensions" / "awx" / "project" / "web_tier_configure.yml").read_text())
    assert play["ansible.builtin.import_playbook"] == "cloudnexus.cloud.web_tier_configure"

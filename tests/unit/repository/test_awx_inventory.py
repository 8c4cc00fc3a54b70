# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory source that is shipped makes of an inventory in AWX, by AWX's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.awx.inventory import Group, Host, Inventory, slices

from .test_awx import DATA

Json = dict[str, Any]
(SOURCE,) = DATA["controller_inventory_sources"]


def exported(**statuses: str) -> Json:
    """As ``ansible-inventory --list --export`` prints instances in one region."""
    known = {name: {"cloudnexus_status": status, "ansible_host": f"192.0.2.{number}"} for number, (name, status) in enumerate(statuses.items(), 1)}
    return {"_meta": {"hostvars": known}, "all": {"children": ["region_us_east"]}, "region_us_east": {"hosts": list(known)}}


def synced(**source: Any) -> Inventory:
    """Synced, changed by its users, and synced again after one host had gone, one had stopped and one had another address."""
    inventory = Inventory(variables={"ansible_user": "admin"})
    settings = {**SOURCE, **source}
    inventory.sync(settings, exported(**{"shop-01": "running", "shop-02": "running", "shop-03": "running"}))
    inventory.hosts["shop-01"].variables |= {"ansible_user": "deploy", "ansible_host": "10.0.0.1"}
    inventory.groups["region_us_east"].variables["web_server_site"] = "public"
    inventory.groups["by_hand"] = Group({"ansible_port": 2222}, {"shop-01"})
    inventory.hosts["bastion"] = Host({"ansible_host": "bastion.example.com"})
    inventory.groups["region_us_east"].hosts.add("bastion")
    inventory.sync(settings, exported(**{"shop-01": "running", "shop-02": "stopped"}))
    return inventory


def test_what_users_set_stays_and_what_the_api_says_wins() -> None:
    inventory = synced()
    assert inventory.variables == {"ansible_user": "admin"}
    assert inventory.hosts["shop-01"].variables["ansible_user"] == "deploy"
    assert inventory.hosts["shop-01"].variables["ansible_host"] == "192.0.2.1"
    assert inventory.groups["region_us_east"].variables == {"web_server_site": "public"}
    assert inventory.groups["region_us_east"].hosts == {"shop-01", "shop-02", "bastion"}
    assert inventory.groups["by_hand"] == Group({"ansible_port": 2222}, {"shop-01"})
    assert {name: host.enabled for name, host in inventory.hosts.items()} == {"shop-01": True, "shop-02": False, "bastion": True}
    # AWX's other setting wipes them.
    wiped = synced(overwrite_vars=True)
    assert "ansible_user" not in wiped.hosts["shop-01"].variables
    assert wiped.groups["region_us_east"].variables == {}


@pytest.mark.parametrize(("wanted", "count"), [(1, 1), (3, 3), (50, 9)])
def test_slices_divide_the_hosts(wanted: int, count: int) -> None:
    inventory = Inventory()
    statuses = {f"shop-{number:02}": "stopped" if number == 4 else "running" for number in range(1, 10)}
    inventory.sync(SOURCE, exported(**statuses))
    assert slices({"job_slice_count": wanted}, inventory) == count
    parts = [inventory.script(number, count)["all"]["hosts"] for number in range(1, count + 1)]
    assert sorted(name for part in parts for name in part) == [name for name, status in statuses.items() if status == "running"]

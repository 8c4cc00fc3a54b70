# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that no instance can have: Ansible would configure the control node, or reach nobody."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.addresses import not_of_an_instance
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet, instance, instance_info
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.settings import API_KEY

from .fake_api import FakeApi, run_operation

#: The control node in all spellings that a resolver takes.
LOOPBACK = (
    *("127.0.0.1", "127.77.7.2", "127.1", "0x7f000001", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001", "::1", "0:0:0:0:0:0:0:1"),
    *("::ffff:127.0.0.1", "::FFFF:7f00:1", "localhost", "LocalHost", "localhost.", "localhost.localdomain", "web.localhost", "ip6-localhost", "ip6-loopback"),
)
#: Those that belong to no host. Linux takes the first ones for the machine itself.
NOBODY = {
    **dict.fromkeys(("0.0.0.0", "0", "00.0.0.0", "0x0", "::", "::ffff:0.0.0.0"), "an unspecified address"),
    **dict.fromkeys(("169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.1.1", "0xa9fea9fe"), "a link-local address"),
    **dict.fromkeys(("224.0.0.1", "239.255.255.255", "ff02::1", "ff02::1%eth0"), "a multicast address"),
    "255.255.255.255": "the broadcast address",
}
USUAL = (
    *("10.4.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "203.0.113.9", "1.1.1.1", "223.255.255.254", "169.253.1.1", "126.0.0.1", "128.0.0.1"),
    *(
        "2001:db8::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:10.4.0.1",
        "web-01.example.com",
        "localhost.example.com",
        "mylocalhost",
        "127web",
        "a",
        "6",
        "0.1.2.3",
    ),
)


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_loopback_address_is_an_instances_only_if_the_api_has_one_too(address: str) -> None:
    assert not_of_an_instance(address) == "a loopback address"
    assert not_of_an_instance(address, local=True) is None


@pytest.mark.parametrize("address", NOBODY)
@pytest.mark.parametrize("local", [True, False])
def test_an_address_of_no_host_is_never_an_instances(address: str, local: bool) -> None:
    assert not_of_an_instance(address, local=local) == NOBODY[address]


@pytest.mark.parametrize("address", USUAL)
def test_other_addresses_and_names_are(address: str) -> None:
    assert not_of_an_instance(address) is None


@given(st.ip_addresses(v=4))
def test_it_is_as_python_says(address: ipaddress.IPv4Address) -> None:
    """The short way to most addresses comes to the same."""
    special = address.is_loopback or address.is_link_local or address.is_multicast or int(address) in (0, 2**32 - 1)
    assert (not_of_an_instance(str(address)) is not None) == special


# --- What tasks make of them -----------------------------------------------------------------------------------------

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
WARNING = "The address of the instance web-01 (inst_00000001) is 127.0.0.2, which is a loopback address. It can't be the instance's own and is ignored."


@pytest.fixture
def api() -> FakeApi:
    """Whose instances all have loopback addresses, while its own is none."""
    return FakeApi(addresses="127.0.0.0/24")


@pytest.mark.parametrize(
    ("operation", "options", "key"),
    [(instance, WEB, "instance"), (fleet, {"instances": [WEB]}, "instances"), (instance_info, {"name": "web-01"}, "instances")],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_task_returns_an_instance_without_such_an_address(api: FakeApi, operation: Any, options: dict[str, Any], key: str, there: bool) -> None:
    """A play makes hosts of what a task returns, as the role web_tier does. The instance itself is managed as ever."""
    if there or operation is instance_info:
        api.make("web-01")
    warnings: list[str] = []
    result = run_operation(api, operation.OPERATION, warnings=warnings, **options)
    (found,) = result[key] if key == "instances" else [result[key]]
    assert (found["name"], found["status"], found["ip"]) == ("web-01", "running", None)
    assert warnings == [WARNING]
    again = run_operation(api, operation.OPERATION, **options)
    assert (again.get("failed", False), again["changed"]) == (False, False)


def test_one_bad_address_is_no_reason_to_lose_another(api: FakeApi) -> None:
    bad = api.make("web-01")
    api.settings.addresses = "10.4.0.0/16"
    good = api.make("web-02")
    shown = {item["id"]: item for item in run_operation(api, instance_info.OPERATION)["instances"]}
    assert shown[good["id"]]["ip"] == api.account.instance(good["id"], api.account.key_for(API_KEY))["ip"]
    assert bad["id"] in shown


def test_many_such_addresses_are_a_few_warnings(api: FakeApi) -> None:
    for number in range(30):
        api.make(f"web-{number}")
    warnings: list[str] = []
    run_operation(api, instance_info.OPERATION, warnings=warnings)
    assert len(warnings) == 11
    assert warnings[-1] == "More instances have such an address. They are not listed."


def test_an_api_on_this_machine_may_have_hosts_there(api: FakeApi) -> None:
    """As the emulator and its demo."""
    api.make("web-01")
    (found,) = run_operation(api, instance_info.OPERATION, api_url="http://127.0.0.1:9/v1")["instances"]
    assert found["ip"] == "127.0.0.2"

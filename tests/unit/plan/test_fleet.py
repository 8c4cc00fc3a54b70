# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a fleet: their digest, what a refusal says of it, and the lines of the diff."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan import changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.approval import checked_digest, covers_the_same, differences, digest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.fleet import FleetChange, Member
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import INSTANCE


def entry(name: str, action: str = "create", **after: Any) -> dict[str, Any]:
    return {"name": name, "id": None, "action": action, "reasons": [], "before": {}, "after": after}


WHOLE = digest([entry("web-01"), entry("web-02")])


def test_a_digest_that_was_approved_stays_valid() -> None:
    """A preview and its apply may run days apart, with two versions of the collection. Another form needs another version than v1."""
    assert digest([]) == "v1.e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855."
    assert WHOLE == "v1.9554088b151a66fb57f2d343fc08d15e9ed8c62df2507e49d809976e8cead0cf.AtCH0ygXwwudnzi2lbo="
    assert digest([entry("web-02"), entry("web-01")]) == WHOLE
    assert digest([], {}) == digest([])
    assert digest([entry("web-02"), entry("web-01")], {"site": "5d6b"}) == (
        f"v2.{WHOLE.partition('.')[2]}.37d798424d42fdd429e67121febfe5a0f57c2ff5ecfe05b339a767daaef3d880"
    )


def test_each_setting_that_is_approved_counts() -> None:
    whole = digest([], {"cdn": {"cache_ttl": 60}, "site": "5d6b"})
    assert covers_the_same(whole, digest([entry("web-01")], {"site": "5d6b", "cdn": {"cache_ttl": 60}}))
    assert not any(
        covers_the_same(whole, other) for other in (digest([]), digest([], {"site": "5d6b"}), digest([], {"cdn": {"cache_ttl": 61}, "site": "5d6b"}))
    )


@pytest.mark.parametrize("changed", [{"action": "update"}, {"id": "inst_1"}, {"reasons": ["plan"]}, {"before": {"plan": "starter"}}, {"after": {"plan": "x"}}])
def test_each_part_of_a_change_counts(changed: dict[str, Any]) -> None:
    assert digest([{**entry("web-01"), **changed}]) != digest([entry("web-01")])


@pytest.mark.parametrize("value", [WHOLE, digest([]), digest([entry("web-01")]), digest([entry("web-01")], {"site": "5d6b"})])
def test_a_digest(value: str) -> None:
    assert checked_digest("approved_digest", value) == value


VERSION, HASH, MARKS = WHOLE.split(".")


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"{VERSION}.{HASH}",
        f"{WHOLE}.",
        f"{WHOLE}.{MARKS}",
        f"v2.{HASH}.{MARKS}",
        f"v2.{HASH}.{MARKS}.",
        f"v2.{HASH}.{MARKS}.{HASH[:-1]}",
        f"v1.{HASH}.{MARKS}.{HASH}",
        f"v3.{HASH}.{MARKS}",
        f"{VERSION}.{HASH[:-1]}.{MARKS}",
        f"{VERSION}.{HASH}0.{MARKS}",
        f"{VERSION}.{HASH}.{MARKS[:-1]}",
        f"{VERSION}.{HASH}.{MARKS[:-4]}",
        f"{VERSION}.{HASH}.{MARKS} ",
        f"{VERSION}.{HASH}.QUJDREVG",  # six bytes
        f"{VERSION}.{HASH}.QUJDREVGR0g=",  # eight bytes
        f"{VERSION}.{HASH}.é",
    ],
)
def test_what_is_no_digest(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^approved_digest: expected the changes_digest of an earlier run or of check mode, as it is\.$"):
        checked_digest("approved_digest", value)


@pytest.mark.parametrize(
    ("approved", "now", "told"),
    [
        ([], [entry("web-01")], "not approved: create web-01"),
        ([entry("web-01")], [entry("web-01"), entry("web-02", "delete")], "not approved: delete web-02"),
        ([entry("web-01")], [entry("web-01", plan="x")], "approved in another form: create web-01"),
        ([entry("web-02"), entry("web-01")], [entry("web-02")], "approved, and not to be done any more: web-01"),
        ([entry("web-01"), entry("web-03"), entry("web-02")], [], "approved, and not to be done any more: web-01, web-02, web-03"),
        ([entry("db-1"), entry("web-01"), entry("db-2")], [], "approved, and not to be done any more: web-01, 2 of names that are not known here"),
        ([entry("web-01"), entry("web-01", plan="x")], [entry("web-01")], "the same instances, in another way"),
        ([entry("web-01")], [entry("web-01"), entry("web-01")], "not approved: create web-01"),
        (
            [entry("web-01"), entry("web-02")],
            [entry("web-01", plan="x"), entry("web-03")],
            "not approved: create web-03; approved in another form: create web-01; approved, and not to be done any more: web-02",
        ),
    ],
)
def test_what_differs_from_the_approved_changes(approved: list[dict[str, Any]], now: list[dict[str, Any]], told: str) -> None:
    assert differences(digest(approved), now, ["web-01", "web-02", "web-03"]) == told


CURRENT = {"id": "inst_2", "name": "web-02", "plan": "starter", "region": "us-east", "status": "running"}


def members() -> tuple[Member, ...]:
    wanted = {"name": "web-01", "plan": "starter", "region": "us-east"}
    return (
        Member("web-02", changes.absent(INSTANCE, CURRENT)),
        Member("web-03", changes.present(INSTANCE, {**CURRENT, "name": "web-03"}, {"name": "web-03"})),
        Member("web-01", changes.present(INSTANCE, None, wanted)),
    )


def test_an_entry_for_each_instance_that_changes() -> None:
    change = FleetChange(members())
    assert change.changed
    assert [(item["name"], item["id"], item["action"]) for item in change.entries()] == [("web-02", "inst_2", "delete"), ("web-01", None, "create")]
    assert (change.names("none"), change.names("create", "delete")) == (["web-03"], ["web-02", "web-01"])
    assert not FleetChange(members()[1:2]).changed


def test_the_diff_is_in_the_order_of_the_names() -> None:
    twin = Member("web-02", changes.absent(INSTANCE, {**CURRENT, "id": "inst_1"}))
    diff = FleetChange((*members(), twin)).diff()
    assert diff["before"] == "web-02: id=inst_1 plan=starter region=us-east\nweb-02: id=inst_2 plan=starter region=us-east\n"
    assert diff["after"] == "web-01: plan=starter region=us-east\n"


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("auto_scale", {"min_instances": 1, "max_instances": 3}, "auto_scale=1..3"),
        ("auto_scale", {"max_instances": 3, "cpu_threshold": 70}, "auto_scale=..3@70%"),
        ("ssh_keys", ["ssh-ed25519 AAAAaaaaBBBBBBBB me", "ssh-rsa AAAAcccc"], "ssh_keys=...BBBBBBBB,...AAAAcccc"),
    ],
)
def test_a_value_in_a_line_is_short(field: str, value: Any, shown: str) -> None:
    wanted = {"name": "web-01", field: value}
    change = FleetChange((Member("web-01", changes.present(INSTANCE, None, wanted)),))
    assert change.diff()["after"] == f"web-01: {shown}\n"

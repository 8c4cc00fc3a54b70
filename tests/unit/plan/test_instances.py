# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to instances: their statuses, their names, and what a new one needs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import Ambiguous, Drift, InvalidOption, WaitFailed
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.changes import Change
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.instances import (
    EVERY_REASON,
    check_look_alike,
    declared,
    made_of,
    present,
    renamed,
    the_one,
)

CURRENT = {"id": "inst_1", "name": "web-01", "plan": "starter", "region": "us-east", "status": "running"}


def planned(current: dict[str, Any], desired: dict[str, Any], *, recreate: bool, wait: bool = False) -> Change:
    return present(current, desired, recreate=EVERY_REASON if recreate else (), wait=wait)


@pytest.mark.parametrize("missing", ["plan", "region"])
def test_an_instance_is_not_replaced_by_one_that_nobody_can_describe(missing: str) -> None:
    current = {**CURRENT, "status": "failed", missing: None}
    with pytest.raises(Drift, match=rf"instance web-01 \(inst_1\) can't be replaced without its {missing}, which the API does not show"):
        planned(current, {}, recreate=True)
    assert planned(current, {missing: CURRENT[missing]}, recreate=True).action == "recreate"
    assert planned(current, {}, recreate=False).action == "none"


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ({"plan": "huge"}, "plan: expected one of starter, professional, enterprise"),
        ({"auto_scale": {"min_instances": 5, "max_instances": 2}}, "auto_scale.min_instances: expected at most max_instances"),
        ({"name": "web\n01"}, "name: expected one line of text"),
    ],
)
def test_an_instance_is_not_deleted_if_the_api_would_not_create_it_again(shown: dict[str, Any], message: str) -> None:
    with pytest.raises(Drift, match=r"can't be replaced as the API shows it, so it was not deleted\.") as caught:
        planned({**CURRENT, "status": "failed", **shown}, {}, recreate=True)
    assert message in caught.value.message


@pytest.mark.parametrize(("status", "action"), [("failed", "recreate"), ("error", "recreate"), ("running", "none"), ("stopped", "none"), (None, "none")])
def test_which_statuses_an_instance_is_replaced_for(status: str | None, action: str) -> None:
    change = planned({**CURRENT, "status": status}, {}, recreate=True)
    assert (change.action, change.reasons) == (action, (f"its status is {status}",) if action == "recreate" else ())


@pytest.mark.parametrize(
    ("status", "message"), [("failed", "does not come up: its status is 'failed'"), ("error", "does not come up"), ("stopped", "is stopped")]
)
def test_nobody_waits_for_what_will_not_come_up(status: str, message: str) -> None:
    with pytest.raises(WaitFailed, match=message):
        planned({**CURRENT, "status": status}, {}, recreate=False, wait=True)
    assert planned({**CURRENT, "status": status}, {}, recreate=False).action == "none"


def test_a_policy_must_make_sense_with_the_parts_that_it_keeps() -> None:
    current = {**CURRENT, "auto_scale": {"min_instances": 1, "max_instances": 2}}
    with pytest.raises(InvalidOption, match=r"auto_scale.min_instances: expected at most max_instances \(2\), got 5"):
        planned(current, {"auto_scale": {"min_instances": 5}}, recreate=False)


def test_what_was_left_out_is_not_declared() -> None:
    assert declared(dict.fromkeys(("name", "plan", "region", "image_id", "ssh_keys", "auto_scale"))) == {}
    given = {"name": "web", "plan": "starter", "region": "us-east", "image_id": "img", "ssh_keys": ["ssh-rsa AAAAB"], "auto_scale": {"min_instances": 1}}
    assert declared(given) == given


@pytest.mark.parametrize(
    ("statuses", "stays", "leaving"),
    [([], None, []), (["running"], 0, []), (["deleting"], None, [0]), (["deleting", "running", "deleting"], 1, [0, 2])],
)
def test_the_one_of_a_name(statuses: list[str], stays: int | None, leaving: list[int]) -> None:
    found: list[dict[str, Any]] = [{"id": f"inst_{number}", "status": status} for number, status in enumerate(statuses)]
    assert the_one("web", found) == (None if stays is None else found[stays], tuple(found[number] for number in leaving))


def test_two_of_one_name() -> None:
    with pytest.raises(Ambiguous, match="There are 2 instances of the name web: inst_1 and inst_2"):
        the_one("web", [{"id": "inst_2"}, {"id": "inst_3", "status": "deleting"}, {"id": "inst_1", "status": "running"}])


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("web-01", set()),
        ("Web-01", {"web-01"}),
        ("w" * 63, set()),
        ("w" * 64, {"w" * 63}),
        ("W" * 64, {"W" * 63, "w" * 64, "w" * 63}),
        ("cafe\u0301", {"caf\u00e9"}),
        ("stra\u00dfe", {"strasse"}),
    ],
)
def test_the_names_that_an_api_may_make_of_one(name: str, others: set[str]) -> None:
    assert made_of(name) == others


def test_an_instance_that_may_be_there_by_another_name() -> None:
    listed = [{**CURRENT, "name": "db"}, {**CURRENT, "id": "inst_2", "status": "deleting"}, CURRENT]
    with pytest.raises(Ambiguous, match=r"There is no instance of the name Web-01, but web-01 \(inst_1\), whose name the API may have made of it"):
        check_look_alike("Web-01", listed)
    check_look_alike("Web-01", listed[:2])
    check_look_alike("web-01", listed)


def test_a_new_name_that_another_one_has() -> None:
    leaving = {**CURRENT, "id": "inst_2", "status": "deleting"}
    assert renamed("inst_1", "web-01", [CURRENT, leaving, {**CURRENT, "id": "inst_3", "name": "db"}]) == (leaving,)
    with pytest.raises(Ambiguous, match="inst_9 can't be called web-01: inst_1 has that name already"):
        renamed("inst_9", "web-01", [CURRENT, leaving])

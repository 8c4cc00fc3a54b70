# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to instances: their statuses, their names, and what a new one needs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import Ambiguous, Drift, InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.instances import declared, present, the_one

CURRENT = {"id": "inst_1", "name": "web-01", "plan": "starter", "region": "us-east", "status": "running"}


@pytest.mark.parametrize("missing", ["plan", "region"])
def test_an_instance_is_not_replaced_by_one_that_nobody_can_describe(missing: str) -> None:
    current = {**CURRENT, "status": "failed", missing: None}
    with pytest.raises(Drift, match=r"instance web-01 \(inst_1\) can't be replaced without its \w+, which the API does not show"):
        present(current, {}, recreate=True, wait=False)
    assert present(current, {missing: CURRENT[missing]}, recreate=True, wait=False).action == "recreate"
    assert present(current, {}, recreate=False, wait=False).action == "none"


@pytest.mark.parametrize(("status", "action"), [("failed", "recreate"), ("error", "recreate"), ("running", "none"), ("stopped", "none"), (None, "none")])
def test_which_statuses_an_instance_is_replaced_for(status: str | None, action: str) -> None:
    change = present({**CURRENT, "status": status}, {}, recreate=True, wait=False)
    assert (change.action, change.reasons) == (action, (f"its status is {status}",) if action == "recreate" else ())


def test_a_policy_must_make_sense_with_the_parts_that_it_keeps() -> None:
    current = {**CURRENT, "auto_scale": {"min_instances": 1, "max_instances": 2}}
    with pytest.raises(InvalidOption, match=r"auto_scale.min_instances: expected at most max_instances \(2\), got 5"):
        present(current, {"auto_scale": {"min_instances": 5}}, recreate=False, wait=False)


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

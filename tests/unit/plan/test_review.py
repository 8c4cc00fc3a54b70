# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan for people who review it: its line, its table, and the file that is approved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan import changes, review
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.approval import digest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.changes import Change
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.fleet import FleetChange, Member
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.instances import EVERY_REASON
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import INSTANCE

CURRENT = {"id": "inst_1", "plan": "starter", "region": "us-east", "status": "running"}
WANTED = {"plan": "starter", "region": "us-east"}


def member(name: str, wanted: dict[str, Any] | None, broken: str | None = None, **there: Any) -> Member:
    current = {**CURRENT, "name": name, **there} if there else None
    return Member(name, changes.absent(INSTANCE, current) if wanted is None else _present(name, wanted, broken, current))


def _present(name: str, wanted: dict[str, Any], broken: str | None, current: dict[str, Any] | None) -> Change:
    return changes.present(INSTANCE, current, {**WANTED, "name": name, **wanted}, recreate=EVERY_REASON, broken=broken, resend=("auto_scale",))


MIXED = FleetChange(
    (
        member("web-04", {}, id="inst_4"),
        member("web-03", {"region": "eu-west"}, broken="its status is failed", id="inst_3"),
        member("web-02", {"plan": "enterprise", "auto_scale": {"max_instances": 3}}, id="inst_2"),
        member("web-01", {}),
        member("web-09", None, id="inst_9"),
    )
)


def test_the_line() -> None:
    assert review.summary(MIXED) == "1 to create, 1 to update, 1 to replace (region, status), 1 to delete, 1 unchanged"
    assert review.summary(FleetChange(())) == "0 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged"


def test_the_table() -> None:
    shown = review.markdown(MIXED, "v2.abc", {"site": "5d6b", "cdn": {}})
    assert shown.split("\n") == [
        "**1 to create, 1 to update, 1 to replace (region, status), 1 to delete, 1 unchanged**",
        "",
        "| Action | Instance | Change |",
        "| --- | --- | --- |",
        "| create | `web-01` | `plan=starter region=us-east` |",
        "| update | `web-02` (`inst_2`) | plan: `starter` → `enterprise`<br>auto_scale: not shown → `..3` |",
        "| replace | `web-03` (`inst_3`) | region: `us-east` → `eu-west`<br>its status is failed |",
        "| delete | `web-09` (`inst_9`) | `plan=starter region=us-east` |",
        "",
        "Not compared, because the API does not show it: auto_scale of web-02",
        "",
        "Also covered by the digest: `cdn`, `site`",
        "",
        "Digest: `v2.abc`",
        "",
    ]


def test_a_table_without_rows() -> None:
    shown = review.markdown(FleetChange((member("web-01", {}, id="inst_1"),)), "v1.abc", None)
    assert shown == "**0 to create, 0 to update, 0 to replace, 0 to delete, 1 unchanged**\n\nDigest: `v1.abc`\n"


@pytest.mark.parametrize("name", ["a|b", "a`b`", "a\nb", "<script>", "**a**", "[a](http://b)", "\x1b[2J"])
def test_a_name_of_the_api_is_neither_markup_nor_the_end_of_a_cell(name: str) -> None:
    (row,) = [line for line in review.markdown(FleetChange((member(name, {}, None),)), "v1.abc", None).split("\n") if line.startswith("| create")]
    assert row.isprintable()
    cells = row.replace("\\|", "").split("|")
    assert len(cells) == 5
    assert cells[2].strip().startswith("`")
    assert cells[2].count("`") == 2


# --- A plan that is kept -----------------------------------------------------------------------------------------------


def plan(also: dict[str, Any] | None = None) -> dict[str, Any]:
    entries = MIXED.entries()
    kept: dict[str, Any] = json.loads(json.dumps(review.kept(MIXED, entries, digest(entries, also), also)))
    return kept


@pytest.mark.parametrize("also", [None, {"cdn": {"cache_ttl": 60}}])
def test_a_plan_is_valid_after_a_file(also: dict[str, Any] | None) -> None:
    review.check_plan("approved_plan", plan(also))
    assert ("also_approved" in plan(also)) is (also is not None)


@pytest.mark.parametrize(
    "edited",
    [
        {"changes": []},
        {"changes": plan()["changes"][1:]},
        {"changes": [{**entry, "after": {}} for entry in plan()["changes"]]},
        {"also_approved": {"cdn": {"cache_ttl": 61}}},
        {"also_approved": {}, "changes_digest": plan({"cdn": {}})["changes_digest"]},
    ],
)
def test_a_plan_that_was_edited_is_refused(edited: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=r"^approved_plan: expected a plan that nobody has edited"):
        review.check_plan("approved_plan", {**plan(), **edited})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"changes": None}, "expected the plan of"),
        ({"changes": [5]}, "expected the plan of"),
        ({"changes": [{"id": "inst_1"}]}, "expected the plan of"),
        ({"changes_digest": None}, "expected the plan of"),
        ({"changes_digest": "v1.x.y"}, r"changes_digest: expected the changes_digest of"),
        ({"also_approved": "cdn"}, "expected the plan of"),
        ({"format_version": 2}, "expected the plan of"),
    ],
)
def test_what_is_no_plan_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        review.check_plan("approved_plan", {**plan(), **wrong})
    with pytest.raises(InvalidOption, match=r"^approved_plan: expected the plan of an earlier run or of check mode, as it is\.$"):
        review.check_plan("approved_plan", {})

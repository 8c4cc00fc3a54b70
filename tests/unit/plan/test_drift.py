# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift, as a fleet's plan shows it: the report, the table, the Markdown."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.filter import drift_report
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.drift import report

from ..fake_api import FakeApi, run_operation
from ..operations.runs import web

SAMPLE = yaml.safe_load(drift_report.RETURN)["_value"]["sample"]


def drift(api: FakeApi, *instances: dict[str, Any], prefix: str | None = "web-") -> dict[str, Any]:
    """As the playbook asks for it."""
    options = {"name_prefix": prefix, "prune": prefix is not None, "max_deletions": 100_000, "recreate": True, "wait": False}
    return report(run_operation(api, fleet.OPERATION, check_mode=True, instances=list(instances), **options))


def test_every_kind_of_drift() -> None:
    api = FakeApi(show_all=True)
    api.make("web-01")
    plan = api.make("web-02", plan="professional", auto_scale={"min_instances": 1, "max_instances": 2})["id"]
    region = api.make("web-03", region="eu-west")["id"]
    failed, stopped, surplus = (api.make(name)["id"] for name in ("web-05", "web-06", "web-09"))
    api.make("db-01")
    api.account.set_status(failed, "failed")
    api.account.set_status(stopped, "stopped")
    scaled = web(2, auto_scale={"min_instances": 1, "max_instances": 3, "cpu_threshold": 75})
    found = drift(api, web(1), scaled, web(3), web(4), web(5), web(6))
    summary = "1 missing (web-04), 4 different (web-02, web-03, web-05, and 1 more), 1 undeclared (web-09), 1 unchanged"
    whole = found["report"]
    assert {key: value for key, value in whole.items() if key not in ("differences", "changes_digest")} == {
        "drift": True,
        "summary": summary,
        "missing": ["web-04"],
        "different": ["web-02", "web-03", "web-05", "web-06"],
        "undeclared": ["web-09"],
        "unchanged": ["web-01"],
    }
    assert [(item["name"], item["id"], item["drift"], item["action"], item["reasons"]) for item in whole["differences"]] == [
        ("web-02", plan, "different", "update", ["plan", "auto_scale"]),
        ("web-03", region, "different", "recreate", ["region"]),
        ("web-04", None, "missing", "create", []),
        ("web-05", failed, "different", "recreate", ["its status is failed"]),
        ("web-06", stopped, "different", "none", ["its status is stopped"]),
        ("web-09", surplus, "undeclared", "delete", []),
    ]
    assert found["table"] == [
        "name    drift       action    account                                       declared",
        "web-02  different   update    plan=professional auto_scale=1..2             plan=starter auto_scale=1..3@75%",
        "web-03  different   recreate  region=eu-west                                region=us-east",
        "web-04  missing     create    -                                             plan=starter region=us-east",
        "web-05  different   recreate  its status is failed                          -",
        "web-06  different   none      its status is stopped                         -",
        f"web-09  undeclared  delete    id={surplus} plan=starter region=us-east  -",
    ]
    assert found["markdown"].startswith(f"# Drift\n\n{summary}.\n\n| name | drift | action | account | declared |\n| --- | --- | --- | --- | --- |\n")
    assert "| web-03 | different | recreate | region=eu-west | region=us-east |\n" in found["markdown"]
    assert not api.writes()


def test_the_sample_of_the_documentation_is_a_real_report() -> None:
    api = FakeApi()
    api.make("web-01")
    found = drift(api, web(1), web(2, region="eu-west"))
    found["report"]["changes_digest"] = SAMPLE["report"]["changes_digest"]
    assert found == SAMPLE


def test_no_drift() -> None:
    api = FakeApi()
    api.make("web-01")
    found = drift(api, web(1), prefix=None)
    assert (found["report"]["drift"], found["report"]["summary"]) == (False, "0 missing, 0 different, 0 undeclared, 1 unchanged")
    assert (found["table"], found["markdown"]) == ([], "# Drift\n\n0 missing, 0 different, 0 undeclared, 1 unchanged.\n")


def test_no_declared_instance() -> None:
    api = FakeApi()
    assert drift(api)["report"]["drift"] is False
    api.make("web-01")
    assert drift(api)["report"]["undeclared"] == ["web-01"]


def test_the_order_of_the_list_does_not_matter() -> None:
    found = []
    for names in (["web-08", "web-09"], ["web-09", "web-08"]):
        api = FakeApi()
        for name in names:
            api.account.create_instance({"name": name, "plan": "starter", "region": "us-east"}, api.account.key_for("cn_test_emulator_key"), f"inst_{name}")
        found.append(drift(api))
    assert found[0] == found[1]


def test_a_name_forges_neither_a_line_nor_a_column() -> None:
    api = FakeApi()
    name = "web-|`<b>*[x](y)\n| forged | \x1b[2J"
    api.account.create_instance({"name": name, "plan": "starter", "region": "us-east"}, api.account.key_for("cn_test_emulator_key"))
    found = drift(api)
    assert found["report"]["undeclared"] == [name]
    assert len(found["table"]) == 2
    assert all(line.isprintable() for line in [*found["table"], found["report"]["summary"], *found["markdown"].split("\n")])
    (row,) = [line for line in found["markdown"].split("\n") if "forged" in line and line.startswith("| web")]
    assert row.count(" | ") == 4
    assert "\\|\\`\\<b\\>\\*\\[x\\](y)\\\\n\\| forged" in row


@pytest.mark.parametrize(
    "result",
    [
        None,
        "no drift",
        {},
        {"skipped": True, "changed": False},
        {"failed": True, "msg": "The API did not respond.", "changes": [], "instances": [], "unchanged": []},
        {"changes": None, "instances": [], "unchanged": []},
    ],
)
def test_a_failure_never_reads_as_no_drift(result: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^_input: expected the result of a cloudnexus_fleet task that did not fail\.$"):
        report(result)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard rails of the role web_tier: bounds, reasons, protected members, and the review of a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .commands import Ansible, Run
from .test_web_tier import PLAYBOOK, TEARDOWN, Play, messages, names, run_playbook, run_plays


def shown(run: Run) -> list[str]:
    return [str(entry["result"]["msg"]) for entry in run.entries if entry["action"].endswith("debug") and "msg" in entry["result"]]


def test_a_tier_grows_and_is_replaced_within_bounds(in_process: Ansible) -> None:
    emulator = in_process.emulator
    for number in (1, 2, 3):
        emulator.create(f"moved-0{number}")
    moved = {"name": "moved", "count": 3, "regions": ["eu-west"]}
    scale = {"min_instances": 1, "max_instances": 3, "cpu_threshold": 70}
    ran = run_plays(
        in_process,
        {
            "typo": Play({"name": "big", "count": 21}),
            "typo-checked": Play({"name": "big", "count": 21}, check=True),
            "meant": Play({"name": "big", "count": 21, "max_creations": 21}),
            "no-growth": Play({"name": "big", "count": 21, "max_creations": "0"}),
            "too-many": Play({**moved, "recreate": True, "max_replacements": 2}),
            "other-reason": Play({**moved, "recreate": True, "recreate_for": ["status"]}),
            "protected": Play({**moved, "recreate": True, "protected": "moved-02\nmoved-09\n"}),
            "replaced": Play({**moved, "recreate_for": "region,status", "max_replacements": 3, "protected": "", "max_unavailable": 3}),
            "policy": Play({**moved, "auto_scale": scale, "auto_scale_update": "always"}),
            "down": Play({"name": "moved", "state": "absent", "protected": ["moved-03"]}),
        },
    )
    for name in ("typo", "typo-checked"):
        assert messages(ran[name]).startswith("max_creations: 21 instances would be created, and 20 may be. They are big-01, ")
        assert messages(ran[name]).endswith("Nothing was changed. If it is meant, set max_creations to 21.")
    assert "max_replacements: 3 instances would be replaced, and 2 may be." in messages(ran["too-many"])
    assert "recreate_for allows no replacement for region." in messages(ran["other-reason"])
    assert messages(ran["protected"]).startswith("protected: moved-02 (inst_")
    assert messages(ran["down"]).startswith("protected: moved-03 (inst_")
    assert {name: run.changed for name, run in ran.items()} == {
        "typo": 0, "typo-checked": 0, "meant": 1, "no-growth": 0, "too-many": 0, "other-reason": 0, "protected": 0, "replaced": 1, "policy": 1, "down": 0,
    }  # fmt: skip
    assert {item["region"] for item in emulator.instances() if item["name"].startswith("moved")} == {"eu-west"}
    written = [entry["method"] for entry in emulator.writes() if (entry["body"] or {}).get("name", "moved").startswith("moved")]
    assert written == [*["DELETE"] * 3, *["POST"] * 3, *["PATCH"] * 3]


def test_a_plan_is_reviewed_as_a_file(in_process: Ansible, tmp_path: Path) -> None:
    """The summary is the last line of the preview and an artifact of it; an artifact is no misspelled variable of the next job."""
    variables: dict[str, Any] = {"count": 2, "cdn": {"cache_ttl": 60, "wait": False}, "require_approval": True}
    preview = in_process.command("ansible-playbook", PLAYBOOK, "--check", "-e", extra(plan_file="plan.json", **variables), cwd=tmp_path)
    assert (preview.status, preview.changed) == (0, 2), preview.output
    summary = "2 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged"
    assert shown(preview)[-1] == summary
    assert "The digest covers the instances, the CDN configuration that is declared and nothing else." in shown(preview)
    stats = [entry["result"]["ansible_stats"]["data"] for entry in preview.entries if entry["action"].endswith("set_stats")]
    artifacts = {name: value for entry in stats for name, value in entry.items()}
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert artifacts == {
        "web_tier_approved_digest": plan["changes_digest"],
        "web_tier_summary": summary,
        "cloudnexus_web_tier_changed": True,
        "cloudnexus_approved_in": "",
    }
    assert (plan["summary"], [entry["name"] for entry in plan["changes"]], plan["also_approved"]) == (
        summary, ["shop-01", "shop-02"], {"cdn": {"cache_ttl": 60}},
    )  # fmt: skip
    text = (tmp_path / "plan.json").read_text()
    assert text == json.dumps(plan, indent=4, sort_keys=True) + "\n"

    (tmp_path / "edited.json").write_text(text.replace("starter", "enterprise"))
    (tmp_path / "text.json").write_text("hello")
    # The artifact of the preview is a variable of the next job.
    approved = {"name": "shop", **variables, "approved_plan": str(tmp_path / "plan.json"), "summary": summary}
    ran = run_plays(
        in_process,
        {
            "missing": Play({**approved, "approved_plan": "none.json"}),
            "edited": Play({**approved, "approved_plan": str(tmp_path / "edited.json")}),
            "text": Play({**approved, "approved_plan": str(tmp_path / "text.json")}),
            "cdn": Play({**approved, "cdn": {"cache_ttl": 61}}),
            "more": Play({**approved, "count": 3}),
            "applied": Play(approved),
            "again": Play(approved),
        },
    )
    assert 'web_tier_approved_plan: expected the path of a plan on the control node, got "none.json".' in messages(ran["missing"])
    assert "approved_plan: expected a plan that nobody has edited" in messages(ran["edited"])
    assert "approved_plan" in messages(ran["text"])
    assert "approved_plan: also_approved (cdn) is not what was approved, so nothing was changed." in messages(ran["cdn"])
    assert "approved_plan: the changes are not the ones that were approved, so nothing was changed; not approved: create shop-03." in messages(ran["more"])
    assert {name: run.changed for name, run in ran.items()} == {"missing": 0, "edited": 0, "text": 0, "cdn": 0, "more": 0, "applied": 2, "again": 0}
    assert not messages(ran["applied"]) + messages(ran["again"])
    assert (names(in_process.emulator), in_process.emulator.state()["cdn"]["cache_ttl"]) == (["shop-01", "shop-02"], 60)
    # A tier-down has a plan too.
    down = run_playbook(in_process, TEARDOWN, "--check", plan_file=str(tmp_path / "down.json"))
    assert shown(down)[-1] == "0 to create, 0 to update, 0 to replace, 2 to delete, 0 unchanged"
    assert "The digest covers the instances and nothing else." in shown(down)
    assert run_playbook(in_process, TEARDOWN, approved_plan=str(tmp_path / "down.json"), require_approval=True).status == 0
    assert names(in_process.emulator) == []


def extra(**variables: Any) -> str:
    given = {"name": "shop", "wait_for_connection": False, "configure": False, **variables}
    return json.dumps({f"web_tier_{name}": value for name, value in given.items()})


def test_the_site_is_what_was_approved(in_process: Ansible, tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    page = tmp_path / "public" / "index.html"
    page.write_text("hello")
    site = ("-e", "web_server_site=public")
    preview = in_process.command("ansible-playbook", PLAYBOOK, "--check", "-e", extra(configure=True), *site, cwd=tmp_path)
    assert preview.status == 0, preview.output
    assert "The digest covers the instances, the site of the web servers and nothing else." in shown(preview)
    (approved,) = [text.partition(": ")[2] for text in shown(preview) if text.startswith("web_tier_approved_digest: ")]
    again = in_process.command("ansible-playbook", PLAYBOOK, "--check", "-e", extra(configure=True, approved_digest=approved), *site, cwd=tmp_path)
    assert again.status == 0, again.output
    page.write_text("hello again")
    other = in_process.command("ansible-playbook", PLAYBOOK, "-e", extra(configure=True, approved_digest=approved), *site, cwd=tmp_path)
    assert "approved_digest: also_approved (site) is not what was approved, so nothing was changed." in messages(other)
    assert not in_process.emulator.writes()


def test_what_follows_the_role_has_its_results(in_process: Ansible) -> None:
    playbook = in_process.folder / "results.yml"
    role = {"role": "cloudnexus.cloud.web_tier", "vars": {"web_tier_name": "shop", "web_tier_wait_for_connection": False}}
    tasks = [{"ansible.builtin.debug": {"msg": "{{ [web_tier_summary, web_tier_plan_markdown] }}"}}]
    # Twice: a result of the first run is no misspelled variable of the second.
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "roles": [role], "tasks": tasks} for _time in range(2)]))
    run = in_process.command("ansible-playbook", str(playbook))
    assert run.status == 0, run.output
    first, second = [entry["result"]["msg"] for entry in run.entries if entry["action"].endswith("debug") and "msg" in entry["result"]]
    assert first[0] == "2 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged"
    assert "| create | `shop-01` | `plan=starter region=us-east` |" in first[1]
    assert second[0] == "0 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged"

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_tier and its playbooks: up, the same again, out, in, and down."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .commands import Ansible, Run

PLAYBOOK, TEARDOWN = "cloudnexus.cloud.web_tier", "cloudnexus.cloud.web_tier_teardown"


@pytest.fixture
def tier(in_process: Ansible) -> Tier:
    return Tier(in_process)


class Tier:
    def __init__(self, ansible: Ansible) -> None:
        self.ansible = ansible
        self.emulator = ansible.emulator

    def run(self, *arguments: str, playbook: str = PLAYBOOK, **variables: Any) -> Run:
        variables = {"name": "shop", "wait_for_connection": False, "configure": False, **variables}
        extra = {f"web_tier_{name}": value for name, value in variables.items()}
        return self.ansible.command("ansible-playbook", playbook, "-e", json.dumps(extra), *arguments)

    def names(self) -> list[str]:
        return sorted(item["name"] for item in self.emulator.instances())


def messages(run: Run) -> str:
    return " ".join(str(entry["result"].get("msg", "")) for entry in run.entries if entry["status"] == "failed")


@pytest.mark.core
def test_up_the_same_again_and_down(tier: Tier) -> None:
    options: dict[str, Any] = {"count": 3, "regions": ["us-east", "eu-west"], "asset_bucket": "media-assets", "cdn": {"cache_ttl": 60}}
    tier.emulator.create("shop-db")
    tier.emulator.create("shop-01-01")
    check = tier.run("--check", "--diff", **options)
    assert check.status == 0, check.output
    assert not tier.emulator.writes()
    real = tier.run(**options)
    assert real.status == 0, real.output
    assert check.changed == real.changed == 2
    made = {item["name"]: item for item in tier.emulator.instances()}
    assert {name: item["region"] for name, item in made.items() if name in ("shop-01", "shop-02", "shop-03")} == {
        "shop-01": "us-east",
        "shop-02": "eu-west",
        "shop-03": "us-east",
    }
    assert all(item["status"] == "running" for item in made.values())
    assert tier.emulator.state()["cdn"]["cache_ttl"] == 60
    again = tier.run(**options)
    assert (again.status, again.changed) == (0, 0)
    down = tier.run(playbook=TEARDOWN)
    assert down.status == 0
    assert tier.names() == ["shop-01-01", "shop-db"]
    assert tier.run(playbook=TEARDOWN).changed == 0


def test_instances_boot_side_by_side(tier: Tier) -> None:
    tier.emulator.set(boot_seconds=1.5)
    tier.run(count=4)
    creates = [entry["at"] for entry in tier.emulator.writes()]
    assert len(creates) == 4
    assert max(creates) - min(creates) < 1.5


def test_a_new_instance_that_the_list_does_not_show_yet_is_not_made_twice(tier: Tier) -> None:
    tier.emulator.set(list_lag=3)
    assert tier.run(count=2).status == 0
    assert tier.emulator.state()["created"] == 2


def test_scale_out_and_in(tier: Tier) -> None:
    tier.run(count=2)
    assert tier.run(count=4).status == 0
    assert tier.names() == ["shop-01", "shop-02", "shop-03", "shop-04"]
    tier.emulator.forget_requests()
    refused = tier.run(count=1, plan="enterprise", max_deletions=2)
    assert refused.status != 0
    expected = r"max_deletions: 3 instances would be deleted, and 2 may be\. They are shop-02 \(\w+\), shop-03 \(\w+\), shop-04 \(\w+\)\. Nothing was changed"
    assert re.search(expected, messages(refused))
    assert not tier.emulator.writes()
    check = tier.run("--check", count=1, max_deletions=3)
    assert (check.status, check.changed) == (0, 1)
    assert not tier.emulator.writes()
    assert tier.run(count=1, max_deletions=3).status == 0
    assert tier.names() == ["shop-01"]


def test_a_failed_member_is_replaced_where_that_is_allowed(tier: Tier) -> None:
    tier.run(count=2)
    failed = tier.emulator.instances("shop-02")[0]["id"]
    tier.emulator.change(failed, status="failed")
    assert "its status is 'failed'" in str(tier.run(count=2).entries)
    assert tier.run(count=2, recreate=True).status == 0
    assert tier.emulator.instances("shop-02")[0]["id"] != failed
    assert tier.run(count=2, recreate=True).changed == 0


def test_so_many_are_replaced_at_a_time(tier: Tier) -> None:
    tier.run(count=3)
    tier.emulator.forget_requests()
    assert tier.run(count=3, regions=["eu-west"], recreate=True, max_unavailable=2).status == 0
    assert [entry["method"] for entry in tier.emulator.writes()] == [*["DELETE"] * 2, *["POST"] * 2, "DELETE", "POST"]
    assert {item["region"] for item in tier.emulator.instances()} == {"eu-west"}


def test_approved_changes(tier: Tier) -> None:
    check = tier.run("--check", count=2)
    (approved,) = [
        entry["result"]["msg"].removeprefix("web_tier_approved_digest: ")
        for entry in check.entries
        if "web_tier_approved_digest" in str(entry["result"].get("msg"))
    ]
    (artifact,) = [entry["result"]["ansible_stats"] for entry in check.entries if entry["action"].endswith("set_stats")]
    assert (artifact["data"], artifact["per_host"]) == ({"web_tier_approved_digest": approved}, False)
    other = tier.run(count=3, approved_digest=approved)
    assert "the changes are not the ones that were approved, so nothing was changed; not approved: create shop-03." in messages(other)
    assert not tier.emulator.writes()
    assert tier.run(count=2, approved_digest=approved, require_approval=True).status == 0
    assert tier.names() == ["shop-01", "shop-02"]
    again = tier.run(count=2, approved_digest=approved)
    assert (again.status, again.changed) == (0, 0)


def test_the_hosts_are_in_the_inventory(tier: Tier) -> None:
    playbook = tier.ansible.folder / "after.yml"
    show = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} {{ ansible_host }} {{ cloudnexus_region }} {{ cloudnexus_status }}"}}
    content = [
        {"ansible.builtin.import_playbook": PLAYBOOK},
        {"hosts": "shop_hosts", "gather_facts": False, "connection": "local", "tasks": [show]},
    ]
    playbook.write_text(json.dumps(content))
    run = tier.run(playbook=str(playbook), group="shop_hosts")
    shown = [entry["result"]["msg"] for entry in run.entries if entry["action"].endswith("debug") and "msg" in entry["result"]]
    assert sorted(shown) == sorted(f"{item['name']} {item['ip']} us-east running" for item in tier.emulator.instances())
    assert len(shown) == 2


def test_it_waits_until_the_hosts_answer(tier: Tier) -> None:
    # The hosts are reached by a connection that works at once; with one that doesn't the role would wait.
    variables = {"wait_for_connection": True, "wait_timeout": 5}
    local = ("-e", "ansible_connection=local", "-e", "ansible_python_interpreter={{ ansible_playbook_python }}")
    run = tier.run(*local, **variables)
    assert run.status == 0, run.output
    waited = [entry for entry in run.entries if entry["action"].endswith("wait_for_connection")]
    assert len(waited[0]["result"]["results"]) == 2


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cuont": 3}, "web_tier_cuont: no such variable of the role web_tier, which has web_tier_approved_digest, "),
    ({"name": "shop floor"}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "shop floor".'),
    ({"name": "shop\n"}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "shop\\n".'),
    ({"name": ""}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "".'),
    ({"count": 1000}, "web_tier_count: expected a whole number from 0 to 999, got 1000."),
    ({"count": -1}, "web_tier_count: expected a whole number from 0 to 999, got -1."),
    ({"regions": []}, "web_tier_regions: expected at least one region."),
    ({"max_deletions": -1}, "web_tier_max_deletions: expected a whole number of at least 0, got -1."),
    ({"max_unavailable": 0}, "web_tier_max_unavailable: expected a whole number from 1 to 1000, got 0."),
    ({"plan": "huge"}, "value of web_tier_plan must be one of: starter, professional, enterprise, got: huge"),
    ({"regions": ["mars"]}, "value of web_tier_regions must be one or more of: us-east, eu-west, ap-south. Got no match for: mars"),
    ({"cdn": {"compression": "gzip"}}, "missing required arguments: cache_ttl found in web_tier_cdn"),
    ({"auto_scale": {"speed": 1}}, "web_tier_auto_scale.speed"),
    ({"count": 2000, "regions": []}, "999, got 2000. web_tier_regions: expected"),
    ({"require_approval": "true", "approved_digest": ""}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": True, "state": "absent"}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": "maybe"}, "web_tier_require_approval"),
]


@pytest.mark.core
def test_bad_variables_are_refused_before_any_request(tier: Tier) -> None:
    # A host for each of them, so that one start of Ansible tells all.
    common = {"web_tier_name": "shop", "web_tier_wait_for_connection": False, "ansible_connection": "local"}
    hosts = {
        f"case-{number:02}": {**common, **{f"web_tier_{name}": value for name, value in given.items()}} for number, (given, _message) in enumerate(REFUSED)
    }
    inventory = tier.ansible.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    playbook = tier.ansible.folder / "refused.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["cloudnexus.cloud.web_tier"]}]))
    run = tier.ansible.command("ansible-playbook", "-i", str(inventory), str(playbook))
    failed = {entry["host"]: entry["result"] for entry in run.entries if entry["status"] == "failed"}
    for host, (given, message) in zip(hosts, REFUSED, strict=True):
        assert message in f"{failed[host].get('msg')} {failed[host].get('argument_errors')}", given
    assert not tier.emulator.requests()


def test_a_playbook_that_is_told_maybe(tier: Tier) -> None:
    run = tier.run(configure="maybe")
    assert 'web_tier_configure: expected true or false, got "maybe".' in messages(run)
    assert not tier.emulator.requests()


def test_answers_of_a_survey_may_be_empty(tier: Tier) -> None:
    run = tier.run(image_id="", asset_bucket="", ssh_keys=[], auto_scale={}, approved_digest="", count="1")
    assert run.status == 0, run.output
    assert tier.emulator.writes()[0]["body"] == {"name": "shop-01", "plan": "starter", "region": "us-east"}


def test_what_is_given_is_sent(tier: Tier) -> None:
    given = {"image_id": "img_1", "ssh_keys": ["ssh-ed25519 AAAAC3 me"], "auto_scale": {"min_instances": 1, "max_instances": 2}, "plan": "enterprise"}
    assert tier.run(count=1, **given).status == 0
    assert tier.emulator.writes()[0]["body"] == {"name": "shop-01", "region": "us-east", **given}


def test_keys_in_lines_as_a_survey_gives_them(tier: Tier) -> None:
    keys = ["ssh-ed25519 AAAAC3 me", "ssh-ed25519 AAAAC4 him, or her"]
    assert tier.run(count=1, ssh_keys="\r\n".join(keys) + "\n\n").status == 0
    assert tier.emulator.writes()[0]["body"]["ssh_keys"] == keys


def test_a_bucket_that_is_missing(tier: Tier) -> None:
    run = tier.run(asset_bucket="nowhere")
    assert "web_tier_asset_bucket: the account has no bucket nowhere." in messages(run)
    assert not tier.emulator.writes()


def test_an_api_that_is_not_well(tier: Tier) -> None:
    body = json.dumps({"status": "degraded", "version": "1", "uptime": 1, "region": "x"})
    tier.emulator.fault("malformed", path="/health", body=body, content_type="application/json")
    assert tier.run().status != 0
    assert not tier.emulator.writes()


def test_an_api_without_a_list(tier: Tier) -> None:
    tier.emulator.set(profile="documented")
    run = tier.run()
    assert "does not offer GET /instances" in messages(run)
    assert not tier.emulator.writes()


def test_several_tiers_in_one_play(tier: Tier) -> None:
    playbook = tier.ansible.folder / "two.yml"
    roles = [{"role": "cloudnexus.cloud.web_tier", "vars": {"web_tier_name": name, "web_tier_count": 1}} for name in ("a", "b")]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": {"web_tier_wait_for_connection": False}, "roles": roles}]))
    assert tier.ansible.command("ansible-playbook", str(playbook)).status == 0
    assert tier.names() == ["a-01", "b-01"]

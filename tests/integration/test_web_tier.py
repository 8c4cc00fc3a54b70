# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_tier and its playbooks: up, the same again, out, in, and down."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.process import EmulatorProcess

from .commands import Ansible, Run

PLAYBOOK, TEARDOWN = "cloudnexus.cloud.web_tier", "cloudnexus.cloud.web_tier_teardown"


LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


@dataclass(frozen=True)
class Play:
    """The role once, with these variables."""

    variables: dict[str, Any]
    check: bool = False


def run_plays(ansible: Ansible, plays: dict[str, Play]) -> dict[str, Run]:
    """One playbook of these plays, one after the other, and what each of them did. Each has a host of its own, and may fail."""
    include = {"ansible.builtin.include_role": {"name": "cloudnexus.cloud.web_tier"}}
    common = {"web_tier_wait_for_connection": False, **LOCAL}
    inventory = ansible.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {name: {} for name in plays}}}))
    playbook = ansible.folder / "plays.yml"
    content = [
        {
            "hosts": name,
            "gather_facts": False,
            "check_mode": play.check,
            "diff": True,
            "vars": {**common, **{f"web_tier_{key}": value for key, value in play.variables.items()}},
            "tasks": [{"block": [include], "rescue": [{"ansible.builtin.meta": "noop"}]}],
        }
        for name, play in plays.items()
    ]
    playbook.write_text(json.dumps(content))
    run = ansible.command("ansible-playbook", "-i", str(inventory), str(playbook))
    return {name: Run(run.status, run.output, [entry for entry in run.entries if entry["host"] == name]) for name in plays}


def run_playbook(ansible: Ansible, playbook: str, *arguments: str, times: int = 1, **variables: Any) -> Run:
    """A playbook of the collection, as a user runs it; the hosts of the emulator can't be reached."""
    variables = {"name": "shop", "wait_for_connection": False, "configure": False, **variables}
    extra = {f"web_tier_{name}": value for name, value in variables.items()}
    return ansible.command("ansible-playbook", *[playbook] * times, "-e", json.dumps(extra), *arguments)


def messages(run: Run) -> str:
    return " ".join(str(entry["result"].get("msg", "")) for entry in run.entries if entry["status"] == "failed")


def names(emulator: EmulatorProcess) -> list[str]:
    return sorted(item["name"] for item in emulator.instances())


@pytest.mark.core
def test_up_the_same_again_and_down(in_process: Ansible) -> None:
    emulator = in_process.emulator
    options: dict[str, Any] = {"count": 3, "regions": ["us-east", "eu-west"], "asset_bucket": "media-assets", "cdn": {"cache_ttl": 60}}
    emulator.set(boot_seconds=1.5)
    emulator.create("shop-db")
    emulator.create("shop-01-01")
    check = run_playbook(in_process, PLAYBOOK, "--check", "--diff", **options)
    assert (check.status, check.changed) == (0, 2), check.output
    assert not emulator.writes()
    twice = run_playbook(in_process, PLAYBOOK, times=2, **options)
    # What the second run would change would be more than what check mode said.
    assert (twice.status, twice.changed) == (0, 2), twice.output
    creates = [entry["at"] for entry in emulator.writes() if entry["method"] == "POST"]
    assert len(creates) == 3
    assert max(creates) - min(creates) < 1.5, "the instances boot side by side"
    made = {item["name"]: item for item in emulator.instances()}
    assert {name: made[name]["region"] for name in ("shop-01", "shop-02", "shop-03")} == {"shop-01": "us-east", "shop-02": "eu-west", "shop-03": "us-east"}
    assert all(item["status"] == "running" for item in made.values())
    assert emulator.state()["cdn"]["cache_ttl"] == 60
    down = run_playbook(in_process, TEARDOWN, times=2)
    assert (down.status, down.changed) == (0, 1)
    assert names(emulator) == ["shop-01-01", "shop-db"]


def test_changes_of_a_tier(in_process: Ansible) -> None:
    """Scale out and in, within bounds; a failed member and other regions, where replacements are allowed."""
    emulator = in_process.emulator
    emulator.create("failed-01")
    emulator.change(emulator.create("failed-02", id="inst_failed")["id"], status="failed")
    for number in (1, 2, 3):
        emulator.create(f"moved-0{number}")
    ran = run_plays(
        in_process,
        {
            "two": Play({"name": "scaled"}),
            "four": Play({"name": "scaled", "count": 4}),
            "too-few": Play({"name": "scaled", "count": 1, "plan": "enterprise", "max_deletions": 2}),
            "one-checked": Play({"name": "scaled", "count": 1, "max_deletions": 3}, check=True),
            "one": Play({"name": "scaled", "count": 1, "max_deletions": 3}),
            "failed": Play({"name": "failed", "max_deletions": 0}),
            "failed-replaced": Play({"name": "failed", "recreate": True}),
            "failed-again": Play({"name": "failed", "recreate": True}),
            "moved": Play({"name": "moved", "count": 3, "regions": ["eu-west"], "recreate": True, "max_unavailable": 2}),
        },
    )
    assert {name: run.changed for name, run in ran.items()} == {
        "two": 1, "four": 1, "too-few": 0, "one-checked": 1, "one": 1, "failed": 0, "failed-replaced": 1, "failed-again": 0, "moved": 1,
    }  # fmt: skip
    refused = messages(ran["too-few"])
    assert refused.startswith("max_deletions: 3 instances would be deleted, and 2 may be. They are scaled-0")
    assert set(re.findall(r"(scaled-0\d) \(\w+\)", refused)) == {"scaled-02", "scaled-03", "scaled-04"}
    assert "its status is 'failed'" in str(ran["failed"].entries)
    assert names(emulator) == ["failed-01", "failed-02", "moved-01", "moved-02", "moved-03", "scaled-01"]
    assert emulator.instances("failed-02")[0]["id"] != "inst_failed"
    assert {item["region"] for item in emulator.instances() if item["name"].startswith("moved")} == {"eu-west"}
    written = [entry["method"] for entry in emulator.writes()]
    scaled, replaced, moved = ["POST"] * 4 + ["DELETE"] * 3, ["DELETE", "POST"], [*["DELETE"] * 2, *["POST"] * 2, "DELETE", "POST"]
    assert written == [*scaled, *replaced, *moved]


def test_approved_changes(in_process: Ansible) -> None:
    check = run_playbook(in_process, PLAYBOOK, "--check", count=2)
    (approved,) = [
        entry["result"]["msg"].removeprefix("web_tier_approved_digest: ")
        for entry in check.entries
        if "web_tier_approved_digest" in str(entry["result"].get("msg"))
    ]
    stats = [entry["result"]["ansible_stats"] for entry in check.entries if entry["action"].endswith("set_stats")]
    assert [entry["data"]["web_tier_approved_digest"] for entry in stats if "web_tier_approved_digest" in entry["data"]] == [approved]
    assert not any(entry["per_host"] for entry in stats)
    common = {"name": "shop", "approved_digest": approved}
    ran = run_plays(
        in_process,
        {
            "other": Play({**common, "count": 3}),
            "approved": Play({**common, "count": 2, "require_approval": True}),
            "again": Play({**common, "count": 2}),
        },
    )
    assert "the changes are not the ones that were approved, so nothing was changed; not approved: create shop-03." in messages(ran["other"])
    assert {name: run.changed for name, run in ran.items()} == {"other": 0, "approved": 1, "again": 0}
    assert not messages(ran["approved"]) + messages(ran["again"])
    assert names(in_process.emulator) == ["shop-01", "shop-02"]
    assert len(in_process.emulator.writes()) == 2


def test_the_hosts_are_in_the_inventory_and_respond(in_process: Ansible) -> None:
    playbook = in_process.folder / "after.yml"
    show = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} {{ ansible_host }} {{ cloudnexus_region }} {{ cloudnexus_status }}"}}
    content = [{"ansible.builtin.import_playbook": PLAYBOOK}, {"hosts": "shop_hosts", "gather_facts": False, "tasks": [show]}]
    playbook.write_text(json.dumps(content))
    # They are reached by a connection that works at once.
    local = [word for name, value in LOCAL.items() for word in ("-e", f"{name}={value}")]
    run = run_playbook(in_process, str(playbook), *local, group="shop_hosts", wait_for_connection=True, wait_timeout=5)
    assert run.status == 0, run.output
    shown = [entry["result"]["msg"] for entry in run.entries if entry["action"].endswith("debug") and "msg" in entry["result"]]
    assert sorted(shown) == sorted(f"{item['name']} {item['ip']} us-east running" for item in in_process.emulator.instances())
    assert len(shown) == 2
    (waited,) = [entry for entry in run.entries if entry["action"].endswith("cloudnexus_connection")]
    assert waited["result"]["connected"] == ["shop-01", "shop-02"]


def test_a_second_run_does_no_more_for_many_members_than_for_two(in_process: Ansible) -> None:
    """As many tasks, and one loop over the members, which registers them. `make bench CASES=tier` measures the time."""
    done = {}
    for count in (2, 25):
        options = {"name": f"tier{count}", "count": count, "max_creations": count, "wait_for_connection": True}
        local = [word for name, value in LOCAL.items() for word in ("-e", f"{name}={value}")]
        assert run_playbook(in_process, PLAYBOOK, *local, **options).status == 0
        run = run_playbook(in_process, PLAYBOOK, *local, **options)
        assert (run.status, run.changed) == (0, 0), run.output
        looped = [entry["action"] for entry in run.entries for _item in entry["result"].get("results", ())]
        assert looped == ["ansible.builtin.add_host"] * count
        done[count] = [entry["task"] for entry in run.entries]
    assert done[25] == done[2]


def test_a_host_of_another_account_is_refused(in_process: Ansible) -> None:
    """An inventory host of a member's name that is another instance: before anything is changed, in check mode too."""
    emulator = in_process.emulator
    ours = emulator.create("shop-01", id="inst_ours")
    inventory = in_process.folder / "hosts.json"

    def run(identity: str, *arguments: str) -> Run:
        inventory.write_text(json.dumps({"all": {"hosts": {"shop-02": {"cloudnexus_id": identity}, "shop-01": {"cloudnexus_id": ours["id"]}}}}))
        return run_playbook(in_process, PLAYBOOK, "-i", str(inventory), *arguments, regions=["eu-west"], recreate=True)

    for refused in (run("inst_theirs"), run("inst_theirs", "--check")):
        assert refused.status != 0
        assert "shop-02: the inventory has this host as the instance inst_theirs, which this account does not have under that name." in messages(refused)
    assert not [entry for entry in emulator.writes() if entry["path"].endswith("/instances")]
    assert names(emulator) == ["shop-01"]
    made = run("")
    assert made.status == 0, made.output
    # What this run replaced was this account's.
    assert names(emulator) == ["shop-01", "shop-02"]
    assert emulator.instances("shop-01")[0]["id"] != "inst_ours"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cuont": 3}, "web_tier_cuont: no such variable of the role web_tier, which has web_tier_accept_new_host_keys, "),
    ({"name": "shop floor"}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "shop floor".'),
    ({"name": "shop\n"}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "shop\\n".'),
    ({"name": ""}, 'web_tier_name: expected letters, digits, dots, hyphens and underscores, got "".'),
    ({"count": 1000}, "web_tier_count: expected a whole number from 0 to 999, got 1000."),
    ({"count": -1}, "web_tier_count: expected a whole number from 0 to 999, got -1."),
    ({"regions": []}, "web_tier_regions: expected at least one region of us-east, eu-west and ap-south, got []."),
    ({"max_deletions": -1}, "web_tier_max_deletions: expected a whole number of at least 0, got -1."),
    ({"max_unavailable": 0}, "web_tier_max_unavailable: expected a whole number from 1 to 1000, got 0."),
    ({"plan": "huge"}, "value of web_tier_plan must be one of: starter, professional, enterprise, got: huge"),
    ({"regions": ["mars"]}, "value of web_tier_regions must be one or more of: us-east, eu-west, ap-south. Got no match for: mars"),
    ({"cdn": {"cache_ttl": 99999999}}, "web_tier_cdn.cache_ttl: expected a whole number from 0 to 31536000, got 99999999."),
    ({"cdn": {"cache_ttl": 60, "compression": "zip"}}, "compression must be one of"),
    ({"auto_scale": {"cpu_threshold": 101}}, "web_tier_auto_scale.cpu_threshold: expected a whole number from 1 to 100, got 101."),
    ({"wait_timeout": 86401}, "web_tier_wait_timeout: expected a whole number from 1 to 86400, got 86401."),
    ({"group": "a,b"}, 'web_tier_group: expected the name of an inventory group, got "a,b".'),
    ({"cdn": {"compression": "gzip"}}, "missing required arguments: cache_ttl found in web_tier_cdn"),
    ({"auto_scale": {"speed": 1}}, "web_tier_auto_scale.speed"),
    ({"count": 2000, "regions": []}, "999, got 2000. web_tier_regions: expected"),
    ({"require_approval": "true", "approved_digest": ""}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": True, "state": "absent"}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": True, "approved_digest": None}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": True, "approved_plan": ""}, "web_tier_approved_digest: expected the digest of the changes that were approved, as "),
    ({"require_approval": "maybe"}, "web_tier_require_approval"),
    ({"max_creations": 1000}, "web_tier_max_creations: expected a whole number from 0 to 999, got 1000."),
    ({"max_replacements": -1}, "web_tier_max_replacements: expected a whole number from 0 to 999, got -1."),
    ({"recreate_for": ["colour"]}, "value of web_tier_recreate_for must be one or more of: region, image_id, ssh_keys, plan, auto_scale, status."),
    ({"auto_scale_update": "never"}, "value of web_tier_auto_scale_update must be one of: on_create, always, got: never"),
]


@pytest.mark.core
def test_bad_variables_are_refused_before_any_request(in_process: Ansible) -> None:
    # A host for each of them, so that one start of Ansible tells all.
    common = {"web_tier_name": "shop", "web_tier_wait_for_connection": False, "ansible_connection": "local"}
    hosts = {
        f"case-{number:02}": {**common, **{f"web_tier_{name}": value for name, value in given.items()}} for number, (given, _message) in enumerate(REFUSED)
    }
    inventory = in_process.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    playbook = in_process.folder / "refused.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["cloudnexus.cloud.web_tier"]}]))
    run = in_process.command("ansible-playbook", "-i", str(inventory), str(playbook))
    failed = {entry["host"]: entry["result"] for entry in run.entries if entry["status"] == "failed"}
    for host, (given, message) in zip(hosts, REFUSED, strict=True):
        assert message in f"{failed[host].get('msg')} {failed[host].get('argument_errors')}", given
    assert not in_process.emulator.requests()


def test_values_as_they_are_given(in_process: Ansible) -> None:
    """What is given is sent, answers of a survey may be empty, and keys may be lines; a bucket that is missing is no tier. Several tiers may be in one play."""
    keys = ["ssh-ed25519 AAAAC3 me", "ssh-ed25519 AAAAC4 him, or her"]
    full = {"image_id": "img_1", "ssh_keys": keys[:1], "auto_scale": {"min_instances": 1, "max_instances": 2}, "plan": "enterprise"}
    empty: dict[str, Any] = {"image_id": "", "asset_bucket": "", "ssh_keys": [], "auto_scale": {}, "approved_digest": "", "count": "1"}
    nothing = dict.fromkeys(("image_id", "asset_bucket", "ssh_keys", "approved_digest"))
    ran = run_plays(
        in_process,
        {
            "full": Play({"name": "full", "count": 1, **full}),
            "empty": Play({"name": "empty", **empty}),
            "null": Play({"name": "null", "count": 1, **nothing}),
            "lines": Play({"name": "lines", "count": 1, "ssh_keys": "\r\n".join(keys) + "\n\n"}),
            "bucket": Play({"name": "bucket", "asset_bucket": "nowhere"}),
        },
    )
    assert "web_tier_asset_bucket: the account has no bucket nowhere." in messages(ran["bucket"])
    assert [messages(ran[name]) for name in ("full", "empty", "null", "lines")] == [""] * 4
    web = {"plan": "starter", "region": "us-east"}
    assert [entry["body"] for entry in in_process.emulator.writes()] == [
        {**web, "name": "full-01", **full},
        {**web, "name": "empty-01"},
        {**web, "name": "null-01"},
        {**web, "name": "lines-01", "ssh_keys": keys},
    ]


def test_several_tiers_in_one_play(in_process: Ansible) -> None:
    playbook = in_process.folder / "two.yml"
    roles = [{"role": "cloudnexus.cloud.web_tier", "vars": {"web_tier_name": name, "web_tier_count": 1}} for name in ("a", "b")]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": {"web_tier_wait_for_connection": False}, "roles": roles}]))
    assert in_process.command("ansible-playbook", str(playbook)).status == 0
    assert names(in_process.emulator) == ["a-01", "b-01"]


def test_the_web_servers_are_checked_before_there_are_any(in_process: Ansible, tmp_path: Path) -> None:
    """With the variables of each member, in check mode too, and before the first request. What needs facts is left for later."""
    extra = {
        "missing": {"web_server_site": "sites/{{ inventory_hostname }}"},
        "null": {"web_server_name": None},
        "cdn": {"web_tier_cdn": None},
        "compression": {"web_tier_cdn": {"cache_ttl": 60}, "web_server_compression": "zip"},
        "misspelt": {"web_server_compresion": "gzip"},
    }
    site = tmp_path / "sites" / "shop-01"
    site.mkdir(parents=True)
    (site / "index.html").write_text("hello")
    said = {}
    for name, variables in extra.items():
        given = json.dumps({"web_tier_name": "shop", **variables})
        run = in_process.command("ansible-playbook", PLAYBOOK, "-e", given, *(["--check"] if name == "missing" else []), cwd=tmp_path)
        assert run.status != 0
        said[name] = messages(run)
        assert not in_process.emulator.requests()
    # The site of the second member alone is missing.
    assert said.pop("missing") == "web_server_site: sites/shop-02 does not exist on the control node."
    assert "web_server_name: expected letters, digits, dots, hyphens and underscores, got null." in said.pop("null")
    assert "web_tier_cdn: expected a dictionary of cache_ttl, ssl_enabled, compression and wait, got null." in said.pop("cdn")
    assert 'web_server_compression: expected brotli, gzip or none, got "zip".' in said.pop("compression")
    assert "web_server_compresion: no such variable of the role web_server" in said.pop("misspelt")
    (site.parent / "shop-02").symlink_to("shop-01")
    later = {
        "web_tier_name": "shop",
        "web_server_name": "{{ inventory_hostname }}",
        "web_server_address": "{{ ansible_facts.default_ipv4.address }}",
        "web_server_server_names": ["{{ ansible_host }}", "{{ cloudnexus_region }}.example", "{{ ansible_facts.fqdn }}"],
        "web_server_site": "sites/{{ inventory_hostname }}",
    }
    run = in_process.command("ansible-playbook", PLAYBOOK, "--check", "-e", json.dumps(later), cwd=tmp_path)
    assert run.status == 0, run.output
    assert not in_process.emulator.writes()


def test_localhost_is_local_and_nobody_else(in_process: Ansible) -> None:
    """Also if an inventory names it, and with ``-b``; the members are reached by their own connection."""
    in_process.emulator.set(addresses="127.78.9.0/24")
    python = "ansible_python_interpreter={{ ansible_playbook_python }}"  # so that a local connection would work at once
    reached = ("-i", "localhost,", "-b", "--become-method", "none.there.is", "-e", "ansible_port=1", "-e", python)
    waited = run_playbook(in_process, PLAYBOOK, *reached, wait_for_connection=True, wait_timeout=3)
    assert names(in_process.emulator) == ["shop-01", "shop-02"], waited.output
    address = {item["name"]: item["ip"] for item in in_process.emulator.instances()}["shop-01"]
    assert f"Ansible can't connect to 2 of 2 hosts. shop-01 ({address}) can't be connected to within 3 s: " in messages(waited)
    assert waited.status != 0
    assert run_playbook(in_process, TEARDOWN, *reached).status == 0
    assert names(in_process.emulator) == []


def test_what_keeps_a_tier_from_coming_up(in_process: Ansible) -> None:
    """A value that is no switch, an API that is not well, an API without a list: no write."""
    emulator = in_process.emulator
    assert 'web_tier_configure: expected true or false, got "maybe".' in messages(run_playbook(in_process, PLAYBOOK, configure="maybe"))
    assert not emulator.requests()
    emulator.set(profile="documented")
    body = json.dumps({"status": "degraded", "version": "1", "uptime": 1, "region": "x"})
    emulator.fault("malformed", path="/health", body=body, content_type="application/json")
    ran = run_plays(in_process, {"degraded": Play({"name": "shop"}), "documented": Play({"name": "shop"})})
    assert messages(ran["degraded"]) or ran["degraded"].entries[-1]["status"] == "failed"
    assert "does not offer GET /instances" in messages(ran["documented"])
    assert not emulator.writes()

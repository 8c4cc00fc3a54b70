# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module by both doors and in both profiles: failure, check mode, for real, and again."""

from __future__ import annotations

from typing import Any

import pytest

from .commands import Ansible, task

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com"
FULL: dict[str, Any] = {**WEB, "image_id": "img_1", "ssh_keys": [KEY], "auto_scale": {"min_instances": 2, "max_instances": 10, "cpu_threshold": 75}}
MADE_BY_THE_API = ("id", "status", "ip", "created_at", "links")


def assert_predicted(predicted: dict[str, Any], real: dict[str, Any]) -> None:
    """Check mode said exactly what then happened, but for what only the API can give."""
    for key in ("changed", "action", "diff"):
        assert predicted[key] == real[key]
    shown = {name: value for name, value in (real["instance"] or {}).items() if name not in MADE_BY_THE_API}
    assert {name: value for name, value in (predicted["instance"] or {}).items() if name not in MADE_BY_THE_API} == shown


# --- Profile full ------------------------------------------------------------------------------------------------------


@pytest.mark.core
def test_instance_create(ansible: Ansible) -> None:
    ansible.emulator.set(boot_seconds=0.8)
    failed, predicted, real, again = ansible.play(
        task("instance", name="web-01"), task("instance", **FULL, check_mode=True), task("instance", **FULL), task("instance", **FULL)
    ).results
    assert failed["msg"] == "plan: is required with state=present, unless id says which existing instance is meant."
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["status"]) == ("create", "running")
    assert real["diff"]["before"] == {}
    assert real["diff"]["after"] == FULL
    assert (again["changed"], again["action"], again["instance"]) == (False, "none", real["instance"])
    assert [(entry["method"], entry["path"]) for entry in ansible.emulator.writes()] == [("POST", "/instances")]
    assert ansible.emulator.writes()[0]["body"] == FULL


def test_instance_update(ansible: Ansible) -> None:
    ansible.emulator.create("web-01")
    wanted = {**WEB, "plan": "enterprise"}
    predicted, real, again = ansible.play(task("instance", **wanted, check_mode=True), task("instance", **wanted), task("instance", **wanted)).results
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["plan"]) == ("update", "enterprise")
    assert again["action"] == "none"
    assert [(entry["method"], entry["body"]) for entry in ansible.emulator.writes()] == [("PATCH", {"plan": "enterprise"})]


def test_instance_recreate(ansible: Ansible) -> None:
    ansible.emulator.create("web-01")
    wanted = {**WEB, "region": "eu-west"}
    failed, predicted, real, again = ansible.play(
        task("instance", **wanted),
        task("instance", **wanted, recreate=True, check_mode=True),
        task("instance", **wanted, recreate=True),
        task("instance", **wanted, recreate=True),
    ).results
    assert "can't be changed in place: region is 'us-east', wanted is 'eu-west'. recreate=true" in failed["msg"]
    assert failed["instance"]["id"] == "inst_00000001"
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["region"]) == ("recreate", "eu-west")
    assert again["action"] == "none"
    assert [entry["method"] for entry in ansible.emulator.writes()] == ["DELETE", "POST"]


def test_instance_delete(ansible: Ansible) -> None:
    ansible.emulator.set(delete_seconds=0.6)
    ansible.emulator.create("web-01")
    gone = {"name": "web-01", "state": "absent"}
    predicted, real, again = ansible.play(task("instance", **gone, check_mode=True), task("instance", **gone), task("instance", **gone)).results
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["id"]) == ("delete", "inst_00000001")
    assert (again["changed"], again["action"], again["instance"]) == (False, "none", None)
    assert ansible.emulator.instances() == []


def test_instance_drift_in_what_an_api_may_show(ansible: Ansible) -> None:
    ansible.emulator.set(show_all=True)
    ansible.emulator.create(**FULL)
    same, scaled, real, keyed = ansible.play(
        task("instance", **{**FULL, "ssh_keys": [KEY.rpartition(" ")[0]]}),
        task("instance", **WEB, auto_scale={"max_instances": 12}, check_mode=True),
        task("instance", **WEB, auto_scale={"max_instances": 12}),
        task("instance", **{**WEB, "image_id": "img_2"}),
    ).results
    assert same["action"] == "none"
    assert_predicted(scaled, real)
    assert real["instance"]["auto_scale"] == {"min_instances": 2, "max_instances": 12, "cpu_threshold": 75}
    assert "image_id is 'img_1', wanted is 'img_2'" in keyed["msg"]


def test_instance_by_id(ansible: Ansible) -> None:
    made = ansible.emulator.create("web-01")
    renamed, missing = ansible.play(task("instance", id=made["id"], name="web-02"), task("instance", id="inst_99")).results
    assert (renamed["action"], renamed["instance"]["name"]) == ("update", "web-02")
    assert missing["msg"].startswith("id: there is no instance inst_99")


def test_instance_two_of_one_name(ansible: Ansible) -> None:
    ids = [ansible.emulator.create("web-01")["id"] for _number in range(2)]
    result = ansible.module("instance", **WEB)
    assert result["failed"]
    assert all(instance_id in result["msg"] for instance_id in ids)
    assert not ansible.emulator.writes()


def test_instance_that_does_not_come_up(ansible: Ansible) -> None:
    ansible.emulator.set(failing=["web"], boot_seconds=0.2)
    result = ansible.module("instance", **WEB)
    assert "does not come up: its status is 'failed'" in result["msg"]
    assert (result["changed"], result["action"], result["instance"]["status"]) == (True, "create", "failed")
    ansible.emulator.set(failing=[], boot_seconds=60)
    result = ansible.module("instance", **{**WEB, "name": "web-02"}, wait_timeout=1)
    assert "is not up after 1 s (wait_timeout); its last status is 'provisioning'" in result["msg"]
    assert (result["changed"], result["instance"]["name"]) == (True, "web-02")


def test_instance_key_of_another_region(ansible: Ansible) -> None:
    ansible.emulator.set(keys={ansible.emulator.api_key: {"regions": ["eu-west"]}})
    result = ansible.module("instance", **WEB)
    assert "in region us-east" in result["msg"]
    assert {"method": "POST", "path": "/instances", "status": 403, "code": "region_not_allowed"}.items() <= result["api_error"].items()
    assert result["api_error"]["request_id"].startswith("req_")


def test_instance_info(ansible: Ansible) -> None:
    ansible.emulator.set(page_size=2)
    for number in range(3):
        ansible.emulator.create(f"web-{number}", region="eu-west" if number else "us-east")
    everything, filtered, one, none = ansible.play(
        task("instance_info"),
        task("instance_info", region="eu-west", name="web-2"),
        task("instance_info", id="inst_00000002", logs=True),
        task("instance_info", id="inst_99"),
    ).results
    assert [item["name"] for item in everything["instances"]] == ["web-0", "web-1", "web-2"]
    assert [item["name"] for item in filtered["instances"]] == ["web-2"]
    assert one["instances"][0]["logs"]["lines"]
    assert none["instances"] == []
    assert not any(result["changed"] for result in (everything, filtered, one, none))


def test_cdn(ansible: Ansible) -> None:
    failed, predicted, real, again = ansible.play(
        task("cdn", cache_ttl=31536001), task("cdn", cache_ttl=90, check_mode=True), task("cdn", cache_ttl=90), task("cdn", cache_ttl=90)
    ).results
    assert failed["msg"] == "cache_ttl: expected a whole number from 0 to 31536000, got 31536001."
    assert {key: predicted[key] for key in ("changed", "config", "diff")} == {key: real[key] for key in ("changed", "config", "diff")}
    assert real["config"] == {"cache_ttl": 90, "ssl_enabled": True, "compression": "gzip"} == ansible.emulator.state()["cdn"]
    assert (again["changed"], again["failed"]) == (False, False)
    assert len(ansible.emulator.writes()) == 1


def test_what_only_reads(ansible: Ansible) -> None:
    config, health = ansible.play(task("cdn_info", check_mode=True), task("health_info", check_mode=True)).results
    assert config["config"]["cache_ttl"] == 3600
    assert health["health"]["region"] == "us-east-1"
    assert not config["changed"]
    assert not health["changed"]


# --- Profile documented ------------------------------------------------------------------------------------------------


def test_documented_bucket_info(ansible: Ansible) -> None:
    ansible.emulator.set(profile="documented", page_size=10)
    everything, one = ansible.play(task("bucket_info"), task("bucket_info", name="media-assets", limit=1)).results
    assert (len(everything["buckets"]), everything["total_count"]) == (24, 24)
    assert (one["total_count"], one["matched_size_bytes"], one["matched_object_count"]) == (24, 4589231456, 12450)
    assert len(ansible.emulator.requests()) == 4


def test_documented_instance(ansible: Ansible) -> None:
    ansible.emulator.set(profile="documented")
    refused, absent, predicted, real, by_id, drifted, deleted = ansible.play(
        task("instance", **WEB),
        task("instance", name="web-01", state="absent"),
        task("instance", **WEB, unique_name=False, check_mode=True),
        task("instance", **WEB, unique_name=False),
        task("instance", id="inst_00000001", plan="starter"),
        task("instance", id="inst_00000001", plan="enterprise"),
        task("instance", id="inst_00000001", state="absent"),
    ).results
    assert "does not offer GET /instances (status 405)" in refused["msg"]
    assert "pass id to say which instance is meant, or unique_name=false" in refused["msg"]
    assert "pass id to say which instance is meant." in absent["msg"]
    assert_predicted(predicted, real)
    assert real["instance"]["status"] == "running"
    assert by_id["action"] == "none"
    assert "the API does not offer PATCH /instances/{id} to change it in place. recreate=true" in drifted["msg"]
    assert "does not offer DELETE /instances/{id}" in deleted["msg"]
    assert ansible.emulator.state()["created"] == 1


@pytest.mark.parametrize("status", [404, 501])
def test_documented_cdn(ansible: Ansible, status: int) -> None:
    ansible.emulator.set(profile="documented", missing_status=status)
    predicted, real, info = ansible.play(task("cdn", cache_ttl=90, check_mode=True), task("cdn", cache_ttl=90), task("cdn_info")).results
    for result in (predicted, real):
        assert result["changed"] is True
        assert result["config"] == {"cache_ttl": 90}
        assert "the current CDN configuration can't be read" in str(result["warnings"])
    assert len(ansible.emulator.writes()) == 1
    assert f"does not offer GET /cdn/config (status {status})" in info["msg"]


def test_documented_info(ansible: Ansible) -> None:
    ansible.emulator.set(profile="documented")
    made = ansible.emulator.create("web-01")
    listed, one, health = ansible.play(task("instance_info"), task("instance_info", id=made["id"], logs=True), task("health_info")).results
    assert "does not offer GET /instances (status 405), which its vendor has not documented. Pass id to read one instance." in listed["msg"]
    assert one["instances"][0]["logs"]["lines"]
    assert health["health"]["status"] == "healthy"

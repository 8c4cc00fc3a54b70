# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module as a task: failure, check mode, real run, and again; then the same tasks in module mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.process import EmulatorProcess

from .commands import Ansible
from .modules import normalized, run_modules, said
from .scenarios import ACCOUNT, DOCUMENTED, FULL, SHOWS_ALL, Account

# One worker runs them, with one playbook for each account.
pytestmark = [pytest.mark.core, pytest.mark.xdist_group("modules")]

GIVEN_BY_THE_API = ("id", "status", "ip", "created_at", "links")


class Ran:
    """The results of an account's tasks, and what the emulator saw."""

    def __init__(self, account: Account, ansible: Ansible) -> None:
        account.prepare(ansible.emulator)
        run = ansible.play(*account.tasks)
        assert "Traceback" not in run.output
        self.account = account
        self.results = run.results
        self._results = account.sliced(run.results)
        self.requests = ansible.emulator.requests()
        self.instances = {item["name"]: item for item in ansible.emulator.instances()}
        self.cdn = ansible.emulator.state()["cdn"]
        assert not [entry for entry in self.requests if entry["violation"]]

    def __getitem__(self, scenario: str) -> list[dict[str, Any]]:
        return self._results[scenario]

    def writes(self, *wanted: str) -> list[tuple[str, Any]]:
        """The requests that change something about instances of these names or ids."""
        found = []
        for entry in self.requests:
            name, instance_id = (entry["body"] or {}).get("name"), entry["path"].rpartition("/")[2]
            if entry["method"] != "GET" and (name in wanted or instance_id in wanted):
                found.append((entry["method"], entry["body"]))
        return found


def _ran(account: Account, process: EmulatorProcess, folder: Path) -> Ran:
    return Ran(account, Ansible(process, folder))


@pytest.fixture(scope="module")
def full(emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return _ran(ACCOUNT, emulator_process, tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def shows_all(emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return _ran(SHOWS_ALL, emulator_process, tmp_path_factory.mktemp("shows_all"))


@pytest.fixture(scope="module")
def documented(emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return _ran(DOCUMENTED, emulator_process, tmp_path_factory.mktemp("documented"))


def assert_predicted(predicted: dict[str, Any], real: dict[str, Any]) -> None:
    """Check mode predicted exactly what happened, except what only the API can give."""
    for key in ("changed", "action", "diff"):
        assert predicted[key] == real[key]
    shown = {name: value for name, value in (real["instance"] or {}).items() if name not in GIVEN_BY_THE_API}
    assert {name: value for name, value in (predicted["instance"] or {}).items() if name not in GIVEN_BY_THE_API} == shown


# --- Profile full ------------------------------------------------------------------------------------------------------


def test_create(full: Ran) -> None:
    failed, predicted, real, again = full["create"]
    assert failed["msg"] == "plan: is required with state=present, unless id says which existing instance is meant."
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["status"]) == ("create", "running")
    assert real["diff"]["before"] == {}
    assert real["diff"]["after"] == {**FULL, "name": "created"}
    assert (again["changed"], again["action"], again["instance"]) == (False, "none", real["instance"])
    assert full.writes("created") == [("POST", {**FULL, "name": "created"})]


def test_update(full: Ran) -> None:
    predicted, real, again = full["update"]
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["plan"]) == ("update", "enterprise")
    assert again["action"] == "none"
    assert full.writes("inst_updated") == [("PATCH", {"plan": "enterprise"})]


def test_replace(full: Ran) -> None:
    failed, predicted, real, again = full["replace"]
    assert "can't be changed in place: region is 'us-east', wanted is 'eu-west'. recreate=true" in failed["msg"]
    assert failed["instance"]["id"] == "inst_replaced"
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["region"]) == ("recreate", "eu-west")
    assert again["action"] == "none"
    assert [method for method, _body in full.writes("inst_replaced", "replaced")] == ["DELETE", "POST"]


def test_delete(full: Ran) -> None:
    predicted, real, again = full["delete"]
    assert_predicted(predicted, real)
    assert (real["action"], real["instance"]["id"]) == ("delete", "inst_deleted")
    assert (again["changed"], again["action"], again["instance"]) == (False, "none", None)
    assert "deleted" not in full.instances


def test_by_id(full: Ran) -> None:
    renamed, missing, absent = full["by id"]
    assert (renamed["action"], renamed["instance"]["name"]) == ("update", "renamed-2")
    assert missing["msg"].startswith("id: there is no instance inst_99")
    assert (absent["failed"], absent["action"]) == (False, "none")


def test_two_of_one_name(full: Ran) -> None:
    (result,) = full["two of one name"]
    assert result["failed"]
    assert all(instance_id in result["msg"] for instance_id in ("inst_twin_1", "inst_twin_2"))
    assert not full.writes("twin")


def test_does_not_come_up(full: Ran) -> None:
    broken, slow = full["does not come up"]
    assert "does not come up: its status is 'failed'" in broken["msg"]
    assert (broken["changed"], broken["action"], broken["instance"]["status"]) == (True, "create", "failed")
    assert "is not up after 1 s (wait_timeout); its last status is 'provisioning'" in slow["msg"]
    assert (slow["changed"], slow["instance"]["name"]) == (False, "slow")


def test_key_of_another_region(full: Ran) -> None:
    (result,) = full["key of another region"]
    assert "in region us-east" in result["msg"]
    assert {"method": "POST", "path": "/instances", "status": 403, "code": "region_not_allowed"}.items() <= result["api_error"].items()
    assert result["api_error"]["request_id"].startswith("req_")
    assert "american" not in full.instances


def test_instance_info(full: Ran) -> None:
    everything, filtered, one, none, several, by_ids = full["instance_info"]
    assert [item["name"] for item in everything["instances"] if item["name"].startswith("info")] == ["info-1", "info-2"]
    assert len(everything["instances"]) > 10
    assert [item["name"] for item in filtered["instances"]] == ["info-2"]
    assert one["instances"][0]["logs"]["lines"]
    assert none["instances"] == []
    assert [item["name"] for item in several["instances"]] == ["info-2"]
    assert [item["name"] for item in by_ids["instances"]] == ["info-2", "info-1"]
    assert not any(result["changed"] for result in full["instance_info"])


def test_cdn(full: Ran) -> None:
    failed, predicted, real, again, other = full["cdn"]
    assert failed["msg"] == "cache_ttl: expected a whole number from 0 to 31536000, got 31536001."
    assert {key: predicted[key] for key in ("changed", "config", "diff")} == {key: real[key] for key in ("changed", "config", "diff")}
    assert real["config"] == {"cache_ttl": 90, "ssl_enabled": True, "compression": "gzip"}
    assert (again["changed"], again["failed"]) == (False, False)
    assert other["config"] == full.cdn == {"cache_ttl": 90, "ssl_enabled": True, "compression": "brotli"}
    assert [method for method, _body in full.writes("config")] == ["PUT", "PUT"]


def test_what_only_reads(full: Ran) -> None:
    config, health, buckets, named = full["reads"]
    assert config["config"]["cache_ttl"] == 90
    assert health["health"]["region"] == "us-east-1"
    assert len(buckets["buckets"]) == 3
    assert [bucket["name"] for bucket in named["buckets"]] == ["media-assets"]
    assert not any(result["changed"] for result in full["reads"])


def test_values_are_converted_as_ansible_does(full: Ran) -> None:
    assert full["types"][0]["action"] == "create"
    assert full.writes("types") == [("POST", {"name": "types", "plan": "starter", "region": "us-east", "auto_scale": {"min_instances": 1, "max_instances": 3}})]


def test_fleet(full: Ran) -> None:
    predicted, real, again = full["fleet"]
    for key in ("changed", "created", "updated", "recreated", "deleted", "unchanged", "changes", "changes_digest", "diff"):
        assert predicted[key] == real[key]
    assert [real[key] for key in ("created", "updated", "recreated", "deleted")] == [["fleet-01"], ["fleet-02"], ["fleet-03"], ["fleet-09"]]
    assert [item["name"] for item in real["instances"]] == ["fleet-01", "fleet-02", "fleet-03"]
    assert (again["changed"], again["changes"], again["instances"]) == (False, [], real["instances"])


def test_guard_rails(full: Ran) -> None:
    predicted, refused, reason, protected, planned, replaced, absent, *policies = full["guard rails"]
    assert predicted["msg"] == refused["msg"]
    assert "max_creations: 2 instances would be created, and 1 may be. They are guard-04, guard-05. max_total: the fleet would have 5 " in refused["msg"]
    assert "recreate_for allows no replacement for region." in reason["msg"]
    assert protected["msg"] == "protected: guard-01 (inst_guard_1) would be replaced. Nothing was changed."
    assert planned["summary"] == replaced["summary"] == "0 to create, 0 to update, 1 to replace (region), 0 to delete, 1 unchanged"
    assert (planned["plan"]["changes"], replaced["plan"]["also_approved"]) == (replaced["changes"], {"cdn": {"cache_ttl": 60}})
    assert "| replace | `guard-01` (`inst_guard_1`) | region: `eu-west` → `us-east` |" in planned["plan_markdown"]
    assert absent["msg"] == "protected: guard-03 (inst_guard_3) would be deleted. Nothing was changed."
    for result in policies:
        assert (result["action"], result["reasons"], result["not_compared"]) == ("update", ["auto_scale"], ["ssh_keys", "auto_scale"])
    written = full.writes("guard-01", "inst_guard_1", "guard-04", "guard-05", "inst_guard_3")
    assert [method for method, _body in written] == ["DELETE", "POST", "PATCH", "PATCH"]


def test_fleet_that_fails(full: Ran) -> None:
    region, deletions, some = full["fleet that fails"]
    assert "can't be changed in place: region is 'us-east'" in region["msg"]
    assert "max_deletions: 2 instances would be deleted" in deletions["msg"]
    # The key sees only Europe, where none of the others is.
    assert some["failed"]
    assert "in region ap-south" in str(some["failed_instances"])
    assert full["fleet without waiting"][0]["recreated"] == ["fleet-01"]
    assert not [name for name in full.instances if name.startswith("fleet-")]


# --- An API that shows all ---------------------------------------------------------------------------------------------


def test_drift_in_what_an_api_may_show(shows_all: Ran) -> None:
    same, scaled, real, image = shows_all["drift"]
    assert same["action"] == "none"
    assert_predicted(scaled, real)
    assert real["instance"]["auto_scale"] == {"min_instances": 2, "max_instances": 12, "cpu_threshold": 75}
    assert "image_id is 'img_1', wanted is 'img_2'" in image["msg"]


# --- Profile documented ------------------------------------------------------------------------------------------------


def test_documented_bucket_info(documented: Ran) -> None:
    everything, one = documented["buckets"]
    assert (len(everything["buckets"]), everything["total_count"]) == (24, 24)
    assert (one["total_count"], one["matched_size_bytes"], one["matched_object_count"]) == (24, 4589231456, 12450)
    assert len([entry for entry in documented.requests if entry["path"] == "/storage/buckets"]) == 24 // 3 + 1


def test_documented_instance(documented: Ran) -> None:
    refused, absent, predicted, real, by_id, drifted, deleted = documented["instance"]
    assert "does not offer GET /instances (status 405)" in refused["msg"]
    assert "pass id to say which instance is meant, or unique_name=false" in refused["msg"]
    assert "pass id to say which instance is meant." in absent["msg"]
    assert_predicted(predicted, real)
    assert real["instance"]["status"] == "running"
    assert by_id["action"] == "none"
    assert "the API does not offer PATCH /instances/{id} to change it in place. recreate=true" in drifted["msg"]
    assert "does not offer DELETE /instances/{id}" in deleted["msg"]
    assert [method for method, _body in documented.writes("web-01")] == ["POST"]
    assert "does not offer GET /instances" in documented["fleet"][0]["msg"]


def test_documented_cdn(documented: Ran) -> None:
    predicted, real, info = documented["cdn"]
    for result in (predicted, real):
        assert result["changed"] is True
        assert result["config"] == {"cache_ttl": 90}
        assert "the current CDN configuration can't be read" in str(result["warnings"])
    assert len(documented.writes("config")) == 1
    assert "does not offer GET /cdn/config (status 405)" in info["msg"]


def test_documented_info(documented: Ran) -> None:
    listed, one, health = documented["reads"]
    assert "does not offer GET /instances (status 405), which its vendor has not documented. Pass id to read one instance." in listed["msg"]
    assert one["instances"][0]["logs"]["lines"]
    assert health["health"]["status"] == "healthy"


# --- Module mode -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full", "shows_all", "documented"])
def test_module_mode_returns_the_same(in_process: Ansible, name: str, request: pytest.FixtureRequest) -> None:
    """The modules' own main(), without what Ansible does to bring them to a host."""
    ran: Ran = request.getfixturevalue(name)
    ran.account.prepare(in_process.emulator)
    results = run_modules(in_process, ran.account.tasks)
    for options, fast, module in zip(ran.account.tasks, ran.results, results, strict=True):
        assert normalized(said(fast)) == normalized(module), options

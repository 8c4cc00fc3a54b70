# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks export and drift: adopt what exists, then notice what differs from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.emulator.process import EmulatorProcess

from .commands import Ansible, Run
from .jobs import Awx

EVIL = "web-{{ lookup('ansible.builtin.pipe', 'touch evil') }}"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me (home)"


def export(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    extra = {"export_file": "web.yml", "export_name_prefix": "web-", **{f"export_{name}": value for name, value in variables.items()}}
    return ansible.command("ansible-playbook", "cloudnexus.cloud.export", "-e", json.dumps(extra), *arguments, cwd=ansible.folder)


def drift(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    extra = {f"drift_{name}": value for name, value in variables.items()}
    return ansible.command("ansible-playbook", "cloudnexus.cloud.drift", "-e", json.dumps(extra), *arguments, cwd=ansible.folder)


def last_message(run: Run) -> str:
    return str(run.entries[-1]["result"]["msg"])


def messages(run: Run) -> str:
    return " ".join(str(entry["result"].get("msg", "")) for entry in run.entries if entry["status"] == "failed")


EXPORTED = f"""---
# The instances whose names begin with web-
# Written by the playbook cloudnexus.cloud.export. The API need not show images, SSH keys and scaling policies: add them here.
cloudnexus_instances:
  - name: web-01
    plan: professional
    region: eu-west
    image_id: img_1
    ssh_keys:
      - !unsafe "{KEY}"
    auto_scale:
      min_instances: 1
      max_instances: 2
  - name: web-02
    plan: starter
    region: us-east
  - name: !unsafe "{EVIL}"
    plan: starter
    region: us-east
"""


@pytest.mark.core
def test_what_exists_is_declared_and_applying_that_changes_nothing(in_process: Ansible) -> None:
    emulator, file = in_process.emulator, in_process.folder / "web.yml"
    emulator.set(show_all=True, boot_seconds=0, page_size=2)
    emulator.create(EVIL)
    emulator.create("web-02")
    emulator.create("web-01", "professional", "eu-west", image_id="img_1", ssh_keys=[KEY], auto_scale={"min_instances": 1, "max_instances": 2})
    emulator.create("db-01")
    check = export(in_process, "--check", "--diff")
    assert (check.status, check.changed, file.exists()) == (0, 1, False), check.output
    assert "+  - name: web-01" in check.output
    first = export(in_process)
    assert (first.status, first.changed) == (0, 1), first.output
    assert file.read_text() == EXPORTED
    assert file.stat().st_mode & 0o777 == 0o644
    assert last_message(first) == f"{file} declares 3 instances. Applying it changes nothing."
    # In an inventory that names localhost, and with `-b`.
    again = export(in_process, "-i", "localhost,", "-b", "--become-method", "none.there.is")
    assert (again.status, again.changed) == (0, 0), again.output
    # The file is the declaration of a fleet, and of the playbook drift.
    fleet = {"cloudnexus.cloud.cloudnexus_fleet": {"instances": "{{ cloudnexus_instances }}", "name_prefix": "web-", "prune": True}}
    applied = in_process.play(fleet, arguments=("-e", f"@{file}"))
    assert (applied.status, applied.changed) == (0, 0), applied.output
    same = drift(in_process, "-e", "@web.yml", name_prefix="web-")
    assert (same.status, same.changed) == (0, 0), same.output
    assert last_message(same) == "No drift: 0 missing, 0 different, 0 undeclared, 3 unchanged."
    assert not emulator.writes()
    assert not list(in_process.folder.rglob("evil"))


def test_an_earlier_file_is_kept(in_process: Ansible) -> None:
    """With what somebody added to it; the new one has the mode that they gave it, through a link too."""
    real, link = in_process.folder / "real.yml", in_process.folder / "web.yml"
    real.write_text("cloudnexus_instances: [] # mine\n")
    real.chmod(0o600)
    link.symlink_to("real.yml")
    run = export(in_process)
    assert (run.status, run.changed) == (0, 1), run.output
    assert (link.is_symlink(), real.stat().st_mode & 0o777) == (True, 0o600)
    assert yaml.safe_load(real.read_text()) == {"cloudnexus_instances": []}
    (kept,) = in_process.folder.glob("real.yml.*")
    assert kept.read_text() == "cloudnexus_instances: [] # mine\n"


def test_both_modes(ansible: Ansible) -> None:
    ansible.emulator.create("web-01")
    ansible.emulator.create("db-01")
    assert export(ansible, name_prefix=None).status == 0
    assert [item["name"] for item in yaml.safe_load((ansible.folder / "web.yml").read_text())["cloudnexus_instances"]] == ["db-01", "web-01"]
    ansible.emulator.delete(ansible.emulator.instances("db-01")[0]["id"])
    run = drift(ansible, "-e", "@web.yml")
    assert (run.status, messages(run)) == (2, "The account differs from the declaration: 1 missing (db-01), 0 different, 0 undeclared, 1 unchanged.")
    assert not ansible.emulator.writes()


# --- What keeps an account from being declared -------------------------------------------------------------------------

BROKEN: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two of a name": (
        [{"id": "inst_1", "name": "web-01"}, {"id": "inst_2", "name": "web-01"}],
        "2 of 2 instances can't be declared by their names. web-01 (inst_1): name: expected one instance of the name, inst_1 and inst_2 share it.",
    ),
    "no plan": (
        [{"id": "inst_1", "name": "web-01", "region": "us-east", "status": "running"}],
        "web-01 (inst_1): plan: expected one of starter, professional, enterprise, the API shows null.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_account_that_can_not_be_declared(in_process: Ansible, case: str) -> None:
    items, message = BROKEN[case]
    body = json.dumps({"items": items, "pagination": {"next_page": None, "total_count": len(items)}})
    in_process.emulator.fault("malformed", method="GET", path="/instances", body=body, content_type="application/json")
    run = export(in_process)
    assert run.status != 0
    assert message in messages(run).replace("\\'", "'")
    assert not (in_process.folder / "web.yml").exists()


def test_an_account_that_changes_meanwhile(in_process: Ansible) -> None:
    """The first reading shows another plan than the second."""
    now = in_process.emulator.create("web-01")
    body = json.dumps({"items": [{**now, "plan": "enterprise"}], "pagination": {"next_page": None, "total_count": 1}})
    in_process.emulator.fault("malformed", method="GET", path="/instances", body=body, content_type="application/json")
    run = export(in_process)
    assert run.status != 0
    message = f"Applying {in_process.folder / 'web.yml'} would change web-01. The account has changed since it was read. Run the playbook again."
    assert messages(run) == message
    assert not in_process.emulator.writes()


def test_an_api_that_fails_has_no_drift_and_no_declaration(in_process: Ansible) -> None:
    in_process.emulator.set(profile="documented")
    for run in (export(in_process), drift(in_process, instances=[], name_prefix="web-", report="drift", fails=False)):
        assert run.status != 0
        assert "does not offer GET /instances" in messages(run)
        assert "rift:" not in run.output
    assert not [*in_process.folder.glob("drift.*"), *in_process.folder.glob("web.yml")]


# --- Drift -------------------------------------------------------------------------------------------------------------

DECLARED = [{"name": f"web-{number:02}", "plan": "starter", "region": "us-east"} for number in (1, 2, 3)]


@pytest.mark.core
def test_drift_is_told_and_nothing_is_changed(in_process: Ansible) -> None:
    emulator = in_process.emulator
    emulator.set(boot_seconds=0)
    emulator.create("web-01")
    emulator.create("web-02", region="eu-west")
    surplus = emulator.create("web-09")["id"]
    emulator.create("db-01")
    options: dict[str, Any] = {"instances": DECLARED, "name_prefix": "web-", "report": "drift"}
    check = drift(in_process, "--check", **options)
    assert (check.status, list(in_process.folder.glob("drift.*"))) == (2, []), check.output
    run = drift(in_process, **options)
    summary = "1 missing (web-03), 1 different (web-02), 1 undeclared (web-09), 1 unchanged"
    assert (run.status, messages(run)) == (2, f"The account differs from the declaration: {summary}.")
    assert run.changed == check.changed == 2, "the two reports"
    (shown,) = run.named("Show what differs")
    assert shown["msg"] == [
        "name    drift       action    account                                       declared",
        "web-02  different   recreate  region=eu-west                                region=us-east",
        "web-03  missing     create    -                                             plan=starter region=us-east",
        f"web-09  undeclared  delete    id={surplus} plan=starter region=us-east  -",
    ]
    report = json.loads((in_process.folder / "drift.json").read_text())
    assert (report["drift"], report["summary"], report["undeclared"]) == (True, summary, ["web-09"])
    markdown = (in_process.folder / "drift.md").read_text()
    assert {(in_process.folder / name).stat().st_mode & 0o777 for name in ("drift.json", "drift.md")} == {0o644}
    assert "| web-02 | different | recreate | region=eu-west | region=us-east |" in markdown
    (artifacts,) = run.named("Make the reports artifacts of the job")
    assert artifacts["ansible_stats"]["data"] == {"cloudnexus_drift": report, "cloudnexus_drift_markdown": markdown}
    # The same drift gives the same reports, and somebody may only want to know.
    again = drift(in_process, **{**options, "fails": "no", "report": str(in_process.folder / "drift")})
    assert (again.status, again.changed, last_message(again)) == (0, 0, f"Drift: {summary}.")
    assert not emulator.writes()


def test_no_instance_is_declared(in_process: Ansible) -> None:
    assert drift(in_process, instances=[], name_prefix="web-").status == 0
    in_process.emulator.create("web-01")
    assert drift(in_process, "-i", "localhost,", "-b", "--become-method", "none.there.is", instances=[]).status == 0
    run = drift(in_process, instances=[], name_prefix="web-")
    assert (run.status, "1 undeclared (web-01)" in messages(run)) == (2, True)


def test_a_nightly_job_of_awx(awx: Awx, emulator: EmulatorProcess) -> None:
    """Its survey leaves fields empty, its texts are no templates, and what it hands on does not disturb the next one."""
    (awx.project / "drift.yml").write_text("- ansible.builtin.import_playbook: cloudnexus.cloud.drift\n")
    emulator.create(EVIL)
    empty = {"drift_report": None, "drift_fails": "", "drift_name_prefix": "web-"}
    job = awx.job("drift.yml", {**empty, "drift_instances": DECLARED[:1]})
    assert job.status == "failed"
    assert job.artifacts["cloudnexus_drift"]["undeclared"] == [EVIL]
    assert job.artifacts["cloudnexus_drift_markdown"].startswith("# Drift\n")
    instances = [*DECLARED[:1], {"name": EVIL, "plan": "starter", "region": "us-east"}]
    emulator.create("web-01")
    next_job = awx.job("drift.yml", {**empty, **job.artifacts, "drift_instances": instances})
    assert next_job.status == "successful", next_job.output
    assert not list(awx.folder.rglob("evil"))


# --- Wrong variables ---------------------------------------------------------------------------------------------------

WRONG: dict[str, list[tuple[dict[str, Any], str]]] = {
    "export": [
        ({}, "export_file: expected the path of the vars file to write, got null."),
        ({"export_file": None}, "export_file: expected the path of the vars file to write, got null."),
        ({"export_file": ""}, 'export_file: expected the path of the vars file to write, got "".'),
        ({"export_file": True}, "export_file: expected the path of the vars file to write, got true."),
        ({"export_file": ["web.yml"]}, 'export_file: expected the path of the vars file to write, got ["web.yml"].'),
        ({"export_file": "/dev/null"}, "export_file: /dev/null exists and is no regular file."),
        ({"export_file": "/"}, "export_file: / exists and is no regular file."),
        ({"export_file": "/nowhere/web.yml"}, "export_file: the directory /nowhere does not exist."),
        ({"export_file": "web.yml", "export_name_prefix": True}, "export_name_prefix: expected one line of text without white space around it, got true."),
        ({"export_file": "web.yml", "export_name_prefix": ["a"]}, 'export_name_prefix: expected one line of text without white space around it, got ["a"].'),
        ({"export_file": "web.yml", "export_name_prefix": "a\nb"}, 'export_name_prefix: expected one line of text without white space around it, got "a\\nb".'),
        (
            {"export_file": "web.yml", "export_prefix": "a"},
            "export_prefix: no such variable of the playbook export, which has export_file and export_name_prefix.",
        ),
        ({"export_file": 5, "export_name_prefix": 5}, "got 5. export_name_prefix: expected one line"),
    ],
    "drift": [
        ({}, "drift_instances: expected the list of the declared instances, got null."),
        ({"drift_instances": None}, "drift_instances: expected the list of the declared instances, got null."),
        ({"drift_instances": True}, "drift_instances: expected the list of the declared instances, got true."),
        ({"drift_instances": "web-01"}, 'drift_instances: expected the list of the declared instances, got "web-01".'),
        ({"drift_instances": {"name": "web-01"}}, 'drift_instances: expected the list of the declared instances, got {"name": "web-01"}.'),
        ({"drift_instances": ["web-01"]}, 'drift_instances: expected the list of the declared instances, got ["web-01"].'),
        ({"drift_instances": [], "drift_name_prefix": 5}, "drift_name_prefix: expected one line of text without white space around it, got 5."),
        ({"drift_instances": [], "drift_name_prefix": " a"}, 'drift_name_prefix: expected one line of text without white space around it, got " a".'),
        ({"drift_instances": [], "drift_report": True}, "drift_report: expected the path of the reports without .json and .md, got true."),
        ({"drift_instances": [], "drift_report": []}, "drift_report: expected the path of the reports without .json and .md, got []."),
        ({"drift_instances": [], "drift_report": "/nowhere/drift"}, "drift_report: the directory /nowhere does not exist."),
        ({"drift_instances": [], "drift_report": "{{ folder }}/taken"}, "taken.md exists and is no regular file."),
        ({"drift_instances": [], "drift_fails": "maybe"}, 'drift_fails: expected true or false, got "maybe".'),
        ({"drift_instances": [], "drift_fails": ["true"]}, 'drift_fails: expected true or false, got ["true"].'),
        ({"drift_instances": [], "drift_instance": []}, "drift_instance: no such variable of the playbook drift, which has drift_fails, drift_instances, "),
        # The module says what is wrong with an instance, and sends nothing either.
        ({"drift_instances": [{"name": "web-01"}]}, "instances[0].plan: is required"),
        ({"drift_instances": [DECLARED[0]], "drift_name_prefix": "db-"}, "instances[0].name: expected a name that begins with name_prefix (db-), got web-01."),
    ],
}


@pytest.mark.core
@pytest.mark.parametrize("name", WRONG)
def test_wrong_variables_are_refused_before_any_request(in_process: Ansible, tmp_path: Path, name: str) -> None:
    """A host for each of them, so that one start of Ansible tells all."""
    (tmp_path / "taken.md").mkdir()
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
    playbook, inventory = tmp_path / "wrong.yml", tmp_path / "hosts.json"
    playbook.write_text(json.dumps([{**play, "hosts": "all"}]))
    hosts = {f"case-{number:02}": variables for number, (variables, _message) in enumerate(WRONG[name])}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"folder": str(tmp_path)}}}))
    run = in_process.command("ansible-playbook", "-i", str(inventory), str(playbook), "--check", cwd=tmp_path)
    failed = {entry["host"]: str(entry["result"].get("msg")) for entry in run.entries if entry["status"] == "failed"}
    for host, (variables, message) in zip(hosts, WRONG[name], strict=True):
        assert message in failed.get(host, ""), variables
    assert not in_process.emulator.requests()

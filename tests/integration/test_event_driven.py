# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source and the rulebooks by ansible-rulebook itself, with the files of docs/eda.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT, ansible_environment
from tests.emulator.process import EmulatorProcess

from .pages import blocks

pytestmark = pytest.mark.once
FILES = {block.file: block.text for block in blocks(ROOT / "docs" / "eda.md") if block.file}
TIER_VARIABLES = "inventory/group_vars/all.yml"
#: Seconds until something has happened, at most; it takes a few of them.
PATIENCE = 180


def java_is_missing() -> str | None:
    """Why ansible-rulebook can't run here."""
    path = ansible_environment()["PATH"]
    if not shutil.which("ansible-rulebook", path=path):
        return "ansible-rulebook is not installed"
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if not java or not Path(java).exists():
        return "there is no Java, and ansible-rulebook needs 17 or newer"
    told = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    return None if version and int(version.group(1)) >= 17 else f"ansible-rulebook needs Java 17 or newer, and here is {told.partition(chr(10))[0]}"


@pytest.fixture
def rulebooks(emulator: EmulatorProcess, tmp_path: Path) -> Iterator[Rulebooks]:
    if reason := java_is_missing():
        pytest.skip(reason)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # The emulator's hosts can't be reached.
    with (tmp_path / TIER_VARIABLES).open("a") as file:
        file.write("web_tier_wait_for_connection: false\nweb_tier_configure: false\n")
    return Rulebooks(emulator, tmp_path)


class Rulebooks:
    """ansible-rulebook in a folder that has the files of the page."""

    def __init__(self, emulator: EmulatorProcess, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.log = folder / "rulebook.log"

    @contextmanager
    def running(self, rulebook: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = {"CLOUDNEXUS_API_URL": self.emulator.api_url, "CLOUDNEXUS_API_KEY": self.emulator.api_key, **environment}
        command = ["ansible-rulebook", "-r", rulebook, "-i", "inventory", "--vars", TIER_VARIABLES, *arguments]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=ansible_environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:  # something failed: its playbook ends with it
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def until(self, what: str, happened: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert process.poll() is None, f"ansible-rulebook ended (status {process.returncode}) before {what}\n{self.text}"
            assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}\n{self.text}"
            time.sleep(0.1)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def runs(self) -> int:
        """Playbooks that have ended."""
        return self.text.count("PLAY RECAP")

    def lists(self) -> int:
        return sum((entry["method"], entry["path"]) == ("GET", "/instances") for entry in self.emulator.requests())

    def is_whole(self, count: int) -> bool:
        found = self.emulator.instances()
        return len(found) == count and {item["status"] for item in found} == {"running"}


def shipped(name: str) -> list[dict[str, Any]]:
    rulesets: list[dict[str, Any]] = yaml.safe_load((ROOT / "extensions" / "eda" / "rulebooks" / f"{name}.yml").read_text())
    return rulesets


def hastened(rulesets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rulebook with shorter times."""
    for ruleset in rulesets:
        for source in ruleset["sources"]:
            source["cloudnexus.cloud.instance_changes"]["interval"] = 1
        for rule in ruleset["rules"]:
            if "once_after" in rule.get("throttle", {}):
                rule["throttle"]["once_after"] = "3 seconds"
                rule["action"]["run_playbook"]["delay"] = 1
    return rulesets


#: What may become of a member, as (change, status before, status after), and whether it is a reason to make the tier whole.
REASONS = [
    ("appeared", None, "running", False),
    ("appeared", None, "failed", False),  # it was made by a run, which tells of it
    ("status_changed", "provisioning", "running", False),
    ("status_changed", "provisioning", "failed", False),
    ("status_changed", "running", "failed", True),
    ("status_changed", "stopped", "error", True),
    ("status_changed", "failed", "error", False),
    ("status_changed", "running", "deleting", True),
    ("status_changed", "failed", "deleting", False),
    ("status_changed", "failed", "running", False),
    ("drifted", "running", "running", False),
    ("gone", "running", None, True),
    ("gone", "failed", None, False),
    ("gone", "deleting", None, False),
    ("gone", "provisioning", None, False),
    ("initial", None, "running", False),
    ("initial", None, "provisioning", False),
    ("initial", None, "failed", True),
    ("initial", None, "deleting", True),
]


def condition_alone() -> dict[str, Any]:
    """A ruleset that says which of the events above the rulebook's condition takes."""
    events = [
        {
            "change": "appeared" if change == "initial" else change,
            "initial": change == "initial",
            "case": f"{change} {before} {after}",
            "before": before and {"status": before},
            "after": after and {"status": after},
        }
        for change, before, after, _expected in REASONS
    ]
    rule = {"name": "Taken", "condition": shipped("web_tier")[0]["rules"][0]["condition"], "action": {"debug": {"msg": "taken: {{ event.case }}."}}}
    # A source that ends would end them all.
    source = {"eda.builtin.generic": {"payload": events, "shutdown_after": 10 * PATIENCE}}
    return {"name": "The condition", "hosts": "all", "sources": [source], "rules": [rule]}


def test_a_web_tier_stays_whole(rulebooks: Rulebooks) -> None:
    """The shipped rulebook, the first one of the page, and the shipped condition on its own, in one process: it takes some seconds to start."""
    emulator = rulebooks.emulator
    count = yaml.safe_load(FILES[TIER_VARIABLES])["web_tier_count"]
    ids = [emulator.create(f"shop-{number:02}", region=region)["id"] for number, region in enumerate(["us-east", "eu-west", "us-east"][:count], start=1)]
    other = emulator.create("other-01")["id"]
    emulator.change(ids[0], status="failed")  # before anybody watches
    combined = [*hastened(shipped("web_tier")), *hastened(yaml.safe_load(FILES["first.yml"])), condition_alone()]
    (rulebooks.folder / "rulebook.yml").write_text(json.dumps(combined))
    with rulebooks.running("rulebook.yml") as process:
        rulebooks.until("the member that had failed before is replaced", lambda: rulebooks.is_whole(count + 1) and rulebooks.runs() == 1, process)
        assert not {ids[0]} & {item["id"] for item in emulator.instances()}

        emulator.change(other, status="failed")  # is none of its business
        emulator.change(ids[1], status="failed")
        emulator.delete(ids[2])
        emulator.forget_requests()
        rulebooks.until("those that failed together are replaced by one run", lambda: rulebooks.runs() == 2, process)
        assert sorted(item["name"] for item in emulator.instances() if item["status"] == "running") == [f"shop-{number:02}" for number in (1, 2, 3)]
        assert [(entry["method"], entry["path"]) for entry in emulator.writes() if entry["method"] == "DELETE"] == [("DELETE", f"/instances/{ids[1]}")]
        assert len(emulator.writes()) == 3

        seen = rulebooks.lists()
        rulebooks.until("what the run itself has changed is seen and settled", lambda: rulebooks.lists() >= seen + 2 * 6, process)
        assert rulebooks.runs() == 2
        os.kill(process.pid, signal.SIGTERM)
        status = process.wait(PATIENCE)
    assert status in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nothing of it is left
    text = rulebooks.text
    assert "Keeping 3 members of shop (starter, ['us-east', 'eu-west']) whole." in text
    for name, instance_id, region in (("shop-01", ids[0], "us-east"), ("shop-02", ids[1], "eu-west"), ("other-01", other, "us-east")):
        assert f"{name} ({instance_id}, {region}) has failed." in text
    taken = [f"{change} {before} {after}" for change, before, after, expected in REASONS if expected]
    assert sorted(re.findall(r"taken: (.*)\.", text)) == sorted(taken)
    assert emulator.api_key not in text
    assert "ERROR" not in text


def test_what_ends_a_rulebook(rulebooks: Rulebooks) -> None:
    """By its name in the collection, with a credential that the API refuses: it says so, and its status is not 0."""
    with rulebooks.running("cloudnexus.cloud.web_tier", "-vv", CLOUDNEXUS_API_KEY="canary-cn-4711") as process:
        assert process.wait(PATIENCE) == 1
    assert "GET /instances: the API returned 401" in rulebooks.text
    assert "canary" not in rulebooks.text
    assert rulebooks.lists() == 2, "one refusal may be a slip"


def test_the_context_of_a_decision_environment_is_made(tmp_path: Path) -> None:
    (tmp_path / "decision-environment.yml").write_text(FILES["decision-environment.yml"])
    done = subprocess.run(
        ["ansible-builder", "create", "-f", "decision-environment.yml", "--output-filename", "Containerfile"],
        check=False, cwd=tmp_path, env=ansible_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "context" / "_build" / "requirements.txt").read_text().split() == ["ansible-rulebook"]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of the documentation is followed from the top to the end: its files are saved, its playbooks and commands run, and they show what it shows."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.checkout import ROOT, link_tree
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from .commands import Ansible
from .pages import DIGEST, Block, Command, blocks, commands, not_shown

PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("*.md"), *ROOT.glob("roles/*/README.md")])
#: Ansible's commands, which are run.
RUN = ("ansible", "ansible-playbook", "ansible-console", "ansible-doc", "ansible-inventory", "ansible-builder")
#: What is not run here, and why.
NOT_RUN = {
    r"make demo": "tests/integration/test_demo.py runs it",
    r"make (test|soak|docs|matrix)\b.*": "it would run itself",
    r"make release VERSION=.*": "tests/integration/test_release.py runs it",
    r"make bench.*": "tests/integration/test_benchmark.py runs its cases, and `make bench` takes minutes of an idle machine",
    r"\.venv/bin/pytest .*": "its tests are run anyway",
    r"git clone \S+( && cd [\w.]+)?": "this is the clone",
    r"ansible-galaxy collection install cloudnexus\.cloud( --upgrade)?": "test_the_emulator_of_an_installed_collection installs one",
    r"ansible-galaxy collection install cloudnexus\.cloud -p collections": "a link brings the clone there",
    r"ansible-rulebook .*": "tests/integration/test_event_driven.py runs them, with the files of the page",
    r"(emulator/bin/)?pip install [\w -]+": "the environment of the tests has it",
    r"python3 -m venv emulator": "the environment of the tests has it",
    r"PYTHONPATH=\S+ emulator/bin/python -m ansible_collections\.cloudnexus\.cloud\.tests\.emulator": "test_the_emulator_of_an_installed_collection runs it",
    r"ansible-builder build .*": "it takes a container engine",
    r"ansible-navigator .*--execution-environment-image .*": "it takes a container engine; tests/integration/test_awx_jobs.py runs it without",
    r"ansible-builder introspect ~/\.ansible/collections": "tests/integration/test_execution_environment.py runs it where the collection is",
}
#: What a reader has and no page can show: variables, and what stands for `...` where a variable of the environment is set.
VARIABLES = {"vaulted_api_key": API_KEY}
CREDENTIALS = {"CLOUDNEXUS_API_KEY": API_KEY, "CLOUDNEXUS_REFRESH_TOKEN": REFRESH_TOKEN, "CLOUDNEXUS_CLIENT_ID": CLIENT_ID}
#: The hosts of the emulator have no address that could be reached, so that nothing may wait for them or set them up.
UNREACHABLE = ("-e", "web_tier_wait_for_connection=false", "-e", "web_tier_configure=false")


@dataclass(slots=True)
class Reader:
    """Somebody who does what a page says, in a folder of theirs."""

    ansible: Ansible
    stack: ExitStack
    #: By their names.
    files: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    digest: str = ""

    @property
    def folder(self) -> Path:
        return self.ansible.folder / "home"

    def prepare(self) -> None:
        self.write(".ssh/id_ed25519.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com\n")
        self.write("group_vars/all.yml", json.dumps(VARIABLES))
        # Where a token is kept must not be that of another page, nor the user's.
        self.ansible.environment |= {"HOME": str(self.folder), "CLOUDNEXUS_TOKEN_CACHE": "", "XDG_CACHE_HOME": ""}

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # --- Blocks ---

    def follow(self, block: Block) -> None:
        if block.notes.get("skip"):
            return
        if account := block.notes.get("account"):
            self.ansible.emulator.reset(boot_seconds=0.3)
            for words in account.split(",") if account != "new" else ():
                name, plan, region = words.split()
                self.ansible.emulator.create(name, plan, region)
        if block.language == "console":
            for command in commands(block):
                self.do(command, int(block.notes.get("status", 0)))
        elif block.file is not None:
            self.save(block.file, block)
        elif block.language == "yaml":
            self.play(yaml.safe_load(block.text))
        elif block.language == "python":
            ast.parse(block.text)
        else:
            assert block.language in ("text", "mermaid"), "a block of another language that is no file"

    def save(self, name: str, block: Block) -> None:
        if block.language == "json":
            json.loads(block.text)
        self.files[name] = block.text
        self.write(name, block.text)
        if name.startswith(".github/workflows/"):
            self.work(yaml.safe_load(block.text))

    def work(self, workflow: Any) -> None:
        """Run the commands of a workflow's only job, with no more of this environment than a runner has."""
        (job,) = workflow["jobs"].values()
        (self.folder / "collections").symlink_to(link_tree(), target_is_directory=True)
        environment = {"HOME": str(self.folder), "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), **job["env"]}
        for command in (step["run"] for step in job["steps"] if "run" in step):
            if any(re.fullmatch(pattern, command) for pattern in NOT_RUN):
                continue
            done = subprocess.run(
                shlex.split(command), check=False, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert done.returncode == 0, done.stdout
            assert re.search(r"^=+ \d+ passed in ", done.stdout, re.MULTILINE), done.stdout
        self.used |= set(self.files)

    def play(self, content: Any) -> None:
        """A playbook, or the tasks of one, that has no name."""
        assert isinstance(content, list), "YAML that is neither a playbook nor tasks; which file is it?"
        plays = content if all("hosts" in item for item in content) else [{"hosts": "localhost", "gather_facts": False, "tasks": content}]
        self.write("example.yml", json.dumps(plays))
        run = self.ansible.command("ansible-playbook", "example.yml", *(UNREACHABLE if "web_tier" in json.dumps(plays) else ()), cwd=self.folder)
        assert run.status == 0, run.output

    # --- Commands ---

    def do(self, command: Command, status: int) -> None:
        words = shlex.split(command.line, comments=True)
        if any(re.fullmatch(pattern, command.line.partition(" #")[0].rstrip()) for pattern in NOT_RUN):
            self.used |= set(words)
            return
        if words[0] in ("export", "unset"):
            self.set(words[0], words[1:])
            return
        if words[:2] == ["make", "emulator"]:
            self.start_emulator(words[2:], command)
            return
        assert words[0] in RUN, f"{words[0]}: not a command of Ansible's, and not among those that are not run"
        self.used |= set(words) | {part for word in words for part in re.split(r"[=@]", word)}
        words = [re.sub(r"v1\.\S*\.\.\.", self.digest, word) for word in words]
        if words[0] == "ansible-playbook" and any("web_tier" in text for text in (command.line, *(self.files.get(word, "") for word in words))):
            words += UNREACHABLE
        run = self.ansible.command(*words, cwd=self.folder, typed="".join(f"{line}\n" for line in command.typed))
        assert run.status == status, run.output
        shown = re.sub(r"\x1b\[[\d;]*m", "", run.output)  # some of the tools show colours to a file, too
        missing = not_shown(shown, command.output)
        assert missing is None, f"{command.line} did not show {missing!r}, but\n{run.output}"
        self.digest = next(iter(DIGEST.findall(run.output)), self.digest)

    def set(self, how: str, words: list[str]) -> None:
        for word in words:
            name, _equals, value = word.partition("=")
            if value == "...":
                value = CREDENTIALS[name]
            if name == "CLOUDNEXUS_API_URL" and how == "export":
                assert re.match(r"http://127\.0\.0\.1:\d+/v1$", value)
                continue  # the port is another one here
            self.ansible.environment[name] = value

    def start_emulator(self, words: list[str], command: Command) -> None:
        """``make emulator ARGS='...'``: the one that the rest of the page is for."""
        arguments = shlex.split(words[0].removeprefix("ARGS=")) if words else []
        self.used |= set(arguments)
        if "--port" in arguments:
            del arguments[arguments.index("--port") : arguments.index("--port") + 2]
        arguments = [str(self.folder / word) if word in self.files else word for word in arguments]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulator", "--until-eof", *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self.stack.callback(process.wait, 10)
        self.stack.callback(process.stdin.close)
        self.stack.callback(process.stdout.close)
        told = ""
        while "instead of the key" not in told:
            line = process.stdout.readline()
            assert line, f"the emulator did not start with {arguments}"
            told += line
        assert not_shown(told, command.output) is None, told
        (address,) = set(re.findall(r"http://127\.0\.0\.1:\d+", told))
        self.ansible.environment["CLOUDNEXUS_API_URL"] = f"{address}/v1"
        self.stack.callback(_no_mistakes, f"{address}/_emulator")


def _read(url: str, **headers: str) -> Any:
    with requests.Session() as session:
        session.trust_env = False  # no proxy leads to this machine
        return session.get(url, headers=headers, timeout=10).json()


def _no_mistakes(control_url: str) -> None:
    entries = _read(f"{control_url}/requests")
    assert not [entry["violation"] for entry in entries if entry["violation"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(in_process: Ansible, page: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(in_process, stack)
        reader.prepare()
        block = Block("", "", 0)
        try:
            for block in blocks(page):
                reader.follow(block)
        except AssertionError as error:
            raise AssertionError(f"{page.relative_to(ROOT)}, line {block.line}: {error}") from None
        unused = set(reader.files) - reader.used - {name for name in reader.files if name.startswith(("group_vars/", "host_vars/", "ansible.cfg"))}
        assert not unused, f"no command uses {', '.join(sorted(unused))}"


def test_a_page_that_is_wrong_is_found(in_process: Ansible, tmp_path: Path) -> None:
    """The reader above sees what a reader would see."""
    wrong = {
        "a command that fails": "```console\n$ ansible localhost -m cloudnexus.cloud.cloudnexus_cdn -a cache_ttl=-1\n```",
        "output that does not come": '```console\n$ ansible localhost -m cloudnexus.cloud.cloudnexus_health_info\n    "status": "on fire"\n```',
        "a file that nothing uses": "```yaml\n# fleet.yml\n[]\n```",
        "another command": "```console\n$ curl localhost\n```",
    }
    found = []
    for what, text in wrong.items():
        page = ROOT / ".cache" / f"wrong-{os.getpid()}.md"
        page.write_text(text)
        try:
            test_page(in_process, page)
        except AssertionError:
            found.append(what)
        finally:
            page.unlink()
    assert found == list(wrong)


def test_the_emulator_of_an_installed_collection(emulator_process: EmulatorProcess, tmp_path: Path) -> None:
    """As docs/emulator.md says it: the collection has it with it, and it needs nothing of the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {**kept, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        target = tmp_path / "clone" / name
        if (ROOT / name).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    collections = tmp_path / "collections"
    subprocess.run(
        ["ansible-galaxy", "collection", "install", "--force", str(tmp_path / "clone"), "-p", str(collections)],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        env=environment,
    )
    process = subprocess.Popen(
        [sys.executable, "-P" if sys.version_info >= (3, 11) else "-B", "-m", "ansible_collections.cloudnexus.cloud.tests.emulator", "--json", "--until-eof"],
        cwd=tmp_path, env={**environment, "PYTHONPATH": str(collections)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        health = _read(f"{told['api_url']}/health", Authorization=f"Bearer {told['api_key']}")
        process.stdin.close()
    assert health["status"] == "healthy"

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action file of the collection imports, before Ansible forks its workers: a run's first task waits for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from tests.checkout import ROOT, link_tree

from .harness import PAIRS, Bench, Row
from .playbook import Failed

#: What ansible-playbook has imported by the time that it looks for the first task's action plugin.
ANSIBLES_OWN = (
    "ansible.cli.playbook",
    "ansible.executor.playbook_executor",
    "ansible.executor.task_queue_manager",
    "ansible.executor.process.worker",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.action.normal",
    "ansible.plugins.become.sudo",
    "ansible.plugins.shell.sh",
)
OURS = "ansible_collections.cloudnexus.cloud.plugins.action.cloudnexus_instance"
MARK = "--- from here on it is ours"
CODE = f"""
import importlib, json, sys, time
for name in {ANSIBLES_OWN!r}:
    importlib.import_module(name)
# Ansible's own loader of collections, which compiles their files anew in each run.
importlib.import_module("ansible.plugins.loader").init_plugin_loader([{str(link_tree())!r}])
before = set(sys.modules)
print({MARK!r}, file=sys.stderr, flush=True)
started = time.perf_counter()
importlib.import_module({OURS!r})
seconds = time.perf_counter() - started
modules = set(sys.modules) - before
files = [getattr(sys.modules[name], "__file__", None) or "" for name in modules if name.startswith("ansible_collections")]
sources = [open(file).read() for file in files if file.endswith(".py")]
started = time.perf_counter()
for source in sources:
    compile(source, "", "exec")
print(json.dumps([seconds, time.perf_counter() - started, sorted(modules)]))
"""
_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


def imports(bench: Bench) -> list[Row]:
    """What an action file imports before the fork, in milliseconds (a figure without a reach)"""
    _run("https:", traced=False)  # whatever is not compiled yet
    whole, plain, compiled, parts = [], [], [], []
    for _pair in range(PAIRS):
        whole.append(_run("https:", traced=False).seconds)
        run = _run("http:", traced=False)
        plain.append(run.seconds)
        compiled.append(run.compiled)
        parts.append(_run("http:", traced=True).parts)
    ours = [sum(one.get("ansible_collections", {}).values()) for one in parts]
    known = sorted({package for one in parts for package in one} - {"ansible_collections"}, key=lambda package: -_of(parts, package))
    print(f"    in all {median(whole) * 1000:.1f} ms, of which the TLS context takes {(median(whole) - median(plain)) * 1000:.1f} ms")
    print(f"    as -X importtime divides the rest: our own files {median(ours):.1f} ms, requests and what it brings {_third_party(parts):.1f} ms")
    print(f"    Ansible compiles a collection's files anew in each run: {median(compiled) * 1000:.1f} ms of our own files")
    print("    " + ", ".join(f"{package} {_of(parts, package):.1f} ms" for package in known if _of(parts, package) >= 1))
    packages = sorted({name.partition(".")[0] for name in run.modules})
    print(f"    {len(run.modules)} modules beyond Ansible's own, of these packages: {', '.join(packages)}")
    return []


def _of(parts: list[dict[str, dict[str, float]]], package: str) -> float:
    return median(sum(one.get(package, {}).values()) for one in parts)


def _third_party(parts: list[dict[str, dict[str, float]]]) -> float:
    return sum(
        _of(parts, package) for package in {package for one in parts for package in one} - {"ansible_collections", "ansible"} - set(sys.stdlib_module_names)
    )


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    #: Seconds to compile our own files.
    compiled: float
    #: What was imported.
    modules: list[str]
    #: By package, the milliseconds of each module itself.
    parts: dict[str, dict[str, float]]


def _run(scheme: str, *, traced: bool) -> _Run:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDNEXUS_", "ANSIBLE_"))}
    environment = {**kept, "CLOUDNEXUS_API_URL": f"{scheme}//127.0.0.1/v1"}
    command = [sys.executable, *(("-X", "importtime") if traced else ()), "-c", CODE]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr[-2000:])
    parts: dict[str, dict[str, float]] = {}
    for microseconds, name in _LINE.findall(done.stderr.partition(MARK)[2]):
        parts.setdefault(name.partition(".")[0], {})[name] = int(microseconds) / 1000
    seconds, compiled, modules = json.loads(done.stdout)
    return _Run(seconds, compiled, modules, parts)

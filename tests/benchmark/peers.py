# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-peers``: a server that is as declared, by this collection and by those of three other clouds, and an inventory of many.

Their modules are run as they are, against a stand-in for their APIs on a loopback port. They are what their authors
made of other APIs, some of which take more requests: the table says how many. It is no part of ``make test``, as it
installs the whole package ``ansible``, which has them, below ``.cache``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

from tests.checkout import CACHE, ROOT

from .cases import LISTED, SOURCE, USUAL_PAIRS
from .harness import PAIRS, TITLES, Bench, Row, api_of, fill, table
from .playbook import FQCN, instance_name, list_inventory, play, varied
from .replay import Replay

#: What is measured is one loop without another that has one item only.
ITEMS = 10
PACKAGES = ("ansible", "requests", "python-dateutil")
OURS = f"{FQCN}instance"
OPTIONS = {"name": "{{ item }}", "plan": "starter", "region": "us-east"}
TASKS: dict[str, dict[str, Any]] = {
    OURS: {OURS: OPTIONS},
    f"{OURS}, module mode": {OURS: OPTIONS, "vars": {"cloudnexus_in_process": False}},
    "hetzner.hcloud.server": {"hetzner.hcloud.server": {"name": "{{ item }}", "server_type": "cx22"}},
    "vultr.cloud.instance": {"vultr.cloud.instance": {"label": "{{ item }}", "plan": "vc2-1c-2gb", "region": "ewr"}},
    "cloudscale_ch.cloud.server": {"cloudscale_ch.cloud.server": {"name": "{{ item }}", "flavor": "flex-4-1"}},
}


THEIR_PAGE = 50
THEIR_SOURCE = """
plugin: hetzner.hcloud.hcloud
group: servers
hostvars_prefix: hcloud_
keyed_groups:
  - {key: hcloud_location, prefix: location}
  - {key: hcloud_type, prefix: type}
  - {key: hcloud_status, prefix: status}
"""


def _installed() -> Path:
    """The folder of commands of a virtual environment with the peers."""
    folder = CACHE / "peers" / "venv"
    python, done = folder / "bin" / "python", CACHE / "peers" / "installed"
    if not done.exists():
        print(f"==> Installing {', '.join(PACKAGES)} into {folder.relative_to(ROOT)} (once)", flush=True)
        venv.create(folder, with_pip=True)
        uv = Path(sys.executable).parent / "uv"
        if not uv.exists() or subprocess.run([uv, "pip", "install", "-q", "--python", python, *PACKAGES], check=False).returncode:
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
        done.touch()
    return python.parent


def _environment(commands: Path, address: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(commands), os.environ.get("PATH", os.defpath)]),
        "HCLOUD_ENDPOINT": f"{address}/hetzner",
        "HCLOUD_TOKEN": "none",
        "VULTR_API_ENDPOINT": f"{address}/vultr",
        "VULTR_API_KEY": "none",
        "CLOUDSCALE_API_URL": f"{address}/cloudscale",
        "CLOUDSCALE_API_TOKEN": "none",
    }


@contextmanager
def _other_clouds(servers: int) -> Iterator[str]:
    """The address of a stand-in for the other clouds' APIs."""
    command = [sys.executable, "-m", "tests.benchmark.peers_api", str(servers)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _modules(commands: Path, folder: Path) -> str:
    """One item of a loop that changes nothing, a row a module."""
    tasks: dict[str, dict[str, Any]] = {}
    for name, task in TASKS.items():
        tasks[f"{name} 1"] = {**task, "loop": [instance_name(0)]}
        tasks[name] = {**task, "loop": [instance_name(number) for number in (0, *range(ITEMS))]}
    times: dict[str, list[float]] = {name: [] for name in TASKS}
    with _other_clouds(ITEMS) as address, Bench(folder).emulator(page_size=ITEMS) as emulator:
        fill(emulator, ITEMS)
        emulator.forget_requests()
        for _pair in range(PAIRS):
            played = play(folder, tasks, {**api_of(emulator), **_environment(commands, address)})
            for name, found in times.items():
                found.append((played.tasks[name] - played.tasks[f"{name} 1"]) / ITEMS)
        runs = PAIRS * (ITEMS + 2)
        counts = {name.split(".")[0].removesuffix("_ch"): count for name, count in requests.get(f"{address}/counts", timeout=30).json().items()}
        # Both of our modes sent the same.
        counts["cloudnexus"] = len(emulator.requests()) // 2
    rows = []
    for name, found in times.items():
        ratios = [theirs / ours for theirs, ours in zip(found, times[OURS], strict=True)]
        rows.append([name, f"{counts[name.split('.')[0].removesuffix('_ch')] / runs:g}", f"{median(found) * 1000:.1f} ms", f"{median(ratios):.1f}"])
    return table(["module", "requests an item", "an item", "times ours"], rows)


def _inventories(commands: Path, folder: Path) -> str:
    """As many hosts in as many groups, from as many pages."""
    ours, theirs, listed = folder / "ours.cloudnexus.yml", folder / "theirs.hcloud.yml", folder / "listed.json"
    ours.write_text(SOURCE, encoding="utf-8")
    theirs.write_text(THEIR_SOURCE, encoding="utf-8")
    pairs = []
    with _other_clouds(LISTED) as address, Bench(folder).emulator(page_size=THEIR_PAGE) as emulator:
        fill(emulator, LISTED, varied)
        with Replay(folder, "/instances", emulator) as replay:
            api = {**replay.api, **_environment(commands, address)}
            for _pair in range(USUAL_PAIRS):
                times = []
                for source in (ours, theirs):
                    times.append(list_inventory(source, listed, api))
                    found = json.loads(listed.read_text(encoding="utf-8"))
                    assert len(found["_meta"]["hostvars"]) == LISTED
                    # Theirs have one of their own besides.
                    assert sum("hosts" in group and len(group["hosts"]) > 1 for group in found.values()) >= 7
                pairs.append((times[0], times[1]))
    row = Row(f"inventory of {LISTED:,}, three keyed groups", "`hetzner.hcloud.hcloud`", pairs, "s", 0.35)
    return table(TITLES, [row.cells()])


def main() -> int:
    commands = _installed()
    version = subprocess.run([commands / "ansible", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    with tempfile.TemporaryDirectory(prefix="cloudnexus-benchmark-") as folder:
        print(f"\nOne item of a loop, medians of {PAIRS} runs of {version}.\n")
        print(_modules(commands, Path(folder)))
        print(f"\nansible-inventory --list, medians of {USUAL_PAIRS} pairs.\n")
        print(_inventories(commands, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

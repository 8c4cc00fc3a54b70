# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-peers``: a server that is as declared, by this collection and by those of three other clouds.

Their modules are run as they are, against a stand-in for their APIs on a loopback port. They are what their authors
made of other APIs, some of which take more requests: the table says how many. It is no part of ``make test``, as it
installs the whole package ``ansible``, which has them, below ``.cache``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median
from typing import Any

import requests

from tests.checkout import CACHE, ROOT

from .harness import PAIRS, Bench, api_of, fill, table
from .playbook import FQCN, instance_name, play

#: What is measured is one loop without another that has one item only.
ITEMS = 10
PACKAGES = ("ansible", "requests", "python-dateutil")
OURS = f"{FQCN}instance"
OPTIONS = {"name": "{{ item }}", "plan": "starter", "region": "us-east"}
TASKS: dict[str, dict[str, Any]] = {
    OURS: {OURS: OPTIONS},
    f"{OURS}, module door": {OURS: OPTIONS, "vars": {"cloudnexus_in_process": False}},
    "hetzner.hcloud.server": {"hetzner.hcloud.server": {"name": "{{ item }}", "server_type": "cx22"}},
    "vultr.cloud.instance": {"vultr.cloud.instance": {"label": "{{ item }}", "plan": "vc2-1c-2gb", "region": "ewr"}},
    "cloudscale_ch.cloud.server": {"cloudscale_ch.cloud.server": {"name": "{{ item }}", "flavor": "flex-4-1"}},
}


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


def main() -> int:
    commands = _installed()
    version = subprocess.run([commands / "ansible", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    tasks: dict[str, dict[str, Any]] = {}
    for name, task in TASKS.items():
        tasks[f"{name} 1"] = {**task, "loop": [instance_name(0)]}
        tasks[name] = {**task, "loop": [instance_name(number) for number in (0, *range(ITEMS))]}
    times: dict[str, list[float]] = {name: [] for name in TASKS}
    standin = [sys.executable, "-m", "tests.benchmark.peers_api", str(ITEMS)]
    with (
        tempfile.TemporaryDirectory(prefix="cloudnexus-benchmark-") as folder,
        subprocess.Popen(standin, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        Bench(Path(folder)).emulator(page_size=ITEMS) as emulator,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        fill(emulator, ITEMS)
        emulator.forget_requests()
        for _pair in range(PAIRS):
            played = play(Path(folder), tasks, {**api_of(emulator), **_environment(commands, address)})
            for name, found in times.items():
                found.append((played.tasks[name] - played.tasks[f"{name} 1"]) / ITEMS)
        runs = PAIRS * (ITEMS + 2)
        counts = {name.split(".")[0].removesuffix("_ch"): count for name, count in requests.get(f"{address}/counts", timeout=30).json().items()}
        # Both of our doors asked the same.
        counts["cloudnexus"] = len(emulator.requests()) // 2
        assert process.stdin is not None
        process.stdin.close()
    rows = []
    for name, found in times.items():
        ratios = [theirs / ours for theirs, ours in zip(found, times[OURS], strict=True)]
        rows.append([name, f"{counts[name.split('.')[0].removesuffix('_ch')] / runs:g}", f"{median(found) * 1000:.1f} ms", f"{median(ratios):.1f}"])
    print(f"\nOne item of a loop, medians of {PAIRS} runs of {version}.\n")
    print(table(["module", "requests an item", "an item", "times ours"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

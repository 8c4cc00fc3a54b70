# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role web_server, rendered by Ansible in a process of its own: its collection finder would stay in this one.

``python -m tests.unit.roles.rendering PLAYBOOK_DIR`` reads a list of what users give the role, and prints what becomes of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import yaml

from tests.checkout import ROOT, ansible_environment

ROLE = ROOT / "roles" / "web_server"
RENDERED = ("__web_server_paths", "__web_server_wrong", "__web_server_removable", "__web_server_bases_of_the_site")


def rendered(given: list[dict[str, Any]], playbook_dir: str = "/home/me/shop") -> list[dict[str, Any]]:
    """For each of these, by their short names: the paths, what is wrong, the pattern of what may be removed, and where a relative site starts."""
    command = [sys.executable, "-m", "tests.unit.roles.rendering", playbook_dir]
    done = subprocess.run(command, check=True, cwd=ROOT, env=ansible_environment(), input=json.dumps(given), stdout=subprocess.PIPE, text=True)
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def tasks(name: str) -> list[dict[str, Any]]:
    """The tasks of a file of the role, those of blocks among them."""

    def every(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [found for item in items for found in (item, *every([inner for part in ("block", "rescue", "always") for inner in item.get(part, [])]))]

    return every(yaml.safe_load((ROLE / "tasks" / name).read_text()))


def main() -> None:
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar

    init_plugin_loader()
    loader = DataLoader()

    def load(name: str) -> Any:
        try:
            return loader.load_from_file(str(ROLE / name), trusted_as_template=True)  # since 2.19 it trusts no other templates
        except TypeError:
            return loader.load_from_file(str(ROLE / name))

    role = {**load("defaults/main.yml"), **load("vars/main.yml"), **load("tasks/check.yml")[0]["ansible.builtin.set_fact"], "role_path": str(ROLE)}
    results = []
    for given in json.load(sys.stdin):
        variables = {**role, "playbook_dir": sys.argv[1], **{f"web_server_{name}": value for name, value in given.items()}}
        templar = Templar(loader=loader, variables=variables)
        results.append({name: templar.template(variables[name]) for name in RENDERED})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()

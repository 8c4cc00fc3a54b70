# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: their specifications, defaults, READMEs and names agree with each other."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

#: What a role sets for the tasks that follow.
RESULTS = {"web_tier": {"web_tier_plan_markdown", "web_tier_summary"}, "web_server": set()}
ROLES = sorted(path.name for path in ROOT.glob("roles/*"))


def role_spec(role: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = loaded["argument_specs"]["main"]["options"]
    return options


def test_the_roles_that_were_promised() -> None:
    assert ROLES == ["web_server", "web_tier"]


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_of_a_role_are_those_of_its_specification(role: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    assert defaults == {name: option["default"] for name, option in role_spec(role).items() if "default" in option}


@pytest.mark.parametrize("role", ROLES)
def test_the_variables_of_a_role_are_in_its_readme(role: str) -> None:
    documented = set(re.findall(rf"^\| `({role}_\w+)`", (ROOT / "roles" / role / "README.md").read_text(), re.MULTILINE))
    # What belongs to the playbook alone is beside them.
    assert documented - {"web_tier_configure"} - RESULTS[role] == set(role_spec(role))
    assert documented >= RESULTS[role]


@pytest.mark.parametrize("role", ROLES)
def test_names_of_a_role_are_prefixed(role: str) -> None:
    for path in (ROOT / "roles" / role).glob("tasks/*.yml"):
        for name in re.findall(r"register: (\w+)|set_fact:\n\s+(\w+):|index_var: (\w+)", path.read_text()):
            assert "".join(name).startswith(f"__{role}_") or "".join(name) in RESULTS[role], path.name
    for path in (ROOT / "roles" / role).glob("vars/*.yml"):
        assert all(name.startswith(f"__{role}_") for name in yaml.safe_load(path.read_text())), path.name


def test_the_web_servers_of_a_tier_fall_back_to_the_defaults_of_their_role() -> None:
    plays = [play for play in yaml.safe_load((ROOT / "playbooks" / "web_tier.yml").read_text()) if "vars" in play]
    assert len(plays) == 3
    assert all(play["vars"] == plays[0]["vars"] for play in plays)
    for name, value in plays[0]["vars"].items():
        assert re.search(r"\| default\('?(\w+)'?\) }}$", value).group(1) == str(role_spec("web_server")[name]["default"])  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("playbooks/*.yml")))
def test_localhost_is_the_control_node(name: str) -> None:
    """Also if an inventory names it, and with ``-b``."""
    for play in yaml.safe_load((ROOT / "playbooks" / name).read_text()):
        if play.get("hosts") == "localhost":  # an import has none
            assert (play["connection"], play["become"], play["gather_facts"]) == ("local", False, False)

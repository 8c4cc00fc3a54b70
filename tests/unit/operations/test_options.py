# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of each module are those that its documentation has."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PACKAGE = "ansible_collections.cloudnexus.cloud.plugins"


def of_documentation(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _option(option, option.get("suboptions", {}), of_documentation) for name, option in options.items()}


def of_argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _option(option, option.get("options", {}), of_argument_spec) for name, option in options.items()}


def _option(option: Mapping[str, Any], below: Mapping[str, Any], convert: Any) -> dict[str, Any]:
    shown = {key: option.get(key) for key in ("type", "elements", "choices", "default")}
    return {**shown, "required": option.get("required", False), "options": convert(below)}


@pytest.mark.parametrize("name", MODULES)
def test_types_choices_and_defaults_are_the_documented_ones(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION).get("options", {})
    # One that sends no requests has no operation.
    spec = module.OPERATION.argument_spec if hasattr(module, "OPERATION") else importlib.import_module(f"{PACKAGE}.action.{name}").ARGUMENT_SPEC
    assert of_argument_spec(spec) == of_documentation(documented)


@pytest.mark.parametrize("name", ["cloudnexus_fleet", "cloudnexus_instance"])
def test_public_keys_are_shown(name: str) -> None:
    """Without ``no_log=False`` Ansible takes the option's name for that of a secret, and hides it."""
    spec = importlib.import_module(f"{PACKAGE}.modules.{name}").OPERATION.argument_spec
    options = spec["instances"]["options"] if "instances" in spec else spec
    assert options["ssh_keys"]["no_log"] is False

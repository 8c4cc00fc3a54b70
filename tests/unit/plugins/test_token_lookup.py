# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup cloudnexus_token: what it says, and what is documented of its options."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments.cloudnexus import ModuleDocFragment
from ansible_collections.cloudnexus.cloud.plugins.lookup import cloudnexus_token
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT, SECRET_OPTIONS
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import CloudNexusError

FORGED = "web\x1b[2J\r\n\u202e[WARNING]: forged"


def test_control_characters_reach_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []

    def refused(_params: Any, warn: Any) -> str:
        warn(f"The API said {FORGED}.")
        raise CloudNexusError(f"The API said {FORGED}.")

    monkeypatch.setattr(cloudnexus_token, "access_token", refused)
    monkeypatch.setattr(cloudnexus_token.Display, "warning", lambda _display, text: warnings.append(text))
    lookup = cloudnexus_token.LookupModule()
    with pytest.raises(AnsibleError) as raised:
        lookup.run([])
    with pytest.raises(AnsibleError) as unknown:
        lookup.run([], **{FORGED: 1})
    (warning,) = warnings
    for text in (warning, str(raised.value), str(unknown.value)):
        assert text.isprintable(), json.dumps(text)
        assert "\\x1b[2J" in text


@pytest.mark.parametrize(("name", "missing"), [("CONNECTION", set()), ("TOKEN", {"api_key"})])
def test_the_environment_variables_are_declared(name: str, missing: set[str]) -> None:
    """So that ansible-doc shows them. A module has no such key, and a secret has none, as ansible-config dump would print it."""
    options = yaml.safe_load(getattr(ModuleDocFragment, name))["options"]
    assert set(options) == set(ENVIRONMENT) - missing
    assert {option: described["env"] for option, described in options.items() if "env" in described} == {
        option: [{"name": variable}] for option, variable in ENVIRONMENT.items() if option not in SECRET_OPTIONS
    }
    assert all(ENVIRONMENT[option] in str(described["description"]) for option, described in options.items())
    assert not any("env" in described for described in yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"].values())

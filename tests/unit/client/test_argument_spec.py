# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: which of them are secrets, and where their values come from."""

from __future__ import annotations

import pytest
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import environment, with_connection


@pytest.mark.parametrize(("option", "secret"), [("api_key", True), ("refresh_token", True), ("token_cache", False), ("client_id", None)])
def test_ansible_hides_the_secrets_alone(option: str, secret: bool | None) -> None:
    """``token_cache`` says so: without it Ansible takes its name for that of a secret, and warns."""
    assert with_connection({})[option].get("no_log") is secret


def test_the_options_of_a_module_are_kept() -> None:
    assert with_connection({"name": {"type": "str"}})["name"] == {"type": "str"}


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDNEXUS_A", "")
    with pytest.raises(AnsibleFallbackNotFound):
        environment("CLOUDNEXUS_A")
    monkeypatch.setenv("CLOUDNEXUS_B", "value")
    assert environment("CLOUDNEXUS_A", "CLOUDNEXUS_B") == "value"

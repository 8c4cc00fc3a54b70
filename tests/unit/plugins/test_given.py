# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no text is refused in every option that expects one, before Ansible makes a text of it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import with_connection
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet, instance
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.given import problem

SPEC = with_connection(instance.ARGUMENT_SPEC)
TEXTS = [name for name, option in SPEC.items() if option["type"] in ("str", "path")]


@pytest.mark.parametrize(
    ("value", "called"),
    [
        (["web-01", "web-02"], "a list"),
        (datetime.date(2026, 1, 2), "a date"),
        (datetime.datetime(2026, 1, 2, 3, 4), "a date"),
        ({"a": 1}, "a mapping"),
        ({"a"}, "a set"),
        (b"web-01", "binary data"),
        (5, "a number"),
        (1.5, "a number"),
        (True, "true or false"),
    ],
)
@pytest.mark.parametrize("option", TEXTS)
def test_what_is_no_text(option: str, value: Any, called: str) -> None:
    assert problem({option: value}, SPEC) == f"{option}: expected a text, got {called}. Quote it if it is meant as a text."


def test_a_secret_of_another_kind_is_not_shown() -> None:
    assert "12345" not in str(problem({"api_key": 12345}, SPEC))


def test_in_the_members_of_a_fleet_and_in_lists() -> None:
    spec = with_connection(fleet.ARGUMENT_SPEC)
    assert problem({"instances": [{"name": "web-01"}, {"name": ["a"]}]}, spec) == (
        "instances[1].name: expected a text, got a list. Quote it if it is meant as a text."
    )
    assert str(problem({"ssh_keys": ["ssh-ed25519 AAAA", 5]}, SPEC)).startswith("ssh_keys[1]: expected a text, got a number.")
    assert problem({"ssh_keys": {"a", "b"}}, SPEC) == "ssh_keys: expected a list, got a set."
    assert problem({"instances": {"name": "web-01"}}, spec) == "instances: expected a list, got a mapping."


class Vaulted:
    """As a vaulted value before ansible-core 2.19."""

    __ENCRYPTED__ = True


def test_what_is_left_to_ansible() -> None:
    given = {
        "name": "web-01",
        "plan": None,
        "api_key": Vaulted(),
        "ssh_keys": "a,b",
        "wait": "yes",
        "wait_timeout": "5",
        "auto_scale": "min_instances=1",
        "no": 5,
    }
    assert problem(given, SPEC) is None
    assert problem({"auto_scale": {"min_instances": "1"}}, SPEC) is None

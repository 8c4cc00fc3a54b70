# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message after an interruption: it names what exists and what may exist."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn, instance

from ..fake_api import FakeApi, answer, run_operation
from ..operations.runs import WEB, names, run_fleet, run_instance, webs
from ..spoilers import LIST, POST, Right


def interrupt_after(right: Right) -> Response:
    right()
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("spoilt", "given", "sentence"),
    [
        (LIST, {}, None),
        (POST, {}, "The creation of web-01 was under way, and may or may not have had its effect."),
        (("GET", "/instances/inst_00000001"), {}, "The instance web-01 (inst_00000001) was created; its last status is 'provisioning'."),
        (("PATCH", "/instances/inst_00000001"), {"plan": "enterprise"}, "A change of the instance web-01 (inst_00000001) was under way"),
        (("DELETE", "/instances/inst_00000001"), {"state": "absent"}, "The deletion of the instance web-01 (inst_00000001) was under way"),
        (("GET", "/instances/inst_00000001"), {"state": "absent"}, "The instance web-01 (inst_00000001) was deleted."),
    ],
)
def test_an_interruption_says_what_is_left_behind(spoilt: tuple[str, str], given: dict[str, Any], sentence: str | None) -> None:
    api, warnings = FakeApi(), list[str]()
    if given:
        api.make("web-01")
    api.spoil(*spoilt, interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, instance.OPERATION, warnings=warnings, **{"name": None, "id": None, "plan": None, "region": None, **WEB, **given})
    if sentence is None:
        assert warnings == []
    else:
        assert warnings[0].startswith(f"Interrupted. {sentence}")
        assert warnings[0].endswith("The same task again finds what there is, and goes on from there.")
    assert not run_instance(api, **{**WEB, **given}).get("failed")


def test_an_interrupted_replacement_says_that_the_old_one_is_gone() -> None:
    api, warnings = FakeApi(), list[str]()
    api.make("web-01", region="eu-west")
    api.spoil(*POST, interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, instance.OPERATION, warnings=warnings, **{"id": None, **WEB, "recreate": True})
    assert "The old instance web-01 (inst_00000001) was deleted to make room for a new one. The creation of web-01 was under way" in warnings[0]


@pytest.mark.parametrize("effect", [True, False])
def test_an_interruption_says_what_was_made_and_what_was_under_way(effect: bool) -> None:
    api = FakeApi()

    def interrupted(right: Right) -> Response:
        if effect:
            right()
        raise KeyboardInterrupt

    api.script[4] = interrupted
    warnings: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_fleet(api, webs(10), warnings=warnings)
    assert warnings == [
        "Interrupted. These 3 instances were created: web-01 (inst_00000001), web-02 (inst_00000002), web-03 (inst_00000003). "
        "The creation of web-04 was under way, and may or may not have had its effect. The same task again finds what there is, and goes on from there."
    ]
    assert run_fleet(api, webs(10))["failed_instances"] == []
    assert len(names(api)) == 10


@pytest.mark.parametrize(
    ("count", "number", "given", "sentence"),
    [
        (1, 4, {"region": "eu-west"}, "The instance web-01 (inst_00000002) was created in place of the old one; its last status is 'provisioning'."),
        (
            2,
            7,
            {"region": "eu-west"},
            "These 2 instances were created in place of the old ones: web-01 (inst_00000003), web-02 (inst_00000004).",
        ),
        (1, 2, {"plan": "enterprise"}, "The instance web-01 (inst_00000001) was changed; its last status is 'running'."),
        (2, 3, {"plan": "enterprise"}, "These 2 instances were changed: web-01 (inst_00000001), web-02 (inst_00000002)."),
        (1, 1, {}, "Nothing was changed."),
    ],
)
def test_an_interruption_of_a_wait_says_what_was_done(count: int, number: int, given: dict[str, Any], sentence: str) -> None:
    api, warnings = FakeApi(), list[str]()
    for instance_number in range(1, count + 1):
        made = api.make(f"web-{instance_number:02}")
        if not given:
            api.account.set_status(made["id"], "resizing")
    api.script[number] = interrupt_after
    with pytest.raises(KeyboardInterrupt):
        run_fleet(api, webs(count, **given), recreate=True, max_unavailable=2, warnings=warnings)
    assert warnings == [f"Interrupted. {sentence} The same task again finds what there is, and goes on from there."]


def test_a_failure_is_no_interruption() -> None:
    api, warnings = FakeApi(), list[str]()
    api.spoil("PUT", "/cdn/config", lambda right: answer(422))
    assert run_operation(api, cdn.OPERATION, warnings=warnings, cache_ttl=5)["failed"]
    assert not warnings
    api.spoil("PUT", "/cdn/config", interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        run_operation(api, cdn.OPERATION, warnings=warnings, cache_ttl=5)
    assert warnings == ["Interrupted. The change of the CDN configuration was under way, and may or may not have had its effect."]

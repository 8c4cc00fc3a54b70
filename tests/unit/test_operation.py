# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a plan to one result: check mode, the diff, errors, and no secret in any of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ApiError, CloudNexusError, InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, Operation, Plan, run
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn, instance
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan import changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import CDN_CONFIG

from .fake_api import BASE_URL, FakeApi, answer, run_operation

KEY = "cn_canary"
PARAMS: dict[str, Any] = {"api_url": BASE_URL, "api_key": KEY, "api_timeout": 30, "api_retries": 0, "validate_certs": True, "token_cache": "none"}
CHANGE = changes.replaced(CDN_CONFIG, None, {"cache_ttl": 5})


def ignore(_text: str) -> None:
    """Nobody reads it."""


def result_of(plan: Plan, **context: bool) -> dict[str, Any]:
    operation = Operation({}, lambda params, reader, context: plan)
    return run(operation, PARAMS, Context(**{"check_mode": False, "diff": True, **context}, warn=ignore))


def failed_with(error: Exception) -> dict[str, Any]:
    def plan(*_arguments: Any) -> Plan:
        raise error

    return run(Operation({}, plan), PARAMS, Context(check_mode=False, diff=True, warn=ignore))


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_returns_the_plan_and_applies_nothing(check_mode: bool) -> None:
    applied: list[str] = []

    def apply(*_arguments: Any) -> Mapping[str, Any]:
        applied.append("change")
        return {"config": "applied"}

    result = result_of(Plan({"config": "predicted"}, CHANGE, apply), check_mode=check_mode)
    assert (result["changed"], result["config"], applied) == (True, "predicted" if check_mode else "applied", [] if check_mode else ["change"])


@pytest.mark.parametrize("diff", [True, False])
def test_the_diff_is_there_if_it_was_asked_for(diff: bool) -> None:
    assert ("diff" in result_of(Plan({}, CHANGE), diff=diff)) is diff


def test_what_changes_nothing_has_no_diff() -> None:
    assert result_of(Plan({"health": {}})) == {"changed": False, "health": {}}


def test_options_are_checked_before_anything_is_read() -> None:
    def check(_params: Mapping[str, Any]) -> None:
        raise InvalidOption("limit", "expected less.")

    def plan(*_arguments: Any) -> Plan:
        raise AssertionError("the plan was made")

    result = run(Operation({}, plan, check), PARAMS, Context(check_mode=False, diff=True, warn=ignore))
    assert result == {"failed": True, "changed": False, "msg": "limit: expected less."}


@pytest.mark.parametrize(("status", "shown"), [(None, False), (422, True)])
def test_an_error_shows_the_response_of_the_api_if_there_was_one(status: int | None, shown: bool) -> None:
    result = failed_with(CloudNexusError("No.", api_error=ApiError("GET", "/x", status)))
    assert (result["failed"], result["changed"], result["msg"], "api_error" in result) == (True, False, "No.", shown)


def test_what_is_known_is_part_of_the_failure() -> None:
    error = CloudNexusError("No.")
    error.known = {"changed": True, "action": "create"}
    assert failed_with(error) == {"failed": True, "changed": True, "action": "create", "msg": "No."}


def test_a_fault_of_the_collection_names_its_place() -> None:
    result = failed_with(ValueError("oops"))
    assert (result["failed"], result["changed"]) == (True, False)
    place = result["msg"].partition("ValueError: oops ")[2]
    assert place.startswith("(test_operation.py:")


def test_warnings_and_progress_hold_no_secret() -> None:
    told: list[str] = []

    def plan(_params: Any, _reader: Any, context: Context) -> Plan:
        context.warn(f"warning {KEY}")
        assert context.show
        context.show(f"progress {KEY}")
        return Plan({"echo": KEY})

    result = run(Operation({}, plan), PARAMS, Context(check_mode=False, diff=False, warn=told.append, show=told.append))
    assert (told, result["echo"]) == (["warning ********", "progress ********"], "********")


def test_a_warning_is_shown_once() -> None:
    told: list[str] = []

    def plan(_params: Any, _reader: Any, context: Context) -> Plan:
        for text in ("a", "b", "a"):
            context.warn(text)
        return Plan({})

    run(Operation({}, plan), PARAMS, Context(check_mode=False, diff=False, warn=told.append))
    assert told == ["a", "b"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("created", "plans"), [("web-01", 2), ("web-02", 1)])
def test_what_another_task_has_created_meanwhile_is_looked_for_again(tmp_path: Path, created: str, plans: int, check_mode: bool) -> None:
    params = {**PARAMS, "token_cache": str(tmp_path / "cache"), "wait_timeout": 60}
    made: list[str] = []

    def other(*_arguments: Any) -> Plan:
        return Plan({}, None, lambda *_arguments: {}, (created,))

    def plan(*_arguments: Any) -> Plan:
        if not made:
            run(Operation({}, other), params, Context(check_mode=False, diff=False, warn=ignore))
        made.append("plan")
        return Plan({}, None, lambda *_arguments: {}, ("web-01",))

    assert run(Operation({}, plan), params, Context(check_mode=check_mode, diff=False, warn=ignore)) == {"changed": False}
    assert len(made) == (1 if check_mode else plans)


def test_a_password_in_the_address_of_the_api_is_shown_nowhere() -> None:
    for url in ("https://user:pa55word@host:99999/v1", "https://pa55word1@host/v1", "ftp://user:pa55word@host"):
        result = run_operation(FakeApi(), cdn.OPERATION, cache_ttl=5, api_url=url)
        assert result["msg"].startswith("api_url: expected the API's base URL")
        assert "pa55word" not in str(result)


def test_what_the_api_names_reaches_no_terminal_as_a_command() -> None:
    api, warnings = FakeApi(), list[str]()
    api.spoil("GET", "/cdn/config", lambda right: answer(200, {"cache_ttl": 1, "x\x1b[2J\r": 1}), times=99)
    run_operation(api, cdn.OPERATION, cache_ttl=5, warnings=warnings)
    assert warnings
    assert all(warning.isprintable() for warning in warnings)
    made = api.make("web-\x1b[2J", region="eu-west")
    result = run_operation(api, instance.OPERATION, name="web-01", plan="starter", region="us-east", id=made["id"], recreate=False)
    assert result["failed"]
    assert result["msg"].isprintable()

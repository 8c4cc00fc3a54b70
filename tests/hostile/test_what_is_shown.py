# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API that shows more, less or other than what was sent: the same declaration still changes nothing, and destroys nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .api import Habits, Json
from .world import KEY, WEB, World

SCALE = {"min_instances": 1, "max_instances": 3}
HIDDEN = frozenset({"image_id", "ssh_keys", "auto_scale"})
ALL = Habits(shows=HIDDEN)
MORE = Habits(shows=HIDDEN, shows_more=True)
of_each_form = pytest.mark.parametrize("form", ["SHA256", "MD5"])


def test_a_replacement_sends_only_what_can_be_declared() -> None:
    """auto_scale is shown with a part that nobody may send."""
    with World(MORE) as world:
        world.instance(**WEB, auto_scale=SCALE)
        result = world.instance(**{**WEB, "region": "eu-west"}, recreate=True)
        assert not result.get("failed"), result["msg"]
        (only,) = world.api.instances().values()
        assert only["region"] == "eu-west"
        assert {name: only["auto_scale"][name] for name in SCALE} == SCALE


@pytest.mark.parametrize("recreate", [False, True])
def test_a_change_that_was_taken_ends_the_wait(recreate: bool) -> None:
    with World(MORE) as world:
        world.instance(**WEB, auto_scale=SCALE)
        began = world.clock.now()
        result = world.instance(**WEB, auto_scale={"max_instances": 5}, recreate=recreate)
        assert (result["action"], result.get("failed", False)) == ("update", False)
        assert world.clock.now() - began < 60
        assert world.instance(**WEB, auto_scale={"max_instances": 5})["changed"] is False


@of_each_form
@pytest.mark.parametrize("recreate", [False, True])
def test_keys_that_are_shown_as_fingerprints_are_no_change(form: Any, recreate: bool) -> None:
    with World(Habits(shows=HIDDEN, keys=form)) as world:
        assert world.instance(**WEB, ssh_keys=[KEY])["changed"]
        for check_mode in (True, False):
            again = world.instance(**WEB, ssh_keys=[KEY], recreate=recreate, check_mode=check_mode)
            assert (again["changed"], again.get("failed", False)) == (False, False)
        assert len(world.api.writes()) == 1


@of_each_form
def test_a_fingerprint_is_never_sent_as_a_key(form: Any) -> None:
    """A replacement takes over what was not declared, as far as it can be sent."""
    with World(Habits(shows=HIDDEN, keys=form)) as world:
        world.instance(**WEB, ssh_keys=[KEY])
        world.instance(**{**WEB, "region": "eu-west"}, recreate=True)
        assert len(world.api.instances()) == 1
        assert {seen.status for seen in world.api.creates()} == {201}


@pytest.mark.parametrize("recreate", [False, True])
def test_a_plan_and_a_region_in_upper_case_are_the_same(recreate: bool) -> None:
    with World(Habits(upper_case=True)) as world:
        world.instance(**WEB)
        made = list(world.api.instances())
        world.instance(**WEB, recreate=recreate, wait_timeout=30)
        assert list(world.api.instances()) == made
        assert len(world.api.writes()) == 1


@pytest.mark.parametrize("field", ["plan", "region"])
def test_what_the_api_does_not_offer_any_more_is_not_taken_over_by_a_replacement(field: str) -> None:
    """The old instance would be deleted, and the create of the new one refused."""
    with World() as world:
        existing = world.api.put(**{field: "of-2019"}, status="failed")
        wanted = {name: value for name, value in WEB.items() if name not in ("name", field)}
        for check_mode in (True, False):
            assert world.instance(id=existing, **wanted, recreate=True, check_mode=check_mode)["failed"]
        assert list(world.api.instances()) == [existing]


# --- Statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["failed", "error", "stopped"])
@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("recreate", [True, False])
@pytest.mark.parametrize("as_fleet", [True, False])
def test_check_mode_and_the_run_agree_on_one_that_does_not_run(status: str, wait: bool, recreate: bool, as_fleet: bool) -> None:
    options: Json = {"wait": wait, "recreate": recreate, "wait_timeout": 60}
    with World() as world:
        world.api.put(status=status)
        predicted, result = (
            world.fleet([WEB], **options, check_mode=check_mode) if as_fleet else world.instance(**WEB, **options, check_mode=check_mode)
            for check_mode in (True, False)
        )
        assert predicted.get("failed", False) == result.get("failed", False)
        assert predicted["changed"] == result["changed"]


# --- The CDN -----------------------------------------------------------------------------------------------------------


def test_fields_that_a_put_would_lose_are_kept_or_told() -> None:
    with World() as world:
        world.api.cdn |= {"edge_rules": ["/img/*"], "http3": True}
        result = world.run(cdn.OPERATION, cache_ttl=60)
        assert result["config"] == world.api.cdn
        assert world.api.cdn.get("edge_rules") == ["/img/*"] or any("edge_rules" in warning for warning in world.warnings)


def test_the_configuration_in_the_result_is_what_the_api_shows() -> None:
    """The API takes another value than the one that was sent."""
    with World(Habits(least_ttl=300)) as world:
        result = world.run(cdn.OPERATION, cache_ttl=60)
        assert result.get("failed") or result["config"] == world.api.cdn


def test_check_mode_does_not_show_as_kept_what_the_put_loses() -> None:
    with World() as world:
        world.api.cdn |= {"edge_rules": ["/img/*"]}
        predicted = world.run(cdn.OPERATION, cache_ttl=60, check_mode=True)
        result = world.run(cdn.OPERATION, cache_ttl=60)
        assert predicted["config"] == result["config"] == world.api.cdn


# --- Any habit of showing ----------------------------------------------------------------------------------------------

SHOWING = st.builds(
    Habits,
    created_body=st.sampled_from(["whole", "id and status", "data", "empty"]),
    shows=st.sampled_from([HIDDEN, HIDDEN, frozenset({"ssh_keys"}), frozenset({"auto_scale"}), frozenset()]),
    shows_more=st.booleans(),
    hides=st.sampled_from([frozenset(), frozenset({"ip", "created_at"}), frozenset({"plan"}), frozenset({"region"})]),
    keys=st.sampled_from(["as sent", "SHA256", "MD5"]),
    list_lag=st.sampled_from([0, 3]),
)
#: None is left out.
DECLARED = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(["starter", "enterprise"]),
        "region": st.sampled_from(["us-east", "us-east", "eu-west"]),
        "image_id": st.sampled_from([None, "ubuntu-22.04", "debian-12"]),
        "ssh_keys": st.sampled_from([None, [KEY], [KEY.rsplit(" ", 1)[0]]]),
        "auto_scale": st.sampled_from([None, SCALE, {"max_instances": 5}, {"cpu_threshold": 75}]),
    }
)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(habits=SHOWING, first=DECLARED, second=DECLARED, recreate=st.booleans(), as_fleet=st.booleans())
def test_whatever_is_shown_a_second_run_changes_nothing(habits: Habits, first: Json, second: Json, recreate: bool, as_fleet: bool) -> None:
    with World(habits) as world:

        def run(options: Json, check_mode: bool = False) -> Json:
            if as_fleet:
                return world.fleet([{"name": "web-01", **options}], recreate=recreate, wait_timeout=60, check_mode=check_mode)
            return world.instance(name="web-01", **options, recreate=recreate, wait_timeout=60, check_mode=check_mode)

        world.api.put("db-01")
        for options in (first, second):
            world.settle()
            predicted = run(options, check_mode=True)
            result = run(options)
            assert predicted.get("failed", False) == result.get("failed", False), result
            assert predicted["changed"] == result["changed"]
            assert len([item for item in world.api.instances().values() if item["name"] == "web-01"]) == 1
            if result.get("failed"):
                continue
            world.settle()
            writes = len(world.api.writes())
            for check_mode in (True, False):
                again = run(options, check_mode)
                assert (again["changed"], again.get("failed", False)) == (False, False)
            assert len(world.api.writes()) == writes

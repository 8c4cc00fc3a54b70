# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations: of instances that exist, and of many instances of a kind."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.checks import PLANS, REGIONS
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import Drift, InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import fleet
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.declaration import MOST, expanded, of_instances
from hypothesis import given, settings
from hypothesis import strategies as st

from ..fake_api import FakeApi, answer, run_operation
from ..promises.test_stateful import EXAMPLES, SAME_EACH_TIME

KEYS = ["ssh-ed25519 AAAAB b", "ssh-ed25519 AAAAA a"]


def instance(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": f"inst_{number}", "name": f"web-{number:02}", "plan": "starter", "region": "us-east", "status": "running", "ip": "10.0.0.1", **fields}


# --- Instances that exist ----------------------------------------------------------------------------------------------


def test_a_declaration_has_what_a_user_could_declare() -> None:
    shown = {"image_id": "img_1", "ssh_keys": KEYS, "auto_scale": {"max_instances": 3, "min_instances": 1, "now": 2}}
    links = {"created_at": "2025-05-20T14:32:00Z", "links": {"self": "/x"}, "extra": 1}
    whole, short = of_instances([instance(1, **shown, **links), instance(2)])
    assert list(whole.items()) == [
        ("name", "web-01"),
        ("plan", "starter"),
        ("region", "us-east"),
        ("image_id", "img_1"),
        ("ssh_keys", sorted(KEYS)),
        ("auto_scale", {"min_instances": 1, "max_instances": 3}),
    ]
    assert short == {"name": "web-02", "plan": "starter", "region": "us-east"}


@pytest.mark.parametrize(
    "shown",
    [
        {"image_id": "img\n1"},
        {"image_id": {"id": "img_1"}},
        {"ssh_keys": ["SHA256:fingerprint"]},
        {"auto_scale": {"min_instances": 5, "max_instances": 2}},
        {"auto_scale": {"cpu_threshold": 0}},
    ],
)
def test_what_no_task_would_accept_counts_as_not_shown(shown: dict[str, Any]) -> None:
    assert of_instances([instance(**shown)]) == of_instances([instance()])


def test_an_instance_that_is_being_deleted_is_left_out() -> None:
    assert of_instances([instance(1, status="deleting"), instance(2, name="web-01")]) == of_instances([instance(1)])
    assert of_instances([]) == []


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ([instance(1), instance(2, name="web-01")], r"2 of 2 .* web-01 \(inst_1\): name: expected one instance of the name, inst_1 and inst_2 share it\."),
        (
            [instance(1), instance(2, name="Web-01")],
            r"1 of 2 .* Web-01 \(inst_2\): name: expected a name that differs in .* from web-01\.",
        ),
        ([instance(1, name="web\x1b")], r"1 of 1 .*name: expected one line of text"),
        ([instance(1, plan=None), instance(2)], r"1 of 2 .* web-01 \(inst_1\): plan: expected one of starter, professional, enterprise, the API shows null\."),
        ([instance(1, plan="huge")], r'plan: expected one of .*, the API shows "huge"\.'),
        ([instance(1, region="us-east-1a")], r'region: expected one of us-east, eu-west, ap-south, the API shows "us-east-1a"\.'),
        ([{"id": "inst_1", "name": "web-01"}], r"plan: expected one of .*, the API shows null\."),
    ],
)
def test_an_instance_that_can_not_be_declared_is_named(instances: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Drift, match=message):
        of_instances(instances)


def test_three_of_many_problems_are_enough() -> None:
    with pytest.raises(Drift) as caught:
        of_instances([instance(number, plan=None) for number in range(1, 8)])
    assert caught.value.message.startswith("7 of 7 instances can't be declared by their names. web-01 (inst_1): ")
    assert caught.value.message.count("the API shows null") == 3


def _cases(text: str) -> list[str]:
    return [text, text.upper(), text.title()]


INSTANCES = st.fixed_dictionaries(
    {
        "plan": st.sampled_from([case for plan in PLANS for case in _cases(plan)]),
        "region": st.sampled_from([case for region in REGIONS for case in _cases(region)]),
    },
    optional={
        "status": st.sampled_from(["running", "provisioning", "stopped", "failed", "error", "deleting", "new", None]),
        "image_id": st.sampled_from([None, "", "img_1", " img", {"id": "img_1"}, 5]),
        "ssh_keys": st.sampled_from([None, [], KEYS, [*KEYS, *KEYS], ["SHA256:fingerprint"], "ssh-ed25519 AAAAB b"]),
        "auto_scale": st.dictionaries(st.sampled_from(["min_instances", "max_instances", "cpu_threshold", "now"]), st.sampled_from([None, 0, 1, 5, 200, "1"])),
        "ip": st.sampled_from([None, "10.0.0.1"]),
        "links": st.just({"self": "/instances/x"}),
    },
)
NAMES = st.lists(st.sampled_from(["a", "web-01", "web 01", "{{ web }}", "wéb", "0", "yes", "x" * 80]), unique=True)


@settings(max_examples=EXAMPLES, derandomize=SAME_EACH_TIME, deadline=None)
@given(data=st.data())
def test_applying_the_declaration_of_an_account_changes_nothing(data: st.DataObject) -> None:
    listed = [{"id": f"inst_{number}", "name": name, **data.draw(INSTANCES)} for number, name in enumerate(data.draw(NAMES))]
    declaration = of_instances(listed)
    api = FakeApi()
    # In another order, as the API need not keep one.
    shown = random.Random(1).sample(listed, len(listed))
    api.spoil("GET", "/instances", lambda _right: answer(200, {"items": shown, "pagination": {"next_page": None, "total_count": len(shown)}}))
    result = run_operation(api, fleet.OPERATION, check_mode=True, instances=declaration, wait=False)
    assert not result.get("failed"), result["msg"]
    assert (result["changed"], result["unchanged"]) == (False, [item["name"] for item in listed if item.get("status") != "deleting"])


# --- Many of a kind ----------------------------------------------------------------------------------------------------

WEB: dict[str, Any] = {"name": "web", "plan": "starter", "regions": ["us-east", "eu-west"]}


def test_the_regions_are_taken_in_turn() -> None:
    assert expanded({**WEB, "count": 3}) == [
        {"name": "web-01", "plan": "starter", "region": "us-east"},
        {"name": "web-02", "plan": "starter", "region": "eu-west"},
        {"name": "web-03", "plan": "starter", "region": "us-east"},
    ]


def test_other_fields_are_copied_as_they_are() -> None:
    first, second = expanded({"name": "db", "count": "2", "region": "mars", "ssh_keys": KEYS, "speed": None})
    assert first == {"name": "db-01", "region": "mars", "ssh_keys": KEYS, "speed": None}
    first["ssh_keys"].append("another")
    assert second["ssh_keys"] == KEYS


@pytest.mark.parametrize(("count", "last"), [(0, None), (1, "web-01"), (20, "web-20"), (99, "web-99"), (100, "web-100"), (1000, "web-1000")])
def test_a_higher_count_renames_no_instance(count: int, last: str | None) -> None:
    names = [item["name"] for item in expanded({**WEB, "count": count})]
    assert (len(names), names[-1] if names else None) == (count, last)
    assert names[:99] == [f"web-{number:02}" for number in range(1, min(count, 99) + 1)]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ("web", '_input: expected a mapping with name, count and the fields of an instance, got "web".'),
        (None, "_input: expected a mapping with name, count and the fields of an instance, got null."),
        ([{**WEB, "count": 1}, ["db"]], '[1]: expected a mapping with name, count and the fields of an instance, got ["db"].'),
        ({"count": 1}, "name: expected a text, got null."),
        ({**WEB, "name": True, "count": 1}, "name: expected a text, got true."),
        ({**WEB, "name": "", "count": 1}, "name: expected a text that is not empty."),
        ({**WEB, "name": " web", "count": 1}, "name: expected one line of text without white space around it."),
        (WEB, f"count: expected a whole number from 0 to {MOST}, got null."),
        ({**WEB, "count": True}, f"count: expected a whole number from 0 to {MOST}, got true."),
        ({**WEB, "count": -1}, f"count: expected a whole number from 0 to {MOST}, got -1."),
        ({**WEB, "count": 2.0}, f"count: expected a whole number from 0 to {MOST}, got 2.0."),
        ({**WEB, "count": MOST + 1}, f"count: expected a whole number from 0 to {MOST}, got {MOST + 1}."),
        ({**WEB, "count": "two"}, f'count: expected a whole number from 0 to {MOST}, got "two".'),
        ({**WEB, "count": "-1"}, f'count: expected a whole number from 0 to {MOST}, got "-1".'),
        ({**WEB, "count": "٣"}, f'count: expected a whole number from 0 to {MOST}, got "٣".'),
        ({**WEB, "count": [1]}, f"count: expected a whole number from 0 to {MOST}, got [1]."),
        ({**WEB, "count": 1, "region": "us-east"}, "regions: expected either region or regions, got both."),
        ({**WEB, "count": 1, "regions": []}, "regions: expected a list of us-east, eu-west, ap-south, got []."),
        ({**WEB, "count": 1, "regions": "us-east"}, 'regions: expected a list of us-east, eu-west, ap-south, got "us-east".'),
        ([{**WEB, "count": 1, "regions": ["mars"]}], '[0].regions: expected a list of us-east, eu-west, ap-south, got ["mars"].'),
        ([{**WEB, "count": 1}, {**WEB, "count": 2}], "[1].name: expected each name once, but [0] makes web-01 too."),
        ([{**WEB, "count": 1}, {**WEB, "name": "Web", "count": 1}], "name: expected names that differ in more than case or length: the API may make web-01"),
        ({**WEB, "name": "x" * 70, "count": 2}, None),
    ],
)
def test_bad_input_of_a_count(kinds: Any, message: str | None) -> None:
    if message is None:
        assert len(expanded(kinds)) == 2  # neither name is what the API may make of the other
        return
    with pytest.raises(InvalidOption) as caught:
        expanded(kinds)
    assert caught.value.message.startswith(message)


KINDS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "a-01", "A", "a-1", "web"]), "count": st.integers(0, 120), "regions": st.just(["us-east"])}),
    max_size=4,
)


@settings(max_examples=EXAMPLES, derandomize=SAME_EACH_TIME, deadline=None)
@given(kinds=KINDS)
def test_names_are_unique_and_a_fleet_accepts_them(kinds: list[dict[str, Any]]) -> None:
    try:
        found = expanded(kinds)
    except InvalidOption:
        owners = [kind["name"].lower() for kind in kinds if kind["count"]]
        assert len(set(owners)) < len(owners)
        return
    names = [item["name"] for item in found]
    assert len(set(names)) == len(names) == sum(kind["count"] for kind in kinds)
    params = {name: option.get("default") for name, option in fleet.ARGUMENT_SPEC.items()}
    assert fleet.OPERATION.check is not None
    fleet.OPERATION.check({**params, "instances": [{"plan": "starter", **item} for item in found]})

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change sets: what they are for each case, and by hypothesis that they come true."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import Drift
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan import changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.changes import GIVEN_BY_THE_API, Change
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.instances import EVERY_REASON, made_of
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import CDN_CONFIG, INSTANCE
from ansible_collections.cloudnexus.cloud.plugins.module_utils.watch import drift
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.account import Account
from tests.emulator.settings import Key, Settings

DESIRED = {"name": "web-01", "plan": "starter", "region": "us-east"}
CURRENT = {"id": "inst_1", "status": "running", "ip": "10.4.0.1", "links": {}, **DESIRED}
KEY_A, KEY_B = "ssh-ed25519 AAAAa me", "ssh-ed25519 AAAAb you"


def present(current: dict[str, Any] | None, desired: dict[str, Any], *, recreate: bool = False, broken: str | None = None) -> Change:
    return changes.present(INSTANCE, current, desired, recreate=EVERY_REASON if recreate else (), broken=broken)


def test_create() -> None:
    change = present(None, {**DESIRED, "image_id": "img"})
    assert change.action == "create"
    assert change.body == {**DESIRED, "image_id": "img"}
    assert change.diff() == {"before_header": "instance web-01", "after_header": "instance web-01", "before": {}, "after": {**DESIRED, "image_id": "img"}}
    assert change.predicted == DESIRED


def test_nothing_to_do() -> None:
    change = present(CURRENT, {**DESIRED, "image_id": "img", "ssh_keys": [KEY_A], "auto_scale": {"min_instances": 1}})
    assert (change.action, change.changed, change.body) == ("none", False, {})
    assert change.diff()["before"] == change.diff()["after"] == DESIRED
    assert change.predicted == CURRENT


def test_what_the_api_does_not_show_can_not_drift() -> None:
    assert not present({**CURRENT, "image_id": None}, {**DESIRED, "image_id": "img"}).changed


def test_update_in_place() -> None:
    change = present(CURRENT, {**DESIRED, "plan": "enterprise"})
    assert (change.action, change.body, change.reasons) == ("update", {"plan": "enterprise"}, ("plan",))
    assert change.diff()["before"] == DESIRED
    assert change.diff()["after"] == {**DESIRED, "plan": "enterprise"}
    assert change.predicted == {**CURRENT, "plan": "enterprise"}


def test_a_part_that_was_left_out_is_sent_along() -> None:
    current = {**CURRENT, "auto_scale": {"min_instances": 1, "max_instances": 3, "cpu_threshold": 50}}
    assert not present(current, {"auto_scale": {"max_instances": 3}}).changed
    change = present(current, {"auto_scale": {"max_instances": 9}})
    assert change.body == {"auto_scale": {"min_instances": 1, "max_instances": 9, "cpu_threshold": 50}}


@pytest.mark.parametrize(
    ("field", "value", "wanted"), [("region", "us-east", "eu-west"), ("image_id", "img_1", "img_2"), ("ssh_keys", [KEY_A], [KEY_A, KEY_B])]
)
def test_what_can_not_be_changed_in_place(field: str, value: Any, wanted: Any) -> None:
    current = {**CURRENT, field: value}
    with pytest.raises(Drift, match=rf"instance web-01 \(inst_1\) can't be changed in place: {field} is .* recreate=true"):
        present(current, {**DESIRED, field: wanted})
    change = present(current, {**DESIRED, field: wanted}, recreate=True)
    assert change.action == "recreate"
    assert change.body == {**DESIRED, field: wanted}
    assert change.before["id"] == "inst_1"
    assert change.after["id"] == GIVEN_BY_THE_API


@pytest.mark.parametrize("wanted", [[KEY_B, KEY_A], ["ssh-ed25519 AAAAa another comment", "ssh-ed25519 AAAAb"], [KEY_A, KEY_B, KEY_A]])
def test_keys_are_a_set_without_comments(wanted: list[str]) -> None:
    assert not present({**CURRENT, "ssh_keys": [KEY_A, KEY_B]}, {"ssh_keys": wanted}).changed


def test_a_new_one_takes_over_what_was_not_declared() -> None:
    change = present({**CURRENT, "auto_scale": {"min_instances": 2}}, {"region": "ap-south"}, recreate=True)
    assert change.body == {"name": "web-01", "plan": "starter", "region": "ap-south", "auto_scale": {"min_instances": 2}}


def test_one_that_is_broken_is_made_anew_only_where_that_is_allowed() -> None:
    current = {**CURRENT, "status": "failed"}
    assert not present(current, DESIRED, broken="its status is failed").changed
    change = present(current, DESIRED, recreate=True, broken="its status is failed")
    assert (change.action, change.reasons) == ("recreate", ("its status is failed",))


def test_absent() -> None:
    assert not changes.absent(INSTANCE, None).changed
    assert changes.absent(INSTANCE, None).predicted is None
    change = changes.absent(INSTANCE, CURRENT)
    assert (change.action, change.before, change.after) == ("delete", {"id": "inst_1", **DESIRED}, {})
    assert change.predicted == CURRENT


def test_a_replacement_keeps_what_was_left_out() -> None:
    current = {"cache_ttl": 60, "ssl_enabled": False, "compression": "brotli", "edges": 12}
    change = changes.replaced(CDN_CONFIG, current, {"cache_ttl": 90})
    assert (change.action, change.body) == ("update", {"cache_ttl": 90, "ssl_enabled": False, "compression": "brotli"})
    assert change.predicted == {**current, "cache_ttl": 90}
    assert not changes.replaced(CDN_CONFIG, current, {"cache_ttl": 60, "ssl_enabled": False}).changed


def test_a_replacement_of_what_can_not_be_read() -> None:
    change = changes.replaced(CDN_CONFIG, None, {"cache_ttl": 90})
    assert (change.changed, change.body, change.before, change.predicted) == (True, {"cache_ttl": 90}, {}, {"cache_ttl": 90})


# --- By hypothesis: applying a change gives exactly the predicted state, and then there is nothing left to do -----------

NAMES = st.sampled_from(["web-01", "web-02", "db"])
KEYS = st.lists(st.sampled_from([KEY_A, KEY_B, "ssh-rsa AAAAc", "ssh-rsa AAAAa"]), min_size=1, max_size=4)
AUTO_SCALE = st.fixed_dictionaries(
    {}, optional={"min_instances": st.integers(1, 3), "max_instances": st.integers(3, 9), "cpu_threshold": st.integers(1, 100)}
).filter(bool)
OPTIONAL = {"image_id": st.sampled_from(["img_1", "img_2"]), "ssh_keys": KEYS, "auto_scale": AUTO_SCALE}
PLANS = st.sampled_from(["starter", "professional", "enterprise"])
REGIONS = st.sampled_from(["us-east", "eu-west", "ap-south"])
INSTANCES = st.fixed_dictionaries({"name": NAMES, "plan": PLANS, "region": REGIONS}, optional=OPTIONAL)
DECLARATIONS = st.fixed_dictionaries({}, optional={"name": NAMES, "plan": PLANS, "region": REGIONS, **OPTIONAL})


def carry_out(account: Account, change: Change) -> str | None:
    """Do to the account what the change says, and return the id of the instance."""
    instance_id = change.current["id"] if change.current else None
    body = json.loads(json.dumps(dict(change.body)))
    if change.action in ("delete", "recreate"):
        account.delete_instance(instance_id or "", Key())
        instance_id = None
    if change.action in ("create", "recreate"):
        return str(account.create_instance(body, Key())["id"])
    if change.action == "update":
        account.update_instance(instance_id or "", body, Key())
    return instance_id


@given(existing=INSTANCES | st.none(), declared=DECLARATIONS, full=INSTANCES, recreate=st.booleans(), show_all=st.booleans())
def test_an_instance_becomes_what_was_predicted(existing: dict[str, Any] | None, declared: Any, full: Any, recreate: bool, show_all: bool) -> None:
    account = Account(Settings(show_all=show_all))
    current = account.create_instance(existing, Key()) if existing else None
    desired = declared if existing else full
    try:
        change = present(current, desired, recreate=recreate)
    except Drift:
        assert not recreate
        assert existing
        return
    instance_id = carry_out(account, change)
    assert instance_id
    shown = account.instance(instance_id, Key())
    # What is predicted is what the API then shows, but for what only the API can give.
    predicted = change.predicted or {}
    for name in ("name", "plan", "region"):
        assert shown[name] == predicted[name]
    after = dict(change.after)
    assert after.pop("id", None) in (None, GIVEN_BY_THE_API)
    assert INSTANCE.managed(shown) == {name: value for name, value in after.items() if show_all or name in ("name", "plan", "region")}
    # Everything that was declared holds, and a second change set is empty.
    again = present(shown, desired, recreate=recreate)
    assert not again.changed
    assert again.diff()["before"] == again.diff()["after"]
    # Nothing else was touched.
    assert len(account.state()["instances"]) == 1


@given(existing=INSTANCES | st.none())
def test_an_absent_instance_is_gone(existing: dict[str, Any] | None) -> None:
    account = Account(Settings())
    current = account.create_instance(existing, Key()) if existing else None
    carry_out(account, changes.absent(INSTANCE, current))
    assert account.state()["instances"] == []
    assert not changes.absent(INSTANCE, None).changed


CDN = st.fixed_dictionaries(
    {"cache_ttl": st.integers(0, 31536000)}, optional={"ssl_enabled": st.booleans(), "compression": st.sampled_from(["brotli", "gzip", "none"])}
)


@given(existing=CDN, desired=CDN)
def test_the_cdn_becomes_what_was_predicted(existing: Any, desired: Any) -> None:
    account = Account(Settings())
    account.put_cdn_config(existing)
    current = account.cdn_config()
    change = changes.replaced(CDN_CONFIG, current, desired)
    if change.changed:
        account.put_cdn_config(dict(change.body))
    assert account.cdn_config() == change.predicted == change.after
    # What was left out kept its value.
    assert account.cdn_config() == {**current, **desired}
    assert not changes.replaced(CDN_CONFIG, account.cdn_config(), desired).changed


@given(existing=INSTANCES, desired=DECLARATIONS, recreate=st.booleans())
def test_making_a_change_set_changes_nothing(existing: Any, desired: Any, recreate: bool) -> None:
    current = {"id": "inst_1", **existing}
    before = json.dumps([current, desired])
    with contextlib.suppress(Drift):
        present(current, desired, recreate=recreate).diff()["after"]["name"] = "spoilt"
    assert json.dumps([current, desired]) == before


# --- What the API shows otherwise ------------------------------------------------------------------------------------------

#: What an API may show of a field that was sent: the same, more of it, less, or something else that can't be compared.
OTHERWISE: dict[str, list[Any]] = {
    "image_id": [None, "img", "", {"id": "img"}],
    "ssh_keys": [None, [KEY_A], [KEY_A.removesuffix(" me")], [], ["SHA256:abc"], [KEY_A, "SHA256:abc"], [{"key": KEY_A}], "keys"],
    "auto_scale": [
        None,
        {"min_instances": 1, "max_instances": 3},
        {"min_instances": 1, "max_instances": 3, "cpu_threshold": 75, "cooldown": 60},
        {"min_instances": 1},
        {"current": 2},
        {},
        {"min_instances": "1"},
        [1, 3],
    ],
    "region": ["us-east", "US-EAST", "us-east-1a", None],
    "plan": ["starter", "STARTER"],
}
SENT = {**DESIRED, "image_id": "img", "ssh_keys": [KEY_A], "auto_scale": {"min_instances": 1, "max_instances": 3}}


@given(st.fixed_dictionaries({name: st.sampled_from(shown) for name, shown in OTHERWISE.items()}))
def test_whatever_the_api_shows_of_what_was_sent_is_no_difference(shown: dict[str, Any]) -> None:
    """Neither for the plan, nor for the wait, nor for an event; and a replacement sends only what can be sent."""
    current = {**CURRENT, **shown}
    assert present(current, SENT, recreate=True).action == "none"
    assert not INSTANCE.differing(current, SENT)
    assert not drift(current, {**CURRENT, **SENT})
    body = changes.recreated(INSTANCE, current, {"name": "web-01"}).body
    assert set(body.get("auto_scale", {})) <= {"min_instances", "max_instances", "cpu_threshold"}
    assert body.get("ssh_keys", [KEY_A])[0].startswith("ssh-ed25519 AAAAa")


def test_the_names_that_an_api_may_make_of_one() -> None:
    assert made_of("web-01") == frozenset()
    assert made_of("Web-01") == {"web-01"}
    assert {"a" * 63} == made_of("a" * 64)
    assert "caf\u00e9" in made_of("Cafe\u0301")

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for a sequence that breaks a promise: tasks on one account, faults in any request, a second user in between.

What is promised stands in docs/guarantees.md. ``make test`` tries a bounded number of sequences, ``make soak`` many more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.cloudnexus.cloud.plugins.module_utils.api import LIST_REQUESTS
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply import rollout
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.cdn import CDN_PROPAGATION
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.creation import SETTLING_TIME
from ansible_collections.cloudnexus.cloud.plugins.module_utils.apply.rollout import RolloutPlan
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import cdn, fleet, instance
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.changes import Change
from hypothesis import HealthCheck, event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.emulator.settings import CLIENT_ID

from ..fake_api import FakeApi, run_operation
from .faults import FAULTS, NAMES, OTHER_USERS, PLANS, REGIONS, SCRIPTS, TIMEOUT, OtherUser

RETRIES, WAIT_TIMEOUT = 2, 60
EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "200"))
#: ``make test`` tries the same ones each time, so that what lands is not decided by chance; ``make soak`` tries others.
SAME_EACH_TIME = "SOAK_EXAMPLES" not in os.environ

REFRESH = ("POST", "/auth/token/refresh")


# --- Faults ------------------------------------------------------------------------------------------------------------
# Each strikes one request, whichever it is. Time passes with it, on the fake clock.


# --- Bounds (docs/contract.md, How long things may take) --------------------------------------------------------------

REQUEST = TIMEOUT * (RETRIES + 1) + 1.0
LIST = LIST_REQUESTS * TIMEOUT * (RETRIES + 1) + REQUEST
IN_DOUBT = REQUEST + SETTLING_TIME + 2 * LIST
INSTANCE = 2 * LIST + 2 * IN_DOUBT + 3 * REQUEST + WAIT_TIMEOUT + SETTLING_TIME + 2 * LIST
FLEET = LIST + WAIT_TIMEOUT + REQUEST + 2 * 2 * REQUEST + LIST + 3 * (2 * LIST + SETTLING_TIME)
CDN = 2 * REQUEST + CDN_PROPAGATION


class Cloud(RuleBasedStateMachine):
    """One account. Every rule is a task, or what somebody else does."""

    @initialize(
        boot_seconds=st.sampled_from([0, 3, 30]),
        delete_seconds=st.sampled_from([0, 4]),
        list_lag=st.sampled_from([0, 2, 4]),
        page_size=st.sampled_from([1, 2, 20]),
        shifting_pages=st.booleans(),
        show_all=st.booleans(),
        profile=st.sampled_from(["full", "full", "full", "documented"]),
        oauth2=st.booleans(),
    )
    def account(self, oauth2: bool, **chosen: Any) -> None:
        self.api = FakeApi(**chosen, token_seconds=130, rotate=True)
        self.logins = 0
        self.token_cache = tempfile.TemporaryDirectory()
        self.credential: dict[str, Any] = {"client_id": CLIENT_ID, "api_key": None, "token_cache": self.token_cache.name} if oauth2 else {}
        self.slower = 6 if oauth2 else 1  # docs/contract.md: what the renewal of a token adds to a request
        self.log_in()

    def teardown(self) -> None:
        if hasattr(self, "token_cache"):
            self.token_cache.cleanup()

    def log_in(self) -> None:
        """Get a refresh token, as a person does."""
        self.logins += 1
        if self.credential:
            self.credential["refresh_token"] = self.api.settings.clients[CLIENT_ID] = f"cn_login_{self.logins}"

    # --- Tasks ---

    @rule(
        name=st.sampled_from(NAMES),
        plan=st.sampled_from(PLANS),
        region=st.sampled_from(REGIONS),
        auto_scale=st.sampled_from([None, {"min_instances": 1, "max_instances": 3}]),
        recreate=st.booleans(),
        wait=st.booleans(),
        unique_name=st.sampled_from([True, True, True, False]),
        script=SCRIPTS,
        settle=st.booleans(),
    )
    def present(self, script: dict[int, Any], settle: bool, **options: Any) -> None:
        self.task(options, script, settle)

    @rule(name=st.sampled_from(NAMES), wait=st.booleans(), script=SCRIPTS, settle=st.booleans())
    def absent(self, script: dict[int, Any], settle: bool, **options: Any) -> None:
        self.task({"state": "absent", **options}, script, settle)

    @rule(number=st.integers(1, 4), plan=st.sampled_from(PLANS), name=st.sampled_from([None, *NAMES]), script=SCRIPTS, settle=st.booleans())
    def by_id(self, number: int, script: dict[int, Any], settle: bool, **options: Any) -> None:
        self.task({"id": f"inst_{number:08x}", **options}, script, settle)

    @rule(
        names=st.lists(st.sampled_from(NAMES), unique=True),
        plan=st.sampled_from(PLANS),
        region=st.sampled_from(REGIONS),
        recreate=st.booleans(),
        recreate_for=st.sampled_from([None, None, ["region"], ["status"]]),
        prune=st.booleans(),
        max_deletions=st.sampled_from([0, 1, 9]),
        max_creations=st.sampled_from([None, None, 0, 1]),
        max_replacements=st.sampled_from([None, None, 0, 1]),
        max_total=st.sampled_from([None, None, 1, 2]),
        protected=st.lists(st.sampled_from(NAMES), max_size=1),
        max_unavailable=st.sampled_from([1, 2]),
        wait=st.booleans(),
        approved=st.booleans(),
        script=st.dictionaries(st.integers(0, 20), st.one_of(FAULTS, FAULTS, OTHER_USERS), max_size=6),
    )
    def fleet(self, names: list[str], plan: str, region: str, approved: bool, script: dict[int, Any], **options: Any) -> None:
        """One request at a time, so that a sequence that was found is the same the next time."""
        api = self.api
        wanted = [{"name": name, "plan": plan, "region": region} for name in names]
        options = {"instances": wanted, "name_prefix": "web-", "concurrency": 1, **options}
        api.clock.time += api.settings.list_lag
        if approved:
            preview, _elapsed, calls = self.run(fleet.OPERATION, options, check_mode=True)
            assert not [call for call in calls if call[0] != "GET"]
            if "changes_digest" in preview:
                options["approved_digest"] = preview["changes_digest"]
        alone, before, result, elapsed, mine, after = self.carried_out(fleet.OPERATION, options, script)
        note(f"{options} -> {result.get('msg', 'ok')}")
        event("fleet failed" if result.get("failed") else "fleet ok")

        assert "fault of the collection" not in result.get("msg", "")
        assert elapsed <= FLEET, "it has a bound"
        created = [api.names[instance_id] for instance_id in mine if alone or instance_id in after]
        assert len(created) == len(set(created)), "never two for one"
        assert set(created) <= set(names)
        self.does_no_more_than_allowed(options, before, after, alone)
        if result.get("interrupted"):
            assert not mine or "was under way" in result["msg"] or any(item in result["msg"] for item in mine)
            return
        told = str(result)
        for instance_id in mine:
            if instance_id in after:
                assert _tells(instance_id, told) or "an instance may exist" in told, "it names what it made"
        if not result.get("failed"):
            self.fleet_is_as_wanted(options, result, alone)
        self.fleet_converges(options)

    def does_no_more_than_allowed(self, options: dict[str, Any], before: dict[str, Any], after: dict[str, Any], alone: bool) -> None:
        if not alone:
            return
        staying = [item for item in before.values() if item["status"] != "deleting"]
        gone = [item for item in staying if item["id"] not in after or after[item["id"]]["status"] == "deleting"]
        assert not {item["name"] for item in gone} & set(options["protected"]), "what is protected stays"
        made = {item["name"] for identifier, item in after.items() if identifier not in before} - {item["name"] for item in staying}
        assert len(made) <= (len(made) if options["max_creations"] is None else options["max_creations"])
        if made and options["max_total"] is not None and not options["prune"]:
            assert len([item for item in after.values() if item["status"] != "deleting"]) <= options["max_total"]
        wanted = {item["name"] for item in options["instances"]}
        surplus = [item for item in gone if item["name"] not in wanted]
        assert len(surplus) <= (options["max_deletions"] if options["prune"] else 0), "no more than allowed"
        replaced = [item for item in gone if item["name"] in wanted]
        if options["max_replacements"] is not None:
            assert len(replaced) <= options["max_replacements"]
        assert not replaced or options["recreate"] or options["recreate_for"], "nothing is replaced without leave"
        if options["recreate_for"] == ["status"]:
            assert {item["status"] for item in replaced} <= {"failed", "error"}

    def fleet_is_as_wanted(self, options: dict[str, Any], result: dict[str, Any], alone: bool) -> None:
        there = self.instances()
        if not alone:
            return
        for wanted, said in zip(options["instances"], result["instances"], strict=True):
            assert {name: there[said["id"]][name] for name in wanted} == wanted
            if options["wait"]:
                assert there[said["id"]]["status"] == "running"
        staying = [item["name"] for item in there.values() if item["status"] != "deleting"]
        if options["prune"]:
            assert sorted(staying) == sorted(item["name"] for item in options["instances"])

    def fleet_converges(self, options: dict[str, Any]) -> None:
        """As ``converges``."""
        if self.api.settings.profile != "full":
            return
        self.api.clock.time += self.api.settings.list_lag + self.api.settings.delete_seconds
        # Replacing all of them one by one takes longer than the other tasks may.
        options = {**options, "approved_digest": None, "wait_timeout": 10 * WAIT_TIMEOUT}
        predicted, _elapsed, _calls = self.run(fleet.OPERATION, options, check_mode=True)
        result, _elapsed, _calls = self.run(fleet.OPERATION, options)
        if result.get("failed"):
            assert any(reason in str(result) for reason in (*PERSONS, *GUARDS)), result["msg"]
            return
        assert not predicted.get("failed")
        for key in ("changed", "created", "updated", "recreated", "deleted", "unchanged", "changes", "changes_digest", "diff"):
            assert predicted[key] == result[key], key
        self.fleet_is_as_wanted(options, result, alone=True)
        self.api.clock.time += self.api.settings.list_lag
        again, _elapsed, calls = self.run(fleet.OPERATION, options)
        assert not again.get("failed"), again["msg"]
        assert again["changed"] is False
        assert not [call for call in calls if call[0] != "GET"]

    @rule(
        cache_ttl=st.sampled_from([0, 60]),
        compression=st.sampled_from([None, "brotli"]),
        wait=st.booleans(),
        check_mode=st.booleans(),
        script=st.dictionaries(st.integers(0, 5), FAULTS, max_size=3),
    )
    def configure_cdn(self, script: dict[int, Any], check_mode: bool, **options: Any) -> None:
        before = self.api.account.cdn_config()
        result, elapsed, calls = self.run(cdn.OPERATION, options, script, check_mode=check_mode)
        assert elapsed <= CDN
        after = self.api.account.cdn_config()
        if check_mode:
            assert after == before
            assert not [call for call in calls if call[0] != "GET"]
        if self.api.settings.profile != "full":
            return  # what is there can't be read, so that it can't be kept either; a warning says so
        if result.get("failed"):
            assert after in (before, {**before, **_given(options, "cache_ttl", "compression")}), "a PUT that resets what was left out"
        elif not check_mode:
            assert after["cache_ttl"] == options["cache_ttl"]
        again, _elapsed, _calls = self.run(cdn.OPERATION, options)
        if "Log in again" in again.get("msg", ""):
            again, _elapsed, _calls = self.run(cdn.OPERATION, options)
        assert not again.get("failed")
        third, _elapsed, calls = self.run(cdn.OPERATION, options)
        assert (third["changed"], calls) == (False, [("GET", "/cdn/config")])
        assert self.api.account.cdn_config()["ssl_enabled"] == before["ssl_enabled"]

    @rule(user=OTHER_USERS)
    def somebody_else(self, user: OtherUser) -> None:
        user.act(self.api)

    @rule(seconds=st.sampled_from([1, 10, 100]))
    def time_passes(self, seconds: float) -> None:
        self.api.clock.time += seconds

    # --- One task, and what must hold after it ---

    def task(self, options: dict[str, Any], script: dict[int, Any], settle: bool) -> None:
        api = self.api
        options = {"name": None, "id": None, "plan": None, "region": None, **options}
        # A list that lags must not be taken for the truth by the next task: that is the API's to keep (docs/guarantees.md).
        api.clock.time += api.settings.list_lag
        if settle:
            self.check_mode_writes_nothing(options)
        alone, before, result, elapsed, mine, after = self.carried_out(instance.OPERATION, options, script)
        note(f"{options} -> {result.get('msg', result.get('action'))}")
        event("failed" if result.get("failed") else str(result["action"]))

        assert elapsed <= INSTANCE, "it has a bound"
        # One that somebody deleted before the list was read again may be created again: it is gone.
        assert len(mine if alone else [item for item in mine if item in after]) <= 1, "never two for one"
        assert "fault of the collection" not in result.get("msg", "")
        if result.get("failed"):
            self.failure_says_what_exists(result, mine, before, after, alone)
        elif alone:
            self.success_left_what_it_says(options, result, after)
        if settle and api.settings.profile == "full":
            self.converges(options)

    def carried_out(
        self, operation: Any, options: dict[str, Any], script: dict[int, Any]
    ) -> tuple[bool, dict[str, Any], dict[str, Any], float, list[str], dict[str, Any]]:
        """One task: whether it was alone, what there was before, its result and its time, the ids that it made, and what there is then."""
        before = self.instances()
        made = len(self.api.made)
        with _announced() as announced:
            result, elapsed, calls = self.run(operation, options, script)
        self.only_what_was_announced(calls, announced)
        alone = not any(isinstance(item, OtherUser) for item in script.values())
        return alone, before, result, elapsed, self.api.made[made:], self.instances()

    def instances(self) -> dict[str, Any]:
        return {item["id"]: item for item in self.api.account.state()["instances"]}

    def run(
        self, operation: Any, options: dict[str, Any], script: dict[int, Any] | None = None, *, check_mode: bool = False
    ) -> tuple[dict[str, Any], float, list[tuple[str, str]]]:
        """The result, the seconds that it took, and the requests that it made."""
        api = self.api
        started, first = api.clock.time, len(api.calls)
        api.script = {first + number: lambda right, item=item: item.strike(api, right) for number, item in (script or {}).items()}
        given = {"wait_timeout": WAIT_TIMEOUT, **options} if operation is not cdn.OPERATION else options
        auth._known.clear()  # each task is a process of its own
        warnings: list[str] = []
        try:
            result = run_operation(
                api, operation, check_mode=check_mode, warnings=warnings, api_timeout=TIMEOUT, api_retries=RETRIES, **self.credential, **given
            )
        except KeyboardInterrupt:
            result = {"failed": True, "msg": warnings[-1] if warnings else "", "interrupted": True}
        api.script = {}
        if "Log in again" in result.get("msg", ""):
            # What rotated while its answer was lost is lost (docs/guarantees.md); nothing else loses it.
            assert REFRESH in api.spoilt, "a refresh token that rotated was lost without a fault"
            api.spoilt.clear()
            self.log_in()
        calls = [call for call in api.calls[first:] if call != REFRESH]
        return result, (api.clock.time - started) / self.slower, calls

    def check_mode_writes_nothing(self, options: dict[str, Any]) -> None:
        before = self.api.account.state()
        _result, _elapsed, calls = self.run(instance.OPERATION, options, check_mode=True)
        assert not [call for call in calls if call[0] != "GET"]
        assert [item["id"] for item in self.api.account.state()["instances"]] == [item["id"] for item in before["instances"]]

    def only_what_was_announced(self, calls: list[tuple[str, str]], announced: list[RolloutPlan]) -> None:
        written = {call for call in calls if call[0] != "GET"}
        assert len(announced) <= 1
        allowed: set[tuple[str, str]] = set()
        for plan in announced:
            for member in plan.members:
                allowed |= _writes(member.change, member.may_create)
        assert written <= allowed, "a write that no change set announced"

    def failure_says_what_exists(self, result: dict[str, Any], mine: list[str], before: dict[str, Any], after: dict[str, Any], alone: bool) -> None:
        told = f"{result['msg']} {(result.get('instance') or {}).get('id')}"
        if result.get("interrupted"):
            assert ("was under way" in told or any(item in told for item in mine)) if mine else True, "an interruption says what was under way"
            return
        for instance_id in mine:
            if instance_id in after:
                assert (result["changed"] and _tells(instance_id, told)) or "an instance may exist" in told, "it names what it made"
        if alone:
            for instance_id in {item for item in before if before[item]["status"] != "deleting"} - set(after):
                assert instance_id in told or result["action"] == "recreate", "it names what it deleted"

    def success_left_what_it_says(self, options: dict[str, Any], result: dict[str, Any], after: dict[str, Any]) -> None:
        if options.get("state") == "absent":
            if options.get("wait", True):
                assert not [item for item in after.values() if item["name"] == options["name"]]
            return
        said = result["instance"]
        there = after[said["id"]]
        assert {name: there[name] for name in _given(options, "name", "plan", "region")} == _given(options, "name", "plan", "region")
        if options.get("wait", True):
            assert there["status"] == "running"
        if options.get("unique_name", True) and options["id"] is None:
            assert len([item for item in after.values() if item["name"] == there["name"] and item["status"] != "deleting"]) == 1

    def converges(self, options: dict[str, Any]) -> None:
        """A run without faults does what is wanted, or says what only a person can decide; the one after changes nothing."""
        if not options.get("unique_name", True):
            return  # it makes another one with each run, as it says
        self.api.clock.time += self.api.settings.list_lag + self.api.settings.delete_seconds
        predicted, _elapsed, _calls = self.run(instance.OPERATION, options, check_mode=True)
        result, _elapsed, _calls = self.run(instance.OPERATION, options)
        if not predicted.get("failed") and not result.get("failed"):
            assert [predicted[key] for key in ("changed", "action", "diff")] == [result[key] for key in ("changed", "action", "diff")]
        if result.get("failed"):
            assert any(reason in result["msg"] for reason in PERSONS), result["msg"]
            return
        self.success_left_what_it_says(options, result, self.instances())
        self.api.clock.time += self.api.settings.list_lag
        again, _elapsed, calls = self.run(instance.OPERATION, options)
        assert not again.get("failed"), again["msg"]
        assert again["changed"] is False
        assert not [call for call in calls if call[0] != "GET"]


#: What a run may fail with although nothing goes wrong: it is for a person to decide.
PERSONS = (
    "can be told with id",  # two of one name
    "recreate=true deletes it and makes a new one",
    "has that name already",
    "id: there is no instance",
    "Log in again",
    "recreate_for allows no replacement for",
)


#: What a fleet may also fail with: more than it was allowed.
GUARDS = ("max_deletions: ", "max_creations: ", "max_replacements: ", "max_total: ", "protected: ")


def _tells(instance_id: str, told: str) -> bool:
    """Whether a failure names what was created, or says that it was, if no response and no list shows its id (contract: rule 4)."""
    return instance_id in told or "The API has created" in told


def _given(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if options.get(name) is not None}


def _writes(change: Change, recreate: bool) -> set[tuple[str, str]]:
    """The requests that a change announces."""
    path = f"/instances/{change.current['id']}" if change.current else ""
    create, delete, update = {("POST", "/instances")}, {("DELETE", path)}, {("PATCH", path)}
    announced = {"none": set(), "create": create, "delete": delete, "recreate": delete | create, "update": update}[change.action]
    # Where the API turns out to offer no PATCH, an update that may recreate does so (contract: rule 1).
    return announced | (delete | create if change.action == "update" and recreate else set())


@contextmanager
def _announced() -> Iterator[list[RolloutPlan]]:
    """Every plan that is applied within the block."""
    announced: list[RolloutPlan] = []
    original = rollout.Rollout.__init__

    def seen(applier: Any, plan: RolloutPlan, *rest: Any) -> None:
        announced.append(plan)
        original(applier, plan, *rest)

    rollout.Rollout.__init__ = seen  # type: ignore[method-assign,assignment]
    try:
        yield announced
    finally:
        rollout.Rollout.__init__ = original  # type: ignore[method-assign]


SEARCH = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    derandomize=SAME_EACH_TIME,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)


def test_no_sequence_breaks_a_promise() -> None:
    auth._known.clear()
    run_state_machine_as_test(Cloud, settings=SEARCH)  # type: ignore[no-untyped-call]

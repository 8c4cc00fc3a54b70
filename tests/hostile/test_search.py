# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search over sockets for a sequence that breaks a guarantee: any habits, any route, faults of the server and of the proxy.

``make soak`` tries more sequences (SOAK_EXAMPLES).
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .api import Habits, Json, normalized
from .server import BROKEN, LOST, NOT_HANDLED, Fault
from .world import ROUTES, Route, World

EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "70"))
NAMES = ["web-01", "web-02", "DB-01"]
PLANS, REGIONS = ["starter", "enterprise"], ["us-east", "eu-west"]
#: A list that lags longer than the collection reads it (30 s) hides a create whose response was lost: there nothing goes wrong.
LAGS, TOO_LONG = [0, 8, 25], 45


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one task."""

    faults: dict[int, Fault] = field(default_factory=dict)
    at_server: dict[int, Fault] = field(default_factory=dict)
    create: Fault | None = None


HABITS = st.builds(
    Habits,
    names=st.sampled_from(["as sent", "as sent", "lower"]),
    created=st.sampled_from([200, 201, 202]),
    created_body=st.sampled_from(["whole", "id and status", "empty", "empty", "data"]),
    location=st.booleans(),
    shows=st.sampled_from([frozenset(), frozenset({"auto_scale"})]),
    shows_more=st.booleans(),
    hides=st.sampled_from([frozenset(), frozenset({"ip"})]),
    boots_in=st.sampled_from([0, 4]),
    deletes_in=st.sampled_from([0, 5]),
    list_lag=st.sampled_from([*LAGS, TOO_LONG]),
    page_size=st.sampled_from([1, 50]),
    miscounts=st.sampled_from([0, 1]),
    rate=st.sampled_from([None, None, 2.0]),
    burst=st.sampled_from([1, 5]),
    retry_after=st.sampled_from(["none", "seconds", "fraction", "date"]),
    interim=st.sampled_from([(), (100,), (103, 102)]),
)
FAULTS = st.one_of(
    st.sampled_from([*LOST.values(), *LOST.values(), *NOT_HANDLED.values(), *BROKEN.values()]),
    st.builds(Fault, effect=st.booleans(), status=st.sampled_from([500, 502, 503, 504])),
    st.builds(Fault, interim=st.sampled_from([(100,), (102, 103)]), late=st.just(0.01)),
    st.just(Fault(delay=0.01)),
    st.just(Fault(end="close")),
)
#: What goes wrong with requests by their numbers at the proxy and at the server, and with the first create.
TROUBLE = st.builds(
    Trouble,
    faults=st.dictionaries(st.integers(0, 12), FAULTS, max_size=3),
    at_server=st.dictionaries(st.integers(0, 12), FAULTS, max_size=2),
    create=st.sampled_from([None, *LOST.values(), *LOST.values(), *BROKEN.values()]),
)


# --- Tasks -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One task of a playbook."""

    kind: str
    options: Json
    #: The names whose instances it may delete.
    replaceable: list[str]

    @property
    def declared(self) -> list[Json]:
        found: list[Json] = self.options["instances"] if self.kind == "fleet" else [self.options]
        return found


def present(recreate: bool, **options: Any) -> Task:
    return Task("instance", {**options, "recreate": recreate}, [options["name"]] if recreate else [])


def absent(name: str) -> Task:
    return Task("instance", {"name": name, "state": "absent"}, [name])


def fleet(names: list[str], plan: str, region: str, recreate: bool, prune: bool, concurrency: int) -> Task:
    options: Json = {"instances": [{"name": name, "plan": plan, "region": region} for name in names], "recreate": recreate, "concurrency": concurrency}
    surplus = []
    if prune and "DB-01" not in names:  # a member that doesn't begin with the prefix may be refused
        options |= {"prune": True, "name_prefix": "web-", "max_deletions": 9}
        surplus = [name for name in ("web-01", "web-02") if name not in names]
    return Task("fleet", options, surplus + (names if recreate else []))


_NAME, _PLAN, _REGION = st.sampled_from(NAMES), st.sampled_from(PLANS), st.sampled_from(REGIONS)
_SCALE = st.sampled_from([None, {"max_instances": 3}])
_PRESENT = st.builds(present, name=_NAME, plan=_PLAN, region=_REGION, auto_scale=_SCALE, recreate=st.booleans())
_FLEET = st.builds(fleet, st.lists(_NAME, unique=True, max_size=3), _PLAN, _REGION, st.booleans(), st.booleans(), st.sampled_from([1, 3]))
TASKS = st.one_of(_PRESENT, _PRESENT, _FLEET, _FLEET, st.builds(absent, _NAME))


class Hostile(RuleBasedStateMachine):
    """One account and one way to it. Each rule is a task, and what must hold after it."""

    world: World

    @initialize(habits=HABITS, route=st.sampled_from(ROUTES))
    def begin(self, habits: Habits, route: Route) -> None:
        self.world = World(habits, route)
        event(route)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.__exit__()

    @rule(task=TASKS, trouble=TROUBLE)
    def run_a_task(self, task: Task, trouble: Trouble) -> None:
        world = self.world
        # A list that lags must not be taken for the truth by the next task: that is the API's to keep (docs/guarantees.md).
        world.settle()
        self.check_mode_writes_nothing(task)
        result = self.run_once(task, trouble if world.api.habits.list_lag != TOO_LONG else Trouble())
        if result.get("failed"):
            world.settle()
            for_a_person = self.is_for_a_person(task)
            result = self.run_once(task, Trouble())
            assert for_a_person or not result.get("failed"), result["msg"]
        if not result.get("failed"):
            self.is_true(task)
            self.changes_nothing_more(task)

    # --- One task, and what must hold after it ---

    def run_once(self, task: Task, trouble: Trouble) -> Json:
        """Run the task, and look for what was doubled, lost or not named."""
        api = self.world.api
        before, gone = api.instances(), len(api.deleted)
        result = self.run(task, trouble)
        note(f"{task} -> {result.get('msg', 'ok')}")
        event(f"{task.kind} {'failed' if result.get('failed') else 'ok'}")
        twins = [name for name, count in Counter(api.made()).items() if count > 1]
        assert not twins, "never two for one"
        names = {normalized(name, api.habits) for name in task.replaceable}
        for instance_id in api.deleted[gone:]:
            assert instance_id not in before or before[instance_id]["name"] in names, "nothing is deleted that was not to be"
        for instance_id in set(api.instances()) - set(before):
            assert instance_id in str(result) or "exist" in str(result) or "has created" in str(result), "it names what it made"
        return result

    def run(self, task: Task, trouble: Trouble, *, check_mode: bool = False) -> Json:
        world = self.world
        world.server.script.number(trouble.at_server)
        world.faults.number(trouble.faults)
        if trouble.create is not None:
            world.faults.add("POST", "/instances", trouble.create)
        result: Json = getattr(world, task.kind)(**task.options, check_mode=check_mode, wait_timeout=120, api_retries=6)
        for listener in (world.server, world.proxy):
            if listener is not None:
                listener.script.number({})
        return result

    def is_for_a_person(self, task: Task) -> bool:
        """Whether a run may fail although nothing goes wrong: a name that the API changes, or another region without leave to replace."""
        there = {item["name"]: item for item in self.world.api.instances().values()}
        changed = any(normalized(item["name"], self.world.api.habits) != item["name"] for item in task.declared)
        elsewhere = any(item["name"] in there and there[item["name"]]["region"] != item.get("region") for item in task.declared)
        return changed or (elsewhere and not task.options.get("recreate", True))

    def check_mode_writes_nothing(self, task: Task) -> None:
        writes = len(self.world.api.writes())
        self.run(task, Trouble(), check_mode=True)
        assert len(self.world.api.writes()) == writes, "check mode writes nothing"

    def is_true(self, task: Task) -> None:
        """What a success says is so in the account."""
        there = {item["name"]: item for item in self.world.api.instances().values()}
        if task.options.get("state") == "absent":
            assert normalized(task.options["name"], self.world.api.habits) not in there
            return
        for item in task.declared:
            found = there[item["name"]]
            assert (found["plan"], found["region"], found["status"]) == (item["plan"], item["region"], "running")
        if task.options.get("prune"):
            assert sorted(name for name in there if name.startswith("web-")) == sorted(item["name"] for item in task.declared)

    def changes_nothing_more(self, task: Task) -> None:
        self.world.settle()
        writes = len(self.world.api.writes())
        for check_mode in (True, False):
            again = self.run(task, Trouble(), check_mode=check_mode)
            assert not again.get("failed"), again["msg"]
            assert again["changed"] is False
        assert len(self.world.api.writes()) == writes


SEARCH = settings(
    max_examples=EXAMPLES,
    stateful_step_count=5,
    derandomize="SOAK_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)


def test_no_sequence_breaks_a_guarantee() -> None:
    run_state_machine_as_test(Hostile, settings=SEARCH)

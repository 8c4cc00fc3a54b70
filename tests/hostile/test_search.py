# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search over sockets for a sequence that breaks a guarantee: any habits, any route, faults of the server and of the proxy.

``make soak`` tries more sequences (SOAK_EXAMPLES).
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .api import Habits, Json, normalized
from .server import BROKEN, FINE, LOST, NOT_HANDLED, Fault
from .world import ROUTES, Route, World

EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "40"))
NAMES = ["web-01", "web-02", "Web-02"]
PLANS, REGIONS = ["starter", "enterprise"], ["us-east", "eu-west"]
#: What the collection looks for after a create that it can't account for; a list that lags longer hides things.
LAGS = [0, 2, 8, 25]

HABITS = st.builds(
    Habits,
    names=st.sampled_from(["as sent", "as sent", "lower"]),
    created=st.sampled_from([200, 201, 202]),
    created_body=st.sampled_from(["whole", "whole", "id and status", "empty", "data", "instance"]),
    location=st.booleans(),
    shows=st.sampled_from([frozenset(), frozenset({"auto_scale"})]),
    shows_more=st.booleans(),
    hides=st.sampled_from([frozenset(), frozenset({"ip"})]),
    boots_in=st.sampled_from([0, 4]),
    deletes_in=st.sampled_from([0, 5]),
    list_lag=st.sampled_from(LAGS),
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
SCRIPTS = st.dictionaries(st.integers(0, 12), FAULTS, max_size=4)


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

    # --- Tasks ---

    @rule(
        name=st.sampled_from(NAMES),
        plan=st.sampled_from(PLANS),
        region=st.sampled_from(REGIONS),
        auto_scale=st.sampled_from([None, {"max_instances": 3}]),
        recreate=st.booleans(),
        script=SCRIPTS,
        at_server=SCRIPTS,
    )
    def present(self, script: dict[int, Fault], at_server: dict[int, Fault], **options: Any) -> None:
        replaceable = {options["name"]} if options["recreate"] else set()
        self.task("instance", options, [options["name"]], replaceable, script, at_server)

    @rule(name=st.sampled_from(NAMES), script=SCRIPTS, at_server=SCRIPTS)
    def absent(self, name: str, script: dict[int, Fault], at_server: dict[int, Fault]) -> None:
        self.task("instance", {"name": name, "state": "absent"}, [], {name}, script, at_server)

    @rule(
        names=st.lists(st.sampled_from(NAMES), unique=True, max_size=3),
        plan=st.sampled_from(PLANS),
        region=st.sampled_from(REGIONS),
        recreate=st.booleans(),
        prune=st.booleans(),
        concurrency=st.sampled_from([1, 3]),
        script=SCRIPTS,
        at_server=SCRIPTS,
    )
    def fleet(self, names: list[str], plan: str, region: str, script: dict[int, Fault], at_server: dict[int, Fault], **options: Any) -> None:
        options |= {"instances": [{"name": name, "plan": plan, "region": region} for name in names], "name_prefix": "web-", "max_deletions": 9}
        replaceable = set(names) if options["recreate"] else set()
        prunable = {name for name in NAMES if name.startswith("web-") and name not in names} if options["prune"] else set()
        if any(not name.startswith("web-") for name in names):
            del options["name_prefix"]  # a member that doesn't begin with the prefix may be refused
            options["prune"] = False
            prunable = set()
        self.task("fleet", options, names, replaceable | prunable, script, at_server)

    # --- One task, and what must hold after it ---

    def task(self, kind: str, options: Json, wanted: list[str], deletable: set[str], script: dict[int, Fault], at_server: dict[int, Fault]) -> None:
        world = self.world
        # A list that lags must not be taken for the truth by the next task: that is the API's to keep (docs/guarantees.md).
        world.settle()
        self.check_mode_writes_nothing(kind, options)
        before, gone = world.api.instances(), len(world.api.deleted)
        result = self.run(kind, options, script, at_server)
        note(f"{kind} {options} -> {result.get('msg', 'ok')}")
        event(f"{kind} {'failed' if result.get('failed') else 'ok'}")

        twins = [name for name, count in Counter(world.api.made()).items() if count > 1]
        assert not twins, "never two for one"
        for instance_id in world.api.deleted[gone:]:
            names = {normalized(name, world.api.habits) for name in deletable}
            assert instance_id not in before or before[instance_id]["name"] in names, "nothing is deleted that was not to be"
        for instance_id in set(world.api.instances()) - set(before):
            assert instance_id in str(result) or "exist" in str(result), "it names what it made"
        if not result.get("failed"):
            self.is_true(kind, options, wanted)
            self.changes_nothing_more(kind, options)

    def run(self, kind: str, options: Json, script: dict[int, Fault], at_server: dict[int, Fault], *, check_mode: bool = False) -> Json:
        """A script of a proxy has its own numbers, since a proxy and the server may fail in one request."""
        self.world.faults.number(script)
        if self.world.proxy is not None:
            self.world.server.script.number(at_server)
        result: Json = getattr(self.world, kind)(**options, check_mode=check_mode, wait_timeout=120, api_retries=3)
        for listener in (self.world.server, self.world.proxy):
            if listener is not None:
                listener.script.number({0: FINE})
        return result

    def check_mode_writes_nothing(self, kind: str, options: Json) -> None:
        writes = len(self.world.api.writes())
        self.run(kind, options, {}, {}, check_mode=True)
        assert len(self.world.api.writes()) == writes, "check mode writes nothing"

    def is_true(self, kind: str, options: Json, wanted: list[str]) -> None:
        """What a success says is so in the account."""
        there = {item["name"]: item for item in self.world.api.instances().values()}
        if options.get("state") == "absent":
            assert options["name"] not in there
        declared = options["instances"] if kind == "fleet" else [options]
        for item in declared if wanted else []:
            found = there[item["name"]]
            assert (found["plan"], found["region"], found["status"]) == (item["plan"], item["region"], "running")
        if options.get("prune"):
            assert sorted(name for name in there if name.startswith("web-")) == sorted(wanted)

    def changes_nothing_more(self, kind: str, options: Json) -> None:
        self.world.settle()
        writes = len(self.world.api.writes())
        for check_mode in (True, False):
            again = self.run(kind, options, {}, {}, check_mode=check_mode)
            assert not again.get("failed"), again["msg"]
            assert again["changed"] is False
        assert len(self.world.api.writes()) == writes


SEARCH = settings(
    max_examples=EXAMPLES,
    stateful_step_count=6,
    derandomize="SOAK_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)


def test_no_sequence_breaks_a_guarantee() -> None:
    run_state_machine_as_test(Hostile, settings=SEARCH)

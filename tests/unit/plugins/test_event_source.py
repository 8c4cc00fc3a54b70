# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source instance_changes against an API in memory, whose clock is the source's: minutes pass in no time."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.extensions.eda.plugins.event_source import instance_changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils import watch
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ApiError, CloudNexusError, Forbidden, NotSent, Unauthorized
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.settings import API_KEY, CLIENT_ID, REFRESH_TOKEN

from ..fake_api import FakeApi, answer
from .watcher import CREDENTIAL, Event, Watcher, failing, nothing, spoilt_list, told, unreachable

# --- What is told -------------------------------------------------------------------------------------------------------


def test_what_becomes_of_an_instance(watched: Watcher, api: FakeApi) -> None:
    key = api.account.key_for(API_KEY)
    ids: list[str] = []
    readings = watched(
        nothing,
        lambda: ids.append(api.make("web-01")["id"]),
        lambda: api.account.set_status(ids[0], "failed"),
        lambda: api.account.update_instance(ids[0], {"plan": "professional"}, key),
        lambda: api.account.delete_instance(ids[0], key),
        nothing,
        nothing,
    )
    assert told(readings) == [[], [], [("appeared", "web-01")], [("status_changed", "web-01")], [("drifted", "web-01")], [], [("gone", "web-01")], []]
    appeared, status, drifted, gone = (events[0] for events in readings[2:] if events)
    new = {"id": ids[0], "name": "web-01", "status": "running", "plan": "starter", "region": "us-east"}
    assert appeared["before"] is None
    assert appeared["after"].items() >= new.items()
    assert (status["before"]["status"], status["after"]["status"], status["changed"]) == ("running", "failed", ["status"])
    assert (drifted["before"]["plan"], drifted["after"]["plan"], drifted["changed"]) == ("starter", "professional", ["plan"])
    assert gone["before"] == drifted["after"]
    assert gone["after"] is None
    for event in (appeared, status, drifted, gone):
        assert set(event) == {"change", "id", "name", "changed", "initial", "before", "after"}
        assert (event["id"], event["initial"]) == (ids[0], False)
        assert json.loads(json.dumps(event)) == event


def test_all_of_a_status_and_a_drift_at_once(watched: Watcher, api: FakeApi) -> None:
    instance = api.make("web-01")

    def both() -> None:
        api.account.update_instance(instance["id"], {"plan": "professional", "name": "web-1"}, api.account.key_for(API_KEY))
        api.account.set_status(instance["id"], "error")

    (status, drifted) = watched(both)[1]
    assert (status["change"], status["changed"]) == ("status_changed", ["status"])
    assert (drifted["change"], drifted["changed"]) == ("drifted", ["name", "plan"])
    assert status["before"] == drifted["before"] == instance


def test_an_instance_that_takes_the_place_of_another_is_another(watched: Watcher, api: FakeApi) -> None:
    """As web_tier replaces a failed one: the name stays, and the id tells them apart."""
    old = api.make("web-01")

    def replace() -> None:
        api.account.delete_instance(old["id"], api.account.key_for(API_KEY))
        api.make("web-01")

    (appeared,), (gone,) = watched(replace, nothing)[1:]
    assert (gone["change"], gone["id"], appeared["change"]) == ("gone", old["id"], "appeared")
    assert appeared["id"] != old["id"]


def test_what_is_there_at_the_start_is_told_where_it_is_asked_for(watched: Watcher, api: FakeApi) -> None:
    api.make("web-01")
    api.account.set_status(api.make("web-02")["id"], "failed")
    assert told(watched(nothing)) == [[], []]
    first, second = watched(lambda: api.make("web-03"), initial=True)
    assert [(event["change"], event["name"], event["initial"], event["after"]["status"]) for event in first] == [
        ("appeared", "web-01", True, "running"),
        ("appeared", "web-02", True, "failed"),
    ]
    assert [(event["name"], event["initial"]) for event in second] == [("web-03", False)]


def test_one_list_an_interval(watched: Watcher, api: FakeApi) -> None:
    for number in range(3):
        api.make(f"web-{number}")
    watched(nothing, nothing, interval=7)
    assert api.calls == [("GET", "/instances")] * 2 * 3  # two pages, three times
    assert watched.pauses == [7, 7, 7]


@pytest.mark.parametrize(("option", "value"), [("plans", ["starter"]), ("regions", ["us-east"]), ("name_prefix", "web-")])
def test_what_is_wanted_is_looked_for_before_and_after(watched: Watcher, api: FakeApi, option: str, value: Any) -> None:
    instance = api.make("web-01")
    other = api.make("db-01", "enterprise", "eu-west")
    key = api.account.key_for(API_KEY)
    readings = watched(
        lambda: api.account.update_instance(instance["id"], {"plan": "enterprise", "name": "db-02"}, key),  # leaves what is wanted
        lambda: api.account.delete_instance(other["id"], key),  # was never wanted
        lambda: api.account.delete_instance(instance["id"], key),
        nothing,
        **{option: value},
    )
    region = [("gone", "db-02")] if option == "regions" else []
    assert told(readings) == [[], [("drifted", "db-02")], [], [], region]


def test_an_event_filter_may_change_its_event(watched: Watcher, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ansible-rulebook do. Neither another event nor what is compared later may change with it."""
    instance = api.make("web-01")
    key = api.account.key_for(API_KEY)
    seen: list[Event] = []

    class Queue(asyncio.Queue[Any]):
        async def put(self, event: Any) -> None:
            seen.append(json.loads(json.dumps(event)))
            for shown in (event["before"], event["after"]):
                (shown or {}).clear()

    def both() -> None:
        api.account.set_status(instance["id"], "failed")
        api.account.update_instance(instance["id"], {"plan": "professional"}, key)

    monkeypatch.setattr(asyncio, "Queue", Queue)
    watched(both, lambda: api.account.set_status(instance["id"], "running"), initial=True)
    assert [event["change"] for event in seen] == ["appeared", "status_changed", "drifted", "status_changed"]
    assert [event["before"] and event["before"]["status"] for event in seen] == [None, "running", "running", "failed"]
    assert [event["after"]["status"] for event in seen] == ["running", "failed", "failed", "running"]


def test_what_changes_all_the_time_is_no_event(watched: Watcher, api: FakeApi) -> None:
    api.make("web-01", image_id="img-1", ssh_keys=["ssh-ed25519 AAAAA a"], auto_scale={"min_instances": 1})
    api.settings.update({"show_all": True})

    def busy(page: dict[str, Any]) -> None:
        page["items"][0] |= {"uptime": 17, "updated_at": "2026-11-24T12:00:00Z", "metrics": {"cpu": 0.9}, "image_id": None, "ip": None}
        page["items"][0] |= {"ssh_keys": ["ssh-ed25519 AAAA another comment"], "auto_scale": {"min_instances": 1, "now": 3}}

    def busier(page: dict[str, Any]) -> None:
        page["items"][0] |= {"uptime": 18, "image_id": {"id": "img-1"}, "auto_scale": {"min_instances": 1, "max_instances": 4, "now": 4}}

    assert told(watched(spoilt_list(api, busy), spoilt_list(api, busier), nothing)) == [[], [], [], []]


@pytest.mark.parametrize(
    ("field", "value"),
    [("image_id", "img-2"), ("ssh_keys", ["ssh-ed25519 AAAAB a"]), ("auto_scale", {"min_instances": 2}), ("ip", "10.9.9.9"), ("region", "eu-west")],
)
def test_what_has_drifted(watched: Watcher, api: FakeApi, field: str, value: Any) -> None:
    api.make("web-01", image_id="img-1", ssh_keys=["ssh-ed25519 AAAAA a"], auto_scale={"min_instances": 1})
    api.settings.update({"show_all": True})
    drifted, back = watched(spoilt_list(api, lambda page: page["items"][0].update({field: value})), nothing)[1:]
    assert [(event["change"], event["changed"]) for event in (*drifted, *back)] == [("drifted", [field])] * 2
    assert drifted[0]["after"][field] == value


INSTANCES = st.dictionaries(
    st.sampled_from(["inst_1", "inst_2", "inst_3"]),
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["web-01", "web-02"]),
            "status": st.sampled_from([None, "provisioning", "running", "failed"]),
            "plan": st.sampled_from([None, "starter", "professional"]),
            "region": st.sampled_from(["us-east", "eu-west"]),
            "ip": st.sampled_from([None, "10.4.0.1", "10.4.0.2"]),
            "uptime": st.integers(0, 9),
        }
    ),
).map(lambda found: {instance_id: {"id": instance_id, **fields} for instance_id, fields in found.items()})


@given(INSTANCES, INSTANCES)
def test_events_tell_the_difference_of_two_lists(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = watch.events(before, after)
    by_change = {change: {event["id"] for event in found if event["change"] == change} for change in watch.CHANGES}
    assert by_change["gone"] == set(before) - set(after)
    assert by_change["appeared"] == set(after) - set(before)
    assert len(found) == sum(map(len, by_change.values()))
    assert watch.events(after, after) == []
    for event in found:
        assert (event["before"], event["after"]) == (before.get(event["id"]), after.get(event["id"]))
        if event["before"] and event["after"]:
            assert event["changed"]
            assert all(event["before"][field] != event["after"][field] for field in event["changed"])
            assert None not in [event["after"][field] for field in event["changed"]]
            assert event["changed"] == ["status"] if event["change"] == "status_changed" else "status" not in event["changed"]
    for instance_id in set(before) & set(after):
        fields = {field for event in found if event["id"] == instance_id for field in event["changed"]}
        assert fields == {
            field
            for field in ("status", "name", "plan", "region", "ip")
            if after[instance_id][field] != before[instance_id][field]
            and after[instance_id][field] is not None
            and (before[instance_id][field] is not None or (field == "status" and after[instance_id][field] == "failed"))
        }


# --- An API that fails --------------------------------------------------------------------------------------------------


def test_an_api_that_is_away_for_an_hour(watched: Watcher, api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    instance, other = api.make("web-01"), api.make("web-02")
    key = api.account.key_for(API_KEY)

    def away() -> None:
        api.spoil("GET", "/instances", unreachable, 20)
        api.spoil("GET", "/instances", failing(503), 20)
        # Meanwhile:
        api.account.set_status(instance["id"], "failed")
        api.account.delete_instance(other["id"], key)
        api.make("web-03")

    readings = watched(away, *[nothing] * 42, interval=10, api_retries=0)
    assert told(readings) == [[], *[[]] * 40, [("status_changed", "web-01"), ("appeared", "web-03")], [("gone", "web-02")], []]
    assert readings[41][0]["before"]["status"] == "running"
    failed = watched.pauses[1:41]
    assert all(10 <= pause <= instance_changes.LONGEST_PAUSE for pause in failed)
    assert all(pause >= instance_changes.LONGEST_PAUSE / 2 for pause in failed[6:])
    assert len(set(failed[6:])) > 10, "many sources must not come back together"
    assert sum(failed) > 3600
    assert watched.pauses[0] == watched.pauses[41] == 10
    # One line for each way in which it failed, and one for its end.
    lines = [record.getMessage() for record in caplog.records if record.name == instance_changes.NAME]
    assert len(lines) == 3
    assert "connection refused" in lines[0]
    assert "503" in lines[1]
    assert "40 attempts" in lines[2]


def test_an_api_that_is_away_at_the_start(watched: Watcher, api: FakeApi) -> None:
    api.make("web-01")
    api.spoil("GET", "/instances", unreachable, 2)
    assert told(watched(nothing, nothing, lambda: api.make("web-02"), api_retries=0)) == [[], [], [], [("appeared", "web-02")]]


def test_the_attempts_of_one_reading_are_the_clients(watched: Watcher, api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    api.spoil("GET", "/instances", unreachable, 5)
    assert told(watched(lambda: api.make("web-01"))) == [[], [("appeared", "web-01")]]
    assert not caplog.records


def test_a_list_that_is_not_read_to_its_end_makes_nothing_gone(watched: Watcher, api: FakeApi) -> None:
    for number in range(5):
        api.make(f"web-{number}")

    def second_page_is_broken() -> None:
        api.script[len(api.calls) + 1] = lambda _right: answer(200, {"items": []})

    assert told(watched(second_page_is_broken, nothing)) == [[], [], []]


def test_an_instance_that_a_list_has_lost_is_looked_for(watched: Watcher, api: FakeApi) -> None:
    """A list that shifts while it is read can lose one without a sign of it."""
    lost, gone = api.make("web-01"), api.make("web-02")

    def lose() -> None:
        api.account.set_status(lost["id"], "failed")
        api.account.delete_instance(gone["id"], api.account.key_for(API_KEY))
        spoilt_list(api, lambda page: page["items"].clear())()

    readings = watched(lose, nothing, nothing)
    assert told(readings) == [[], [("status_changed", "web-01")], [("gone", "web-02")], []]


def test_without_a_sight_of_it_nothing_is_gone(watched: Watcher, api: FakeApi) -> None:
    gone = api.make("web-01")

    def delete() -> None:
        api.account.delete_instance(gone["id"], api.account.key_for(API_KEY))
        api.spoil("GET", f"/instances/{gone['id']}", unreachable)

    assert told(watched(delete, nothing, nothing, api_retries=0)) == [[], [], [], [("gone", "web-01")]]


def test_where_an_instance_can_not_be_asked_for_the_list_is_believed(watched: Watcher, api: FakeApi) -> None:
    gone = api.make("web-01")

    def delete() -> None:
        api.account.delete_instance(gone["id"], api.account.key_for(API_KEY))
        api.spoil("GET", f"/instances/{gone['id']}", failing(405), 2)

    assert told(watched(delete, nothing, nothing)) == [[], [], [("gone", "web-01")], []]


# --- What ends it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Forbidden)])
def test_a_credential_that_is_refused_twice_in_a_row_ends_it(watched: Watcher, api: FakeApi, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"GET /instances: the API returned {status}"):
        watched(nothing, lambda: api.spoil("GET", "/instances", failing(status), 2), nothing, nothing)
    assert len(watched.pauses) == 3


def test_a_credential_that_never_worked_ends_it_soon(watched: Watcher, api: FakeApi) -> None:
    api.spoil("GET", "/instances", failing(401), 2)
    with pytest.raises(Unauthorized):
        watched(nothing, interval=600)
    assert watched.pauses == [instance_changes.SOON]


@pytest.mark.parametrize("status", [400, 401])
def test_a_refresh_token_that_is_refused_ends_it(watched: Watcher, api: FakeApi, status: int) -> None:
    api.spoil("POST", "/auth/token/refresh", failing(status), 2)
    with pytest.raises(CloudNexusError, match="Log in again"):
        watched(nothing, api_key="", refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID)


@pytest.mark.parametrize("status", [401, 403])
def test_one_refusal_is_no_end(watched: Watcher, api: FakeApi, status: int) -> None:
    """A gateway that slips, comes back, and slips again another day; a 503 in between is no success, and no refusal either."""

    def slips() -> None:
        for number, found in enumerate((status, 503, status)):
            api.script[len(api.calls) + number] = failing(found)

    readings = watched(slips, nothing, nothing, lambda: api.make("web-01"), api_retries=0)
    assert told(readings) == [[], [], [], [], [("appeared", "web-01")]]


def test_tokens_are_renewed_as_long_as_it_runs(watched: Watcher, api: FakeApi) -> None:
    steps = [nothing] * 5
    assert told(watched(*steps, lambda: api.make("web-01"), api_key="", refresh_token=REFRESH_TOKEN, client_id=CLIENT_ID, interval=3000))[-1]
    assert api.calls.count(("POST", "/auth/token/refresh")) > 3


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"api_key": ""}, r"api_key: expected a credential: api_key \(or CLOUDNEXUS_API_KEY\), or refresh_token with client_id"),
        ({"api_key": None}, "api_key: expected a credential"),
        ({"api_url": "http://api.example.com"}, "api_url: expected https"),
        ({"interval": 0}, "interval: expected a whole number from 1 to 86400, got 0"),
        ({"interval": 86401}, "interval: expected a whole number from 1 to 86400"),
        ({"interval": "soon"}, "interval.*int"),
        ({"interval": [1]}, "interval: expected a single value"),
        ({"initial": "perhaps"}, "initial.*bool"),
        ({"regions": ["mars"]}, "regions.*us-east"),
        ({"plans": "huge"}, "plans.*starter"),
        ({"name_prefix": {"a": 1}}, "name_prefix: expected a single value"),
        ({"name": "web"}, "name: no such option; there are api_key, .*name_prefix"),
        ({"feedback": True}, "feedback: no such option"),
    ],
)
def test_an_option_that_is_wrong_ends_it_before_anything_is_sent(watched: Watcher, api: FakeApi, args: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CloudNexusError, match=sentence) as raised:
        watched(**args)
    assert "\n" not in str(raised.value)
    assert not api.calls


def test_options_come_from_the_environment_and_empty_ones_are_not_given(watched: Watcher, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDNEXUS_API_KEY", API_KEY)
    monkeypatch.setenv("CLOUDNEXUS_API_RETRIES", "")
    empty = dict.fromkeys(("api_key", "refresh_token", "client_id", "api_timeout", "ca_path", "interval", "name_prefix", "regions"), "")
    watched(nothing, **empty)
    assert set(api.bearers) == {API_KEY}
    assert watched.pauses == [60, 60]


def test_it_ends_at_once_when_it_is_cancelled(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although an answer is under way; and the loop runs on while it is."""
    under_way, end_of_test, answered = threading.Event(), threading.Event(), threading.Event()
    clients: list[Client] = []

    def hang(right: Callable[[], Response]) -> Response:
        under_way.set()
        end_of_test.wait(10)
        answered.set()
        return right()

    def client(settings: Any, secrets: Any, _clock: Any, warn: Any) -> Client:
        clients.append(Client(settings, secrets, api.clock, warn))
        clients[0]._transport = api  # type: ignore[assignment]
        return clients[0]

    async def cancelled() -> None:
        task = asyncio.create_task(instance_changes.main(asyncio.Queue(), CREDENTIAL))
        while not under_way.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    api.spoil("GET", "/instances", hang)
    monkeypatch.setattr(instance_changes, "Client", client)
    asyncio.run(cancelled())  # which waits for the threads of asyncio's own pool
    assert not answered.is_set()
    assert clients[0].stop.is_set()
    end_of_test.set()


def test_no_secret_leaves(watched: Watcher, api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    """An API that repeats the key in an instance, in an error that is told, and in one that ends it."""
    caplog.set_level(logging.DEBUG)
    api.make("web-01")

    def fail(error: CloudNexusError) -> Callable[[], None]:
        def spoiler(_right: Callable[[], Response]) -> Response:
            raise error

        return lambda: api.spoil("GET", "/instances", spoiler)

    in_an_instance = spoilt_list(api, lambda page: page["items"][0].update(name=f"{API_KEY}-01", note={API_KEY: [API_KEY]}))
    (event,) = watched(in_an_instance)[1]
    assert event["name"] == "********-01"
    assert API_KEY not in json.dumps(event)
    sentence = f"Bearer {API_KEY} is not welcome."
    refused = fail(Unauthorized(sentence, api_error=ApiError("GET", "/instances", 401)))
    with pytest.raises(Unauthorized, match="is not welcome") as raised:
        watched(fail(NotSent(sentence)), refused, refused, nothing, api_retries=0)
    assert "is not welcome" in caplog.text
    assert API_KEY not in f"{caplog.text} {raised.value} {raised.value!r}"

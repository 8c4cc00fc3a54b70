# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source and an API that shows something else for a moment: nothing is told that has not happened, and nothing that has is lost."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import watch
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent

from tests.emulator.settings import API_KEY

from ..fake_api import FakeApi, answer
from .watcher import Watcher, failing, nothing, spoilt_list, told

# --- Gone -----------------------------------------------------------------------------------------------------------


def empty_for_a_moment(api: FakeApi) -> None:
    """The next list is empty, and so is the next reading of each instance by its id."""
    spoilt_list(api, lambda page: page.update(items=[], pagination={"next_page": None, "total_count": 0}))()
    for item in api.account.instances(None, api.account.key_for(API_KEY)).items:
        api.spoil("GET", f"/instances/{item['id']}", failing(404))


def test_a_list_that_is_empty_for_a_moment_makes_nothing_gone(watched: Watcher, api: FakeApi) -> None:
    api.make("web-01")
    readings = watched(lambda: empty_for_a_moment(api), nothing, lambda: empty_for_a_moment(api), nothing)
    assert told(readings) == [[]] * 5


def test_what_changes_while_it_is_not_shown_is_told_once_it_is(watched: Watcher, api: FakeApi) -> None:
    instance = api.make("web-01")

    def fails() -> None:
        empty_for_a_moment(api)
        api.account.set_status(instance["id"], "failed")

    readings = watched(fails, nothing, nothing)
    assert told(readings) == [[], [], [("status_changed", "web-01")], []]
    assert readings[2][0]["before"]["status"] == "running"


def test_a_reading_that_fails_is_no_second_look(watched: Watcher, api: FakeApi) -> None:
    gone = api.make("web-01")

    def delete() -> None:
        api.account.delete_instance(gone["id"], api.account.key_for(API_KEY))

    readings = watched(delete, lambda: api.spoil("GET", "/instances", failing(503)), nothing, nothing, api_retries=0)
    assert told(readings) == [[], [], [], [("gone", "web-01")], []]


# --- The start ------------------------------------------------------------------------------------------------------

#: When the source starts, by its own clock, and times around it.
STARTS = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
BEFORE = [(STARTS - datetime.timedelta(seconds=61)).isoformat(), "2025-05-20T14:32:00Z", int(STARTS.timestamp()) - 3600]
AFTER = [(STARTS + datetime.timedelta(seconds=5)).isoformat(), (STARTS - datetime.timedelta(seconds=20)).isoformat(), None, "yesterday", ""]


def short_at_the_start(api: FakeApi, created_at: Any, lists: int = 1) -> None:
    """The first lists lack web-02, which says that it was created then."""
    api.clock.time = STARTS.timestamp()

    def first(page: dict[str, Any]) -> None:
        page.update(items=page["items"][:1], pagination={"next_page": None, "total_count": 1})

    def later(page: dict[str, Any]) -> None:
        page["items"][1].update(created_at=created_at)

    for number in range(8):
        spoilt_list(api, first if number < lists else later)()


@pytest.mark.parametrize("created_at", BEFORE)
@pytest.mark.parametrize("initial", [True, False])
def test_what_the_first_list_lacks_for_a_moment_was_there_at_the_start(watched: Watcher, api: FakeApi, created_at: Any, initial: bool) -> None:
    api.make("web-01")
    api.account.set_status(api.make("web-02")["id"], "failed")
    short_at_the_start(api, created_at)
    readings = watched(nothing, nothing, initial=initial)
    expected = [("appeared", "web-01"), ("appeared", "web-02")] if initial else []
    assert told(readings) == [expected[:1], expected[1:], []]
    assert all(event["initial"] for events in readings for event in events)


@pytest.mark.parametrize("created_at", AFTER)
def test_what_is_created_after_the_start_has_appeared(watched: Watcher, api: FakeApi, created_at: Any) -> None:
    """An API whose clock is slow included: an event too many does less harm than one too few."""
    api.make("web-01")
    api.make("web-02")
    short_at_the_start(api, created_at)
    first, second, third = watched(nothing, nothing)
    assert told([first, second, third]) == [[], [("appeared", "web-02")], []]
    assert not second[0]["initial"]


def test_what_two_lists_lack_has_appeared(watched: Watcher, api: FakeApi) -> None:
    """From the second reading on, the start is over: a key that is now valid for more regions shows old instances."""
    api.make("web-01")
    api.make("web-02")
    short_at_the_start(api, BEFORE[0], lists=2)
    assert told(watched(nothing, nothing, nothing, initial=True)) == [[("appeared", "web-01")], [], [("appeared", "web-02")], []]


def test_a_reading_that_fails_does_not_end_the_start(watched: Watcher, api: FakeApi) -> None:
    api.make("web-01")
    api.make("web-02")
    short_at_the_start(api, BEFORE[0])
    api.script[1] = failing(503)
    assert told(watched(nothing, nothing, nothing, api_retries=0)) == [[]] * 4


# --- Not shown ------------------------------------------------------------------------------------------------------


def shown(api: FakeApi, **fields: Any) -> Callable[[], None]:
    """A step after which the next list shows the first instance with these fields."""
    return spoilt_list(api, lambda page: page["items"][0].update(fields))


@pytest.mark.parametrize(("field", "value"), [("status", None), ("plan", None), ("region", None), ("ip", None), ("region", "us-east-1a"), ("ip", "")])
def test_a_field_that_is_not_shown_for_a_moment_makes_no_event(watched: Watcher, api: FakeApi, field: str, value: Any) -> None:
    api.make("web-01")
    assert told(watched(shown(api, **{field: value}), nothing, nothing)) == [[]] * 4


@pytest.mark.parametrize(
    ("field", "later", "change"),
    [("status", "failed", "status_changed"), ("plan", "enterprise", "drifted"), ("region", "eu-west", "drifted"), ("ip", "10.9.9.9", "drifted")],
)
def test_what_changes_while_its_field_is_not_shown_is_told(watched: Watcher, api: FakeApi, field: str, later: str, change: str) -> None:
    instance = api.make("web-01")
    readings = watched(shown(api, **{field: None}), shown(api, **{field: later}))
    assert told(readings) == [[], [], [(change, "web-01")]]
    (event,) = readings[2]
    assert event["changed"] == [field]
    assert (event["before"][field], event["after"][field]) == (instance[field], later)


@pytest.mark.parametrize(("status", "events"), [("running", 0), ("provisioning", 0), ("failed", 1), ("stopped", 1)])
def test_the_first_status_that_is_shown(watched: Watcher, api: FakeApi, status: str, events: int) -> None:
    """That an instance is well is nothing new. That it has failed must not be lost."""
    api.make("web-01")
    shown(api, status=None)()
    readings = watched(shown(api, status=status))
    assert told(readings) == [[], [("status_changed", "web-01")] * events]


def test_an_address_that_can_not_be_the_instances_is_as_if_not_shown(watched: Watcher, api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    """A playbook that gets the event could make a host of it. The log says it once, and not at each reading."""
    api.make("web-01")
    readings = watched(*[shown(api, ip="127.0.0.1", status=status) for status in ("failed", "running", "failed")])
    assert told(readings) == [[], *[[("status_changed", "web-01")]] * 3]
    assert {(event["before"]["ip"], event["after"]["ip"]) for events in readings for event in events} == {("10.4.0.2", None)}
    assert [record.getMessage() for record in caplog.records if "which is a loopback address" in record.getMessage()] == [
        "The address of the instance web-01 (inst_00000001) is 127.0.0.1, which is a loopback address. It can't be the instance's own and is ignored."
    ]


# --- Texts ----------------------------------------------------------------------------------------------------------

RUNS = "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"


def texts(data: Any) -> list[str]:
    """All texts of an event, and of what is within it."""
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in (*texts(key), *texts(value))]
    if isinstance(data, list):
        return [text for value in data for text in texts(value)]
    return [data] if isinstance(data, str) else []


@pytest.mark.parametrize("name", [RUNS, "{", "{%", "{#", "a{{{{b", "#jinja2:variable_start_string:'['", "{{"])
def test_no_text_of_an_event_begins_a_template(watched: Watcher, api: FakeApi, name: str) -> None:
    """Not by itself, and not before another text of the API."""
    api.make("web-01")
    tags = {name: [name, {"deep": name}]}
    (event,) = watched(spoilt_list(api, lambda page: page["items"][0].update(name=name, tags=tags)))[1]
    found = texts(event)
    assert len([text for text in found if text.replace(" ", "") == name.replace(" ", "")]) == 5
    for first in found:
        for second in ("", *found):
            assert not any(sign in first + second for sign in ("{{", "{%", "{#"))
        assert not first.startswith("#jinja2:")


@pytest.mark.parametrize("text", ["web-01", '{"a": {"b": [1, 2]}}', "a { b", "#1", "100 %", "}}", ""])
def test_other_texts_of_an_event_are_as_they_are(text: str) -> None:
    assert watch.without_templates({text: [text]}) == {text: [text]}


def test_control_characters_reach_no_log(watched: Watcher, api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    """A name that clears the screen, or that begins a line of its own in the log."""
    caplog.set_level(logging.DEBUG)
    forged = "web\x1b[2J\r\n\u202eERROR forged"

    def unreachable(_right: Callable[[], Response]) -> Response:
        raise NotSent(f"The API said {forged}.")

    api.spoil("GET", "/instances", unreachable)
    api.spoil("GET", "/instances", lambda _right: answer(403, {"error": {"message": forged}}), 2)
    with pytest.raises(Exception, match="web") as raised:
        watched(nothing, nothing, nothing, api_retries=0)
    records = [record for record in caplog.records if record.name == "cloudnexus.cloud.instance_changes"]
    said, traced = ([record.getMessage() for record in records if record.levelno == level] for level in (logging.WARNING, logging.DEBUG))
    assert (len(said), len(traced)) == (2, len(api.calls))
    for text in (*said, *traced, str(raised.value)):
        assert text.isprintable(), json.dumps(text)
    assert "web\\x1b[2J\\r\\n\\u202eERROR forged" in said[0]

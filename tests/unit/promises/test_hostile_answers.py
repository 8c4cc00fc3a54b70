# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that break the contract, for every operation: right values or one clear sentence, and no write upon a broken read."""

from __future__ import annotations

import functools
import json
import operator
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client import auth
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import _parsed
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Operation
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, cdn, cdn_info, fleet, health_info, instance, instance_info
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.checkout import CACHE
from tests.emulator.contract import Contract
from tests.emulator.process import EmulatorProcess
from tests.emulator.settings import CLIENT_ID, REFRESH_TOKEN

from ..fake_api import FakeApi, run_operation
from .test_stateful import EXAMPLES, SAME_EACH_TIME

CONTRACT = Contract()
WEB = {"name": "web-01", "plan": "starter", "region": "us-east"}
ONE = "/instances/inst_00000001"
PAIR = {"api_key": None, "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID}


@dataclass(frozen=True)
class Scenario:
    """A task, and which of its requests gets a hostile answer."""

    operation_id: str
    method: str
    path: str
    operation: Operation
    options: dict[str, Any]
    #: Whether web-01 is there already.
    exists: bool = True


SCENARIOS = [
    Scenario("getHealth", "GET", "/health", health_info.OPERATION, {}),
    Scenario("refreshToken", "POST", "/auth/token/refresh", health_info.OPERATION, PAIR),
    Scenario("createInstance", "POST", "/instances", instance.OPERATION, WEB, exists=False),
    Scenario("listInstances", "GET", "/instances", instance.OPERATION, WEB, exists=False),
    Scenario("listInstances", "GET", "/instances", instance.OPERATION, {**WEB, "plan": "enterprise"}),
    Scenario("listInstances", "GET", "/instances", instance.OPERATION, {**WEB, "region": "eu-west", "recreate": True}),
    Scenario("listInstances", "GET", "/instances", instance.OPERATION, {"name": "web-01", "state": "absent"}),
    Scenario("listInstances", "GET", "/instances", instance_info.OPERATION, {}),
    Scenario("listInstances", "GET", "/instances", fleet.OPERATION, {"instances": [WEB], "concurrency": 1}, exists=False),
    Scenario("listInstances", "GET", "/instances", fleet.OPERATION, {"instances": [], "name_prefix": "web-", "prune": True, "max_deletions": 9}),
    Scenario("createInstance", "POST", "/instances", fleet.OPERATION, {"instances": [WEB], "concurrency": 1}, exists=False),
    Scenario("getInstance", "GET", ONE, instance.OPERATION, {"id": "inst_00000001", "plan": "enterprise"}),
    Scenario("getInstance", "GET", ONE, instance.OPERATION, {"id": "inst_00000001", "state": "absent"}),
    Scenario("getInstance", "GET", ONE, instance_info.OPERATION, {"id": "inst_00000001"}),
    Scenario("getInstanceLogs", "GET", f"{ONE}/logs", instance_info.OPERATION, {"logs": True}),
    Scenario("updateInstance", "PATCH", ONE, instance.OPERATION, {**WEB, "plan": "enterprise"}),
    Scenario("deleteInstance", "DELETE", ONE, instance.OPERATION, {"name": "web-01", "state": "absent"}),
    Scenario("listBuckets", "GET", "/storage/buckets", bucket_info.OPERATION, {}),
    Scenario("getCdnConfig", "GET", "/cdn/config", cdn.OPERATION, {"cache_ttl": 60}),
    Scenario("getCdnConfig", "GET", "/cdn/config", cdn_info.OPERATION, {}),
    Scenario("putCdnConfig", "PUT", "/cdn/config", cdn.OPERATION, {"cache_ttl": 60}),
]


def test_every_operation_of_the_contract_is_here() -> None:
    assert {scenario.operation_id for scenario in SCENARIOS} == {operation_id for _method, _path, operation_id, _standing in CONTRACT.operations()}


# --- Mutations ---------------------------------------------------------------------------------------------------------

Path = tuple[str | int, ...]


def schema_of(operation_id: str) -> Any:
    """The schema of the operation's success, references resolved; None where the contract knows no body."""
    document = CONTRACT.document

    def resolved(node: Any) -> Any:
        if isinstance(node, dict) and "$ref" in node:
            target: Any = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return resolved(target)
        if isinstance(node, dict):
            return {key: resolved(value) for key, value in node.items() if key not in ("example", "examples")}
        return [resolved(value) for value in node] if isinstance(node, list) else node

    (operation,) = [item for path in document["paths"].values() for item in path.values() if isinstance(item, dict) and item.get("operationId") == operation_id]
    for status, response in operation["responses"].items():
        if str(status).startswith("2"):
            content = resolved(response).get("content", {})
            return next(iter(content.values()), {}).get("schema")
    raise AssertionError(operation_id)


def places(schema: Any) -> list[Path]:
    """Where a value of this schema has values, the whole one included."""
    found: list[Path] = [()]
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items():
            found += [(name, *rest) for rest in places(part)]
        if "items" in schema:
            found += [(0, *rest) for rest in places(schema["items"])]
    return found


MISSING = object()
NESTED: Any = "x"
for _level in range(400):
    NESTED = [NESTED]
VALUES: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "a number": 7,
    "minus one": -1,
    "a fraction": 1.5,
    "a very large number": 10**400,
    "a very negative number": -(10**400),
    "a number as text": "7",
    "an empty text": "",
    "text": "??",
    "a huge text": "x" * 100_000,
    "dots": "..",
    "a path": "inst/../../../health",
    "a query": "inst_1?cursor=2#x",
    "an option": "-oProxyCommand=x",
    "control characters": "a\r\nb\0\x1b[31m",
    "a template": "{{ 1 + 1 }}",
    "half a surrogate pair": "\ud800",
    "another origin": "https://evil.example/v1/instances",
    "an empty list": [],
    "a list": ["x"],
    "an empty object": {},
    "an object": {"id": "x"},
    "nested deeply": NESTED,
    "a type of Ansible's": {"__ansible_type": "TaggedStr", "value": "x"},
}
#: What may be done to the whole text of an answer.
TEXTS: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda text: b"",
    "cut": lambda text: text[: len(text) // 2].encode(),
    "trailing text": lambda text: (text + "x").encode(),
    "twice": lambda text: (text + text).encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "no utf-8": lambda text: text.encode() + b"\xff",
    "html": lambda text: b"<html>" + text.encode(),
    "single quotes": lambda text: text.replace('"', "'").encode(),
    "not a number": lambda text: text.replace(":", ": NaN, ", 1).encode(),
    "nested without end": lambda text: b"[" * 100_000,
    "an infinite number": lambda text: b'{"cache_ttl": 1e999, "items": 1e999}',
    "a number of many digits": lambda text: b'{"cache_ttl": ' + b"9" * 10_000 + b"}",
}


def mutated(body: bytes, path: Path, value: Any) -> bytes:
    if not path:
        return b"" if value is MISSING else json.dumps(value).encode()
    data = json.loads(body)
    try:
        node = functools.reduce(operator.getitem, path[:-1], data)
        if value is not MISSING:
            node[path[-1]] = value
        else:
            del node[path[-1]]
    except (KeyError, IndexError, TypeError):
        return body  # that place is not in this answer
    return json.dumps(data).encode()


def doubled(body: bytes, path: Path) -> bytes:
    """The last key of ``path`` twice in its object, with two values."""
    key = json.dumps(path[-1]) if path else ""
    text = body.decode()
    return text.replace(f"{key}:", f'{key}: "x", {key}:', 1).encode() if isinstance(path[-1] if path else None, str) else body


@st.composite
def mutations(draw: st.DrawFn, operation_id: str) -> tuple[str, Callable[[bytes], bytes]]:
    if draw(st.integers(0, 4)) == 0:
        kind = draw(st.sampled_from(sorted(TEXTS)))
        return kind, lambda body: TEXTS[kind](body.decode())
    path = draw(st.sampled_from(places(schema_of(operation_id)) or [()]))
    if draw(st.integers(0, 9)) == 0:
        return f"{path} twice", lambda body: doubled(body, path)
    kind = draw(st.sampled_from(sorted(VALUES)))
    return f"{path} is {kind}", lambda body: mutated(body, path, VALUES[kind])


# --- What must hold ----------------------------------------------------------------------------------------------------


def right_types(value: Any, schema: Any) -> bool:
    """Whether what is there is of the contract's types; what is null or missing is not there."""
    if value is None or not isinstance(schema, dict):
        return True
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    known = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "number": (int, float)}
    if kinds and not any(kind == "null" or (isinstance(value, known[kind]) and (kind == "boolean" or not isinstance(value, bool))) for kind in kinds):
        return False
    if isinstance(value, dict):
        return all(right_types(value.get(name), part) for name, part in schema.get("properties", {}).items())
    return all(right_types(item, schema.get("items")) for item in value) if isinstance(value, list) else True


#: The parts of an answer that decisions rest upon; the others are handed on as they come.
DECISIVE = ("id", "name", "status", "plan", "region", "ip", "items", "pagination", "next_page", "cache_ttl", "ssl_enabled", "compression")


def decisive(schema: Any) -> Any:
    """The schema without what no decision rests upon."""
    if not isinstance(schema, dict):
        return schema
    cut = dict(schema)
    if "properties" in cut:
        cut["properties"] = {name: decisive(part) for name, part in cut["properties"].items() if name in DECISIVE}
    if "items" in cut:
        cut["items"] = decisive(cut["items"])
    return cut


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return NotImplemented


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda item: f"{item.operation_id}-{'-'.join(map(str, item.options.values()))}"[:60])
@settings(max_examples=EXAMPLES, derandomize=SAME_EACH_TIME, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data())
def test_a_hostile_answer(scenario: Scenario, data: st.DataObject) -> None:
    auth._known.clear()
    told, mutate = data.draw(mutations(scenario.operation_id))
    content_type = data.draw(st.sampled_from(["application/json", "text/html", "", "application/json; charset=utf-16"]))
    api = FakeApi(boot_seconds=0)
    if scenario.exists:
        api.make("web-01")
        api.make("web-02")
    sent: list[bytes] = []

    def spoilt(right: Callable[[], Response]) -> Response:
        was = right()
        sent.append(mutate(was.body))
        return Response(was.status, {"Content-Type": content_type, "X-Request-Id": "req_1"}, sent[-1])

    api.spoil(scenario.method, scenario.path, spoilt)
    options = {name: None for name in ("name", "id", "plan", "region", "status") if name in scenario.operation.argument_spec} | scenario.options
    started = api.clock.time
    result = run_operation(api, scenario.operation, **options)
    note(f"{told}: {result.get('msg', 'success')}")

    assert sent, "the request was made"
    assert "fault of the collection" not in result.get("msg", "")
    assert api.clock.time - started < 1000
    assert len(api.made) <= 1
    if result.get("failed"):
        message = result["msg"]
        assert message.isprintable(), "one line"
        assert message.endswith((".", ")"))
        assert len(message) < 1500
        assert "Traceback" not in message
    else:
        schema = schema_of(scenario.operation_id)
        key = {"getHealth": "health", "getCdnConfig": "config"}.get(scenario.operation_id)
        if scenario.operation_id in ("getInstance", "listInstances", "createInstance"):
            for item in [result["instance"]] if "instance" in result else result["instances"]:
                assert right_types(item, decisive(CONTRACT.document["components"]["schemas"]["Instance"]) | {"required": []})
        elif key and scenario.operation is not cdn.OPERATION:
            assert right_types(result[key], decisive(schema))
    if scenario.method == "GET" and not _sound(sent[0], scenario):
        writes = [call for call in api.writes() if not call[1].startswith("/auth/")]
        assert not writes, "a write that rests on a broken read"
        if scenario.operation_id != "getInstanceLogs":
            assert result.get("failed"), "a broken answer that passed for a right one"


def _sound(body: bytes, scenario: Scenario) -> bool:
    """Whether an answer is JSON with the contract's types wherever a decision rests on it."""
    answer = parsed(body)
    if answer is NotImplemented:
        return False
    schema = decisive(schema_of(scenario.operation_id))
    if scenario.operation_id in ("listInstances", "listBuckets"):
        if not isinstance(answer, dict) or not isinstance(answer.get("items"), list) or not isinstance(answer.get("pagination"), dict):
            return False
        return right_types(answer, schema) and all(isinstance(item, dict) and item.get("id") and item.get("name") for item in answer["items"])
    if scenario.operation_id == "getInstance":
        return isinstance(answer, dict) and right_types(answer, schema) and bool(answer.get("id")) and bool(answer.get("name"))
    return isinstance(answer, dict) and right_types(answer, schema)


KEYS = st.sampled_from(["a", "b", 'a": "b', "__ansible_type", "c\\u0061", "é", ""])
SPACES = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n"])


@given(pairs=st.lists(st.tuples(KEYS, SPACES, SPACES, KEYS), max_size=5), escaped=st.booleans(), inner=st.booleans())
def test_keys_that_come_twice_or_are_ansibles_are_found_however_they_are_written(pairs: list[tuple[str, ...]], escaped: bool, inner: bool) -> None:
    text = ",".join(f"{json.dumps(key, ensure_ascii=escaped)}{before}:{after}{json.dumps(value)}{before}" for key, before, after, value in pairs)
    keys = [key for key, *_rest in pairs]
    harmful = len(set(keys)) < len(keys) or "__ansible_type" in keys
    body = f'{{"items": [{{"x": 1}}, {{{text}}}]}}' if inner else f"{{{text}}}"
    try:
        data = _parsed(body.encode())
    except ValueError:
        assert harmful
    else:
        assert not harmful
        assert data == json.loads(body)


@pytest.mark.parametrize(("depth", "fine"), [(50, True), (51, False), (900, False), (100_000, False)])
def test_the_depth_of_an_answer(depth: int, fine: bool) -> None:
    bodies = [b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth]
    for body in bodies:
        if fine:
            assert _parsed(body)
        else:
            with pytest.raises(ValueError, match="nested too deeply"):
                _parsed(body)


# --- Memory ------------------------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, run
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations.health_info import OPERATION
params = dict(api_key=sys.argv[2], refresh_token=None, client_id=None, api_url=sys.argv[1], api_timeout=30, api_retries=0,
              validate_certs=True, ca_path=None, token_cache="none")
result = run(OPERATION, params, Context(False, False, print))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, result.get("msg", "healthy"))
"""


def test_a_huge_answer_takes_little_memory(emulator: EmulatorProcess) -> None:
    """200 MB take less than 4 MB more than a small response, as a whole process."""

    def peak() -> tuple[int, str]:
        command = [sys.executable, "-c", PEAK, emulator.api_url, emulator.api_key]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(CACHE / "collections")}, cwd=CACHE)
        kilobytes, _space, message = done.stdout.partition(" ")
        return int(kilobytes), message

    small, healthy = peak()
    emulator.fault("huge", path="/health", size=200 * 1024 * 1024)
    large, message = peak()
    assert healthy == "healthy\n"
    assert "larger than 64 KiB and was not read to its end" in message
    assert large - small < 4 * 1024, f"{(large - small) / 1024:.1f} MiB"

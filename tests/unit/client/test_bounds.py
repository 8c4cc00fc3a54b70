# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API can make the collection hold in memory: measured as the peak of a process, over the one of a small response."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import api as api_module
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.bounds import MIB, OBJECT, PAGE, TOTAL, Extent, has_more_values
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations import bucket_info, cdn_info, health_info, instance, instance_info
from hypothesis import given
from hypothesis import strategies as st

from ..fake_api import FakeApi, answer, run_operation
from ..spoilers import Right
from .measured import INSTALLED, OLD, measure

HEALTHY = b'{"status": "healthy", "version": "1", "region": "global"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
#: More than any limit, and too little to wait for if there is none.
_FLOOD = 64 * MIB

#: A response's beginning, and what follows without an end.
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "a chunk of -1 bytes": (CHUNKED + b"-1\r\n", b"x"),
    "chunks of two bytes": (CHUNKED, b"2\r\n  \r\n"),
    "a chunk's size": (CHUNKED, b"0"),
    "the extension of a chunk": (CHUNKED + b"2;", b"x"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n"),
    "a trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nA: ", b"b"),
    "a body without a length": (OK + b"\r\n", b" "),
    "headers": (OK, b"A: " + b"b" * 60_000 + b"\r\n"),
    "a header": (OK + b"A: ", b"b"),
    "a status line": (b"HTTP/1.1 200 ", b"K"),
    "interim responses": (b"", b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n"),
    "interim responses that are skipped": (b"", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"),
}


def flood(head: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        pieces = piece * (65536 // len(piece) + 1)
        for _number in range(_FLOOD // len(pieces)):
            connection.sendall(pieces)

    return send


def whole(body: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@contextlib.contextmanager
def serving(*responses: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that sends one response after the other, the last one again and again; a connection each."""
    left = itertools.chain(responses, itertools.repeat(responses[-1]))

    def serve(connection: socket.socket, respond: Callable[[socket.socket], None]) -> None:
        with connection, contextlib.suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            respond(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0], next(left)), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def page(items: bytes, link: str | None = None) -> bytes:
    return b'{"items": [%s], "pagination": {"next_page": %s, "total_count": null}}' % (items, json.dumps(link).encode())


def holding(values: bytes) -> bytes:
    return page(b'{"id": "inst_1", "name": "web-01", "more": [%s]}' % values)


@functools.cache
def small(operation: str, urllib3: str = INSTALLED) -> float:
    """The peak of a process that reads a small response."""
    with serving(whole(HEALTHY if operation == "health_info" else holding(b"1"))) as url:
        measured = measure(url, operation, urllib3)
    assert measured.message == "fine"
    return measured.peak


# --- What is read from the socket --------------------------------------------------------------------------------------


@pytest.mark.parametrize("urllib3", [INSTALLED, OLD])
@pytest.mark.parametrize("kind", FLOODS)
def test_a_response_that_never_ends_is_left(kind: str, urllib3: str) -> None:
    with serving(flood(*FLOODS[kind])) as url:
        measured = measure(url, "health_info", urllib3)
    assert "not read to its end" in measured.message or "response was lost" in measured.message
    assert measured.peak - small("health_info", urllib3) < 6


@pytest.mark.parametrize(("kind", "urllib3"), [("a chunk of -1 bytes", OLD), ("a trailer", OLD), ("chunks of two bytes", INSTALLED)])
def test_a_page_that_never_ends_is_left(kind: str, urllib3: str) -> None:
    with serving(flood(*FLOODS[kind])) as url:
        measured = measure(url, "instance_info", urllib3)
    assert "not read to its end" in measured.message or "response was lost" in measured.message
    assert measured.peak - small("instance_info", urllib3) < 5 * PAGE.size / MIB


def test_a_proxy_that_never_ends_its_response_has_seen_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(flood(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        result = run_over_sockets("https://192.0.2.1:9")
    assert "The proxy's response to CONNECT is too large, and was not read to its end, at https://192.0.2.1:9" in result["msg"]


def test_the_page_of_a_gateway_is_no_reason_to_forget_the_status() -> None:
    """It is cut, and the next request does not read the rest of it."""
    page_of_a_gateway = b"<html>" + b"x" * MIB
    unavailable = b"HTTP/1.1 503 Unavailable\r\nContent-Length: %d\r\n\r\n" % len(page_of_a_gateway) + page_of_a_gateway
    with serving(lambda connection: connection.sendall(unavailable), whole(HEALTHY)) as url:
        result = run_over_sockets(url, api_retries=1)
    assert result["health"]["status"] == "healthy"


def run_over_sockets(url: str, **given: Any) -> dict[str, Any]:
    from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, run

    params = {"api_key": "cn_key_of_a_test", "refresh_token": None, "client_id": None, "api_url": url, "api_timeout": 10, "api_retries": 0}
    params |= {"validate_certs": True, "ca_path": None, "token_cache": "none", **given}
    return run(health_info.OPERATION, params, Context(False, False, print))


@pytest.mark.parametrize(("operation", "path"), [(health_info, "/health"), (cdn_info, "/cdn/config")], ids=["health", "cdn"])
def test_one_object_has_less_room_than_a_page(operation: Any, path: str) -> None:
    """With many requests side by side, each of them may hold its response."""
    api = FakeApi()
    api.spoil("GET", path, lambda right: answer(200, {**json.loads(right().body), "more": [0] * OBJECT.values}))
    assert f"holds more than {OBJECT.values:,} JSON values, and was not parsed" in run_operation(api, operation.OPERATION)["msg"]
    with serving(whole(b'{"more": "%s"}' % (b"x" * OBJECT.size))) as url:
        assert "larger than 64 KiB and was not read to its end" in run_over_sockets(url)["msg"]


# --- What is built of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [b"{},", b'{"a":0},', b"[],", b"[[[[]]]],", b"0,", b'{"a" :0},', '{"\\u0061":"ä"},'.encode()])
def test_a_page_of_many_small_values_is_not_parsed(piece: bytes) -> None:
    body = holding(piece * ((PAGE.size - 200) // len(piece)) + b"0")
    with serving(whole(body)) as url:
        measured = measure(url, "instance_info")
    assert measured.message == f"GET /instances: the API's response holds more than {PAGE.values:,} JSON values, and was not parsed."
    assert measured.peak - small("instance_info") < 5 * PAGE.size / MIB


#: Pages that use their room as badly as they can.
FULL = {
    "dictionaries": holding(b",".join(b'{"a":"%x"}' % number for number in range(240_000))),
    "dictionaries, looked at one by one": holding(b",".join(b'{"a" :"%x"}' % number for number in range(240_000))),
    "keys": holding(b"{%s}" % b",".join(b'"%x":%d' % (number, number + 1000) for number in range(480_000))),
    "keys, looked at one by one": holding(b"{%s}" % b",".join(b'"%x" :%d' % (number, number + 1000) for number in range(480_000))),
    "nested": holding(b",".join(b'{"a":' * 40 + b"0" + b"}" * 40 for _number in range(11_000))),
    "a text in four bytes each": holding(b'"%s%s"' % ("\U0001f600".encode(), b"x" * (PAGE.size - 1000))),
}


@pytest.mark.parametrize("kind", FULL)
def test_a_full_page_has_a_peak(kind: str) -> None:
    with serving(whole(FULL[kind])) as url:
        measured = measure(url, "instance_info")
    assert measured.message == "fine"
    assert measured.peak - small("instance_info") < 180


def test_full_pages_of_one_task_are_read_one_after_the_other() -> None:
    """Those of five threads take no more than twice the memory of one."""
    with serving(whole(FULL["dictionaries"])) as url:
        one, five = measure(url, "instance_info"), measure(url, "instance_info", threads=5)
    assert (one.message, five.message) == ("fine", "fine")
    base = small("instance_info")
    assert five.peak - base < 2 * (one.peak - base)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a,[]{}":\\ é'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='a,[]{}":\\ '), inner, max_size=4),
    max_leaves=30,
)


def number_of(data: Any) -> int:
    if isinstance(data, dict):
        return 1 + sum(map(number_of, data.values()))
    return 1 + sum(map(number_of, data)) if isinstance(data, list) else 1


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_values_are_counted_without_being_built(data: Any, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(data, indent=indent, ensure_ascii=ascii_only).encode()
    count = number_of(data)
    assert not has_more_values(body, count)
    if count > 1:
        assert has_more_values(body, count - 1)


@pytest.fixture(params=["as usual", "turned off", "not there yet"])
def limit_of_digits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The limit that Python has since 3.10.7."""
    if request.param == "as usual" or not hasattr(sys, "set_int_max_str_digits"):
        yield
        return
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    if request.param == "not there yet":
        monkeypatch.delattr(sys, "get_int_max_str_digits")
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("limit_of_digits")
@pytest.mark.parametrize("sign", [b"", b"-"])
@pytest.mark.parametrize(("digits", "fine"), [(4300, True), (4301, False), (400_000, False)])
def test_a_number_of_many_digits_is_no_json(digits: int, fine: bool, sign: bytes) -> None:
    """The time that it takes grows with the square of the digits: 8 MiB of them would take an hour."""
    body = page(b'{"id": "inst_1", "name": "web-01", "more": %s%s}' % (sign, b"7" * digits))
    api = FakeApi()
    api.spoil("GET", "/instances", lambda _right: Response(200, {"Content-Type": "application/json"}, body))
    result = run_operation(api, instance_info.OPERATION)
    assert ("is not the expected JSON" in result.get("msg", "")) != fine


# --- What a list holds in all ------------------------------------------------------------------------------------------


def test_a_list_without_an_end_is_left_before_it_fills_the_memory() -> None:
    text = b"x" * (PAGE.size - 1000)
    pages = [whole(page(b'{"id": "inst_%d", "name": "web", "more": "%s"}' % (number, text), f"/instances?cursor={number}")) for number in range(12)]
    with serving(*pages) as url:
        measured = measure(url, "instance_info")
    assert measured.message == "GET /instances: the list holds more than 64 MiB."
    assert measured.peak - small("instance_info") < (TOTAL.size + 5 * PAGE.size) / MIB


@pytest.mark.parametrize(
    ("total", "said"),
    [(Extent(1_000, 10**6, 10**6), "0 KiB"), (Extent(10**9, 30, 10**6), "30 JSON values"), (Extent(10**9, 10**6, 5), "5 items")],
)
@pytest.mark.parametrize("operation", [instance, instance_info, bucket_info], ids=["instance", "instance_info", "bucket_info"])
def test_a_list_that_is_too_long_is_an_error_and_never_cut(monkeypatch: pytest.MonkeyPatch, operation: Any, total: Extent, said: str) -> None:
    monkeypatch.setattr(api_module, "TOTAL", total)
    api = FakeApi(page_size=2, buckets=40)
    for number in range(6):
        api.make(f"web-{number:02}", "starter")
    given = {"name": "web-09", "plan": "starter", "region": "us-east"} if operation is instance else {}
    result = run_operation(api, operation.OPERATION, **given)
    assert result["failed"]
    assert f"the list holds more than {said}." in result["msg"]
    assert not api.writes()


def test_the_logs_of_one_task_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi()
    for number in range(4):
        api.make(f"web-{number:02}")
    monkeypatch.setattr(api_module, "TOTAL", Extent(20_000, 10**6, 10**6))
    for number in range(1, 5):
        api.spoil("GET", f"/instances/inst_{number:08}/logs", lambda right: Response(200, {}, b"line\n" * 1_500))
    result = run_operation(api, instance_info.OPERATION, logs=True)
    assert "the logs hold more than 19 KiB in all. Read those of fewer instances with one task." in result["msg"]


@pytest.mark.parametrize("body", [b"a,b\n" * 600_000, b"[" + b"0," * 600_000 + b"0]"], ids=["no JSON", "JSON"])
def test_a_log_with_many_values_is_a_text(body: bytes) -> None:
    api = FakeApi()
    api.make("web-01")
    api.spoil("GET", "/instances/inst_00000001/logs", lambda right: Response(200, {}, body))
    (shown,) = run_operation(api, instance_info.OPERATION, logs=True)["instances"]
    assert shown["logs"] == body.decode()


# --- What a list costs -------------------------------------------------------------------------------------------------


def test_each_bucket_is_looked_at_once_however_many_pages_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Bucket(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked.append(key)
            return super().get(key, default)

    api = FakeApi(page_size=5, buckets=100)
    original = api_module.Reader._pages

    def pages(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for read in original(*args, **kwargs):
            yield api_module.Page([Bucket(item) for item in read.items], read.total_count)

    monkeypatch.setattr(api_module.Reader, "_pages", pages)
    assert len(run_operation(api, bucket_info.OPERATION, region="us-east", limit=1_000)["buckets"]) > 0
    assert looked.count("region") <= 2 * 100


def test_a_list_that_contradicts_itself_names_few_totals() -> None:
    api = FakeApi(page_size=1)
    for number in range(9):
        api.make(f"web-{number:02}")
    totals = itertools.count(100)

    def miscounted(right: Right) -> Response:
        data = json.loads(right().body)
        data["pagination"]["total_count"] = next(totals)
        return answer(200, data)

    api.spoil("GET", "/instances", miscounted, times=27)
    message = run_operation(api, instance_info.OPERATION)["msg"]
    assert "total_count 118 and 119 and 120 and 6 others and has 9 items" in message

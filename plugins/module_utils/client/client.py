# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One authenticated request: transport, credential and retry together. Returns a response's JSON or raises an exception."""

from __future__ import annotations

import email.utils
import json
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from ..clock import Clock, Deadline
from ..errors import (
    ApiError,
    BadResponse,
    CloudNexusError,
    Fault,
    Forbidden,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
)
from ..interrupts import kept_back
from ..masking import Secrets, brief
from ..printable import printable
from .auth import Credential
from .bounds import OBJECT, PAGE, Extent, has_more_values
from .retry import Retry
from .settings import Settings, is_local
from .token_store import Token
from .trace import Attempts, Trace
from .transport import Response, Transport

T = TypeVar("T")

#: Characters of a text of the API that an error repeats at most.
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the contract knows it."""

    method: str
    #: Relative to the base URL, such as ``/instances/inst_8x92a1b3``; what errors show.
    path: str
    body: Mapping[str, Any] | None = None
    #: The absolute address, if it differs from base URL + path (a page link).
    url: str | None = None
    #: May it be retried if its response was lost (contract: rule 4)?
    repeat_in_doubt: bool = True
    #: The region that it is about, for the sentence of a 403 (contract: rule 7).
    region: str | None = None
    #: Its response holds secrets that are unknown before it is parsed.
    secret_response: bool = False
    #: How much its response may hold.
    most: Extent = OBJECT

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Client:
    """Sends calls for one task."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, warn: Callable[[str], None]) -> None:
        self.base_url = settings.api_url
        #: Whether the API has a loopback address, as an emulator has.
        self.is_local = is_local(settings.api_url)
        #: Records what is sent; None if nobody asked for it.
        self.trace: Trace | None = None
        self.clock = clock
        self.warn = warn
        #: The warnings of addresses that can't be their instances' own.
        self.addresses_refused: list[str] = []
        self._secrets = secrets
        self._credential = Credential(settings, secrets, clock, self._refresh, warn)
        self._transport = Transport(settings, secrets)
        self._retry = Retry(settings.api_timeout, settings.api_retries, clock)
        self.stop = self._retry.stop
        #: Seconds that one request may take, with all its attempts and the pauses between them.
        self.longest_request = self._retry.bound
        #: Held while a large response is read and parsed. Small ones need no turn.
        self._one_large = threading.Lock()

    def be_patient(self, deadline: Deadline) -> None:
        """Wait until then for an API that takes no more requests at the moment (429)."""
        self._retry.patience = deadline

    def live_with(self, alive: Callable[[], bool]) -> None:
        """Send nothing more once ``alive`` says no."""
        self._retry.alive = alive

    def check(self) -> None:
        """Raises NotSent if the task is to end."""
        self._retry.check()

    def access_token(self) -> str:
        """The credential that would be sent now. Raises what its refresh raises."""
        return self._credential.bearer()

    def json(self, call: Call, deadline: Deadline | None = None) -> Any:
        """Send ``call`` and return its response's JSON. Raises a CloudNexusError."""
        return self.decoded(call, self.send(call, deadline))

    def large(self, call: Call, deadline: Deadline | None = None, *, or_text: bool = False) -> tuple[Any, Extent]:
        """Send ``call`` as ``json`` does, for a response that may be large, and return its extent too. A task reads them one by one.

        ``or_text`` returns the text of a body that is no JSON or has too many values, if its shape is not documented.
        """
        with self._one_large:
            response = self.send(call, deadline)
            data, values = self._understood(call, response, or_text=or_text)
            return data, Extent(len(response.body), values)

    def send(self, call: Call, deadline: Deadline | None = None) -> Response:
        """Send ``call`` and return the response, which is a 2xx. Raises a CloudNexusError."""
        bearer = self._credential.bearer()
        attempts = self._attempts(call)
        try:
            return self._sent(call, bearer, deadline, attempts)
        except Unauthorized:
            if not self._credential.renew(bearer):
                raise
        return self._sent(call, self._credential.bearer(), deadline, attempts)

    def _sent(self, call: Call, bearer: str, deadline: Deadline | None, attempts: Attempts | None) -> Response:
        if attempts is not None:
            attempts.wait()
        return self._retried(call, lambda timeout: self._exchanged(call, bearer, timeout, attempts), deadline)

    def _attempts(self, call: Call) -> Attempts | None:
        return None if self.trace is None else self.trace.attempts(call.method, call.path)

    def _exchanged(self, call: Call, bearer: str | None, timeout: float, attempts: Attempts | None) -> Response:
        if attempts is None:
            return self._accepted(call, self._exchange(call, bearer, timeout))
        attempts.begin()
        try:
            response = self._exchange(call, bearer, timeout)
        except BaseException as error:  # the task's own timeout is none of the collection's errors
            attempts.end(getattr(error, "came", None), None)
            raise
        attempts.end(response.status, self._request_id(call, response))
        return self._accepted(call, response)

    def _exchange(self, call: Call, bearer: str | None, timeout: float) -> Response:
        try:
            return self._transport.exchange(call.method, self._url(call), body=call.body, bearer=bearer, timeout=timeout, most=call.most.size)
        finally:
            if bearer:
                self._secrets.add_token(bearer)  # the response may repeat it, however many came after it

    def _accepted(self, call: Call, response: Response) -> Response:
        """The response, which is a 2xx. Raises the refusal if it is none."""
        if not 200 <= response.status < 300:
            raise self._refusal(call, response)
        return response

    def _url(self, call: Call) -> str:
        return call.url or self.base_url + call.path

    def _retried(self, call: Call, attempt: Callable[[float], T], deadline: Deadline | None = None) -> T:
        try:
            return self._retry.run(attempt, repeat_in_doubt=call.repeat_in_doubt, deadline=deadline)
        except Exception as error:
            failure = error if isinstance(error, CloudNexusError) else Fault(error)
            failure.message = self._secrets.mask(failure.message)  # now, as tokens are forgotten in time
            if failure.api_error is None:
                failure.api_error = ApiError(call.method, call.path)
                failure.message = f"{call}: {failure.message}"
            raise failure from None

    def _refresh(self, body: Mapping[str, str], keep: Callable[[Mapping[str, Any]], Token]) -> Token:
        """Get a new access token, and have it kept before anything can interrupt that. It is sent without a credential."""
        call = Call("POST", "/auth/token/refresh", body, secret_response=True)
        attempts = self._attempts(call)

        def attempt(timeout: float) -> Token:
            with kept_back():
                self._retry.check()  # within the block: an interruption waits for the threads that are in it
                response = self.decoded(call, self._exchanged(call, None, timeout, attempts))
                if not isinstance(response, dict):
                    raise self.unexpected(call, "an object")
                return keep(response)

        return self._retried(call, attempt)

    # --- Responses ---

    def decoded(self, call: Call, response: Response) -> Any:
        """The JSON of a response. Raises BadResponse."""
        return self._understood(call, response)[0]

    def _understood(self, call: Call, response: Response, *, or_text: bool = False) -> tuple[Any, int]:
        """The JSON of a response, and the number of its values."""
        try:
            return _counted(response.body, call.most.values)
        except ValueError as error:
            if or_text:
                return response.body.decode("utf-8", "replace"), 1
            raise self._too_many(call) if isinstance(error, _TooMany) else self._not_json(call, response) from None
        except Exception as error:
            raise Fault(error) from None

    def _not_json(self, call: Call, response: Response) -> BadResponse:
        """Nothing of the body is shown: whatever it is, it may repeat the credential in a form that nobody would know."""
        error = self._api_error(call, response)
        request = f", request {error.request_id}" if error.request_id else ""
        kind = self._shown(response.content_type) or "not given"
        return BadResponse(
            f"{call}: the API's response is not the expected JSON (status {response.status}, {len(response.body)} bytes, content type {kind}{request}), "
            f"at {self._place(call)}.",
            api_error=error,
        )

    def _too_many(self, call: Call) -> BadResponse:
        message = f"{call}: the API's response holds more than {call.most.values:,} JSON values, and was not parsed."
        return BadResponse(message, api_error=ApiError(call.method, call.path))

    def unexpected(self, call: Call, expected: str) -> BadResponse:
        """The error for JSON of another shape than the contract's."""
        return BadResponse(f"{call}: the API's response doesn't match the contract: expected {expected}.", api_error=ApiError(call.method, call.path))

    def _place(self, call: Call) -> str:
        """The address of a request, without its query."""
        return brief(self._url(call).partition("?")[0])

    def _refusal(self, call: Call, response: Response) -> CloudNexusError:
        failure = self._kind_of_refusal(call, response)
        failure.url = self._place(call)
        return failure

    def _kind_of_refusal(self, call: Call, response: Response) -> CloudNexusError:
        error = self._api_error(call, response)
        said = f": {error.message}" if error.message else ""
        place = f" at {self._place(call)}" if response.status == 404 else ""
        message = f"{call}: the API returned {response.status}{place}{said.rstrip('.')}."
        retry_after = _retry_after(response)
        if response.status >= 500:
            return ServerFault(message, api_error=error, retry_after=retry_after)
        if response.status == 429:
            return RateLimited(message, api_error=error, retry_after=retry_after)
        if response.status == 401:
            # For a refresh, the caller names the refused credential.
            hint = "" if call.secret_response else " Check api_key, or refresh_token and client_id."
            return Unauthorized(f"{message}{hint}", api_error=error)
        if response.status == 403:
            region = f" in region {call.region}" if call.region else ""
            return Forbidden(f"{message} The key's scope does not allow {call.method} {call.path}{region}.", api_error=error)
        if response.status == 404:
            return NotFound(message, api_error=error)
        if 400 <= response.status < 500:
            return Refused(message, api_error=error)
        return BadResponse(message, api_error=error)

    def _api_error(self, call: Call, response: Response) -> ApiError:
        """What an error's body says. Its shape is not documented: the usual places are looked at, and all may be missing."""
        try:
            body = json.loads(response.body[:_MOST_ERROR])
        except (ValueError, RecursionError):
            body = None
        body = body if isinstance(body, dict) else {}
        inner = body.get("error")
        details = inner if isinstance(inner, dict) else body
        message = details.get("message") or details.get("detail") or (inner if isinstance(inner, str) else None)
        request_id = response.headers.get("X-Request-Id") or body.get("request_id") or details.get("request_id")
        return ApiError(
            call.method,
            call.path,
            response.status,
            code=self._shown(details.get("code")),
            message=self._shown(message),
            request_id=self._shown(request_id),
        )

    def _request_id(self, call: Call, response: Response) -> str | None:
        """The id that the API gave a request, if it did. None for a new token, which could be in it and is not known yet."""
        if not 200 <= response.status < 300:
            return self._api_error(call, response).request_id
        return None if call.secret_response else self._shown(response.headers.get("X-Request-Id"))

    def _shown(self, value: Any) -> str | None:
        """A text of the API as an error may show it: masked before it is cut, on one line, short."""
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return None
        text = printable(re.sub(r"\s+", " ", self._secrets.shown(str(value)))).strip()
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


#: Bytes of an error's body that are looked at.
_MOST_ERROR = 64 * 1024


#: Levels of nesting that a response may have. The contract's have four; what Ansible does with a result would fail far
#: beyond.
_DEEPEST = 50
#: Digits of a whole number, as many as Python takes by default.
_MOST_DIGITS = 4300
_CONTAINERS = frozenset((dict, list))
#: Half of a surrogate pair, written with escapes, which is not text. Pairs of backslashes are no escapes and are replaced before.
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = re.compile(rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}")


class _TooMany(ValueError):
    """JSON with more values than there is room for."""


def _parsed(body: bytes, most: int = PAGE.values) -> Any:
    """The JSON value of a body. Raises ValueError for anything that is not plain JSON, or that says a thing twice; _TooMany if it is too much."""
    return _counted(body, most)[0]


def _counted(body: bytes, most: int) -> tuple[Any, int]:
    """The JSON value of a body, and the number of all values in it. Raises what ``_parsed`` raises."""
    if has_more_values(body, most):
        raise _TooMany
    try:
        text = body.decode("utf-8")
        data = _loaded(text)
        if "\\" in text and "\\u" in text and _HALF.search(text.replace("\\\\", "  ")):
            raise ValueError("half of a surrogate pair is not text")
        keys, values = _keys_and_values(data)
        if not _is_plain(text) or text.count('":') != keys:
            data = None  # there is no room for two of them
            data = _loaded(text, _harmless)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return data, values


def _loaded(text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    # Python's own limit costs nothing. It is there since 3.10.7, and can be turned off.
    whole = None if getattr(sys, "get_int_max_str_digits", int)() else _whole
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=whole, object_pairs_hook=pairs)


def _is_plain(text: str) -> bool:
    """Whether the keys of all objects can be counted by their colons, so that as many must have come out.

    A look at every object's keys would double the time. It is skipped if no text holds a quote (so nothing that looks
    like a key), each key is followed by its colon at once, and none is Ansible's. A single character is found some fifty
    times as fast as two.
    """
    blank = any(white in text and f'"{white}' in text for white in "\n\r\t")
    return not ("\\" in text or blank or '" ' in text or '"__ansible' in text)


def _keys_and_values(data: Any) -> tuple[int, int]:
    """The number of keys in all objects, and of all values. Raises ValueError for data that is nested too deeply."""
    keys, values = 0, 1
    level: list[Any] = [data]
    for _depth in range(_DEEPEST + 1):
        objects = [item for item in level if item.__class__ is dict]
        lists = [item for item in level if item.__class__ is list]
        if not objects and not lists:
            return keys, values
        below = sum(map(len, objects))
        keys += below
        values += below + sum(map(len, lists))
        level = [item for item in chain(chain.from_iterable(map(dict.values, objects)), chain.from_iterable(lists)) if item.__class__ in _CONTAINERS]
    raise ValueError("nested too deeply")


def _harmless(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice, and one by which Ansible marks types and secrets in its own JSON: a module's result with it is lost."""
    found = dict(pairs)
    if len(found) != len(pairs) or any(key.startswith("__ansible_") for key in found):
        raise ValueError("a key that comes twice, or is Ansible's own")
    return found


def _whole(text: str) -> int:
    """A whole number, which takes Python a time that grows with the square of its digits."""
    if len(text.lstrip("-")) > _MOST_DIGITS:
        raise ValueError("a number with too many digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _retry_after(response: Response) -> float | None:
    """Seconds that the API asks to wait; the header holds seconds or a date. None if it says nothing usable."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    try:
        # Against the API's own clock if it sends its time: ours may be wrong.
        now = email.utils.parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        now = time.time()
    return max(0.0, until - now)

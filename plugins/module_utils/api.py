# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of the contract, a method each: ``Reader`` holds those that only look, ``Writer`` those that change.

Whatever plans is given a Reader, so that check mode can't write (see docs/architecture.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from . import checks
from .addresses import not_of_an_instance
from .client.bounds import PAGE, TOTAL, Extent
from .client.client import Call, Client
from .client.links import page_url
from .clock import Deadline
from .errors import ApiError, BadResponse, CloudNexusError, Contradiction, NotFound, OperationMissing
from .masking import brief

#: An object as the API shows it.
Json = dict[str, Any]

#: Pages of one list that are read at most; more is an error, never a list that is silently cut.
MAX_PAGES = 20_000
#: A list may take this many times as long as one request with all its attempts, however many pages it has.
LIST_REQUESTS = 20
#: Readings of a list that changes while it is read, at most.
READINGS = 3

#: Instances whose addresses one task warns of.
_WARNINGS = 10

#: Totals of a list that contradicts itself that an error names.
_TOTALS = 3
_MISSING = (404, 405, 501)
_TEXT_OR_NOTHING = (str, type(None))
#: An IP address or a host's name; nothing that ssh could take for an option.
_ADDRESS = re.compile(r"[0-9A-Za-z:][0-9A-Za-z.:%_-]*")


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Json]
    #: The account's whole number of items, if the API says it.
    total_count: int | None


class Reader:
    """The reading operations."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.clock = client.clock
        #: Requests that the last reading of the instances took; None before the first.
        self.list_pages: int | None = None
        #: How much of logs was read.
        self._logs = Extent()

    def health(self) -> Json:
        call = Call("GET", "/health")
        return self._typed(call, self._object(call, self._client.json(call)), {"status": str, "version": str, "region": str})

    def confirm_base(self) -> None:
        """Raises OperationMissing if the address of the API is wrong: then nothing is there, and that says nothing of an instance."""
        call = Call("GET", "/health")
        try:
            self._client.send(call)
        except NotFound as error:
            raise OperationMissing(str(call), api_error=error.api_error, url=error.url) from None
        except CloudNexusError:
            return  # something is there

    def instance(self, instance_id: str, deadline: Deadline | None = None) -> Json:
        """Raises NotFound if there is none, OperationMissing if the API does not offer the operation."""
        call = Call("GET", _instance_path(instance_id))
        try:
            response = self._client.json(call, deadline)
        except CloudNexusError as error:
            raise _or_missing(error, "GET /instances/{id}", (405, 501)) from None
        instance = checked_instance(self._client, call, response)
        if instance["id"] != instance_id:
            raise self._client.unexpected(call, f"the instance {instance_id}")
        return instance

    def instances(self, deadline: Deadline | None = None) -> list[Json]:
        """All instances, each once. Raises OperationMissing if the API offers no list.

        A list whose total changes from page to page, or is not the number of its items, was changed while it was read, or
        lacks an item; it is read again, a few times at most. Raises Contradiction if that does not help.
        """
        call = Call("GET", "/instances")
        deadline = self._list_deadline(deadline)
        for _reading in range(READINGS):
            found: dict[str, Json] = {}
            totals: set[int | None] = set()
            pages = 0
            for page in self._pages(call, deadline, missing=_MISSING):
                pages += 1
                totals.add(page.total_count)
                for item in page.items:
                    instance = checked_instance(self._client, call, item)
                    # An item that moves from one page to the next while the list is read is still one.
                    found[instance["id"]] = instance
            self.list_pages = pages
            if _agree(totals, len(found)):
                return list(found.values())
        raise contradiction(call, totals, len(found))

    def instance_logs(self, instance_id: str) -> Any:
        """The log in whatever shape the API has it (it is not documented): JSON if it is JSON, else text."""
        call = Call("GET", f"{_instance_path(instance_id)}/logs", most=PAGE)
        try:
            log, extent = self._client.large(call, or_text=True)
        except CloudNexusError as error:
            raise _or_missing(error, "GET /instances/{id}/logs", _MISSING) from None
        self._logs += extent
        if excess := self._logs.excess(TOTAL):
            raise BadResponse(f"{call}: the logs hold more than {excess} in all. Read those of fewer instances with one task.")
        return log

    def buckets(self, wanted: Callable[[Json], bool], enough: int | None) -> tuple[list[Json], int | None]:
        """The buckets that are ``wanted``, each once, and the whole number of buckets as far as the API says it.

        Reading stops once there are ``enough``. Raises Contradiction as ``instances`` does.
        """
        call = Call("GET", "/storage/buckets")
        deadline = self._list_deadline(None)
        for _reading in range(READINGS):
            found: dict[str, Json] = {}
            seen: set[str] = set()
            totals: set[int | None] = set()
            for page in self._pages(call, deadline):
                totals.add(page.total_count)
                for bucket in page.items:
                    _checked_bucket(self._client, call, bucket)
                    # A bucket that moves from one page to the next while the list is read is still one.
                    if bucket["id"] not in seen and wanted(bucket):
                        found[bucket["id"]] = bucket
                    seen.add(bucket["id"])
                if enough is not None and len(found) >= enough:
                    return list(found.values()), page.total_count
            if _agree(totals, len(seen)):
                return list(found.values()), page.total_count
        raise contradiction(call, totals, len(seen))

    def cdn_config(self) -> Json:
        """Raises OperationMissing if the API offers no way to read it."""
        call = Call("GET", "/cdn/config")
        try:
            config = self._object(call, self._client.json(call))
        except CloudNexusError as error:
            raise _or_missing(error, "GET /cdn/config", _MISSING) from None
        self._typed(call, config, {"cache_ttl": int, "ssl_enabled": bool, "compression": str})
        if config.get("cache_ttl") is None:
            raise self._client.unexpected(call, "a configuration with cache_ttl")
        return config

    # --- Shapes ---

    def _pages(self, call: Call, deadline: Deadline | None = None, *, missing: tuple[int, ...] = ()) -> Iterator[Page]:
        links: set[str] = set()
        url = None
        read = Extent()
        deadline = self._list_deadline(deadline)
        for number in range(MAX_PAGES):
            try:
                data, extent = self._client.large(Call(call.method, call.path, url=url, most=PAGE), deadline)
                response = self._object(call, data)
            except CloudNexusError as error:
                # A later page that is not there is a fault of the list, and not one that is not offered.
                raise _or_missing(error, str(call), () if number else missing) from None
            items, pagination = response.get("items"), response.get("pagination")
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise self._client.unexpected(call, "a list of objects in items")
            if not isinstance(pagination, dict):
                raise self._client.unexpected(call, "an object in pagination")
            link, total = pagination.get("next_page"), pagination.get("total_count")
            if link is not None and not isinstance(link, str):
                raise self._client.unexpected(call, "a text in pagination.next_page")
            read += extent + Extent(items=len(items))
            if excess := read.excess(TOTAL):
                raise BadResponse(f"{call}: the list holds more than {excess}.")
            yield Page(items, total if _is_count(total) else None)
            if not link:
                return
            if link in links:
                raise BadResponse(f"{call}: a page link of the API leads back to a page that was read before.")
            if deadline.passed:
                raise BadResponse(f"{call}: the list could not be read to its end in time (see api_timeout).")
            links.add(link)
            url = page_url(self._client.base_url, link)
        raise BadResponse(f"{call}: the list has more than {MAX_PAGES} pages.")

    def _typed(self, call: Call, response: Json, types: Mapping[str, type]) -> Json:
        """``response``, whose fields are null, missing or of these types."""
        for name, kind in types.items():
            value = response.get(name)
            # bool is an int in Python, and not in JSON.
            if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
                raise self._client.unexpected(call, f"{name} of type {kind.__name__}")
        return response

    def _list_deadline(self, deadline: Deadline | None) -> Deadline:
        return self.clock.deadline(LIST_REQUESTS * self._client.longest_request).earlier(deadline)

    def _object(self, call: Call, response: Any) -> Json:
        if not isinstance(response, dict):
            raise self._client.unexpected(call, "an object")
        return response


@dataclass(frozen=True, slots=True)
class Made:
    """What the response to a create that succeeded says of the new instance."""

    #: The instance, if the response shows it whole.
    instance: Json | None
    #: Its id, if the response or its ``Location`` names it.
    id: str | None
    #: Why the response does not show it.
    error: CloudNexusError | None


class Writer:
    """The changing operations. Only ``operation.run`` makes one, after it has ruled out check mode."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create_instance(self, body: Mapping[str, Any]) -> Made:
        """Sent again only if nothing was done for certain (contract: rule 4).

        A success status is proof that an instance exists, whatever comes with it. Raises a CloudNexusError if none came.
        """
        call = Call("POST", "/instances", body, repeat_in_doubt=False, region=body["region"])
        try:
            response = self._client.send(call)
        except CloudNexusError as error:
            if error.came is not None and 200 <= error.came < 300:
                return Made(None, None, error)
            raise
        try:
            shown = _unwrapped(self._client.decoded(call, response))
        except CloudNexusError as error:
            return Made(None, _id_in(response.headers.get("Location", "")), error)
        try:
            return Made(checked_instance(self._client, call, shown), shown["id"], None)
        except CloudNexusError as error:
            instance_id = shown.get("id") if isinstance(shown, dict) else None
            known = isinstance(instance_id, str) and checks.is_identifier(instance_id)
            return Made(None, instance_id if known else _id_in(response.headers.get("Location", "")), error)

    def update_instance(self, instance_id: str, body: Mapping[str, Any], region: str | None) -> None:
        """The body holds whole values, so that sending it twice is the same as once."""
        call = Call("PATCH", _instance_path(instance_id), body, region=region)
        try:
            self._client.send(call)
        except CloudNexusError as error:
            raise _or_missing(error, "PATCH /instances/{id}", (405, 501)) from None

    def delete_instance(self, instance_id: str, region: str | None) -> None:
        """Raises NotFound if it is gone already, even by an earlier attempt whose response was lost."""
        call = Call("DELETE", _instance_path(instance_id), region=region)
        try:
            self._client.send(call)
        except CloudNexusError as error:
            raise _or_missing(error, "DELETE /instances/{id}", (405, 501)) from None

    def put_cdn_config(self, body: Mapping[str, Any]) -> None:
        self._client.send(Call("PUT", "/cdn/config", body))


def checked_instance(client: Client, call: Call, response: Any) -> Json:
    if expected := unlike_an_instance(response):
        raise client.unexpected(call, expected)
    found, warning = with_its_own_address(response, local=client.is_local)
    known = client.addresses_refused
    # A wait reads the same instance many times.
    if warning and warning not in known and len(known) <= _WARNINGS:
        known.append(warning)
        client.warn(first_of(known)[-1])
    return found


def with_its_own_address(instance: Json, *, local: bool) -> tuple[Json, str | None]:
    """The instance, without an address that can't be its own, and a warning of that. Pure.

    Ansible would configure the control node in its place. The rest of what the API shows counts, so that the instance can be changed and deleted.
    """
    address = instance.get("ip")
    kind = not_of_an_instance(address, local=local) if address else None
    if kind is None:
        return instance, None
    named = f"{brief(instance['name'])} ({instance['id']})"
    warning = f"The address of the instance {named} is {brief(address)}, which is {kind}. It can't be the instance's own and is ignored."
    return {**instance, "ip": None}, warning


def first_of(warnings: Sequence[str]) -> list[str]:
    """The first warnings of addresses, and one that there are more. Pure."""
    more = ["More instances have such an address. They are not listed."] if len(warnings) > _WARNINGS else []
    return [*warnings[:_WARNINGS], *more]


def unlike_an_instance(response: Any) -> str | None:
    """Why this is no instance: what was expected. It may come from the API or a cache. None if it is one. Pure."""
    # A list may hold many thousands: the types are compared without a call for each field.
    if response.__class__ is not dict:
        return "an instance as an object"
    for name in ("id", "name"):
        if response.get(name).__class__ is not str or not response[name]:
            return f"an instance with a text in {name}"
    for name in ("status", "plan", "region", "ip"):
        if response.get(name).__class__ not in _TEXT_OR_NOTHING:
            return f"an instance with a text in {name}"
    # The one becomes part of a path, the other of a command line of ssh.
    if not checks.is_identifier(response["id"]):
        return "an instance with an id that can stand in a path"
    if response.get("ip") and not _ADDRESS.fullmatch(response["ip"]):
        return "an instance with an address in ip"
    return None


def _unwrapped(data: Any) -> Any:
    """The object itself, if the response has it inside another one (``{"data": {...}}``)."""
    if isinstance(data, dict) and "id" not in data:
        inner = [value for value in data.values() if isinstance(value, dict) and "id" in value]
        if len(inner) == 1:
            return inner[0]
    return data


def _id_in(location: str) -> str | None:
    """The id in an address of an instance (``Location``)."""
    found = re.search(r"/instances/([^/?#]+)/?$", location.partition("?")[0].partition("#")[0])
    instance_id = unquote(found[1]) if found else ""
    return instance_id if checks.is_identifier(instance_id) else None


def _checked_bucket(client: Client, call: Call, bucket: Json) -> None:
    for name in ("id", "name"):
        if bucket.get(name).__class__ is not str or not bucket[name]:
            raise client.unexpected(call, "buckets with an id and a name")
    for name in ("region", "created_at"):
        if bucket.get(name).__class__ not in _TEXT_OR_NOTHING:
            raise client.unexpected(call, f"{name} of type str")
    for name in ("size_bytes", "object_count"):
        # bool is an int in Python, and not in JSON.
        if bucket.get(name).__class__ is not int or bucket[name] < 0:
            raise client.unexpected(call, "buckets with whole numbers in size_bytes and object_count")


def _instance_path(instance_id: str) -> str:
    return f"/instances/{quote(instance_id, safe='')}"


def _agree(totals: Collection[int | None], count: int) -> bool:
    """Whether all pages said the same total, and it is the number of items, if they said one."""
    return set(totals) in ({None}, {count})


def contradiction(call: Call, totals: Collection[int | None], count: int) -> Contradiction:
    named = sorted("none" if total is None else str(total)[:20] for total in totals)
    told = " and ".join(named[:_TOTALS] + [f"{len(named) - _TOTALS} others"] * (len(named) > _TOTALS))
    return Contradiction(
        f"{call}: the API contradicts itself, {READINGS} times in a row: its list says total_count {told} and has {count} items. Nothing can be told from it.",
        api_error=ApiError(call.method, call.path),
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _or_missing(error: CloudNexusError, operation: str, statuses: tuple[int, ...]) -> CloudNexusError:
    """The error, or OperationMissing if its status says that the API does not offer the operation (contract: rule 1)."""
    return OperationMissing(operation, api_error=error.api_error, url=error.url) if error.status in statuses else error

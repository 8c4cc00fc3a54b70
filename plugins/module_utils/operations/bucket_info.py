# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_bucket_info``: the storage buckets of the account, or some of them."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..api import Json, Reader
from ..operation import Context, Operation, Params, Plan

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "region": {"type": "str", "choices": list(checks.REGIONS)},
    "limit": {"type": "int"},
}


def _check(params: Params) -> None:
    if params["name"] is not None:
        checks.text("name", params["name"])
    if params["limit"] is not None:
        checks.integer("limit", params["limit"], 1, 1_000_000)


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    limit: int | None = params["limit"]
    buckets: dict[str, Json] = {}
    total_count = None
    for page in reader.bucket_pages():
        total_count = page.total_count
        found = page.items
        for name in ("name", "region"):
            if params[name] is not None:
                found = [bucket for bucket in found if bucket.get(name) == params[name]]
        for bucket in found:
            # A bucket that moves from one page to the next while the list is read is still one.
            buckets.setdefault(bucket["id"], bucket)
        # A bucket's name is its own (docs/contract.md), so that there is nothing more to be found.
        if (limit is not None and len(buckets) >= limit) or (found and params["name"] is not None):
            break
    return _result(list(buckets.values())[:limit], total_count)


def _result(buckets: list[Json], total_count: int | None) -> Plan:
    return Plan(
        {
            "buckets": buckets,
            "total_count": total_count,
            "matched_size_bytes": sum(bucket["size_bytes"] for bucket in buckets),
            "matched_object_count": sum(bucket["object_count"] for bucket in buckets),
        }
    )


OPERATION = Operation(ARGUMENT_SPEC, _plan, _check)

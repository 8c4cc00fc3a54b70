# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_bucket_info``: the storage buckets of the account, or some of them."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..api import Json, Reader
from ..operation import Context, Operation, Params, Plan
from . import choice

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "name_prefix": {"type": "str"},
    "region": {"type": "str", "choices": list(checks.REGIONS)},
    **choice.options(names={}, regions={"choices": list(checks.REGIONS)}),
    "limit": {"type": "int"},
}


def _check(params: Params) -> None:
    choice.check(params)
    if params["limit"] is not None:
        checks.integer("limit", params["limit"], 1, 1_000_000)


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    buckets, total_count = reader.buckets(choice.chooser(params), _enough(params))
    return _result(buckets[: params["limit"]], total_count)


def _enough(params: Params) -> int | None:
    """After how many buckets reading stops: a bucket's name is its own (docs/contract.md), so no other one is to be found."""
    named = 1 if params["name"] is not None else None if params["names"] is None else len(set(params["names"]))
    bounds = [bound for bound in (named, params["limit"]) if bound is not None]
    return min(bounds, default=None)


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

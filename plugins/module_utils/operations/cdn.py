# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_cdn``: the account's CDN configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import checks
from ..api import Json, Reader, Writer
from ..apply.cdn import put_cdn_config, shown_config
from ..apply.progress import Progress
from ..client.client import Client
from ..errors import OperationMissing
from ..masking import brief
from ..operation import Context, Operation, Params, Plan
from ..plan import changes
from ..plan.resource import CDN_CONFIG

#: One year, the documented maximum.
_LONGEST_TTL = 31_536_000

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "cache_ttl": {"type": "int", "required": True},
    "ssl_enabled": {"type": "bool"},
    "compression": {"type": "str", "choices": ["brotli", "gzip", "none"]},
    "wait": {"type": "bool", "default": False},
}


def _check(params: Params) -> None:
    checks.integer("cache_ttl", params["cache_ttl"], 0, _LONGEST_TTL)


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    desired = {name: params[name] for name in ("cache_ttl", "ssl_enabled", "compression") if params[name] is not None}
    current = _current(reader, context)
    change = changes.replaced(CDN_CONFIG, current, desired)
    if not change.changed:
        return Plan({"config": change.predicted}, change)
    lost = sorted(set(current or {}) - {field.name for field in CDN_CONFIG.fields})
    if lost:
        # They can't be sent along: nothing is sent that the contract does not list.
        context.warn(f"The API shows {', '.join(map(brief, lost))} in the CDN configuration, which this change may reset: PUT /cdn/config replaces the whole.")

    def apply(client: Client, writer: Writer, progress: Progress) -> Mapping[str, Any]:
        put_cdn_config(change.body, writer, client.clock, context.warn, progress, wait=params["wait"])
        return {"config": shown_config(change.body, reader, client.clock, context.warn) if current is not None else dict(change.body)}

    return Plan({"config": dict(change.body)}, change, apply)


def _current(reader: Reader, context: Context) -> Json | None:
    try:
        return reader.cdn_config()
    except OperationMissing as error:
        # Contract: rule 1. The PUT is idempotent, so that it can be sent without looking.
        context.warn(
            f"{error.message} So the current CDN configuration can't be read: the change is reported as one in any case, "
            "and an option that was left out falls back to the API's default."
        )
        return None


OPERATION = Operation(ARGUMENT_SPEC, _plan, _check)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_instance_info``: the instances of the account, or some of them."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..api import Json, Reader
from ..errors import NotFound, OperationMissing
from ..operation import Context, Operation, Params, Plan

_FILTERS = ("name", "region", "plan", "status")

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "region": {"type": "str", "choices": list(checks.REGIONS)},
    "plan": {"type": "str", "choices": list(checks.PLANS)},
    "status": {"type": "str"},
    "logs": {"type": "bool", "default": False},
}


def _check(params: Params) -> None:
    for option in ("name", "status"):
        if params[option] is not None:
            checks.text(option, params[option])
    if params["id"] is not None:
        checks.identifier("id", params["id"])


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    wanted = {name: params[name] for name in _FILTERS if params[name] is not None}
    instances = [item for item in _candidates(params, reader) if all(item.get(name) == value for name, value in wanted.items())]
    if params["logs"]:
        instances = [{**item, "logs": reader.instance_logs(item["id"])} for item in instances]
    return Plan({"instances": instances})


def _candidates(params: Params, reader: Reader) -> list[Json]:
    if params["id"] is not None:
        try:
            return [reader.instance(params["id"])]
        except NotFound:
            return []
    try:
        return reader.instances()
    except OperationMissing as error:
        error.message += " Pass id to read one instance."
        raise


OPERATION = Operation(ARGUMENT_SPEC, _plan, _check)

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
from . import choice

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "name_prefix": {"type": "str"},
    "id": {"type": "str"},
    "region": {"type": "str", "choices": list(checks.REGIONS)},
    "plan": {"type": "str", "choices": list(checks.PLANS)},
    "status": {"type": "str"},
    **choice.options(names={}, ids={}, regions={"choices": list(checks.REGIONS)}, plans={"choices": list(checks.PLANS)}, statuses={}),
    "logs": {"type": "bool", "default": False},
}


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    instances = list(filter(choice.chooser(params), _candidates(params, reader)))
    if params["logs"]:
        instances = [{**item, "logs": reader.instance_logs(item["id"])} for item in instances]
    return Plan({"instances": instances})


def _candidates(params: Params, reader: Reader) -> list[Json]:
    ids = [params["id"]] if params["id"] is not None else params.get("ids")
    if ids is not None:
        return [item for item in (_by_id(instance_id, reader) for instance_id in dict.fromkeys(ids)) if item is not None]
    try:
        return reader.instances()
    except OperationMissing as error:
        error.message += " Pass id to read one instance."
        raise


def _by_id(instance_id: str, reader: Reader) -> Json | None:
    try:
        return reader.instance(instance_id)
    except NotFound:
        return None


OPERATION = Operation(ARGUMENT_SPEC, _plan, choice.check)

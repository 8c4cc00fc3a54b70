# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_health_info``: whether the API works, as it says itself."""

from __future__ import annotations

from ..api import Reader
from ..operation import Context, Operation, Params, Plan


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    return Plan({"health": reader.health()})


OPERATION = Operation({}, _plan)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_cdn_info``: the account's CDN configuration, as it is."""

from __future__ import annotations

from ..api import Reader
from ..operation import Context, Operation, Params, Plan


def _plan(params: Params, reader: Reader, context: Context) -> Plan:
    return Plan({"config": reader.cdn_config()})


OPERATION = Operation({}, _plan)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults for a single request, and the requests that most tests name."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import NotSent, ResponseLost

from .fake_api import answer

Right = Callable[[], Response]


POST, LIST = ("POST", "/instances"), ("GET", "/instances")


def lost_before(right: Right) -> Response:
    raise ResponseLost("The connection was reset.")


def lost_after(right: Right) -> Response:
    right()
    raise ResponseLost("The connection was reset.")


def gateway_timeout_after(right: Right) -> Response:
    right()
    return answer(504, {"error": {"message": "Gateway time-out"}})


def nonsense_after(right: Right) -> Response:
    right()
    return Response(201, {"Content-Type": "text/html"}, b"<html>")


def not_sent(right: Right) -> Response:
    raise NotSent("Connection refused.")


LOST_AFTER = [lost_after, gateway_timeout_after, nonsense_after]

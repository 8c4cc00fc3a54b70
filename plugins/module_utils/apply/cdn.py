# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write to the CDN configuration, and the wait for its propagation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..api import Json, Reader, Writer
from ..clock import Clock
from ..errors import CloudNexusError
from ..plan.resource import CDN_CONFIG
from .creation import SETTLING_TIME
from .progress import INTERVAL, Progress
from .wait import wait_until

#: Seconds that a change of the CDN takes to reach the edge (contract: PUT /cdn/config).
CDN_PROPAGATION = 60.0


def put_cdn_config(body: Mapping[str, Any], writer: Writer, clock: Clock, warn: Callable[[str], None], progress: Progress, *, wait: bool) -> None:
    """Replace the CDN configuration, and sit out its propagation if that was asked for."""
    so_far = "The change of the CDN configuration was under way, and may or may not have had its effect"
    try:
        writer.put_cdn_config(body)
        so_far = f"The CDN configuration was changed; it reaches the edge within {CDN_PROPAGATION:.0f} s"
        if wait:
            reached = clock.deadline(CDN_PROPAGATION)
            while not reached.passed:
                clock.sleep(min(reached.left, INTERVAL))
                progress.tell(lambda: "the CDN configuration is on its way to the edge")
    except CloudNexusError:
        raise
    except BaseException:  # as in Rollout.run
        warn(f"Interrupted. {so_far}.")
        raise


def shown_config(body: Mapping[str, Any], reader: Reader, clock: Clock, warn: Callable[[str], None]) -> Json:
    """The configuration as the API shows it after the change. Warns if it is not what was sent, after the settling time."""
    shown: Json = dict(body)
    differing: list[str] = []

    def look() -> bool | None:
        nonlocal shown, differing
        shown = reader.cdn_config()
        differing = CDN_CONFIG.differing(shown, body)
        return None if differing else True

    try:
        wait_until(look, clock.deadline(SETTLING_TIME), first_interval=1.0)
    except CloudNexusError as error:
        warn(f"The CDN configuration was changed. What the API made of it could not be read: {error.message}")
        return shown
    if differing:
        warn(f"The API took the change of the CDN configuration, and shows another {' and '.join(differing)} than was sent.")
    return shown

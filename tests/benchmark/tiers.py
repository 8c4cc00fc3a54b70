# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second run of the playbook web_tier, whose time a user spends each day, by the size of the tier."""

from __future__ import annotations

import json
import subprocess
import time

from tests.checkout import ROOT, ansible_environment

from .harness import PAIRS, Bench, Row, api_of
from .playbook import Failed

SMALL, LARGE = 2, 60
#: The hosts respond at once, as this machine itself: what ssh takes is not the collection's.
VARIABLES = {
    "web_tier_name": "shop",
    "web_tier_configure": False,
    "web_tier_max_creations": LARGE,
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


def tier(bench: Bench) -> list[Row]:
    """A second run of the playbook web_tier with 60 members that respond, nothing to change, against one with 2"""
    with bench.emulator(page_size=100) as small, bench.emulator(page_size=100) as large:
        for count, emulator in ((SMALL, small), (LARGE, large)):
            _run(count, api_of(emulator))
        pairs = [(_run(LARGE, api_of(large)), _run(SMALL, api_of(small))) for _pair in range(PAIRS)]
    return [Row(f"web_tier, second run with {LARGE} members", f"with {SMALL}", pairs, "s", 2)]


def _run(count: int, api: dict[str, str]) -> float:
    """Seconds of the whole command."""
    command = ["ansible-playbook", "cloudnexus.cloud.web_tier", "-e", json.dumps({**VARIABLES, "web_tier_count": count})]
    started = time.monotonic()
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=ansible_environment(**api), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    took = time.monotonic() - started
    if done.returncode:
        raise Failed(done.stdout[-4000:])
    return took

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: every case, one after the other, and one table; the exit status is 0 when every reach was reached."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from .cases import buckets, fleet_create, fleet_nothing, growth, hosts, inventory, limited, loop, module, uri
from .choice import choose
from .harness import PAIRS, TITLES, Bench, Case, Row, table
from .playbook import Failed
from .startup import imports
from .tiers import tier

CASES: dict[str, Case] = {
    function.__name__: function for function in (loop, hosts, uri, module, fleet_create, fleet_nothing, limited, tier, buckets, growth, inventory, imports)
}


def main(wanted: list[str]) -> int:
    chosen = choose(wanted, CASES, "case")
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for name in chosen:
        print(f"==> {name}: {CASES[name].__doc__}", flush=True)
        started = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="cloudnexus-benchmark-"))
        try:
            rows += CASES[name](Bench(folder))
        except Failed as reason:
            failed[name] = str(reason)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"    {name} done in {time.monotonic() - started:.0f} s", flush=True)
    if rows:
        print(f"\nMedians of {PAIRS} pairs, measured alternately; the ratio is the median of the pairs' ratios.\n")
        print(table(TITLES, [row.cells() for row in rows]))
    for name, why in failed.items():
        print(f"\n{name} could not be measured: {why}")
    return 1 if failed or not all(row.reached for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

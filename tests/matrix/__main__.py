# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make matrix``: the pairs and the checks that are asked for, or all; the exit status is 0 when something ran and all of it passed."""

from __future__ import annotations

import argparse
import sys
import time

from .machine import pythons
from .pairs import PAIRS, parsed, plan
from .run import installed, run, table

USUAL = ("units", "integration", "sanity")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.matrix", description=__doc__)
    parser.add_argument("--pairs", default="", help="such as '3.10/2.16 3.13/2.22'; 'list' shows what there is")
    parser.add_argument("checks", nargs="*", help="units, core, integration or sanity")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.checks if name not in (*USUAL, "core")]
    if unknown:
        parser.error(f"{unknown[0]}: not a check of the matrix, which are units, core, integration and sanity.")
    found = pythons()
    if arguments.pairs == "list":
        for pair, why in PAIRS.items():
            print(f"{pair}  {why}")
        print(f"Pythons here: {', '.join(f'{version} ({path})' for version, path in found.items())}")
        return 0
    try:
        planned = plan(found, parsed(arguments.pairs))
    except ValueError as error:
        parser.error(str(error))
    checks = arguments.checks or list(USUAL)
    started = time.monotonic()
    print(f"==> Installing {', '.join(map(str, planned.run)) or 'nothing'}", flush=True)
    interpreters, missing = installed(planned.run, found)
    ran = run(interpreters, checks)
    print(f"\n{table(ran, {**planned.not_run, **missing}, checks)}\n\nIn {time.monotonic() - started:.0f} s")
    return 0 if ran and all(of.passed for of in ran.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

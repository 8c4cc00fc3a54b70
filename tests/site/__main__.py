# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make docs``: build the site below .cache; a warning fails it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..checkout import CACHE, ROOT, ansible_environment
from .pages import write_pages
from .reference import write_reference

SOURCE, DOCTREES, SITE = CACHE / "site" / "source", CACHE / "site" / "doctrees", CACHE / "site" / "html"


def build() -> tuple[int, str]:
    """The exit status of what failed, or 0, and what it said."""
    SOURCE.mkdir(parents=True, exist_ok=True)
    done = write_reference(SOURCE / "reference")
    if done is not None and done.returncode:
        return done.returncode, done.stdout
    write_pages(SOURCE)
    sphinx = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky", "-q", "-a", "-b", "html"]
    places = ["-c", str(Path(__file__).parent), "-d", str(DOCTREES), str(SOURCE), str(SITE)]
    run = subprocess.run([*sphinx, *places], check=False, cwd=ROOT, env=ansible_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        shutil.rmtree(DOCTREES, ignore_errors=True)  # else the next build would be silent on what it takes from there
    return run.returncode, run.stdout


def loaded_from_elsewhere() -> set[str]:
    """What a browser would fetch from another host; links that a reader may follow are none of it."""
    found: set[str] = set()
    for path in SITE.rglob("*.html"):
        found.update(re.findall(r"""<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=["'](?:https?:)?(//[^"']+)""", path.read_text(encoding="utf-8")))
    for path in SITE.rglob("*.css"):
        found.update(re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?(//[^"')]+)""", path.read_text(encoding="utf-8")))
    return found


def main() -> int:
    status, output = build()
    print(output, end="")
    if status:
        return status
    if elsewhere := loaded_from_elsewhere():
        print("The pages load from other hosts: " + ", ".join(sorted(elsewhere)))
        return 1
    print(f"The documentation is in {SITE / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

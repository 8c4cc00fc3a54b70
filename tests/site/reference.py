# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page for each module, plugin and role, which antsibull-docs makes from their documentation."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

from ..checkout import ROOT, ansible_environment


def write_reference(folder: Path) -> subprocess.CompletedProcess[str] | None:
    """Make the pages, unless nothing that they are made from has changed (it takes some seconds): then None is returned."""
    stamp = folder.with_suffix(".stamp")
    state = _state()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == state:
        return None
    stamp.unlink(missing_ok=True)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.chmod(0o755)  # antsibull-docs refuses one that others can write to
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "antsibull-docs"), "collection", "--use-current", "--squash-hierarchy", "--fail-on-error",
            "--cleanup", "everything", "--no-add-antsibull-docs-version", "--dest-dir", str(folder), "cloudnexus.cloud",
        ],
        check=False, cwd=ROOT, env=ansible_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if not done.returncode:
        for path in folder.glob("*.rst"):
            path.write_text(_for_the_theme(path.read_text(encoding="utf-8")), encoding="utf-8")
        stamp.write_text(state, encoding="utf-8")
    return done


def _for_the_theme(page: str) -> str:
    """The page with short names in titles and in the navigation, and without a table of contents, which the theme has beside it."""
    page = re.sub(r"^Cloudnexus\.Cloud\n=+\n", "Modules, plugins and roles\n==========================\n", page, flags=re.MULTILINE)
    page = re.sub(r"^cloudnexus\.cloud\.(\w+) (module|filter|lookup|inventory|role) -- ", r"\1 -- ", page, flags=re.MULTILINE)
    page = re.sub(r"^    (\w+)_(module|filter|lookup|inventory|role)$", r"    \1 <\1_\2>", page, flags=re.MULTILINE)
    return re.sub(r"^\.\. contents::\n(   .*\n)+", "", page, flags=re.MULTILINE)


def _state() -> str:
    """A digest of everything that the pages are made from."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for package in ("antsibull-docs", "ansible-core"):
        digest.update(importlib.metadata.version(package).encode())
    for path in sorted([ROOT / "galaxy.yml", ROOT / "meta" / "runtime.yml", *ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/*/meta/*.yml")]):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()

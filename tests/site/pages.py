# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages as Sphinx takes them: they are written to be read where they are, and only their links change."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..checkout import ROOT

REPOSITORY = "https://github.com/cloudnexus/cloudnexus.cloud/blob/main/"
#: The navigation, in its order. A page of docs/ that is not named here comes after the guides.
GUIDES = [
    "getting_started",
    "roles",
    "fleets",
    "adopt",
    "drift",
    "inventory",
    "ad_hoc",
    "awx",
    "eda",
    "execution_environments",
    "emulator",
    "testing",
    "upgrading",
]
CONCEPTS = ["authentication", "check_mode", "faults", "guarantees"]
REFERENCE = ["Modules, plugins and roles <reference/index>", "troubleshooting", "contract", "not_offered", "tracing", "benchmarks"]
CONTRIBUTORS = ["architecture", "contributing"]
#: The folders of plugins that have pages, and how antsibull-docs calls the kind.
_KINDS = (("modules", "module"), ("filter", "filter"), ("lookup", "lookup"), ("inventory", "inventory"))


def pages() -> dict[str, str]:
    """The page of the site for each file of the repository that has one."""
    found = {f"docs/{path.name}": path.stem for path in sorted(ROOT.glob("docs/*.md"))}
    found |= {str(path.relative_to(ROOT)): f"role_{path.parent.name}" for path in sorted(ROOT.glob("roles/*/README.md"))}
    found |= {f"plugins/{kind}/{path.name}": f"reference/{path.stem}_{word}" for kind, word in _KINDS for path in ROOT.glob(f"plugins/{kind}/*.py")}
    return {**found, "CONTRIBUTING.md": "contributing", "CHANGELOG.rst": "changelog"}


def navigation(known: Mapping[str, str]) -> str:
    """What the start page has besides its text: what belongs together, for the sidebar."""
    names = [name for name in known.values() if "/" not in name and not name.startswith("role_")]
    elsewhere = {*GUIDES, *CONCEPTS, *REFERENCE, *CONTRIBUTORS, "changelog", "index"}
    others = [name for name in names if name not in elsewhere]
    parts = [
        _toctree("Guides", [name for name in (*GUIDES, *others) if name in names]),
        _toctree("Concepts", CONCEPTS),
        _toctree("Reference", REFERENCE),
        _toctree("For contributors", [*CONTRIBUTORS, "Changelog <changelog>"]),
    ]
    return "\n".join(parts)


def _toctree(caption: str, names: list[str]) -> str:
    """Pages below a caption in the sidebar; without one a list on the page as well."""
    options = [":hidden:", f":caption: {caption}"] if caption else [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *options, "", *names, "```", ""])


def write_pages(source: Path) -> None:
    known = pages()
    for name, page in known.items():
        if name.endswith(".py"):
            continue
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            text = with_links_of_the_site(text, name, known)
        if page == "index":
            text += "\n" + navigation(known)
        elif page == "roles":
            text += "\n" + _toctree("", [other for other in known.values() if other.startswith("role_")])
        _write(source / (page + path.suffix), text)
    _write(source / "openapi.yml", (ROOT / "docs" / "openapi.yml").read_text(encoding="utf-8"))
    wanted = {source / (page + Path(name).suffix) for name, page in known.items()}
    for old in [*source.glob("*.md"), *source.glob("*.rst")]:
        if old not in wanted:
            old.unlink()


def with_links_of_the_site(text: str, name: str, known: Mapping[str, str]) -> str:
    """The text of a file with its links to files of the repository leading to their pages, or where there is none to the repository."""

    def link(match: re.Match[str]) -> str:
        target, _hash, anchor = match.group(1).partition("#")
        if target.startswith(REPOSITORY):
            target = target.removeprefix(REPOSITORY)
        elif not target or re.match(r"[a-z]+:", target):
            return match.group(0)
        else:
            target = os.path.normpath(os.path.join(os.path.dirname(name), target))
        if target in known:
            suffix = Path(target).suffix.replace(".py", ".rst")
            target = known[target] + suffix
        elif target == "docs/openapi.yml":
            target = "openapi.yml"
        elif (ROOT / target).exists():
            target = REPOSITORY + target
        else:
            return match.group(0)  # Sphinx will say that it leads nowhere
        return f"]({target}{'#' + anchor if anchor else ''})"

    return re.sub(r"\]\(([^)\s]+)\)", link, text)


def _write(path: Path, text: str) -> None:
    """Write a file only where it changes: Sphinx reads those anew that are newer."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

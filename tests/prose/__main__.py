# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nox -s prose``: check the vocabulary. A finding fails it, except in the files of LEFT, where findings are counted.

``python -m tests.prose FILE ...`` shows the findings of these files.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from proselint import checks
from proselint.config import Config
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags, CheckResult
from proselint.tools import LintFile, LintResult

from ..checkout import ROOT
from .rules import RULES, Rule
from .texts import prose

#: Everything that is checked.
CHECKED = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "roles/*/README.md",
    "roles/*/meta/argument_specs.yml",
    "changelogs/fragments/*.yml",
    "plugins/doc_fragments/*.py",
    "plugins/modules/*.py",
    "plugins/inventory/*.py",
    "plugins/lookup/*.py",
    "plugins/filter/*.py",
    "extensions/eda/plugins/event_source/*.py",
)
#: Those that may still have findings. A file that is rewritten leaves this list.
LEFT = (
    "CONTRIBUTING.md",
    "changelogs/fragments/web_server.yml",
    "docs/awx.md",
    "docs/benchmarks.md",
    "docs/contract.md",
    "docs/drift.md",
    "docs/execution_environments.md",
    "docs/guarantees.md",
    "docs/index.md",
    "docs/not_offered.md",
    "docs/roles.md",
    "docs/troubleshooting.md",
    "docs/upgrading.md",
    "roles/web_server/README.md",
    "roles/web_server/meta/argument_specs.yml",
    "roles/web_tier/README.md",
)
#: The checks that proselint brings and that fit technical texts.
OF_PROSELINT = ("archaism", "lexical_illusions", "malapropisms", "mondegreens", "nonwords", "redundancy", "misc.illogic", "misc.suddenly")
OURS = "cloudnexus"


def _check(rule: Rule) -> Check:
    def find(text: str, check: Check) -> Iterator[CheckResult]:
        for start, end in rule.spans(text):
            yield CheckResult(check.path, f"{' '.join(text[start:end].split())[:60]!r}: {check.message}", (start, end), None)

    return Check(find, path=f"{OURS}.{rule.name}", message=rule.instead, flags=CheckFlags(allow_quotes=True))


def _registered() -> None:
    registry = CheckRegistry()
    if not registry.checks:
        registry.register_many(checks.__register__)
        registry.register_many(tuple(map(_check, RULES)))


def _enabled(*, options: bool) -> Config:
    ours = [f"{OURS}.{rule.name}" for rule in RULES if options or not rule.of_options]
    return Config(max_errors=10_000, checks=dict.fromkeys([*ours, *OF_PROSELINT], True))


def findings(path: Path, text: str) -> list[LintResult]:
    """What breaks a rule in the prose of a file."""
    _registered()
    shown = prose(path, text)
    if not shown.strip():
        return []
    file = LintFile(path.name, shown)
    # proselint takes a heading and the first words after it for one sentence.
    return [found for found in file.lint(_enabled(options=path.suffix != ".md")) if "\n\n" not in file.content[slice(*found.check_result.span)]]


def lines(path: Path) -> list[str]:
    """A line for each finding of a file, as editors understand it."""
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    found = findings(path, path.read_text(encoding="utf-8"))
    return [f"{name}:{result.pos[0]}: {result.check_result.check_path}: {result.check_result.message}" for result in found]


def _paths(patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def main(named: list[str]) -> int:
    if named:
        shown = [line for name in named for line in lines(Path(name).resolve())]
        print(*shown, sep="\n")
        return int(bool(shown))
    later = _paths(LEFT)
    clean = [path for path in _paths(CHECKED) if path not in later]
    broken = [line for path in clean for line in lines(path)]
    left = Counter({str(path.relative_to(ROOT)): len(lines(path)) for path in later})
    print(*broken, sep="\n", end="\n" if broken else "")
    for name, count in left.most_common():
        if count:
            print(f"not yet clean: {name}: {count}")
    if done := sorted(name for name, count in left.items() if not count):
        print(f"clean, so remove them from LEFT of tests/prose/__main__.py: {', '.join(done)}")
    print(f"{len(clean)} clean files with {len(broken)} findings, {left.total()} findings in {len(left)} other files")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

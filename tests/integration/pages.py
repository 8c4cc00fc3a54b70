# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of a page of documentation, as a reader would follow them from the top to the end.

What a reader sees says nearly all: a YAML block that begins with a comment that names a file (``# fleet.yml``) is that
file, one without is a playbook or the tasks of one, and ``$ ...`` in a console block is a command, with a part of its
output below. Comments of HTML, which a reader does not see, say the rest, before the block:

- ``<!-- file: faults.json -->``: the file that it is, where the block's language has no comments;
- ``<!-- status: 2 -->``: the exit status of its commands, where it is not 0;
- ``<!-- account: web-02 professional eu-west, web-07 starter us-east -->``: another account, and all that it has; ``new`` for nothing;
- ``<!-- skip: it needs an AWX -->``: why the block can't be followed here.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Block:
    """A fenced block."""

    language: str
    text: str
    line: int
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str | None:
        """The file that it is."""
        named = re.match(r"# ([\w./-]+\.(?:yml|yaml|cfg|ini|json|py))$", self.text.split("\n", 1)[0])
        return named.group(1) if named else self.notes.get("file")


@dataclass(slots=True)
class Command:
    """A command of a console block."""

    line: str
    #: What is shown below it.
    output: list[str] = field(default_factory=list)
    #: What is typed at the prompt of ansible-console.
    typed: list[str] = field(default_factory=list)


#: The prompt of ansible-console.
PROMPT = re.compile(r"^\S+@\S+ \(\d+\)\[f:\d+\][$#] ?")
_NOTE = re.compile(r"<!-- (\w+): (.*) -->")


def blocks(path: Path) -> list[Block]:
    found: list[Block] = []
    notes: dict[str, str] = {}
    inside: Block | None = None
    lines: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        fence = re.match(r"\s*```(\w*)\s*$", line)
        if inside is not None and fence and not fence.group(1):
            inside.text = textwrap.dedent("\n".join(lines)) + "\n"
            found.append(inside)
            inside, notes = None, {}
        elif inside is not None:
            lines.append(line)
        elif fence:
            inside, lines = Block(fence.group(1), "", number, notes), []
        elif note := _NOTE.fullmatch(line.strip()):
            notes[note.group(1)] = note.group(2)
        elif line.strip():
            notes = {}
    assert inside is None, f"{path.name}: the block of line {inside.line if inside else 0} has no end"
    return found


def commands(block: Block) -> list[Command]:
    found: list[Command] = []
    for line in block.text.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            found.append(Command(line[2:]))
            continue
        assert found, f"line {block.line}: a console block begins with a command"
        prompt = PROMPT.match(line)
        if prompt:
            found[-1].typed.append(line[prompt.end() :])
        elif found[-1].line.endswith("\\"):
            found[-1].line = found[-1].line[:-1] + line.strip()
        else:
            found[-1].output.append(line)
    return found


# --- Output ----------------------------------------------------------------------------------------------------------

#: What differs from run to run.
_VARYING = (
    (re.compile(r"inst_\w+"), "inst_"),
    (re.compile(r"req_\w+"), "req_"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.+Z]+"), "TIME"),
    (re.compile(r"\b\d+\.\d+\.\d+\.\d+\b(:\d+)?"), "ADDRESS"),
    (re.compile(r"v[12]\.[0-9a-f]+\.[\w=-]*(\.[0-9a-f]+)?"), "v1..."),
    (re.compile(r"\*{3,}"), "***"),
    (re.compile(r"\s+"), " "),
)
DIGEST = re.compile(r"v[12]\.[0-9a-f]{64}\.[\w=-]*(?:\.[0-9a-f]{64})?")


def alike(line: str) -> str:
    """The line without what differs from run to run."""
    line = PROMPT.sub("", line)
    for pattern, instead in _VARYING:
        line = pattern.sub(instead, line)
    return line.strip()


def not_shown(output: str, shown: list[str]) -> str | None:
    """The first line of ``shown`` that ``output`` does not have after the lines before it; ``...`` stands for anything."""
    real = [alike(line) for line in output.split("\n")]
    start = 0
    for line in shown:
        if line.strip() in ("", "..."):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in alike(line).split("...")))
        place = next((number for number in range(start, len(real)) if pattern.fullmatch(real[number])), None)
        if place is None:
            return line
        start = place + 1
    return None

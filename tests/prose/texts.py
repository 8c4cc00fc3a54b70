# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prose of a file: everything else in it becomes dots, so that line numbers stay."""

from __future__ import annotations

import ast
import re
from pathlib import Path

#: What a plugin's documentation is assigned to. Examples are code.
DOCUMENTED = ("DOCUMENTATION", "RETURN", "ATTRIBUTES", "INFO")

BLANK = "·"
_MARKDOWN = (
    re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL),  # code blocks
    re.compile(r"<!--.*?-->|</?[a-z][^<>\n]*>", re.DOTALL),
    re.compile(r"^> `.*$", re.MULTILINE),  # quoted messages
    re.compile(r"(`+)[^`](?:.(?!\n[ \t]*\n))*?\1", re.DOTALL),  # code
    re.compile(r"(?<=\])\([^()\s]*\)|(?<=\]: )\S+|https?://\S+"),  # targets of links
    re.compile(r"(?<![\w\"])\"[^\"\n]+\"(?!\w)|“[^”\n]+”"),  # quotes
)
_YAML = (
    re.compile(r"^ *(?:- )?(?:module|sample|default|choices|link|type|elements|support|returned|version_added|name):.*$", re.MULTILINE),
    re.compile(r"^ *(?:- )?[\w-]+:(?=\s)|(?:^|(?<= ))#.*$", re.MULTILINE),  # keys and comments
    re.compile(r"\b(?:C|V|E|O|RV|M|P|U|L)\([^()]*(?:\([^()]*\)[^()]*)*\)"),  # Ansible's markup of code
    re.compile(r"``[^`]+``|`[^`\n]+`"),
    re.compile(r"(?<=[\w,] )\"[^\"\n]+\"|https?://\S+"),
)


def prose(path: Path, text: str) -> str:
    """The prose of a Markdown, YAML or Python file. Pure."""
    if path.suffix == ".md":
        return _without(text, _MARKDOWN)
    if path.suffix == ".py":
        text = _documentation(text)
    return _without(text, _YAML)


def _without(text: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda match: _blank(match[0]), text)
    return text


def _blank(text: str) -> str:
    """As many characters and lines, and none of them a space: its neighbors must not look like one phrase."""
    return re.sub(r"[^\n]", BLANK, text)


def _documentation(source: str) -> str:
    """The documentation strings of a plugin on their lines; those of a class count too."""
    lines = [""] * (source.count("\n") + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id in DOCUMENTED for target in node.targets):
            written = node.value.value if isinstance(node.value, ast.Constant) else ""
            for number, line in enumerate(str(written).split("\n"), node.value.lineno - 1):
                lines[number] = line
    return "\n".join(lines)

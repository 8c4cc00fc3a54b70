# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents quote of the code: its messages and its files. Their examples are run by tests/integration/test_documentation.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.basic import missing_required_lib

from tests.checkout import ROOT
from tests.integration.pages import blocks

from .test_layers import FLOORS

#: What stands in a message for a value.
VALUE = "\0"


def _text(node: ast.AST) -> str | None:
    """The text of an expression, with VALUE for what is put in; None for an expression that is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else (left or VALUE) + (right or VALUE)
    return None


def _called(node: ast.AST) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""


def _messages(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """All texts of a syntax tree but documentation, and whether each is about an option that is wrong."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if _called(node) == "InvalidOption" and isinstance(node, ast.Call) and len(node.args) == 2:
        yield f"{_text(node.args[0]) or VALUE}: {_text(node.args[1]) or VALUE}", True
        return
    text = _text(node)
    if text is not None:
        yield text, False
    for child in ast.iter_child_nodes(node):
        # The parts of a text are not told again, but the texts within its values are.
        if text is None or not isinstance(child, ast.Constant):
            yield from _messages(child)


def _of_the_code() -> Iterator[tuple[str, bool]]:
    for path in (*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py")):
        if path.parent.name not in ("modules", "doc_fragments"):
            tree = ast.parse(path.read_text())
            documentation = [node for node in tree.body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").isupper()]
            tree.body = [node for node in tree.body if node not in documentation or not isinstance(node.value, ast.Constant)]
            yield from _messages(tree)


def _of_the_roles() -> Iterator[str]:
    """Those of the playbooks too."""
    for path in (*ROOT.glob("roles/*/[tv]a*/*.yml"), *ROOT.glob("playbooks/*.yml")):
        text = re.sub(r"\{\{ \w+ \}\}", VALUE, path.read_text())
        yield re.sub(r"' ~ .*? ~ '", VALUE, text)
    for path in ROOT.glob("roles/*/files/*.py"):
        yield from (text for text, _option in _messages(ast.parse(path.read_text())))


def _says(message: str, quoted: str) -> bool:
    """Whether a message of the code may be the one that is quoted, ``...`` being anything."""
    if message.startswith((f"{VALUE}: ", "expected ")):
        quoted = re.sub(r"^[a-z_]+: ", "", quoted)  # the name of the option is a value too
    place = 0
    for part in filter(None, (part.strip() for part in quoted.split("..."))):
        place = message.find(part, place) + len(part)
        if place < len(part):
            return False
    return True


QUOTED = re.findall(r"^> `(.+)`$", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
MESSAGES = [*_of_the_code(), *((text, True) for text in _of_the_roles()), (missing_required_lib("requests"), True)]


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    unknown = [quoted for quoted in QUOTED if not any(_says(message, quoted) for message, _option in MESSAGES)]
    assert not unknown


def test_the_troubleshooting_page_has_every_message() -> None:
    """Every sentence that the code can say, but those on a wrong option: they say by themselves what was expected."""
    sentences = [text for text, option in MESSAGES if not option and text.endswith(".") and " " in text and len(text.replace(VALUE, "")) > 15]
    assert len(sentences) > 50
    missing = [text.replace(VALUE, "...") for text in sentences if not any(_says(text, quoted) for quoted in QUOTED)]
    assert not missing


def test_a_message_is_recognized() -> None:
    assert _says("The API asked for a pause of \0 s, which", "The API asked for ... s, which ...")
    assert not _says("The API asked for a pause of \0 s, which", "The API asks for ...")
    assert not _says("b a", "a ... b")


def test_the_diagram_of_the_architecture_has_every_layer() -> None:
    (diagram,) = [block.text for block in blocks(ROOT / "docs" / "architecture.md") if block.language == "mermaid"]
    for floor in FLOORS[:-1]:
        for room in floor - {"module"}:
            assert re.search(rf"\b{room}(/|\.py)", diagram), room
    for folder in re.findall(r"\b(plugins/\w+|extensions/\w+)/", diagram):
        assert (ROOT / folder).is_dir(), folder


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.stem)
def test_anchors_lead_somewhere(path: Path) -> None:
    """The site's build holds this too; here it is within a second."""
    for link, anchor in re.findall(r"\]\(([\w./]*)#([\w-]+)\)", path.read_text()):
        target = path.parent / link if link else path
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert anchor in slugs, f"{link}#{anchor}"

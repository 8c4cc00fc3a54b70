# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary check: each rule finds what it should, leaves the permitted uses alone, and reads prose only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.prose.rules import RULES
from tests.prose.texts import prose

pytestmark = pytest.mark.once

#: Of each rule what it finds, and what it permits.
EXAMPLES = {
    "controller": (
        ["The controller runs the task.", "Files on the controllers."],
        ["The automation controller starts the job.", "The EDA controller listens.", "The controller of Automation Platform.", "The control node."],
    ),
    "door": (["It takes the fast door.", "Both doors do it.", "The fast way is the default."], ["In-process mode is faster than module mode.", "Indoors."]),
    "change_set": (["The change set is approved.", "It shows what is to be done."], ["The plan is approved.", "The module changes settings."]),
    "carry_out": (
        ["The module carries out the plan.", "It is carried out later.", "Carry it out.", "carrying\nout"],
        ["Carry on.", "Carriers.", "It carries tokens over the network and ends without them."],
    ),
    "in_place": (["The plan is set in place.", "It is changed in place.", "Change it in place."], ["It is updated in place.", "Set the place."]),
    "take_away": (["It takes away the instance.", "Taken away."], ["It takes one request."]),
    "answer": (
        ["The answer was lost.", "The API answered 404.", "It answers later."],
        ["The survey's answers are extra variables.", "AWX stores each answer\nof the survey.", "The job answers two questions.", "The response was lost."],
    ),
    "retry": (["It is sent once more.", "The API is asked again."], ["The module retries."]),
    "lag": (["The list lags behind."], ["The list may lag."]),
    "folder": (["Put it in a folder.", "Two folders."], ["Put it in a directory."]),
    "dictionary": (["An object that has a name.", "an object of the list"], ["A JSON object.", "A dictionary that has a name."]),
    "expires": (["The token is used up."], ["The token is used.", "It uses up to ten workers."]),
    "guarantee": (["This is what is promised.", "It can't be promised."], ["It is guaranteed."]),
    "surplus": (["It deletes what is not wanted."], ["It deletes surplus instances."]),
    "where_for_if": (
        ["Where the list is empty, the task fails.", "It is null where there is none.", "It is read only where the API offers that.", "sent\nwhere it helps"],
        ["The directory where you start Ansible.", "See where it fails.", "Where to look.", "Where is the token?", "The list shows where a rollout stopped."],
    ),
    "what_as_subject": (
        ["What differs is sent.", "- What is left out keeps its value.", "It ends. What was made stays.", "What is\nread is kept."],
        ["What does it cost?", "It shows what differs.", "It shows\nwhat differs.", "# What it costs"],
    ),
    "whoever": (["Whoever reads it.", "The user whom it names."], ["Anyone who reads it."]),
    "archaic": (
        ["It shall exist.", "It is made anew.", "Besides, it fails.", "ready by then", "a host of yours", "spoilt", "in per cent", "upon"],
        ["It must exist.", "Beside it.", "It runs forever.", "by the network", "a percentage", "It depends on it."],
    ),
    "options": (["- Whether to wait.", "      - Required to create one, so with it."], ["- Wait.", "It shows whether it waits.", "- Required with it."]),
    "american": (
        ["behaviour", "a neighbour", "authorised", "the catalogue", "It was cancelled.", "licence"],
        ["behavior", "authorized", "It is otherwise.", "your", "an exercise", "canceled", "a promise", "the license"],
    ),
}


def test_each_rule_has_its_examples() -> None:
    assert [rule.name for rule in RULES] == list(EXAMPLES)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in RULES for text in EXAMPLES[rule.name][0]], ids=str)
def test_a_rule_finds(rule, text: str) -> None:
    assert list(rule.spans(f"It is so.\n\n{text}\n"))


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in RULES for text in EXAMPLES[rule.name][1]], ids=str)
def test_a_rule_permits(rule, text: str) -> None:
    assert not list(rule.spans(f"It is so.\n\n{text}\n"))


def test_a_permitted_use_permits_no_other_sentence() -> None:
    (answer,) = [rule for rule in RULES if rule.name == "answer"]
    text = "The survey has two questions. The answer of the API is lost. The job answers the survey."
    assert [text[start:end] for start, end in answer.spans(text)] == ["answer"]


MARKDOWN = """\
# The door

The `door` and the [fast page](door.md#door) are "a door" to the user.

> `The door is closed.`

```yaml
door: door
```

    <a href="door">text</a>

A door, ``door``.
"""

PYTHON = '''\
"""The door."""
#: A door.
DOCUMENTATION = r"""
module: door
description:
  - C(door) and O(door.door) are V(door) to M(door.door.door).  # door
  - A door.
options:
  door:
    description: The door.
    choices: [door]
    default: door
"""
EXAMPLES = r"""
- name: A door
"""
MESSAGE = "The door."
RETURN = r"""
door:
  description: The last door.
  sample: door
"""
'''


@pytest.mark.parametrize(("name", "text", "lines"), [("a.md", MARKDOWN, [1, 13]), ("a.py", PYTHON, [7, 10, 20])])
def test_only_prose_is_read_and_each_line_keeps_its_number(name: str, text: str, lines: list[int]) -> None:
    shown = prose(Path(name), text)
    assert [number for number, line in enumerate(shown.split("\n"), 1) if "door" in line] == lines
    assert len(shown.split("\n")) == len(text.split("\n"))


def test_yaml_is_read_without_its_keys_and_comments() -> None:
    shown = prose(Path("a.yml"), "door:  # door\n  - >-\n    A door, ``door`` or `door`.\n  description: door\n")
    assert [line.count("door") for line in shown.split("\n")] == [0, 0, 1, 1, 0]


@pytest.mark.parametrize("name", ["guide.md", "plugin.py"])
def test_a_finding_names_file_line_rule_and_remedy(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.prose.__main__ import main

    path = tmp_path / name
    path.write_text(MARKDOWN if path.suffix == ".md" else PYTHON)
    assert main([str(path)]) == 1
    numbers = [1, 13] if path.suffix == ".md" else [7, 10, 20]
    assert capsys.readouterr().out.splitlines() == [f"{path}:{number}: cloudnexus.door: 'door': Say in-process mode or module mode." for number in numbers]
    path.write_text("A page without one.\n" if path.suffix == ".md" else "")
    assert main([str(path)]) == 0


def test_a_finding_of_proselint_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.prose.__main__ import main

    path = tmp_path / "guide.md"
    path.write_text("# The page\n\nThe page ends here. Read the the page.\n")
    assert main([str(path)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{path}:3: lexical_illusions: ")


def test_what_is_clean_is_checked_and_exists() -> None:
    from tests.prose.__main__ import CHECKED, LEFT

    def files(pattern: str) -> set[Path]:
        return set(ROOT.glob(pattern))

    assert all(map(files, [*CHECKED, *LEFT]))
    assert set().union(*map(files, LEFT)) <= set().union(*map(files, CHECKED))

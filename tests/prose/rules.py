# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules: a pattern to find, what to write instead, and the permitted uses of the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FLAGS = re.IGNORECASE | re.MULTILINE
#: The end of a sentence, of a table cell or of a paragraph. A permitted use does not reach beyond it.
_END = re.compile(r"[.!?](?=\s)|\||\n\s*\n|\n\s*(?:[-*]|\d+\.)\s")

#: Words after which "where" is about a place.
_PLACES = r"(?:director(?:y|ies)|paths?|places?|nodes?|hosts?|machines?|pages?|files?|lines?|columns?|regions?|steps?|points?|sections?|environments?)"
_CONTROLLERS = r"\b(?:automation|EDA|AWX|Event-Driven Ansible)(?:'s)?"
_LOOKS = r"(?:know|knows|see|sees|shows?|find|finds|choose|chooses|decides?|defines?|sets?|names?|is|are|from|and|or)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One habit. ``instead`` tells the writer what to do."""

    name: str
    pattern: str
    instead: str
    #: A finding within a match of this is a permitted use.
    permitted: str = ""
    #: Only in the documentation of options, and the like.
    of_options: bool = False

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """The places that break the rule. Pure."""
        for match in re.finditer(self.pattern, text, _FLAGS):
            if not (self.permitted and self._is_permitted(text, match.start(), match.end())):
                yield match.span()

    def _is_permitted(self, text: str, start: int, end: int) -> bool:
        before = [match.end() for match in _END.finditer(text, 0, start)]
        after = _END.search(text, end)
        begin, stop = before[-1] if before else 0, after.end() if after else len(text)
        uses = re.finditer(self.permitted, text[begin:stop], _FLAGS)
        return any(use.start() <= start - begin and end - begin <= use.end() for use in uses)


def _words(*words: str) -> str:
    return rf"\b(?:{'|'.join(word.replace(' ', chr(92) + 's+') for word in words)})\b"


RULES = (
    # Terms
    Rule("controller", _words("controllers?"), "Say control node.", rf"{_CONTROLLERS}\s+controllers?|controllers?\s+of\s+A\w+"),
    Rule("door", _words("doors?", "fast way"), "Say in-process mode or module mode."),
    Rule("change_set", _words("change sets?", "what is to be done"), "Say plan."),
    Rule("carry_out", r"\bcarr(?:y|ies|ied|ying)(?:\s+\w+){0,2}\s+out\b", "Say apply."),
    Rule("in_place", _words("set in place", r"chang(?:e|es|ed|ing)(?: \w+)? in place"), "Say update in place."),
    Rule("take_away", _words("tak(?:e|es|en|ing) away"), "Say delete."),
    Rule("answer", _words("answer(?:s|ed|ing)?"), "Say response, or return.", r"(?s:.*\b(?:surveys?|questions?|prompts?)\b.*)"),
    Rule("retry", _words("sent once more", "sent again once more", "asked again"), "Say retry."),
    Rule("lag", _words("lags? behind"), "Say that the list may lag."),
    Rule("folder", _words("folders?"), "Say directory."),
    Rule("dictionary", _words("an? object (?:that|which|of)"), "Say dictionary, or name it."),
    Rule("expires", _words("(?:is|are|was|were) used up"), "Say expires, or is revoked."),
    Rule("guarantee", _words("what is promised", "can't be promised"), "Say guarantee, or limitation."),
    Rule("surplus", _words("what is not wanted"), "Say surplus instance."),
    # Habits
    Rule(
        "where_for_if",
        _words("where"),
        "Say if for a condition, when for a time.",
        rf"\b{_PLACES}\s+where\b|\b{_LOOKS}\s+where\b|\bwhere\s+to\b|(?s:\bwhere\b.*\?)",
    ),
    Rule("what_as_subject", r"(?:^[ \t·]*(?:[-*]|\d+\.)?[ \t]*|[.!]\s+)(?-i:What|Whatever)\b[^?|#]*?[.!;](?=\s)", "Name the subject."),
    Rule("whoever", _words("whoever", "whomever", "whom", "whosoever"), "Name who acts."),
    Rule("archaic", _words("shall", "anew", "besides", "by then", "of yours", "spoilt", "per cent", "upon"), "Say it in plain words."),
    Rule("options", r"^[ \t·]*-[ \t]+(?:Whether|Required to create one, so)\b", "Begin with what the option does, as a verb.", of_options=True),
    Rule(
        "american",
        r"\b(?:behaviou|colou|favou|honou|neighbou|labou)r\w*|\b(?:recogn|author|organ|normal|initial|serial|optim|minim|summar)is(?:e|es|ed|ing|ation)\b"
        r"|\b(?:licence|cent(?:re|res)|catalogue|cancelled|cancelling|travelled|whilst|amongst)\b",
        "Use the American spelling.",
    ),
)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation operators that cosmic-ray doesn't have: a statement that is left out, and a condition that is always true or false."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Keyword, Name


class RemoveStatement(Operator):  # type: ignore[misc]
    """Replace a ``raise``, or a call whose value nobody uses, with ``pass``."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "raise_stmt" or (node.type in ("atom_expr", "power") and node.parent.type == "simple_stmt" and _is_call(node)):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        return Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return (Example("raise ValueError", "pass"), Example("f(1)", "pass"))


class ReplaceCondition(Operator):  # type: ignore[misc]
    """Replace the condition of an ``if`` with ``True``, then with ``False``."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "if_stmt":
            condition = node.children[1]
            yield condition.start_pos, condition.end_pos
            yield condition.start_pos, condition.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        condition = node.children[1]
        node.children[1] = Name(("True", "False")[index], condition.start_pos, prefix=condition.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return (Example("if x: pass", "if True: pass"), Example("if x: pass", "if False: pass", occurrence=1))


def _is_call(node: Any) -> bool:
    last = node.children[-1]
    return bool(last.type == "trailer" and last.children[0].value == "(")


class Provider:
    """As cosmic-ray wants it."""

    _operators = {"RemoveStatement": RemoveStatement, "ReplaceCondition": ReplaceCondition}

    def __iter__(self) -> Iterator[str]:
        return iter(self._operators)

    def __getitem__(self, name: str) -> type[Any]:
        return self._operators[name]

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the values that a user gave are of the kind of their options, also before Ansible makes texts of them. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Set
from typing import Any

from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.errors import UnsupportedError

#: What a value is called in a sentence. A bool is an int in Python.
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
    (Mapping, "a mapping"),
    (Set, "a set"),
    ((list, tuple), "a list"),
    ((bytes, bytearray), "binary data"),
)


def problem(given: Mapping[str, Any], argument_spec: Mapping[str, Mapping[str, Any]], place: str = "") -> str | None:
    """One sentence on the first option that expects a text, or a list of them, and got something else. None if there is none.

    Ansible would make a text of it (``['web-01', 'web-02']`` of a list), and another one in each mode (of a date). The value is not part
    of the sentence, as it may be a secret.
    """
    for option, value in given.items():
        if option in argument_spec and value is not None and (found := _problem(f"{place}{option}", value, argument_spec[option])):
            return found
    return None


def invalid(action: str, validation: ValidationResult) -> str | None:
    """What a module says of arguments that ``ArgumentSpecValidator`` refuses. None if it accepts them."""
    if not validation.error_messages:
        return None
    unsupported = f"Unsupported parameters for ({action}) module: " if isinstance(validation.errors[0], UnsupportedError) else ""
    return f"{unsupported}{validation.errors.msg}"


def _problem(option: str, value: Any, spec: Mapping[str, Any]) -> str | None:
    kind = spec.get("type", "str")
    if kind in ("str", "path"):
        return None if _is_text(value) else f"{option}: expected a text, got {_called(value)}. Quote it if it is meant as a text."
    if kind == "list":
        if _is_text(value):
            return None  # Ansible makes a list of it
        if not isinstance(value, (list, tuple)):
            return f"{option}: expected a list, got {_called(value)}."
        element = {"type": spec.get("elements"), "options": spec.get("options", {})}
        return next(filter(None, (_problem(f"{option}[{number}]", item, element) for number, item in enumerate(value))), None)
    if kind == "dict" and isinstance(value, Mapping):
        return problem(value, spec.get("options", {}), f"{option}.")
    return None


def _is_text(value: Any) -> bool:
    # A vaulted value of ansible-core before 2.19 is a text that is no str yet.
    return isinstance(value, str) or hasattr(value, "__ENCRYPTED__")


def _called(value: Any) -> str:
    return next((words for kind, words in _KINDS if isinstance(value, kind)), f"a value of type {type(value).__name__}")

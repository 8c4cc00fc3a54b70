# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of host variables that stem from the API's fields. One gate for all of them, whatever the prefix."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from functools import lru_cache

from ansible import constants
from ansible.vars.reserved import is_reserved_name
from jinja2.defaults import DEFAULT_NAMESPACE

#: Variables that change how the collection's own tasks run (see plugin_utils/action.py).
SWITCHES = frozenset({"cloudnexus_in_process", "cloudnexus_progress", "cloudnexus_trace"})
#: Those that Ansible sets for each host or task, in addition to the ones that it lists itself.
_MAGIC = constants.INTERNAL_STATIC_VARS | {"environment", "item", "omit", "play_name", "vars"}
#: The functions of templates.
_FUNCTIONS = {*DEFAULT_NAMESPACE, "lookup", "now", "q", "query", "undef"}


@lru_cache(maxsize=256)  # thousands of hosts have the same few fields
def variables(prefix: str, fields: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The variable of each field, as (field, variable), and the fields that can't have one.

    Of two fields that come to one variable, the one that is spelled like it has it.
    """
    found: dict[str, str] = {}
    for field in sorted(fields, key=_is_word):
        found[prefix + re.sub(r"\W", "_", field, flags=re.ASCII)] = field
    refused = {variable: field for variable, field in found.items() if not _is_free(variable)}
    return tuple((field, variable) for variable, field in found.items() if variable not in refused), tuple(refused.values())


def _is_word(field: str) -> bool:
    return re.fullmatch(r"\w+", field, flags=re.ASCII) is not None


def _is_free(variable: str) -> bool:
    """Whether it means nothing to Ansible, to Python or to the collection."""
    if variable.startswith("ansible") or variable in _MAGIC | _FUNCTIONS | SWITCHES or is_reserved_name(variable):
        return False
    return variable.isidentifier() and not keyword.iskeyword(variable)


def listed(fields: Iterable[str]) -> str:
    return ", ".join(repr(field) for field in sorted(set(fields)))

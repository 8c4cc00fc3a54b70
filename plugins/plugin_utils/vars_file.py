# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as the YAML of a vars file, from which Ansible reads the same data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ..module_utils.errors import InvalidOption
from ..module_utils.printable import printable
from .trust import is_plain


class _Dumper(yaml.SafeDumper):
    """YAML as people write it: lists are indented, nothing is folded, and nothing refers to something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002 - PyYAML's signature
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_STR = "tag:yaml.org,2002:str"


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Ansible takes each text of a vars file for a template, unless it has the tag ``!unsafe``."""
    # Ansible would read `!unsafe "~"` as null, so what YAML takes for another type is only quoted: none of it has a brace.
    resolved = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if is_plain(text) or resolved != _STR:
        return dumper.represent_scalar(_STR, text)
    return dumper.represent_scalar("!unsafe", text, style='"')


_Dumper.add_representer(str, _text)


def vars_file(variables: Any, comment: Any = "") -> str:
    """Return the text of a vars file, the same for the same data. Raises InvalidOption."""
    if not isinstance(variables, Mapping) or not all(isinstance(name, str) and name.isidentifier() and name.isascii() for name in variables):
        raise InvalidOption("_input", "expected a mapping whose keys are names of variables.")
    if not isinstance(comment, str):
        raise InvalidOption("comment", "expected a text.")
    lines = [f"# {printable(line)}".rstrip() for line in comment.splitlines()]
    body = yaml.dump(variables, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)
    return "\n".join(["---", *lines, body])

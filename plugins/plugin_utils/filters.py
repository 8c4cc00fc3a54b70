# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters share: plain values for the core, texts that are no templates for Ansible, one sentence for bad input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.errors import CloudNexusError
from ..module_utils.printable import printable
from .plain import plain
from .trust import as_text


def filtered(name: str, function: Callable[..., Any], value: Any, *arguments: Any) -> Any:
    """Return ``function`` of plain Python values, with every text in it marked. Raises AnsibleFilterError, which names the filter."""
    try:
        return as_text(function(*(_plain(item) for item in (value, *arguments))))
    except CloudNexusError as error:
        raise AnsibleFilterError(printable(f"{name}: {error.message}")) from None


def _plain(value: Any) -> Any:
    # selectattr and its like return an iterator.
    return plain(list(value) if isinstance(value, Iterator) else value)

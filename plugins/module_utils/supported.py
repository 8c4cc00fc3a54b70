# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest Python and ansible-core that the collection runs on.

Every entry point asks for this before it imports anything else of the collection, because the rest can't even be imported by older ones. So this file is
written in what Python 3.8 understands, and imports nothing of the collection.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Callable, NoReturn, Optional, Tuple

from ansible.module_utils.ansible_release import __version__ as ansible_core

PYTHON = (3, 10)
ANSIBLE_CORE = (2, 16)


def problem(python: Tuple[int, int, int], core: str) -> Optional[str]:
    """The sentence about a Python or an ansible-core that is too old, or None."""
    parts = re.match(r"(\d+)\.(\d+)", core)
    if python[:2] >= PYTHON and (parts is None or (int(parts.group(1)), int(parts.group(2))) >= ANSIBLE_CORE):
        return None
    return (
        "The collection cloudnexus.cloud needs Python {}.{} or newer and ansible-core {}.{} or newer, and this is Python {}.{}.{} with ansible-core {}: "
        "install newer ones, or in AWX select an execution environment that has them."
    ).format(*PYTHON, *ANSIBLE_CORE, *python, core)


def require(error: Callable[[str], Exception]) -> None:
    """Raise ``error`` if this Python or ansible-core is too old."""
    found = problem(sys.version_info[:3], ansible_core)
    if found is not None:
        raise error(found)


def require_for_module() -> None:
    """Fail as a module does, if this Python or ansible-core is too old."""
    found = problem(sys.version_info[:3], ansible_core)
    if found is not None:
        _fail(found)


def _fail(message: str) -> NoReturn:
    sys.stdout.write(json.dumps({"failed": True, "msg": message}))
    raise SystemExit(1)

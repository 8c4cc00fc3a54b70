# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on in a thread of its own for as long as a ``with`` block."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TypeVar

T = TypeVar("T", bound="InBackground")


class InBackground:
    """Runs ``_go_on`` from the beginning of the ``with`` block until ``_ended`` is set at its end."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self: T) -> T:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        raise NotImplementedError

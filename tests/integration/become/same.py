# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A become method that needs no privileges: it stands in for sudo."""

from __future__ import annotations

DOCUMENTATION = """
name: same
short_description: A become method that changes nothing, for the tests
description: Runs the command as it is.
author: cloudnexus.cloud contributors
"""

from typing import Any

from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    name = "same"

    def build_become_command(self, cmd: Any, shell: Any) -> Any:
        super().build_become_command(cmd, shell)
        return self._build_success_command(cmd, shell) if cmd else cmd

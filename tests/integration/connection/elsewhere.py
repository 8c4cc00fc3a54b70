# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that leads to this machine, but is not the local one: it stands in for ssh."""

from __future__ import annotations

DOCUMENTATION = """
name: elsewhere
short_description: A connection that is not local, for the tests
description: Runs everything on this machine, under another name than local.
author: cloudnexus.cloud contributors
"""

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    transport = "elsewhere"

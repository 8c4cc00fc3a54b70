# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudNexus emulator: an HTTP server that stands in for the API, see docs/emulator.md.

Start it with ``python -m tests.emulator`` from the collection's folder.
"""

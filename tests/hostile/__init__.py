# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An opponent for the collection, over real sockets: read server.py, proxy.py, api.py, clock.py and world.py in this order.

Nothing here is shared with the emulator, so that both don't make the same assumptions.
"""

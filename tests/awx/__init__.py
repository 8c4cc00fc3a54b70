# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX as the tests of ``cloudnexus.cloud.awx`` need it: the modules of awx.awx, the rules of AWX 24.6.1, and a stand-in for its API."""

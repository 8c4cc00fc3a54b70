# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks, ``make bench``: how long the collection takes, against what the same would take without it.

Each figure is a ratio of two things that are measured one after the other, several times over, in the same run: what
else the machine does at the time touches both.
"""

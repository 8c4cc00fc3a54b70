# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's commands by both doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.process import EmulatorProcess

from .commands import DOORS, Ansible


@pytest.fixture(params=DOORS)
def ansible(request: pytest.FixtureRequest, emulator: EmulatorProcess, tmp_path: Path) -> Ansible:
    """By both doors: each test that uses it runs twice."""
    return Ansible(emulator, tmp_path, request.param)


@pytest.fixture
def in_process(emulator: EmulatorProcess, tmp_path: Path) -> Ansible:
    return Ansible(emulator, tmp_path, "in-process")

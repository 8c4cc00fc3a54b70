# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's commands in both modes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.process import EmulatorProcess
from tests.hosts.isolated import Hosts, why_not

from .awx_runs import made
from .commands import MODES, Ansible
from .jobs import Awx, awx_of

__all__ = ["made"]


@pytest.fixture(params=MODES)
def ansible(request: pytest.FixtureRequest, emulator: EmulatorProcess, tmp_path: Path) -> Ansible:
    """In both modes: each test that uses it runs twice, so only those in which the mode can matter use it."""
    return Ansible(emulator, tmp_path, request.param)


@pytest.fixture
def in_process(emulator: EmulatorProcess, tmp_path: Path) -> Ansible:
    return Ansible(emulator, tmp_path, "in-process")


@pytest.fixture
def awx(emulator: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Awx:
    """What runs jobs. None of this process's own settings of Ansible are theirs."""
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH"):
        monkeypatch.delenv(name, raising=False)
    return awx_of(emulator, tmp_path)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "hosts" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.hosts)
            item.add_marker(pytest.mark.xdist_group("hosts"))


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    """Isolated hosts, which one process prepares for all tests that use them."""
    if why_not():
        pytest.skip(f"There are no isolated hosts: {why_not()}.")
    with Hosts() as hosts:
        yield hosts

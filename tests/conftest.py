# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the collection below ``ansible_collections``, and an emulator that is reset for each test."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator

import pytest

from tests.checkout import link_tree
from tests.emulator.process import EmulatorProcess

# Tests start modules of this checkout, and ask servers of theirs on this machine.
os.environ.pop("PYTHONSAFEPATH", None)
os.environ["no_proxy"] = ",".join(filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "localhost", "127.0.0.1", "127.0.0.0/8"]))
link_tree()
importlib.invalidate_caches()
# A shell has what it starts in the background ignore Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[EmulatorProcess]:
    """One emulator for all tests of a worker."""
    with EmulatorProcess() as process:
        yield process


@pytest.fixture
def emulator(emulator_process: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """A new account. A request or an answer that breaks the contract fails the test."""
    emulator_process.reset(boot_seconds=0.3)
    yield emulator_process
    violations = [f"{entry['method']} {entry['path']}: {entry['violation']}" for entry in emulator_process.requests() if entry["violation"]]
    assert not violations
    assert not emulator_process.overview()["mistakes"]

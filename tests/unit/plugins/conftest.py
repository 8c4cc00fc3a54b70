# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the event source, and those of the inventory, share."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cloudnexus.cloud.extensions.eda.plugins.event_source import instance_changes
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT

from ..fake_api import FakeApi
from .sources import Sources
from .watcher import Watcher


@pytest.fixture
def api() -> FakeApi:
    return FakeApi(page_size=2)


@pytest.fixture
def watched(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    for name in list(instance_changes.SPEC):
        monkeypatch.delenv(f"CLOUDNEXUS_{name.upper()}", raising=False)
    return Watcher(api, monkeypatch)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    for name in ENVIRONMENT.values():
        monkeypatch.delenv(name, raising=False)
    return Sources(tmp_path, monkeypatch)

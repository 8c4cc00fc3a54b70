# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make docs` makes of the documents before Sphinx gets them: links, navigation, drawings."""

from __future__ import annotations

import re

import pytest

from tests.site.pages import REPOSITORY, navigation, pages, with_links_of_the_site

KNOWN = {**pages(), "docs/inventory.md": "inventory", "docs/new.md": "new", "roles/web_server/README.md": "role_web_server"}


@pytest.mark.parametrize(
    ("file", "link", "target"),
    [
        ("docs/fleets.md", "guarantees.md#fleets", "guarantees.md#fleets"),
        ("docs/fleets.md", "../roles/web_tier/README.md", "role_web_tier.md"),
        ("docs/fleets.md", "../plugins/modules/cloudnexus_fleet.py", "reference/cloudnexus_fleet_module.rst"),
        ("docs/fleets.md", "../plugins/lookup/cloudnexus_token.py", "reference/cloudnexus_token_lookup.rst"),
        ("docs/adopt.md", "../plugins/filter/to_declaration.py", "reference/to_declaration_filter.rst"),
        ("docs/fleets.md", "#approved", "#approved"),
        ("docs/fleets.md", "https://example.com/docs/fleets.md", "https://example.com/docs/fleets.md"),
        ("roles/web_tier/README.md", "../../docs/contract.md", "contract.md"),
        ("roles/web_tier/README.md", f"{REPOSITORY}docs/contract.md#rule-1", "contract.md#rule-1"),
        ("CONTRIBUTING.md", "docs/guarantees.md", "guarantees.md"),
        ("docs/contract.md", "openapi.yml", "openapi.yml"),
        ("docs/emulator.md", "no_such_page.md", "no_such_page.md"),
        ("docs/emulator.md", "../tests/emulator/process.py", f"{REPOSITORY}tests/emulator/process.py"),
    ],
)
def test_links_lead_to_the_pages_of_the_site(file: str, link: str, target: str) -> None:
    assert with_links_of_the_site(f"see [it]({link}).", file, KNOWN) == f"see [it]({target})."


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^(?:.* <)?([a-z_]+)>?$", navigation(KNOWN), re.MULTILINE)
    assert set(listed) == {page for page in KNOWN.values() if "/" not in page and not page.startswith("role_")} - {"index"}
    assert listed.index("fleets") < listed.index("inventory") < listed.index("ad_hoc")
    assert len(listed) == len(set(listed))


def test_a_page_that_is_not_there_is_not_in_the_navigation() -> None:
    assert "inventory" not in navigation({name: page for name, page in KNOWN.items() if page != "inventory"})

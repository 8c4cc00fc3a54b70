# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that errors make by themselves, and what a result shows of them."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ApiError, Fault, OperationMissing

URL = "https://api.test/instances"


@pytest.mark.parametrize(("status", "url", "wrong"), [(404, URL, True), (405, URL, False), (404, None, False), (None, URL, False)])
def test_a_missing_operation_names_the_address_that_may_be_wrong(status: int | None, url: str | None, wrong: bool) -> None:
    error = OperationMissing("GET /instances", api_error=ApiError("GET", "/instances", status) if status else None, url=url)
    told = f" (status {status})" if status else ""
    assert error.message.startswith(f"The API does not offer GET /instances{told}, which its vendor has not documented.")
    assert (URL in error.message, "change api_url" in error.message) == (wrong, wrong)
    assert error.status == status


def test_a_result_shows_what_the_api_said_alone() -> None:
    assert ApiError("GET", "/x", 422, message="No.").as_dict() == {"method": "GET", "path": "/x", "status": 422, "message": "No."}


def test_a_fault_names_its_place_if_there_is_one() -> None:
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        broken()
    assert ": KeyError: 'x' (test_errors.py:" in Fault(caught.value).message
    assert Fault(KeyError("x")).message.endswith(": KeyError: 'x'.")
    assert Fault(KeyError("x")).in_doubt

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract document: valid, complete, and true to its examples."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.module_utils import checks
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operations.cdn import ARGUMENT_SPEC as CDN_SPEC
from ansible_collections.cloudnexus.cloud.plugins.module_utils.plan.resource import CDN_CONFIG, INSTANCE
from openapi_core import OpenAPI
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.checkout import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_it_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    OpenAPI.from_dict(DOCUMENT)


def test_every_operation_has_its_standing() -> None:
    standings = {
        f"{method.upper()} {path}": operation.get("x-standing")
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
    assert standings == {
        "GET /health": "documented",
        "POST /auth/token/refresh": "documented",
        "POST /instances": "documented",
        "GET /storage/buckets": "documented",
        "PUT /cdn/config": "documented",
        "GET /instances/{id}": "linked",
        "GET /instances/{id}/logs": "linked",
        "GET /instances": "assumed",
        "PATCH /instances/{id}": "assumed",
        "DELETE /instances/{id}": "assumed",
        "GET /cdn/config": "assumed",
    }


def _examples() -> list[tuple[str, dict[str, Any], Any]]:
    found = []
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            contents = [operation.get("requestBody", {}).get("content", {})]
            contents += [response.get("content", {}) for response in operation["responses"].values()]
            for content in contents:
                for media in content.values():
                    values = [media["example"]] if "example" in media else []
                    values += [example["value"] for example in media.get("examples", {}).values()]
                    found += [(f"{method} {path}", media["schema"], value) for value in values]
    return found


@pytest.mark.parametrize(("operation", "schema", "example"), _examples())
def test_the_vendors_own_examples_keep_to_it(operation: str, schema: dict[str, Any], example: Any) -> None:
    OAS31Validator({**schema, "components": DOCUMENT["components"]}).validate(example)


def test_there_are_examples_of_all_documented_bodies() -> None:
    assert {operation for operation, _schema, _example in _examples()} == {"get /health", "post /instances", "get /storage/buckets"}


def test_the_code_knows_the_same_values() -> None:
    assert list(checks.PLANS) == SCHEMAS["Plan"]["enum"]
    assert list(checks.REGIONS) == SCHEMAS["Region"]["enum"]
    assert CDN_SPEC["compression"]["choices"] == SCHEMAS["CdnConfig"]["properties"]["compression"]["enum"]
    assert [field.name for field in INSTANCE.fields] == list(SCHEMAS["NewInstance"]["properties"])
    assert [field.name for field in INSTANCE.fields if field.mutable] == list(SCHEMAS["InstanceChange"]["properties"])
    assert {field.name for field in INSTANCE.fields if field.shown} <= set(SCHEMAS["Instance"]["required"])
    assert [field.name for field in CDN_CONFIG.fields] == list(SCHEMAS["CdnConfig"]["properties"])
    assert SCHEMAS["CdnConfig"]["properties"]["cache_ttl"]["maximum"] == 365 * 24 * 3600

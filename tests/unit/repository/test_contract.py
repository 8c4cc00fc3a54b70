# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract document: valid, complete, and true to its examples."""

from __future__ import annotations

import importlib
from dataclasses import fields
from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.doc_fragments.cloudnexus import ModuleDocFragment
from ansible_collections.cloudnexus.cloud.plugins.module_utils import checks
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.trace import Exchange
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import ApiError
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


# --- What the modules document -----------------------------------------------------------------------------------------

#: What a module returns, the schema of each object, and the keys that the collection adds.
RETURNED = {
    "cloudnexus_instance": ("instance", "Instance", set()),
    "cloudnexus_instance_info": ("instances", "Instance", {"logs"}),
    "cloudnexus_fleet": ("instances", "Instance", set()),
    "cloudnexus_bucket_info": ("buckets", "Bucket", set()),
    "cloudnexus_cdn": ("config", "CdnConfig", set()),
    "cloudnexus_cdn_info": ("config", "CdnConfig", set()),
    "cloudnexus_health_info": ("health", "Health", set()),
}
TYPES = {"string": "str", "integer": "int", "boolean": "bool", "object": "dict", "array": "list"}


def _module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.modules.{name}")


def _returned(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_module(name).RETURN)
    return loaded


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    resolved: dict[str, Any] = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return resolved


def _assert_documents(contains: dict[str, Any], schema: dict[str, Any]) -> None:
    """Each property of the schema, of its type, and no other."""
    assert set(contains) == set(schema["properties"])
    for name, property_schema in schema["properties"].items():
        described, expected = contains[name], _resolved(property_schema)
        kinds = expected["type"] if isinstance(expected["type"], list) else [expected["type"]]
        assert described["type"] == TYPES[kinds[0]], name
        assert ("null" in kinds) == ("null" in str(described["description"])), name
        if "properties" in expected:
            _assert_documents(described["contains"], expected)


def test_every_module_is_compared_with_the_contract() -> None:
    # All that return what the API shows: cloudnexus_connection sends it nothing.
    assert sorted([*RETURNED, "cloudnexus_connection"]) == sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("name", RETURNED)
def test_the_documented_keys_and_samples_are_those_of_the_contract(name: str) -> None:
    key, schema, added = RETURNED[name]
    value = _returned(name)[key]
    contains: dict[str, Any] = value["contains"]
    _assert_documents({name: described for name, described in contains.items() if name not in added}, SCHEMAS[schema])
    assert added <= set(contains)
    if schema == "Instance":  # what the API need not show
        assert {name for name, described in contains.items() if "returned" in described} == {"image_id", "ssh_keys", "auto_scale", *added}
    for sample in value["sample"] if value["type"] == "list" else [value["sample"]]:
        OAS31Validator({**SCHEMAS[schema], "components": DOCUMENT["components"]}).validate(sample)


@pytest.mark.parametrize("name", RETURNED)
def test_what_all_modules_return_is_documented_alike(name: str) -> None:
    returned = _returned(name)
    error = returned["api_error"]
    assert list(error["contains"]) == [field.name for field in fields(ApiError)]
    assert set(error["sample"]) == set(error["contains"])
    of_the_body = {**SCHEMAS["Error"]["properties"], **SCHEMAS["Error"]["properties"]["error"]["properties"]}
    assert set(error["contains"]) - {"method", "path", "status"} == set(of_the_body) - {"error"}
    entry = Exchange("GET", "/health", 200, 1, 1, None, 0.0).as_dict()
    requests = returned["api_requests"]
    assert list(requests["contains"]) == list(entry) == list(requests["sample"][0])
    operations = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item if method in METHODS}
    assert {(item["method"], item["path"]) for item in (error["sample"], *requests["sample"])} <= operations
    for shared in ("api_error", "api_requests", "api_requests_left_out"):
        others = _returned("cloudnexus_instance")[shared]
        assert returned[shared].get("contains") == others.get("contains")
        assert returned[shared]["returned"] == others["returned"]


@pytest.mark.parametrize("name", RETURNED)
def test_every_module_links_to_guides_and_to_the_vendor(name: str) -> None:
    seealso = yaml.safe_load(_module(name).DOCUMENTATION)["seealso"]
    shared = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["seealso"]
    guides = [item["link"].partition("/blob/main/")[2] for item in (*seealso, *shared) if "/blob/main/" in item.get("link", "")]
    assert set(guides) > {"docs/contract.md", "docs/not_offered.md", "docs/authentication.md"}
    for guide in guides:
        assert (ROOT / guide).is_file(), guide
    assert DOCUMENT["servers"][0]["url"] in [item.get("link") for item in shared]

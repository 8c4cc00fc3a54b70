# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: which operation a request is, and whether it and its response conform to docs/openapi.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from openapi_core import OpenAPI
from openapi_core.contrib.aiohttp import AIOHTTPOpenAPIWebRequest, AIOHTTPOpenAPIWebResponse
from openapi_core.exceptions import OpenAPIError

BASE_PATH = "/v1"
CONTRACT = Path(__file__).parents[2] / "docs" / "openapi.yml"


class Contract:
    """docs/openapi.yml, at the emulator's own address."""

    def __init__(self, path: Path = CONTRACT) -> None:
        self.document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._openapi = OpenAPI.from_dict({**self.document, "servers": [{"url": BASE_PATH}]})

    def operations(self) -> list[tuple[str, str, str, str]]:
        """Method, path, operation id and standing of each operation."""
        return [
            (method.upper(), path, operation["operationId"], operation["x-standing"])
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in ("get", "post", "put", "patch", "delete")
        ]

    def request_violation(self, request: web.Request, body: bytes) -> str | None:
        """How a request breaks the contract; None if it keeps it."""
        allowed = {"cursor"} if request.method == "GET" else set()
        unknown = set(request.query) - allowed
        if unknown:
            return f"unknown query parameter: {', '.join(sorted(unknown))}"
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return "the body is not UTF-8"
        try:
            self._openapi.validate_request(AIOHTTPOpenAPIWebRequest(request, body=body or None))
        except OpenAPIError as error:
            return _told(error)
        return None

    def response_violation(self, request: web.Request, body: bytes, response: web.Response) -> str | None:
        """How a response breaks the contract; None if it keeps it."""
        try:
            self._openapi.validate_response(AIOHTTPOpenAPIWebRequest(request, body=body or None), AIOHTTPOpenAPIWebResponse(response))
        except OpenAPIError as error:
            return _told(error)
        return None


def _told(error: BaseException) -> str:
    """The error with its causes; the outer ones say only that something is invalid."""
    causes = getattr(error, "schema_errors", None) or getattr(error.__cause__, "schema_errors", None) or ()
    return "; ".join([str(error), *(f"{'.'.join(map(str, cause.absolute_path)) or 'body'}: {cause.message}" for cause in causes)])

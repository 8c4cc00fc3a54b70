# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception hierarchy of the collection: what went wrong, and what is known by then."""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiError:
    """What the API said when it refused, as far as it said anything (all of its text is masked).

    The shape of an error's body is not documented, so every field but the request's own may be missing.
    """

    method: str
    path: str
    status: int | None = None
    code: str | None = None
    message: str | None = None
    request_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Without what the API did not say."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class CloudNexusError(Exception):
    """Anything that ends a task, with one sentence for the user.

    ``known`` carries what exists by now (the result keys ``changed``, ``action``, ``instance`` ...), so that a
    failure never hides what was done before it.
    """

    #: The request may have had its effect although no usable response came (contract: rule 4).
    in_doubt = False
    #: The same request may succeed a moment later.
    transient = False

    def __init__(self, message: str, *, api_error: ApiError | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.api_error = api_error
        #: Seconds that the API asked to wait before the next request, if it did.
        self.retry_after = retry_after
        #: The status of a response whose rest was lost or could not be used; None if none came.
        self.came: int | None = None
        #: The address of the request, without its query, if the API refused it.
        self.url: str | None = None
        self.known: dict[str, Any] = {}

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> int | None:
        return self.api_error.status if self.api_error else None


class InvalidOption(CloudNexusError):
    """An option's value is wrong; found before any request is made."""

    def __init__(self, option: str, expected: str) -> None:
        super().__init__(f"{option}: {expected}")
        self.option = option


class NotSent(CloudNexusError):
    """The request never reached the API (name not resolved, connection refused)."""

    transient = True


class Untrusted(CloudNexusError):
    """The request was not sent because the API's certificate is not trusted; asking again does not help."""


class ResponseLost(CloudNexusError):
    """The request was sent and no whole response came back: reset, time-out, cut off in the middle."""

    in_doubt = True
    transient = True


class ServerFault(CloudNexusError):
    """A 5xx: the API, or a gateway before it, broke down over the request."""

    in_doubt = True

    def __init__(self, message: str, *, api_error: ApiError, retry_after: float | None = None) -> None:
        super().__init__(message, api_error=api_error, retry_after=retry_after)
        self.transient = api_error.status in (500, 502, 503, 504)


class BadResponse(CloudNexusError):
    """A response came that doesn't match the contract: another shape, no JSON, too large, a redirect."""

    in_doubt = True


class Contradiction(BadResponse):
    """A list that is not what it says of itself. Nothing may rest on it; a later reading may be whole."""


class Refused(CloudNexusError):
    """A 4xx: the API said no, so nothing was done (contract: rule 4)."""


class RateLimited(Refused):
    """429: nothing was done, and the same request may be sent again after the pause that the API asked for."""

    transient = True


class Unauthorized(Refused):
    """401: the credential is not, or no longer, valid."""


class Forbidden(Refused):
    """403: the key's scope does not cover the region or the operation (contract: rule 7)."""


class NotFound(Refused):
    """404 on the path of one object."""


class OperationMissing(CloudNexusError):
    """The API does not offer an operation that the contract only assumes or links (contract: rule 1)."""

    def __init__(self, operation: str, *, api_error: ApiError | None = None, url: str | None = None) -> None:
        status = f" (status {api_error.status})" if api_error else ""
        wrong = f" If its address is not {url}, change api_url, which ends in /v1 by default." if url and api_error and api_error.status == 404 else ""
        super().__init__(f"The API does not offer {operation}{status}, which its vendor has not documented.{wrong}", api_error=api_error)
        self.operation = operation


class Fault(CloudNexusError):
    """What no part of the collection expected: a fault of its own, told in one sentence. A request that it struck is in doubt."""

    in_doubt = True

    def __init__(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
        position = f" ({PurePath(place.filename).name}:{place.lineno})" if place else ""
        super().__init__(f"This is a fault of the collection, please report it: {type(error).__name__}: {error}{position}.")


class InDoubt(CloudNexusError):
    """A create whose response was lost and whose instance could not be found: an instance may exist."""

    in_doubt = True


class NotBegun(CloudNexusError):
    """Nothing was sent for this one, because of what came before it."""


class NotApproved(CloudNexusError):
    """The changes are not the ones that were approved."""


class FleetFailed(CloudNexusError):
    """Some of many failed; ``known`` says which, and what was done with the others."""


class Ambiguous(CloudNexusError):
    """Two objects of a name that should be unique (contract: rule 5)."""


class Drift(CloudNexusError):
    """What exists differs from what is wanted in a way that can't be changed in place."""


class WaitFailed(CloudNexusError):
    """What was waited for did not come to pass: the deadline passed, or it never will."""

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target of a link: joined to the base URL with its path, and never off its origin (contract: rule 6)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ..errors import BadResponse

_PORTS = {"http": 80, "https": 443}
#: Characters of an address at most; servers take no longer ones.
_LONGEST = 8192


def origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address. Raises ValueError for a port that is none."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def page_url(base_url: str, link: str) -> str:
    """Return the absolute address of a page link. Raises BadResponse if it leaves the origin.

    The contract's links are relative to the base URL (``/storage/buckets?cursor=...`` below ``.../v1``). A whole
    address, and a path that repeats the base URL's own, are understood too.
    """
    base = urlsplit(base_url)
    base_path = base.path.rstrip("/")
    if _is_absolute(link):
        url = _joined(base_url, link)
    elif base_path and link.startswith(f"{base_path}/"):
        url = f"{base.scheme}://{base.netloc}{link}"
    else:
        url = f"{base_url.rstrip('/')}/{link.lstrip('/')}"
    return _on_origin(base, url, "A page link")


def redirect_url(base_url: str, from_url: str, location: str) -> str:
    """Return the absolute address that a redirect leads to. Raises BadResponse if it leaves the origin."""
    return _on_origin(urlsplit(base_url), _joined(from_url, location), "A redirect")


def _joined(base_url: str, link: str) -> str:
    try:
        return urljoin(base_url, link)
    except ValueError:
        return link  # and _on_origin will refuse it


def _is_absolute(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return True  # and _on_origin will refuse it
    return bool(parts.scheme or parts.netloc)


def _on_origin(base: SplitResult, url: str, what: str) -> str:
    # The address itself is not repeated in an error beyond its host: a query may hold anything.
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or any(character in url for character in " \\"):
        raise BadResponse(f"{what} of the API is no valid address, and was not followed.")
    try:
        parts = urlsplit(url)
        target = origin(parts)
    except ValueError:
        raise BadResponse(f"{what} of the API is no valid address, and was not followed.") from None
    if target != origin(base) or "@" in parts.netloc:
        raise BadResponse(f"{what} of the API leads to {target[0]}://{target[1]}:{target[2]}, away from {base.scheme}://{base.netloc}, and was not followed.")
    if ".." in re.split(r"[/\\]", unquote(parts.path)):
        raise BadResponse(f"{what} of the API leads out of its own path, and was not followed.")
    return url

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the objects that the API lists a task returns. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import checks
from ..api import Json
from ..operation import Params

#: The options that name one value of a field of their name.
ONE = ("name", "region", "plan", "status")
#: Those that list values of a field. An empty list of names or ids matches nothing, an empty one of the others anything, as in the inventory.
SEVERAL = {"names": "name", "ids": "id", "regions": "region", "plans": "plan", "statuses": "status"}
_EXACT = ("names", "ids")


def options(**names: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The list options of a module, each with what it has in addition to its type."""
    return {name: {"type": "list", "elements": "str", **more} for name, more in names.items()}


def check(params: Params) -> None:
    """Raises InvalidOption."""
    for option in ("name", "status", "name_prefix"):
        if params.get(option) is not None:
            checks.text(option, params[option])
    for option in SEVERAL:
        if params.get(option):
            checks.no_json(option, params[option])
    for option in ("names", "statuses"):
        for number, value in enumerate(params.get(option) or ()):
            checks.text(f"{option}[{number}]", value)
    for number, value in enumerate(params.get("ids") or ()):
        checks.identifier(f"ids[{number}]", value)
    if params.get("id") is not None:
        checks.identifier("id", params["id"])


def chooser(params: Params) -> Callable[[Json], bool]:
    """A function that says whether an object meets all options."""
    one = [(option, params[option]) for option in ONE if params.get(option) is not None]
    given = [(option, field, params.get(option)) for option, field in SEVERAL.items()]
    several = [(field, frozenset(values)) for option, field, values in given if values or (values is not None and option in _EXACT)]
    prefix: str = params.get("name_prefix") or ""

    def is_chosen(item: Json) -> bool:
        return (
            all(item.get(field) == value for field, value in one)
            and all(item.get(field) in values for field, values in several)
            and item["name"].startswith(prefix)
        )

    return is_chosen

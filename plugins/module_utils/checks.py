# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single option values. Each raises one sentence that names the option and what was expected.

They run after Ansible's own argument validation (types, choices) and before any request.
"""

from __future__ import annotations

import re
from typing import Any

from .errors import InvalidOption
from .masking import SHORTEST

#: The documented plans and regions (contract: rule 8).
PLANS = ("starter", "professional", "enterprise")
REGIONS = ("us-east", "eu-west", "ap-south")

#: Characters of an id at most; the documented ones have 13.
_LONGEST_ID = 255
#: Printable ASCII without white space and what has a meaning in a URL.
_ID = re.compile(rf"[!\"$&-.0->@-\[\]-~]{{1,{_LONGEST_ID}}}")
#: An OpenSSH public key: its type, its data (which always begins with a length, hence AAAA), and perhaps a comment.
_SSH_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ AAAA\S+( .*)?")


def text(option: str, value: str) -> str:
    """A string that is not empty, on one line, without white space around it."""
    if not value:
        raise InvalidOption(option, "expected a text that is not empty.")
    if value != value.strip() or not value.isprintable():
        raise InvalidOption(option, "expected one line of text without white space around it.")
    return value


def identifier(option: str, value: str) -> str:
    """The id of an object, as the API gave it."""
    if not is_identifier(value):
        raise InvalidOption(option, "expected an id as the API shows it (such as inst_8x92a1b3).")
    return value


def is_identifier(value: str) -> bool:
    """Whether it can be one segment of a path, which is all that the collection makes of an id.

    One that begins with a hyphen can: random ids do. It can't be a host's name (plugin_utils/hosts.py).
    """
    return _ID.fullmatch(value) is not None and value not in (".", "..")


def integer(option: str, value: int, low: int, high: int) -> int:
    # bool is an int in Python, and Ansible's own type check lets it pass.
    if isinstance(value, bool) or not low <= value <= high:
        raise InvalidOption(option, f"expected a whole number from {low} to {high}, got {value}.")
    return value


def secret(option: str, value: str) -> str:
    """A credential. Its value is never part of the sentence."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidOption(option, "expected a credential of printable ASCII characters without white space.")
    if len(value) < SHORTEST:
        raise InvalidOption(option, f"expected a credential of at least {SHORTEST} characters: a shorter one can't be kept out of what is shown.")
    return value


def ssh_keys(option: str, value: list[Any]) -> list[str]:
    """OpenSSH public keys. A value is never part of the sentence: it may be a private key, given by mistake."""
    if not value:
        raise InvalidOption(option, "expected at least one OpenSSH public key; leave the option out for none.")
    for number, key in enumerate(value, start=1):
        if isinstance(key, str) and key.lstrip()[:1] in ("[", "{"):
            raise InvalidOption(
                option,
                f"element {number} looks like a piece of JSON, which key=value arguments can't carry; "
                'pass all arguments as one JSON object instead: -a \'{"ssh_keys": ["ssh-ed25519 AAAA...", "..."]}\'.',
            )
        if not is_ssh_key(key):
            raise InvalidOption(option, f"element {number} is no OpenSSH public key on one line (expected: type, key, comment).")
    return value


def is_ssh_key(value: Any) -> bool:
    """Whether it is an OpenSSH public key on one line."""
    return isinstance(value, str) and value.isprintable() and _SSH_KEY.fullmatch(value) is not None


def no_json(option: str, values: list[str]) -> None:
    """Refuse the elements into which Ansible cuts a JSON list of key=value arguments."""
    if values[0].startswith("[") and values[-1].endswith("]"):
        raise InvalidOption(
            option,
            "element 1 looks like a piece of JSON, which key=value arguments can't carry; "
            f'separate the elements by commas, or pass all arguments as one JSON object instead: -a \'{{"{option}": ["...", "..."]}}\'.',
        )


def auto_scale(option: str, value: dict[str, Any]) -> dict[str, int]:
    """The auto-scaling policy, without the parts that were left out."""
    given = {key: item for key, item in value.items() if item is not None}
    if not given:
        raise InvalidOption(option, "expected at least one of min_instances, max_instances, cpu_threshold.")
    low, high = given.get("min_instances"), given.get("max_instances")
    for part, number in (("min_instances", low), ("max_instances", high)):
        if number is not None and (isinstance(number, bool) or number < 1):
            raise InvalidOption(f"{option}.{part}", f"expected a whole number of at least 1, got {number}.")
    if low is not None and high is not None and low > high:
        raise InvalidOption(f"{option}.min_instances", f"expected at most max_instances ({high}), got {low}.")
    if "cpu_threshold" in given:
        integer(f"{option}.cpu_threshold", given["cpu_threshold"], 1, 100)
    return given

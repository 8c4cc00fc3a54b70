# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, the same in every module (contract: the doc fragment ``cloudnexus.cloud.cloudnexus``)."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.errors import AnsibleFallbackNotFound

DEFAULT_API_URL = "https://api.cloudnexus.io/v1"


def environment(*names: str) -> str:
    """Ansible's ``env_fallback``, but an empty variable counts as not set.

    AWX sets every variable of a credential type, the unused ones to an empty string.
    """
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    raise AnsibleFallbackNotFound


#: The options that hold a secret.
SECRET_OPTIONS = ("api_key", "refresh_token")
#: The environment variable of each connection option.
ENVIRONMENT = {
    "api_key": "CLOUDNEXUS_API_KEY",
    "refresh_token": "CLOUDNEXUS_REFRESH_TOKEN",
    "client_id": "CLOUDNEXUS_CLIENT_ID",
    "api_url": "CLOUDNEXUS_API_URL",
    "api_timeout": "CLOUDNEXUS_API_TIMEOUT",
    "api_retries": "CLOUDNEXUS_API_RETRIES",
    "validate_certs": "CLOUDNEXUS_VALIDATE_CERTS",
    "ca_path": "CLOUDNEXUS_CA_PATH",
    "token_cache": "CLOUDNEXUS_TOKEN_CACHE",
}


def with_connection(argument_spec: Any) -> dict[str, dict[str, Any]]:
    """A module's whole argument_spec: its own options and the connection options."""
    connection: dict[str, dict[str, Any]] = {
        **{name: {"type": "str", "no_log": True} for name in SECRET_OPTIONS},
        "client_id": {"type": "str"},
        "api_url": {"type": "str", "default": DEFAULT_API_URL},
        "api_timeout": {"type": "int", "default": 30},
        "api_retries": {"type": "int", "default": 5},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "token_cache": {"type": "path", "no_log": False},
    }
    for name, variable in ENVIRONMENT.items():
        connection[name]["fallback"] = (environment, [variable])
    return {**argument_spec, **connection}

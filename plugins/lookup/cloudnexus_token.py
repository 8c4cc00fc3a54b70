# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cloudnexus_token
short_description: An access token of CloudNexus, for other tools
version_added: 0.2.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Returns an OAuth2 access token, which the refresh token and the client id get, for tools and modules that call the CloudNexus API by themselves.
  - It is the token that the modules of this collection use, from the same cache. It is renewed only when it is about to expire.
  - The token is a secret. Hand it on in a task with C(no_log), or in an environment variable, and not on a command line.
requirements:
  - requests (on the control node)
options:
  _terms:
    description:
      - The lookup takes no terms, and refuses them.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus.token
notes:
  - A lookup runs on the control node, in Ansible's own environment; the C(environment) of a task does not reach it.
seealso:
  - module: cloudnexus.cloud.cloudnexus_health_info
"""

EXAMPLES = r"""
- name: Call the API by other means
  ansible.builtin.uri:
    url: "{{ lookup('ansible.builtin.env', 'CLOUDNEXUS_API_URL') }}/health"
    headers:
      Authorization: "Bearer {{ lookup('cloudnexus.cloud.cloudnexus_token') }}"
  no_log: true

- name: A token of another client, which is kept nowhere
  ansible.builtin.set_fact:
    other_token: "{{ lookup('cloudnexus.cloud.cloudnexus_token', refresh_token=other_refresh_token, client_id='other', token_cache='none') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description:
    - The access token, as the only element.
  type: list
  elements: str
  sample:
    - cn_access_0f3a52c1
"""

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils.client.access_token import access_token
from ..module_utils.client.argument_spec import with_connection
from ..module_utils.client.transport import REQUESTS_IMPORT_ERROR
from ..module_utils.errors import CloudNexusError
from ..module_utils.printable import printable
from ..plugin_utils.plain import plain

# The options are checked as a module's are, so that they, and their environment variables, mean the same.
_VALIDATOR = ArgumentSpecValidator({name: option for name, option in with_connection({}).items() if name != "api_key"})


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[str]:  # noqa: ARG002 - Ansible's signature
        if terms:
            raise AnsibleError("cloudnexus_token: expected no terms; options are given by name, as in client_id='...'.")
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleError(missing_required_lib("requests"))
        validation = _VALIDATOR.validate(plain(kwargs))
        if validation.error_messages:
            raise AnsibleError(printable(f"cloudnexus_token: {validation.errors.msg}"))
        try:
            return [access_token(validation.validated_parameters, lambda text: Display().warning(printable(text)))]
        except CloudNexusError as error:
            raise AnsibleError(printable(f"cloudnexus_token: {error.message}")) from None

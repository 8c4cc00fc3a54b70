#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_health_info
short_description: Read the health of the CloudNexus API
version_added: 0.1.0
description:
  - Returns what the API says of its own state.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus
  - cloudnexus.cloud.cloudnexus.attributes
  - cloudnexus.cloud.cloudnexus.info
seealso:
  - name: Faults and retries
    description: How a task behaves if the network or the API fails.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/faults.md
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_health_info -a '{"api_timeout": 5, "api_retries": 0}'

- name: Go on only when the API is healthy
  cloudnexus.cloud.cloudnexus_health_info:
  register: api
  failed_when: api.health.status != "healthy"
"""

RETURN = r"""
health:
  description:
    - The API's state. Its region is that of the API itself, which is not one of the regions for instances.
  returned: success
  type: dict
  contains:
    status:
      description: The state, V(healthy) if all is well.
      type: str
    version:
      description: The version of the API.
      type: str
    uptime:
      description: Seconds since the API was started.
      type: int
    region:
      description: The API's own region, which is none of the regions of instances.
      type: str
  sample:
    status: healthy
    version: 2.4.1
    uptime: 9999312
    region: us-east-1
api_error:
  description:
    - The API's response if it refused a request.
    - A key that the API did not give is missing.
  returned: on failure, if the API returned a status
  type: dict
  contains:
    method:
      description: The method of the request.
      type: str
    path:
      description: The path of the request, below the base URL.
      type: str
    status:
      description: The status of the response.
      type: int
    code:
      description: The API's code of the error.
      type: str
    message:
      description: The API's message.
      type: str
    request_id:
      description: The id of the request, which the vendor's support asks for.
      type: str
  sample:
    method: GET
    path: /health
    status: 403
    code: permission_denied
    message: The key does not allow this operation.
    request_id: req_5f1c2e
api_requests:
  version_added: 1.1.0
  description:
    - The requests of the task, an entry for each attempt.
    - The first 1000 and the newest 1000 are kept, and one of each operation.
  returned: if the variable C(cloudnexus_trace) or the environment variable E(CLOUDNEXUS_TRACE) is true
  type: list
  elements: dict
  contains:
    method:
      description: The method.
      type: str
    path:
      description: The path below the base URL, without a query.
      type: str
    status:
      description: The status of the response, null if none came.
      type: int
    milliseconds:
      description: The time until the whole response was read.
      type: int
    attempt:
      description: The number of the attempt, from 1.
      type: int
    request_id:
      description: The id that the API gave the request, null if it gave none.
      type: str
  sample:
    - method: GET
      path: /health
      status: 200
      milliseconds: 41
      attempt: 1
      request_id: req_5f1c2e
api_requests_left_out:
  version_added: 1.1.0
  description: How many requests RV(api_requests) lacks.
  returned: if the variable C(cloudnexus_trace) or the environment variable E(CLOUDNEXUS_TRACE) is true
  type: int
  sample: 0
"""


from ..module_utils.supported import require_for_module

require_for_module()

from ..module_utils.module import run_module
from ..module_utils.operations.health_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_instance_info
short_description: Read the instances of CloudNexus
version_added: 0.1.0
description:
  - Returns the instances of the account, or those that match all given options.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus
  - cloudnexus.cloud.cloudnexus.attributes
  - cloudnexus.cloud.cloudnexus.info
options:
  name:
    description:
      - Return the instances with this name only.
    type: str
  names:
    description:
      - Return the instances with one of these names only.
      - An empty list returns none.
    type: list
    elements: str
    version_added: 1.1.0
  name_prefix:
    description:
      - Return the instances whose name begins with this only.
    type: str
    version_added: 1.1.0
  id:
    description:
      - Return the instance with this id only.
      - It is read by itself, so that no list of instances is needed.
    type: str
  ids:
    description:
      - Return the instances with one of these ids only, in this order.
      - Each is read by itself, with one request, so that no list of instances is needed.
      - An id that there is no instance of is left out. An empty list returns none.
    type: list
    elements: str
    version_added: 1.1.0
  region:
    description:
      - Return the instances in this region only.
    type: str
    choices: [us-east, eu-west, ap-south]
  regions:
    description:
      - Return the instances in one of these regions only.
      - By default, and when empty, those in any.
    type: list
    elements: str
    choices: [us-east, eu-west, ap-south]
    version_added: 1.1.0
  plan:
    description:
      - Return the instances with this plan only.
    type: str
    choices: [starter, professional, enterprise]
  plans:
    description:
      - Return the instances with one of these plans only.
      - By default, and when empty, those with any.
    type: list
    elements: str
    choices: [starter, professional, enterprise]
    version_added: 1.1.0
  status:
    description:
      - Return the instances with this status only, such as V(running), V(provisioning) or V(failed).
    type: str
  statuses:
    description:
      - Return the instances with one of these statuses only.
      - By default, and when empty, those with any.
    type: list
    elements: str
    version_added: 1.1.0
  logs:
    description:
      - Read the log of each returned instance, with one request each.
    type: bool
    default: false
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance
  - name: Inventory
    description: How to use the instances as hosts.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/inventory.md
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_instance_info -a '{"region": "us-east", "status": "running"}'

- name: All instances in a region that run
  cloudnexus.cloud.cloudnexus_instance_info:
    region: us-east
    status: running
  register: found

- name: Their addresses
  ansible.builtin.debug:
    msg: "{{ found.instances | map(attribute='ip') }}"

- name: Those of the shop that have failed, in any region
  cloudnexus.cloud.cloudnexus_instance_info:
    name_prefix: shop-
    statuses: [failed, error]

- name: Three instances by name
  cloudnexus.cloud.cloudnexus_instance_info:
    names: [web-01, web-02, db-01]

- name: One instance with its log
  cloudnexus.cloud.cloudnexus_instance_info:
    id: inst_8x92a1b3
    logs: true
"""

RETURN = r"""
instances:
  description:
    - The matching instances as the API shows them. An empty list if there are none.
    - With O(logs=true) each has its log in C(logs), in whatever shape the API has it.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the instance.
      type: str
    name:
      description: The name of the instance.
      type: str
    status:
      description: The status, such as V(provisioning), V(running) or V(failed).
      type: str
    plan:
      description: The plan.
      type: str
    region:
      description: The region.
      type: str
    ip:
      description: The address, null if the instance has none.
      type: str
    created_at:
      description: The time of its creation.
      type: str
    links:
      description: The paths of the instance and of its log, below the base URL.
      type: dict
      contains:
        self:
          description: The path of the instance.
          type: str
        logs:
          description: The path of its log.
          type: str
    image_id:
      description: The id of the image.
      returned: if the API shows it, which is not documented
      type: str
    ssh_keys:
      description: The SSH public keys.
      returned: if the API shows them, which is not documented
      type: list
      elements: str
    auto_scale:
      description: The auto-scaling policy.
      returned: if the API shows it, which is not documented
      type: dict
      contains:
        min_instances:
          description: The smallest number of instances.
          type: int
        max_instances:
          description: The largest number of instances.
          type: int
        cpu_threshold:
          description: The CPU load in percent at which it scales.
          type: int
    logs:
      description: The log, in whatever shape the API has it. Text if it is no JSON.
      returned: with O(logs=true)
      type: raw
  sample:
    - id: inst_8x92a1b3
      name: web-prod-primary
      status: running
      plan: professional
      region: us-east
      ip: 10.4.2.15
      created_at: "2025-05-20T14:32:00Z"
      links:
        self: /instances/inst_8x92a1b3
        logs: /instances/inst_8x92a1b3/logs
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
    path: /instances
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
      path: /instances
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
from ..module_utils.operations.instance_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

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
  id:
    description:
      - Return the instance with this id only.
      - It is read by itself, so that no list of instances is needed.
    type: str
  region:
    description:
      - Return the instances in this region only.
    type: str
    choices: [us-east, eu-west, ap-south]
  plan:
    description:
      - Return the instances with this plan only.
    type: str
    choices: [starter, professional, enterprise]
  status:
    description:
      - Return the instances with this status only, such as V(running), V(provisioning) or V(failed).
    type: str
  logs:
    description:
      - Whether to read the log of each returned instance, with one request each.
    type: bool
    default: false
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance
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

- name: One instance with its log
  cloudnexus.cloud.cloudnexus_instance_info:
    id: inst_8x92a1b3
    logs: true
"""

RETURN = r"""
instances:
  description:
    - The matching instances as the API shows them; an empty list where there are none.
    - With O(logs=true) each has its log in C(logs), in whatever shape the API has it.
  returned: success
  type: list
  elements: dict
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
"""


from ..module_utils.module import run_module
from ..module_utils.operations.instance_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

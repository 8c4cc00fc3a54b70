#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_instance
short_description: Create, change and delete an instance of CloudNexus
version_added: 0.1.0
description:
  - Creates, updates or deletes one instance.
  - An instance is found by its name, which must be unique among the instances, or by its id.
  - Never creates two instances for one task. If the response to a create request is lost, the module checks whether the instance exists before it
    retries.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus
  - cloudnexus.cloud.cloudnexus.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff leaves out values that only the API can give, such as the id of a new instance.
  idempotent:
    support: partial
    details:
      - With O(unique_name=false) and without O(id), each run makes one more instance.
      - With O(auto_scale_update=always), each run sends a policy that the API does not show, and reports a change.
options:
  state:
    description:
      - V(present) makes sure that the instance exists as declared.
      - V(absent) makes sure that it does not exist.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the instance.
      - Required, unless O(id) is given.
      - With O(id), an instance of another name is renamed.
      - If two instances have the name, the task fails and names both ids.
    type: str
  id:
    description:
      - The id of an existing instance, as the API gave it.
      - With O(state=present) the instance must exist, and options that were left out keep their value.
    type: str
  plan:
    description:
      - The plan of the instance.
      - Required with O(state=present), unless you give O(id).
      - Another plan is updated in place if the API can do that.
    type: str
    choices: [starter, professional, enterprise]
  region:
    description:
      - The region of the instance.
      - Required with O(state=present), unless you give O(id).
      - It can't be updated in place, see O(recreate).
    type: str
    choices: [us-east, eu-west, ap-south]
  image_id:
    description:
      - The id of the operating system image for a new instance.
      - The API's default is Ubuntu 22.04 LTS.
      - Compared with an existing instance only if the API shows it. The documented API doesn't.
    type: str
  ssh_keys:
    description:
      - OpenSSH public keys for a new instance, one line each.
      - Compared with an existing instance only if the API shows them. The documented API doesn't.
      - Their order and comments are ignored.
    type: list
    elements: str
  auto_scale:
    description:
      - The auto-scaling policy.
      - Compared with an existing instance only if the API shows it. The documented API doesn't.
      - A part that was left out keeps its value.
    type: dict
    suboptions:
      min_instances:
        description:
          - The smallest number of instances, at least 1 and at most O(auto_scale.max_instances).
        type: int
      max_instances:
        description:
          - The largest number of instances, at least 1.
        type: int
      cpu_threshold:
        description:
          - The CPU load, as a percentage, at which it scales.
          - From 1 to 100.
        type: int
  unique_name:
    description:
      - Find the instance by its name, which must be unique.
      - V(false) creates an instance without looking whether one of the name exists, each time that the task runs. It is for an API that offers no list
        of instances.
      - With V(true) the list is read once more after a creation. If somebody else created another instance of the name at the same moment, the task
        fails and names the one that it created.
      - It has no effect with O(state=absent).
    type: bool
    default: true
  recreate:
    description:
      - Replace the instance if it can't be updated in place.
      - This applies to another O(region), O(image_id) or O(ssh_keys), to O(plan) or O(auto_scale) if the API can't update them in place, and to an
        instance with the status C(failed) or C(error).
      - The new instance has another id and address, and nothing of the old one's data.
      - If the API refuses the create request after the deletion, no instance is left. The failure says so.
      - To allow some of these reasons only, use O(recreate_for).
    type: bool
    default: false
  recreate_for:
    description:
      - Replace the instance for these reasons only, whatever O(recreate) says.
      - V(region), V(image_id) and V(ssh_keys) are differences that the API can't update in place.
      - V(plan) and V(auto_scale) are differences that this API turns out not to update in place.
      - V(status) is an instance with the status C(failed) or C(error).
      - One of these reasons is enough. The new instance is then as declared in everything.
      - Another difference that can't be updated in place fails the task before it changes anything. An empty list allows no replacement.
    type: list
    elements: str
    choices: [region, image_id, ssh_keys, plan, auto_scale, status]
    version_added: 1.1.0
  protected:
    description:
      - Names of instances that are never deleted and never replaced.
      - If the task would delete or replace one of them, the task fails before it changes anything, in check mode too, and names them.
      - It can still be created and updated in place.
    type: list
    elements: str
    version_added: 1.1.0
  auto_scale_update:
    description:
      - When to send the auto-scaling policy for an instance that exists, if the API does not show its policy.
      - V(on_create) sends it with new instances only. RV(not_compared) tells you that the policy of an existing one may differ.
      - V(always) sends it with each run and reports a change each time, because nothing tells whether it differs. Give all three parts of the policy then.
      - A policy that the API shows is compared in both cases, and sent only if it differs.
    type: str
    choices: [on_create, always]
    default: on_create
    version_added: 1.1.0
  wait:
    description:
      - Wait until the instance has the status C(running), or is gone with O(state=absent).
      - An instance with the status C(failed) or C(error) ends the wait with a failure.
      - An old instance is always waited for to be gone before O(recreate) makes the new one.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds for the whole task's waiting.
      - From 1 to 86400.
      - When they are over the task fails, and says what exists and its last status.
    type: int
    default: 600
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance_info
  - name: Idempotence, check mode and diff
    description: How to see what a task would change before it does.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/check_mode.md
  - name: Faults and retries
    description: How a task behaves if the network or the API fails.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/faults.md
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_instance -a '{"name": "web-01", "plan": "starter", "region": "us-east", "wait": false}'

- name: An instance with two keys that scales by itself
  cloudnexus.cloud.cloudnexus_instance:
    name: web-prod-primary
    plan: professional
    region: us-east
    ssh_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L deploy@example.com
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq0bJ6bQXw3X4Zk0b9v2h0Zt8m4j6s1u7y3c5e9g2Ln admin@example.com
    auto_scale:
      min_instances: 2
      max_instances: 10
      cpu_threshold: 75
  register: web

- name: Its address
  ansible.builtin.debug:
    msg: "{{ web.instance.name }} has the address {{ web.instance.ip }}"

- name: Another plan for the same instance, whatever its name
  cloudnexus.cloud.cloudnexus_instance:
    id: "{{ web.instance.id }}"
    plan: enterprise

- name: The instance in another region, which takes a new one
  cloudnexus.cloud.cloudnexus_instance:
    name: web-prod-primary
    plan: enterprise
    region: eu-west
    recreate: true
    wait_timeout: 900

- name: Replace the instance if it failed to boot, and for no other reason
  cloudnexus.cloud.cloudnexus_instance:
    name: web-prod-primary
    plan: enterprise
    region: eu-west
    recreate_for: [status]

- name: Send the scaling policy with each run, because the API does not show it
  cloudnexus.cloud.cloudnexus_instance:
    name: web-prod-primary
    plan: enterprise
    region: eu-west
    auto_scale: {min_instances: 2, max_instances: 10, cpu_threshold: 60}
    auto_scale_update: always

- name: Three instances that boot side by side
  cloudnexus.cloud.cloudnexus_instance:
    name: "batch-{{ item }}"
    plan: starter
    region: ap-south
    wait: false
  loop: [1, 2, 3]

- name: No such instance any more
  cloudnexus.cloud.cloudnexus_instance:
    name: web-prod-primary
    state: absent
"""

RETURN = r"""
instance:
  description:
    - The instance as the API shows it after the task, a deleted one as it was last seen. Null if there is none.
    - In check mode the instance as it would be, without what only the API can give.
    - After a failure it is what is known to exist.
  returned: always, unless the options are refused
  type: dict
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
  sample:
    id: inst_8x92a1b3
    name: web-prod-primary
    status: running
    plan: professional
    region: us-east
    ip: 10.4.2.15
    created_at: "2025-05-20T14:32:00Z"
    links:
      self: /instances/inst_8x92a1b3
      logs: /instances/inst_8x92a1b3/logs
action:
  description:
    - The action, or in check mode the predicted action.
    - One of V(none), V(create), V(update), V(recreate), V(delete).
    - After a failure it is what was done before it; a V(delete) there may be the first half of V(recreate).
  returned: always, unless the options are refused
  type: str
  sample: create
reasons:
  description: Why an instance is updated or replaced; the options that differ, or that are sent because they can't be compared, and a status.
  returned: if the task has planned a change, or that there is none to make
  type: list
  elements: str
  sample: [region]
not_compared:
  description:
    - The options that you gave and that could not be compared with the existing instance, because the API does not show them. They may differ.
    - A part of O(auto_scale) that the API does not show has a name such as V(auto_scale.cpu_threshold).
  returned: if the task has planned a change, or that there is none to make
  type: list
  elements: str
  sample: [image_id, ssh_keys]
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
    method: POST
    path: /instances
    status: 403
    code: region_not_allowed
    message: The key is not valid for region ap-south.
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
from ..module_utils.operations.instance import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

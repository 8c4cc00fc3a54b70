#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_fleet
short_description: Create, change, replace and delete many instances of CloudNexus in one task
version_added: 0.3.0
description:
  - Creates and updates a set of instances as declared. With O(prune), deletes the other instances of its prefix.
  - Reads the list of instances once, makes a plan from it, and applies the plan in parallel.
  - Creates missing instances and updates others in place, waits for them, replaces the instances that can't be updated in place, and then deletes
    surplus instances. After a failure, no replacement and no deletion starts.
  - If some instances fail, the others are created all the same. The task fails at the end, and lists the instances that were created and those that
    were not.
  - Never creates two instances for one. If responses to create requests are lost, the module reads the list of instances again, once for all of them,
    before it retries any.
  - Needs an API that offers the list of instances.
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
      - A line for each instance that changes; those that don't are left out.
      - The diff leaves out values that only the API can give, such as the id of a new instance.
  idempotent:
    support: partial
    details:
      - With O(auto_scale_update=always), each run sends a policy that the API does not show, and reports a change.
options:
  instances:
    description:
      - The instances to create or update.
      - Each name, and each id, may be given once.
      - An empty list with O(prune=true) deletes all instances of the prefix.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name of the instance, by which it is found.
          - If two instances have the name, the task fails before it changes anything and names both ids. Use O(instances[].id) to choose one.
        type: str
        required: true
      id:
        description:
          - The id of an existing instance, as the API gave it.
          - One of another name is renamed.
        type: str
      plan:
        description:
          - The plan of the instance.
          - Required, unless O(instances[].id) is given.
          - Another plan is updated in place if the API can do that.
        type: str
        choices: [starter, professional, enterprise]
      region:
        description:
          - The region of the instance.
          - Required, unless O(instances[].id) is given.
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
              - The smallest number of instances, at least 1 and at most O(instances[].auto_scale.max_instances).
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
  name_prefix:
    description:
      - The prefix of the fleet's names.
      - Required with O(prune=true) and with O(max_total), and used for these alone.
    type: str
  prune:
    description:
      - Delete the instances of O(name_prefix) that are not among O(instances).
    type: bool
    default: false
  prune_pattern:
    description:
      - A regular expression in Python's syntax that the whole rest of a name after O(name_prefix) must match for the instance to be pruned.
      - With the prefix C(web-) and the pattern C([0-9]+), C(web-03) belongs to the fleet, and C(web-db) and C(web-03-old) don't.
      - A pattern with groups, alternatives or several repetitions may take 5 seconds. If it takes longer, the task fails before it changes anything.
      - By default everything of the prefix belongs to the fleet.
    type: str
  max_deletions:
    description:
      - How many instances O(prune) may delete.
      - If there are more, the task fails before it changes anything, and names them. So it does in check mode.
      - From 0 to 100000.
    type: int
    default: 0
  max_creations:
    description:
      - The most instances that the task may create.
      - If it would create more, it fails before it changes anything, names them, and says which value allows it. So it does in check mode.
      - A replacement is not counted, see O(max_replacements).
      - From 0 to 100000. By default there is no limit.
    type: int
    version_added: 1.1.0
  max_replacements:
    description:
      - The most instances that O(recreate) or O(recreate_for) may replace.
      - If the task would replace more, it fails before it changes anything, names them, and says which value allows it. So it does in check mode.
      - Instances that the API turns out not to update in place are counted too. If there are too many of them, none is replaced.
      - O(max_unavailable) says how many of them are replaced at a time.
      - From 0 to 100000. By default there is no limit.
    type: int
    version_added: 1.1.0
  max_total:
    description:
      - The most instances of O(name_prefix), and of O(prune_pattern) if you give one, that may exist after the task.
      - If there would be more, and more than before, the task fails before it changes anything. So it does in check mode.
      - A fleet that has more already may stay as it is, and may shrink.
      - The names of O(instances) must begin with O(name_prefix).
      - New instances are created before surplus ones are deleted, so that for a moment there may be more.
      - From 0 to 100000. By default there is no limit.
    type: int
    version_added: 1.1.0
  concurrency:
    description:
      - How many requests are under way at a time.
      - From 1 to 64.
      - When the API asks for a pause (429), all workers pause, and resume one by one.
    type: int
    default: 8
  recreate:
    description:
      - Replace an instance if it can't be updated in place.
      - This applies to another region, image or SSH keys, to another plan or policy if the API can't update them in place, and to an instance with the
        status C(failed) or C(error).
      - The new instance has another id and address, and nothing of the old one's data.
      - With V(false), such a difference fails the task before it changes anything.
      - To allow some of these reasons only, use O(recreate_for).
    type: bool
    default: false
  recreate_for:
    description:
      - Replace an instance for these reasons only, whatever O(recreate) says.
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
  max_unavailable:
    description:
      - How many instances to replace at a time.
      - Each batch must be up before the next is touched, also with O(wait=false). When one does not come up, the rest are left as they are.
      - Instances with the status C(failed) or C(error) come first.
      - From 1 to 1000.
    type: int
    default: 1
  approved_digest:
    description:
      - The RV(changes_digest) of an earlier run, usually one in check mode, whose changes were approved.
      - If the plan no longer matches, the task fails, changes nothing and lists the differences. So it does in check mode.
      - If nothing is left to change, the task succeeds with a warning.
      - If you approved an update in place and the API can't do it, the instance is not replaced.
    type: str
  approved_plan:
    description:
      - The RV(plan) of an earlier run, usually one in check mode, whose changes were approved. It does what O(approved_digest) does.
      - Use it for a plan that is kept as a file and reviewed in a pull request. A refusal then names every change that differs.
      - It is checked against its own digest, so a plan that was edited is refused.
      - The plan as a dictionary, or as JSON text, such as the lookup P(ansible.builtin.file#lookup) reads it.
    type: dict
    version_added: 1.1.0
  also_approved:
    description:
      - Other settings that the approval covers, by name, such as the CDN configuration that a later task sets.
      - RV(changes_digest) and RV(plan) then cover them too. If one of them is not what was approved, the task fails before it changes anything.
      - The module itself does nothing with them.
    type: dict
    version_added: 1.1.0
  require_approval:
    description:
      - Fail without O(approved_digest) or O(approved_plan), unless in check mode, before the first request.
      - Use it in a playbook that others run, so that nobody can leave the approval out.
    type: bool
    default: false
    version_added: 1.1.0
  wait:
    description:
      - Wait until the instances have the status C(running), and deleted ones are gone.
      - An instance with the status C(failed) or C(error) counts as failed at once.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds for all that the task does after it has read the list, its waiting included.
      - From 1 to 86400.
      - When they are over nothing more is begun but the successor of an instance that was deleted to be replaced, and the task fails and says what exists.
    type: int
    default: 600
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance
  - module: cloudnexus.cloud.cloudnexus_instance_info
  - plugin: cloudnexus.cloud.expand
    plugin_type: filter
  - plugin: cloudnexus.cloud.to_declaration
    plugin_type: filter
  - name: Fleets
    description: How to keep many instances as declared, replace them in batches, and approve changes.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/fleets.md
  - name: Faults and retries
    description: How a task behaves if the network or the API fails.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/faults.md
"""

EXAMPLES = r"""
# ansible localhost -m cloudnexus.cloud.cloudnexus_fleet -a '{"instances": [{"name": "web-01", "plan": "starter", "region": "us-east"}]}'

- name: Three web servers, and one for the database
  cloudnexus.cloud.cloudnexus_fleet:
    instances:
      - {name: web-01, plan: starter, region: us-east}
      - {name: web-02, plan: starter, region: eu-west}
      - {name: web-03, plan: starter, region: ap-south}
      - name: web-db
        plan: enterprise
        region: us-east
        ssh_keys:
          - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L deploy@example.com
  register: web

- name: Their addresses
  ansible.builtin.debug:
    msg: "{{ web.instances | items2dict(key_name='name', value_name='ip') }}"

- name: Twenty of a kind, sixteen requests at a time
  cloudnexus.cloud.cloudnexus_fleet:
    instances: "{{ {'name': 'batch', 'count': 20, 'plan': 'starter', 'regions': ['us-east', 'eu-west']} | cloudnexus.cloud.expand }}"
    concurrency: 16

- name: What would be done to have two web servers only
  cloudnexus.cloud.cloudnexus_fleet: &two
    instances:
      - {name: web-01, plan: professional, region: us-east}
      - {name: web-02, plan: professional, region: eu-west}
    name_prefix: web-
    prune: true
    prune_pattern: "[0-9]+"
    max_deletions: 1
  check_mode: true
  diff: true
  register: preview

- name: Do that and nothing else
  cloudnexus.cloud.cloudnexus_fleet:
    <<: *two
    approved_digest: "{{ preview.changes_digest }}"

- name: Move the fleet to another region, two instances at a time
  cloudnexus.cloud.cloudnexus_fleet:
    instances:
      - {name: web-01, plan: professional, region: ap-south}
      - {name: web-02, plan: professional, region: ap-south}
    recreate_for: [region, status]
    max_replacements: 2
    max_unavailable: 2
    wait_timeout: 1800

- name: Create at most five instances, and never touch the database
  cloudnexus.cloud.cloudnexus_fleet:
    instances:
      - {name: web-01, plan: professional, region: ap-south}
      - {name: web-02, plan: professional, region: ap-south}
      - {name: web-db, plan: enterprise, region: us-east}
    name_prefix: web-
    max_creations: 5
    max_total: 8
    protected: [web-db]
  register: fleet

- name: Show what would be done in one line
  ansible.builtin.debug:
    msg: "{{ fleet.summary }}"

- name: None of them any more
  cloudnexus.cloud.cloudnexus_fleet:
    instances: []
    name_prefix: web-
    prune: true
    max_deletions: 10
"""

RETURN = r"""
instances:
  description:
    - The instances of O(instances) as the API shows them after the task, in the order asked for.
    - In check mode as they would be, without what only the API can give.
    - After a failure those that exist.
  returned: always, unless the task is refused before anything is changed
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
  sample:
    - id: inst_8x92a1b3
      name: web-01
      status: running
      plan: starter
      region: us-east
      ip: 10.4.2.15
      created_at: "2025-05-20T14:32:00Z"
      links:
        self: /instances/inst_8x92a1b3
        logs: /instances/inst_8x92a1b3/logs
created:
  description: The names of the instances that were created.
  returned: always, unless the task is refused before anything is changed
  type: list
  elements: str
  sample: [web-01]
updated:
  description: The names of the instances that were updated in place.
  returned: always, unless the task is refused before anything is changed
  type: list
  elements: str
  sample: []
recreated:
  description: The names of the instances that were replaced.
  returned: always, unless the task is refused before anything is changed
  type: list
  elements: str
  sample: []
deleted:
  description:
    - The names of the instances that were deleted.
    - After a failure also those that were deleted to be replaced, and have no successor.
  returned: always, unless the task is refused before anything is changed
  type: list
  elements: str
  sample: []
unchanged:
  description: The names of the instances that are as declared already.
  returned: always, unless the task is refused before anything is changed
  type: list
  elements: str
  sample: [web-02, web-03]
failed_instances:
  description: The instances that something could not be done with, and why.
  returned: always, unless an option is refused
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
    msg:
      description: The error, and what exists now.
      type: str
  sample: []
changes:
  description: The plan, with an entry for each instance that is not as declared.
  returned: always, unless the task is refused before the list was read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
    id:
      description: Its id. Null if there is none yet.
      type: str
    action:
      description: One of V(create), V(update), V(recreate), V(delete).
      type: str
    reasons:
      description: The fields that differ, or that are sent because they can't be compared, or why the instance is of no use as it is.
      type: list
      elements: str
    before:
      description: The declared values as they are now.
      type: dict
    after:
      description: The values after the change.
      type: dict
  sample:
    - name: web-01
      id: null
      action: create
      reasons: []
      before: {}
      after: {name: web-01, plan: starter, region: us-east}
summary:
  description: The changes in one line, the same in check mode and for real. Reasons for replacements are those of O(recreate_for).
  returned: always, unless the task is refused before the list was read
  type: str
  sample: 2 to create, 0 to update, 1 to replace (region), 1 to delete, 5 unchanged
plan_markdown:
  description: The changes as a Markdown table with RV(summary) and RV(changes_digest), for a comment on a pull request.
  returned: always, unless the task is refused before the list was read
  type: str
  sample: |
    **1 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged**

    | Action | Instance | Change |
    | --- | --- | --- |
    | create | `web-01` | `plan=starter region=us-east` |

    Digest: `v1.f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2.n4bQgYhM`
plan:
  description: RV(changes) with their digest, to be saved as a JSON file and given back as O(approved_plan).
  returned: always, unless the task is refused before the list was read
  type: dict
  contains:
    format_version:
      description: The number of this form.
      type: int
    summary:
      description: As RV(summary).
      type: str
    changes:
      description: As RV(changes).
      type: list
      elements: dict
    changes_digest:
      description: As RV(changes_digest).
      type: str
    also_approved:
      description: As O(also_approved), if you gave it.
      type: dict
  sample:
    format_version: 1
    summary: 1 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged
    changes:
      - name: web-01
        id: null
        action: create
        reasons: []
        before: {}
        after: {name: web-01, plan: starter, region: us-east}
    changes_digest: v1.f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2.n4bQgYhM
not_compared:
  description: The options of existing instances that could not be compared, because the API does not show them. They may differ.
  returned: always, unless the task is refused before the list was read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
    options:
      description: The options, and the parts of O(instances[].auto_scale), such as V(auto_scale.cpu_threshold).
      type: list
      elements: str
  sample:
    - name: web-02
      options: [image_id, ssh_keys]
changes_digest:
  description: A digest of RV(changes) and of O(also_approved), the same for the same changes over the same state; for O(approved_digest).
  returned: always, unless the task is refused before the list was read
  type: str
  sample: v1.f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2.n4bQgYhM
api_error:
  description:
    - The API's response if it refused a request.
    - If it refused several, that of the first instance.
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
from ..module_utils.operations.fleet import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

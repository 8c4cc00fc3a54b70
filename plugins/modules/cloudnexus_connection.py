#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_connection
short_description: Wait until Ansible can connect to instances
version_added: 1.1.0
description:
  - Waits until Ansible can log in to hosts and finds Python there. All hosts are awaited at the same time, with one deadline.
  - The wait for a host ends early if more attempts can't help. That is so if the SSH host key is not known or is another one, if the host refuses the login
    for 3 seconds, or if it has no Python.
  - Accepts the SSH host keys of hosts that were created just now, and forgets those of hosts that are gone, if you ask for it.
  - It runs on the control node, uses the connection that each host's tasks would have, and sends nothing to the API.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
attributes:
  check_mode:
    support: full
    description: Check mode waits for nothing and accepts no key. It returns the keys that would be forgotten.
  diff_mode:
    support: none
    description: Returns a diff of what changes.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  hosts:
    description:
      - Names of the inventory hosts to wait for. An empty list waits for none.
      - By default, the host of the task. Then a play waits for as many hosts at a time as O(ignore:forks) permits.
    type: list
    elements: str
  timeout:
    description:
      - Seconds to wait for all hosts together. Each host gets one attempt at least.
      - From 1 to 86400.
    type: int
    default: 600
  accept_host_keys_of:
    description:
      - Accept the SSH host key of these hosts if ssh does not know it, or knows another one for the address. Name only hosts that were created just now.
      - The key is added to the first of the user's known hosts files that ssh uses for the host (C(UserKnownHostsFile)), and replaces the host's other entries
        in these files. Entries of other hosts stay as they are.
      - With C(HostKeyAlias) the key is added, and nothing is removed.
    type: list
    elements: str
    default: []
  forget_host_keys_of:
    description:
      - Remove the known SSH host keys of these addresses, whose hosts are gone. Entries of other hosts stay as they are.
      - With C(HostKeyAlias) nothing is removed.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name of the host. Its variables, such as C(ansible_port), decide on the entry and the file.
        type: str
        required: true
      address:
        description:
          - The address that the host had.
        type: str
        required: true
  group:
    description:
      - An inventory group whose variables apply to hosts of O(forget_host_keys_of) that the inventory does not have.
    type: str
seealso:
  - module: ansible.builtin.wait_for_connection
  - module: ansible.builtin.known_hosts
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_connection -a '{"hosts": ["web-01", "web-02"], "timeout": 60}'

- name: Wait for two hosts at the same time
  cloudnexus.cloud.cloudnexus_connection:
    hosts: [web-01, web-02]
    timeout: 60

- name: Create three web servers
  cloudnexus.cloud.cloudnexus_fleet:
    instances:
      - {name: web-01, plan: starter, region: us-east}
      - {name: web-02, plan: starter, region: eu-west}
      - {name: web-03, plan: starter, region: us-east}
  register: fleet

- name: Add them to the inventory
  ansible.builtin.add_host:
    name: "{{ item.name }}"
    groups: web
    ansible_host: "{{ item.ip }}"
  loop: "{{ fleet.instances }}"

- name: Wait for all of them, and accept the SSH host keys of the new ones
  cloudnexus.cloud.cloudnexus_connection:
    hosts: "{{ groups.web }}"
    accept_host_keys_of: "{{ fleet.created }}"

- name: Forget the SSH host key of an instance that was deleted
  cloudnexus.cloud.cloudnexus_connection:
    hosts: []
    forget_host_keys_of:
      - {name: web-04, address: 203.0.113.10}
    group: web
"""

RETURN = r"""
connected:
  description: The hosts that Ansible can connect to.
  returned: success or failure
  type: list
  elements: str
  sample: [web-01, web-02]
not_connected:
  description:
    - The hosts that Ansible can't connect to. The task fails if there are any.
  returned: success or failure
  type: list
  elements: dict
  contains:
    name:
      description: The name of the host.
      type: str
    reason:
      description: One of V(timeout), V(authentication), V(host_key), V(python) and V(connection).
      type: str
    msg:
      description: The error, and how to fix it.
      type: str
  sample:
    - name: web-03
      reason: timeout
      msg: "web-03 (203.0.113.7) can't be connected to within 600 s: ssh: connect to host 203.0.113.7 port 22: Connection refused."
accepted_host_keys:
  description: The hosts whose SSH host key was accepted.
  returned: success or failure
  type: list
  elements: str
  sample: [web-02]
forgotten_host_keys:
  description: The addresses whose SSH host keys were removed, and the file that each was removed from.
  returned: success or failure
  type: list
  elements: dict
  sample: [{name: web-04, address: 203.0.113.10, file: /home/me/.ssh/known_hosts}]
elapsed:
  description: Seconds that the task took.
  returned: success or failure
  type: int
  sample: 12
"""

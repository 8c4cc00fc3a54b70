# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: to_declaration
short_description: Declare instances that exist
version_added: 1.1.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Returns the entries of O(cloudnexus.cloud.cloudnexus_fleet#module:instances) that describe instances as they are.
    Applying them changes nothing.
  - The entries have no ids. Use it to adopt instances that Ansible didn't create, or to create the same instances in another account.
  - The documented responses of the API show no image, no SSH keys and no scaling policy. The entries have them only if the API shows them in the form in
    which the modules send them. A replacement of such an instance gets the API's default image and no SSH keys, unless you add them.
  - Instances that are being deleted are left out.
  - The filter fails if a name is shared by several instances, or if an instance has no plan or region that a task can declare.
options:
  _input:
    description:
      - Instances as RV(cloudnexus.cloud.cloudnexus_instance_info#module:instances) has them, or one of them.
    type: raw
    required: true
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance_info
  - module: cloudnexus.cloud.cloudnexus_fleet
  - plugin: cloudnexus.cloud.to_vars_file
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read all instances
  cloudnexus.cloud.cloudnexus_instance_info:
  register: account

- name: Show what declares them
  ansible.builtin.debug:
    msg: "{{ account.instances | cloudnexus.cloud.to_declaration }}"

- name: Keep the instances in us-east as they are
  cloudnexus.cloud.cloudnexus_fleet:
    instances: "{{ account.instances | selectattr('region', 'eq', 'us-east') | cloudnexus.cloud.to_declaration }}"
"""

RETURN = r"""
_value:
  description:
    - A declaration for each instance, in the order of the input.
  type: list
  elements: dict
  sample:
    - name: web-prod-primary
      plan: professional
      region: us-east
"""

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from collections.abc import Callable
from typing import Any

from ..module_utils.api import unlike_an_instance
from ..module_utils.errors import InvalidOption
from ..module_utils.plan.declaration import of_instances
from ..plugin_utils.filters import filtered


def to_declaration(instances: Any) -> Any:
    return filtered("to_declaration", _declarations, instances)


def _declarations(given: Any) -> list[dict[str, Any]]:
    instances = given if isinstance(given, list) else [given]
    for number, item in enumerate(instances):
        if expected := unlike_an_instance(item):
            raise InvalidOption(f"[{number}]" if instances is given else "_input", f"expected {expected}, as cloudnexus_instance_info returns it.")
    return of_instances(instances)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_declaration": to_declaration}

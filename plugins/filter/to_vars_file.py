# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: to_vars_file
short_description: Write variables as a vars file
version_added: 1.1.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Returns YAML for a vars file, from which Ansible reads the same data.
  - Ansible takes every text of a vars file for a template. This filter tags a text that could be a template, or a part of one, with C(!unsafe),
    so that no name of an instance runs code. P(ansible.builtin.to_nice_yaml#filter) doesn't.
  - The same data gives the same text. Keys keep their order.
options:
  _input:
    description:
      - The variables by their names.
    type: dict
    required: true
  comment:
    description:
      - A comment for the head of the file, which may have several lines.
    type: str
    default: ""
seealso:
  - plugin: cloudnexus.cloud.to_declaration
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read all instances
  cloudnexus.cloud.cloudnexus_instance_info:
  register: account

- name: Show a vars file that declares them
  ansible.builtin.debug:
    msg: "{{ {'web': account.instances | cloudnexus.cloud.to_declaration} | cloudnexus.cloud.to_vars_file(comment='The web servers') }}"
"""

RETURN = r"""
_value:
  description:
    - The text of the file.
  type: str
  sample: |
    ---
    # The web servers
    web:
      - name: web-prod-primary
        plan: professional
        region: us-east
"""

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from collections.abc import Callable
from typing import Any

from ..plugin_utils.filters import filtered
from ..plugin_utils.vars_file import vars_file


def to_vars_file(variables: Any, comment: Any = "") -> Any:
    return filtered("to_vars_file", vars_file, variables, comment)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_vars_file": to_vars_file}

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: expand
short_description: Declare many instances of a kind by their count
version_added: 1.1.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Returns the entries that O(cloudnexus.cloud.cloudnexus_fleet#module:instances) takes, as many for each kind as its count says.
  - The names end in numbers from V(01), with two digits at least. A name does not depend on the count, so a higher count renames no instance.
  - Names are checked as the modules check them. Two kinds can't make one name.
options:
  _input:
    description:
      - A kind of instances, or a list of them.
      - C(name) is the text before the number of each name. C(web) makes C(web-01), C(web-02) and so on.
      - C(count) is the number of instances, from 0 to 100000.
      - C(regions) is a list of regions, which the instances get in turn. It replaces C(region), which is the same for all of them.
      - The filter copies every other field to each instance, such as C(plan), C(image_id), C(ssh_keys) and C(auto_scale).
    type: raw
    required: true
seealso:
  - module: cloudnexus.cloud.cloudnexus_fleet
  - plugin: cloudnexus.cloud.to_declaration
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Create six web servers in two regions, and one database
  cloudnexus.cloud.cloudnexus_fleet:
    instances: "{{ kinds | cloudnexus.cloud.expand }}"
  vars:
    kinds:
      - {name: web, count: 6, plan: starter, regions: [us-east, eu-west]}
      - {name: db, count: 1, plan: enterprise, region: us-east}
"""

RETURN = r"""
_value:
  description:
    - The instances, in the order of the kinds and of their numbers.
  type: list
  elements: dict
  sample:
    - name: web-01
      plan: starter
      region: us-east
    - name: web-02
      plan: starter
      region: eu-west
"""

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from collections.abc import Callable
from typing import Any

from ..module_utils.plan.declaration import expanded
from ..plugin_utils.filters import filtered


def expand(kinds: Any) -> Any:
    return filtered("expand", expanded, kinds)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"expand": expand}

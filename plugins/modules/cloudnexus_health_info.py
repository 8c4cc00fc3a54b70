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
  sample:
    status: healthy
    version: 2.4.1
    uptime: 9999312
    region: us-east-1
"""


from ..module_utils.module import run_module
from ..module_utils.operations.health_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

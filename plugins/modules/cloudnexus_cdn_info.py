#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_cdn_info
short_description: Read the CDN configuration of CloudNexus
version_added: 0.1.0
description:
  - Returns the configuration of the content delivery network, which is one for the whole account.
  - Fails where the API offers no way to read it.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus
  - cloudnexus.cloud.cloudnexus.attributes
  - cloudnexus.cloud.cloudnexus.info
seealso:
  - module: cloudnexus.cloud.cloudnexus_cdn
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_cdn_info -a '{"api_timeout": 10}'

- name: The configuration of the CDN
  cloudnexus.cloud.cloudnexus_cdn_info:
  register: cdn

- name: How long the edge keeps an object
  ansible.builtin.debug:
    var: cdn.config.cache_ttl
"""

RETURN = r"""
config:
  description: The configuration as the API shows it.
  returned: success
  type: dict
  sample:
    cache_ttl: 86400
    ssl_enabled: true
    compression: brotli
"""


from ..module_utils.module import run_module
from ..module_utils.operations.cdn_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_cdn
short_description: Set the CDN configuration of CloudNexus
version_added: 0.1.0
description:
  - Sets the configuration of the content delivery network, which is one for the whole account.
  - The API replaces it as a whole. An option that was left out is read first and sent along, so that it keeps its value.
  - Where the API offers no way to read the configuration, it is set in any case, with a warning.
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
  idempotent:
    support: partial
    details:
      - Where the API offers no way to read the configuration, each run reports a change.
options:
  cache_ttl:
    description:
      - Seconds that the edge keeps an object.
      - From 0 to 31536000, which is one year.
    type: int
    required: true
  ssl_enabled:
    description:
      - Whether TLS is set up and terminated by the CDN.
      - Where the API has no value yet, its own default is V(true).
    type: bool
  compression:
    description:
      - How the edge compresses objects.
    type: str
    choices: [brotli, gzip, none]
  wait:
    description:
      - Whether to sit out the 60 seconds that a change takes to reach the edge.
    type: bool
    default: false
seealso:
  - module: cloudnexus.cloud.cloudnexus_cdn_info
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_cdn -a '{"cache_ttl": 3600, "ssl_enabled": true}'

- name: A day in the cache, compressed; ssl_enabled stays as it is
  cloudnexus.cloud.cloudnexus_cdn:
    cache_ttl: 86400
    compression: brotli
"""

RETURN = r"""
config:
  description:
    - The configuration after the task, or in check mode as it would be.
    - Where the API offers no way to read it, it is what was sent.
  returned: success
  type: dict
  sample:
    cache_ttl: 86400
    ssl_enabled: true
    compression: brotli
"""


from ..module_utils.module import run_module
from ..module_utils.operations.cdn import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudnexus_bucket_info
short_description: Read the storage buckets of CloudNexus
version_added: 0.1.0
description:
  - Returns the object storage buckets of the account, or those that match all given options.
  - Every page of the list is read, unless O(limit) is reached before.
author:
  - cloudnexus.cloud contributors (@cloudnexus)
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus
  - cloudnexus.cloud.cloudnexus.attributes
  - cloudnexus.cloud.cloudnexus.info
options:
  name:
    description:
      - Return the bucket of this name only.
      - A name is taken to be one bucket's own, so that reading stops when it is found.
    type: str
  region:
    description:
      - Return the buckets in this region only.
    type: str
    choices: [us-east, eu-west, ap-south]
  limit:
    description:
      - Return at most this many buckets, and stop reading when there are as many.
      - From 1 to 1000000.
      - By default all are returned.
    type: int
"""

EXAMPLES = r"""
# Ad hoc, with all arguments as one JSON object:
# ansible localhost -m cloudnexus.cloud.cloudnexus_bucket_info -a '{"region": "us-east", "limit": 5}'

- name: All buckets
  cloudnexus.cloud.cloudnexus_bucket_info:
  register: storage

- name: What they hold together
  ansible.builtin.debug:
    msg: "{{ storage.matched_object_count }} objects, {{ storage.matched_size_bytes | human_readable }}"

- name: The bucket of the site's files must exist
  cloudnexus.cloud.cloudnexus_bucket_info:
    name: media-assets
    limit: 1
  register: assets
  failed_when: not assets.buckets
"""

RETURN = r"""
buckets:
  description: The matching buckets as the API shows them; an empty list where there are none.
  returned: success
  type: list
  elements: dict
  sample:
    - id: bkt_1a2b3c
      name: media-assets
      region: us-east
      size_bytes: 4589231456
      object_count: 12450
      created_at: "2025-01-15T09:00:00Z"
total_count:
  description: How many buckets the account has, as the API says; null where it does not say.
  returned: success
  type: int
  sample: 24
matched_size_bytes:
  description: The size of all returned buckets together, in bytes.
  returned: success
  type: int
  sample: 4589231456
matched_object_count:
  description: The number of objects in all returned buckets together.
  returned: success
  type: int
  sample: 12450
"""


from ..module_utils.module import run_module
from ..module_utils.operations.bucket_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

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
  names:
    description:
      - Return the buckets with one of these names only.
      - Reading stops when all are found. An empty list returns none.
    type: list
    elements: str
    version_added: 1.1.0
  name_prefix:
    description:
      - Return the buckets whose name begins with this only.
    type: str
    version_added: 1.1.0
  region:
    description:
      - Return the buckets in this region only.
    type: str
    choices: [us-east, eu-west, ap-south]
  regions:
    description:
      - Return the buckets in one of these regions only.
      - By default, and when empty, those in any.
    type: list
    elements: str
    choices: [us-east, eu-west, ap-south]
    version_added: 1.1.0
  limit:
    description:
      - Return at most this many buckets, and stop reading when there are as many.
      - From 1 to 1000000.
      - By default all are returned.
    type: int
seealso:
  - name: Ad hoc
    description: How to read without a playbook.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/ad_hoc.md
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

- name: The backups in two regions
  cloudnexus.cloud.cloudnexus_bucket_info:
    name_prefix: db-
    regions: [us-east, eu-west]

- name: The bucket of the site's files must exist
  cloudnexus.cloud.cloudnexus_bucket_info:
    name: media-assets
    limit: 1
  register: assets
  failed_when: not assets.buckets
"""

RETURN = r"""
buckets:
  description: The matching buckets as the API shows them. An empty list if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the bucket.
      type: str
    name:
      description: The name of the bucket.
      type: str
    region:
      description: The region.
      type: str
    size_bytes:
      description: The size of all its objects, in bytes.
      type: int
    object_count:
      description: The number of its objects.
      type: int
    created_at:
      description: The time of its creation.
      type: str
  sample:
    - id: bkt_1a2b3c
      name: media-assets
      region: us-east
      size_bytes: 4589231456
      object_count: 12450
      created_at: "2025-01-15T09:00:00Z"
total_count:
  description: How many buckets the account has, as reported by the API. Null if it doesn't report it.
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
    method: GET
    path: /storage/buckets
    status: 403
    code: permission_denied
    message: The key does not allow this operation.
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
      path: /storage/buckets
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
from ..module_utils.operations.bucket_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()

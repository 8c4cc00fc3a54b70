# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift_report
short_description: Report the drift that a fleet in check mode found
version_added: 1.1.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Returns the differences between a declaration and the account, from the result of M(cloudnexus.cloud.cloudnexus_fleet) in check mode.
  - The playbook C(cloudnexus.cloud.drift) uses it. Use it yourself for a report in another form.
  - The filter fails if the task failed, so that a failure never reads as no drift.
options:
  _input:
    description:
      - The registered result of a task with M(cloudnexus.cloud.cloudnexus_fleet).
      - The task reports replacements only with O(cloudnexus.cloud.cloudnexus_fleet#module:recreate=true), and undeclared instances only with
        O(cloudnexus.cloud.cloudnexus_fleet#module:prune=true).
    type: dict
    required: true
seealso:
  - module: cloudnexus.cloud.cloudnexus_fleet
"""

EXAMPLES = r"""
- name: Compare two web servers with the account
  cloudnexus.cloud.cloudnexus_fleet:
    instances:
      - {name: web-01, plan: starter, region: us-east}
      - {name: web-02, plan: starter, region: eu-west}
    name_prefix: web-
    prune: true
    max_deletions: 100000
    recreate: true
    wait: false
  check_mode: true
  register: plan

- name: Show the drift
  ansible.builtin.debug:
    msg: "{{ (plan | cloudnexus.cloud.drift_report).table }}"
"""

RETURN = r"""
_value:
  description:
    - The drift in three forms.
  type: dict
  contains:
    report:
      description:
        - The drift for programs.
        - C(drift) is true if there is any. C(summary) is one line.
        - C(missing), C(different), C(undeclared) and C(unchanged) are lists of names.
          C(different) includes instances whose status is C(failed), C(error) or C(stopped).
        - C(differences) has C(name), C(id), C(drift), C(action), C(reasons), C(before) and C(after) for each instance that differs.
        - C(changes_digest) is the task's RV(cloudnexus.cloud.cloudnexus_fleet#module:changes_digest).
      type: dict
    table:
      description: The lines of a table for people, which is empty without drift.
      type: list
      elements: str
    markdown:
      description: The summary and the table as Markdown.
      type: str
  sample:
    report:
      drift: true
      summary: 1 missing (web-02), 0 different, 0 undeclared, 1 unchanged
      missing: [web-02]
      different: []
      undeclared: []
      unchanged: [web-01]
      differences:
        - name: web-02
          id: null
          drift: missing
          action: create
          reasons: []
          before: {}
          after: {name: web-02, plan: starter, region: eu-west}
      changes_digest: v1.7c1f...
    table:
      - "name    drift    action  account  declared"
      - "web-02  missing  create  -        plan=starter region=eu-west"
    markdown: |
      # Drift

      1 missing (web-02), 0 different, 0 undeclared, 1 unchanged.

      | name | drift | action | account | declared |
      | --- | --- | --- | --- | --- |
      | web-02 | missing | create | - | plan=starter region=eu-west |
"""

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from collections.abc import Callable
from typing import Any

from ..module_utils.plan.drift import report
from ..plugin_utils.filters import filtered


def drift_report(result: Any) -> Any:
    return filtered("drift_report", report, result)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drift_report": drift_report}

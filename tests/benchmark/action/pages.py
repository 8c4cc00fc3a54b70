# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action plugin that reads the instances as a bare script does, and returns them: nothing is checked, compared or masked."""

from __future__ import annotations

import os
from typing import Any

import requests
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        url, instances, link = os.environ["CLOUDNEXUS_API_URL"], [], "/instances"
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {os.environ['CLOUDNEXUS_API_KEY']}"
            while link:
                answer = session.get(url + link, timeout=30)
                answer.raise_for_status()
                page = answer.json()
                instances += page["items"]
                link = page["pagination"]["next_page"]
        return {**result, "changed": False, "instances": instances}

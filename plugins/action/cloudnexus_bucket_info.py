# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In-process mode of the module of the same name: runs it inside Ansible's worker process."""

from __future__ import annotations

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

from ..module_utils.operations.bucket_info import OPERATION
from ..plugin_utils.action import OperationAction


class ActionModule(OperationAction):
    operation = OPERATION

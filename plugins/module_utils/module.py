# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mode: runs an operation with AnsibleModule, on the host that Ansible chose."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client.argument_spec import with_connection
from .client.trace import LINES, LINES_SWITCH, MOST, SWITCH, Kept
from .client.transport import REQUESTS_IMPORT_ERROR
from .lifeline import lifeline
from .masking import credentials_in
from .operation import Context, Operation, run


def run_module(operation: Operation) -> None:
    """The whole ``main()`` of a module."""
    module = AnsibleModule(argument_spec=with_connection(operation.argument_spec), supports_check_mode=True)
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"))
    # Ansible shows the arguments of a module with -vvv.
    if credentials_in(str(module.params["api_url"])):
        module.no_log_values.add(str(module.params["api_url"]))
    lines: Kept[str] | None = Kept(MOST) if _is_on(LINES_SWITCH) else None
    context = Context(
        check_mode=module.check_mode,
        diff=module._diff,
        warn=module.warn,
        alive=lifeline(),
        tell=lines.add if lines is not None else None,
        trace=_is_on(SWITCH),
    )
    result = run(operation, module.params, context)
    if lines is not None:
        result[LINES] = lines.items() + ([f"{lines.left_out} more requests in between"] if lines.left_out else [])
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _is_on(variable: str) -> bool:
    """Whether the action plugin, or the user of a module without one, has set an environment variable to true."""
    return os.environ.get(variable, "").lower() == "true"

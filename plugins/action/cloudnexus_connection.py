# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``cloudnexus_connection``: waits on the control node until Ansible can use hosts, and keeps their SSH keys known."""

from __future__ import annotations

from ansible.errors import AnsibleError

from ..module_utils.supported import require

require(AnsibleError)

import copy
import os
import shlex
import time
from collections import ChainMap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible import constants, context
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils.checks import integer
from ..module_utils.errors import InvalidOption
from ..module_utils.lifeline import lifeline
from ..module_utils.printable import printable
from ..plugin_utils import ssh
from ..plugin_utils.given import invalid, problem
from ..plugin_utils.plain import plain
from ..plugin_utils.reach import Failure, reason_of, wait_for_all

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "hosts": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 600},
    "accept_host_keys_of": {"type": "list", "elements": "str", "default": []},
    "forget_host_keys_of": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "group": {"type": "str"},
}
#: The exit status of a shell that does not find a command.
_NOT_FOUND = 127


@dataclass(slots=True)
class Target:
    """A host, and the connection that Ansible's tasks would have."""

    name: str
    address: str
    connection: Any
    #: Interpreters, any of which will do.
    pythons: Sequence[str]
    may_accept: bool = False
    accepted: bool = False

    @property
    def is_ssh(self) -> bool:
        return self.connection.transport in ssh.TRANSPORTS


class ActionModule(ActionBase):
    """There is no module behind it: all of it happens on the control node."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            params = self._params()
            return {**result, **self._done(params, task_vars or {})}
        except (InvalidOption, AnsibleError) as error:
            return {**result, "failed": True, "changed": False, "msg": str(error)}

    def _params(self) -> dict[str, Any]:
        if message := problem(self._task.args, ARGUMENT_SPEC):
            raise AnsibleError(message)
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(plain(self._task.args))
        if message := invalid(self._task.action, validation):
            raise AnsibleError(message)
        params: dict[str, Any] = validation.validated_parameters
        integer("timeout", params["timeout"], 1, 86_400)
        return params

    def _done(self, params: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        names = params["hosts"] if params["hosts"] is not None else [task_vars["inventory_hostname"]]
        unknown = [name for name in names if name not in task_vars["hostvars"]]
        if unknown:
            raise InvalidOption("hosts", f"expected hosts of the inventory, got {', '.join(unknown)}.")
        forgotten = self._forget(params, task_vars)
        targets = {} if self._task.check_mode else {name: self._target(name, params, task_vars) for name in names}
        failures = self._wait(targets, params["timeout"])
        accepted = [target.name for target in targets.values() if target.accepted]
        result: dict[str, Any] = {
            "changed": bool(accepted or forgotten),
            "connected": [name for name in targets if name not in failures],
            "not_connected": [{"name": name, "reason": failure.reason, "msg": failure.msg} for name, failure in failures.items()],
            "accepted_host_keys": accepted,
            "forgotten_host_keys": forgotten,
            "elapsed": int(time.monotonic() - started),
        }
        if failures:
            result |= {"failed": True, "msg": _told(failures, len(targets))}
        return result

    # --- Connections ---

    def _target(self, name: str, params: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Target:
        variables = task_vars["hostvars"][name]
        # Ansible has made the one of the task's own host, which may be another one's by delegation.
        own = params["hosts"] is None and not self._task.delegate_to
        connection = self._connection if own else self._connection_to(name, variables)
        address = str(variables.get("ansible_host") or variables.get("ansible_ssh_host") or name)
        target = Target(name, address, connection, _pythons(variables), name in params["accept_host_keys_of"])
        if target.is_ssh and _has_terminal():
            _never_ask(target)
        return target

    def _connection_to(self, name: str, variables: Mapping[str, Any]) -> Any:
        """As Ansible itself makes one for a task on that host, without ``become``."""
        chosen = str(variables.get("ansible_connection") or (context.CLIARGS or {}).get("connection") or constants.DEFAULT_TRANSPORT)
        play_context = copy.copy(self._play_context)
        play_context.remote_addr = variables.get("ansible_host", name)
        play_context.connection = "ssh" if chosen == "smart" else chosen
        connection = self._shared_loader_obj.connection_loader.get(
            play_context.connection, play_context, new_stdin=None, task_uuid=self._task._uuid, ansible_playbook_pid=str(os.getppid())
        )
        if connection is None:
            raise AnsibleError(f"{name}: there is no connection plugin {chosen}.")
        keys = {**self._task.dump_attrs(), "timeout": play_context.timeout}
        keys.pop("retries", None)
        if play_context.password:
            keys["password"] = play_context.password
        consumed = constants.config.get_plugin_vars("connection", connection._load_name)
        connection.set_options(task_keys=keys, var_options={"_extras": {}, **{key: variables[key] for key in consumed if key in variables}})
        return connection

    # --- The wait ---

    def _wait(self, targets: Mapping[str, Target], timeout: int) -> dict[str, Failure]:
        if not targets:
            return {}
        longest = max(_connect_timeout(target.connection) for target in targets.values())
        failures = wait_for_all(list(targets), lambda name: _attempt(targets[name]), timeout, longest, lifeline())
        return {name: _explained(targets[name], failure, timeout) for name, failure in failures.items()}

    # --- Keys that nobody has any more ---

    def _forget(self, params: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[dict[str, str]]:
        found = []
        for item in params["forget_host_keys_of"]:
            connection = self._connection_to(item["name"], self._variables_of(item, params["group"], task_vars))
            if connection.transport not in ssh.TRANSPORTS:
                continue
            try:
                files = ssh.forget(connection, item["address"], check=bool(self._task.check_mode))
            except ssh.NoKey as error:
                self._display.warning(f"The SSH host key of {item['name']} ({item['address']}) could not be forgotten: {error}.")
                continue
            found += [{**item, "file": file} for file in files]
        return found

    @staticmethod
    def _variables_of(item: Mapping[str, str], group: str | None, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those that the host would have. One that the inventory does not have gets into the inventory of this process alone."""
        hostvars = task_vars["hostvars"]
        if item["name"] not in hostvars and group in task_vars["groups"]:
            hostvars._inventory.add_host(item["name"], group)
        known = hostvars[item["name"]] if item["name"] in hostvars else {"inventory_hostname": item["name"]}
        return ChainMap({"ansible_host": item["address"]}, known)


# --- One host ---


def _attempt(target: Target) -> Failure | None:
    failure = _login(target)
    if failure is None or failure.reason != "host_key" or not target.may_accept or target.accepted or not target.is_ssh:
        return failure
    try:
        ssh.accept(target.connection, target.address)
    except ssh.NoKey as error:
        return Failure(reason_of(str(error)), str(error))
    target.accepted = True
    return _login(target)


def _login(target: Target) -> Failure | None:
    """Log in, and look for Python: without a module, so that it costs a host little."""
    look = "; ".join(f"command -v {shlex.quote(python)} >/dev/null 2>&1 && exit 0" for python in target.pythons)
    try:
        # A connection that was kept may lead to the machine that had the address before.
        if target.is_ssh:
            target.connection.reset()
        status, _output, errors = target.connection.exec_command(f"/bin/sh -c {shlex.quote(f'{look}; exit {_NOT_FOUND}')}", in_data=None, sudoable=False)
    except Exception as error:  # each plugin has its own
        return Failure(reason_of(str(error)), _brief(str(error)))
    if status == _NOT_FOUND:
        return Failure("python", ", ".join(target.pythons))
    return None if status == 0 else Failure("timeout", _brief(_text(errors)) or f"the shell ended with status {status}")


def _explained(target: Target, failure: Failure, timeout: int) -> Failure:
    """The failure in a sentence that says what to do about it."""
    shown = f"{target.name} ({target.address})" if target.address != target.name else target.name
    if failure.reason == "host_key":
        return Failure("host_key", _about_the_key(target, shown, failure.msg))
    if failure.reason == "authentication":
        return Failure(
            "authentication", f"{shown} refuses the login: {failure.msg}. Check ansible_user, the private key, and the public keys of the instance (ssh_keys)."
        )
    if failure.reason == "python":
        return Failure("python", f"{shown} has no Python, which Ansible needs (it looked for {failure.msg}). Install it, or set ansible_python_interpreter.")
    if failure.reason == "connection":
        return Failure("connection", f"{shown} can't be connected to: {failure.msg}.")
    return Failure("timeout", f"{shown} can't be connected to within {timeout} s: {failure.msg}.")


def _about_the_key(target: Target, shown: str, said: str) -> str:
    name, file = target.address, "the files of known hosts"
    if target.is_ssh:
        with suppress(ssh.NoKey):
            known = ssh.known(target.connection, target.address)
            name, file = known.name, " or ".join(known.files[:1]) or file
    if "has changed" in said or "IDENTIFICATION" in said:
        return (
            f"{shown}: the SSH host key is not the one in {file}. If the instance was replaced, remove the old key with "
            f"ssh-keygen -R '{name}' -f {file}, and add the new one once you have verified it."
        )
    return (
        f"{shown}: the SSH host key is not in {file}. Add it once you have verified it, for example with ssh-keyscan. "
        "For hosts that a run of the role web_tier creates, web_tier_accept_new_host_keys does it."
    )


def _pythons(variables: Mapping[str, Any]) -> list[str]:
    """The interpreters that Ansible would try."""
    given = str(variables.get("ansible_python_interpreter") or constants.config.get_config_value("INTERPRETER_PYTHON"))
    if not given.startswith("auto"):
        return shlex.split(given)[:1]
    fallback: list[str] = list(variables.get("ansible_interpreter_python_fallback") or constants.config.get_config_value("INTERPRETER_PYTHON_FALLBACK"))
    return fallback


def _connect_timeout(connection: Any) -> float:
    with suppress(KeyError, TypeError, ValueError):
        return float(connection.get_option("timeout"))
    return float(constants.DEFAULT_TIMEOUT)


def _has_terminal() -> bool:
    """Whether ssh could ask somebody: ansible-core before 2.19 leaves its workers the terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _never_ask(target: Target) -> None:
    """Nobody says yes to many hosts at a time. The setting for a key that isn't known stays, if it is another one."""
    with suppress(ssh.NoKey):
        if ssh.known(target.connection, target.address).strict == "ask":
            target.connection.set_option("ssh_args", f"-o StrictHostKeyChecking=yes {target.connection.get_option('ssh_args') or ''}")


def _told(failures: Mapping[str, Failure], count: int) -> str:
    return f"Ansible can't connect to {len(failures)} of {count} hosts. {' '.join(failure.msg for failure in failures.values())}"


def _brief(text: str) -> str:
    """The last line that says something, without its full stop: what ssh writes above it is a banner or a warning."""
    text = text.removeprefix("Failed to connect to the host via ssh:")
    lines = [line.strip().rstrip(".") for line in text.splitlines() if line.strip()]
    changed = [line for line in lines if "has changed" in line]
    return printable((changed or lines)[-1] if lines else "")[:300]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In-process mode: runs an operation inside Ansible's worker process on the control node.

No interpreter is started, nothing is written to a temporary file, and the items of a loop share one connection. It is
used only if it means the same as module mode; otherwise the task is passed to the module, the way
Ansible's own ``normal`` action plugin does it (see docs/architecture.md).
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils.client.argument_spec import DEFAULT_API_URL, ENVIRONMENT, SECRET_OPTIONS, with_connection
from ..module_utils.client.trace import LINES, LINES_SWITCH, SWITCH
from ..module_utils.client.transport import REQUESTS_IMPORT_ERROR, tls_context
from ..module_utils.interrupts import Interrupted, raised
from ..module_utils.lifeline import lifeline
from ..module_utils.masking import Secrets, credentials_in
from ..module_utils.operation import Context, Operation, run
from .given import invalid, problem
from .plain import plain

#: The variables that switch something off or on, and the environment variable of each.
SWITCHES = {"cloudnexus_in_process": "CLOUDNEXUS_IN_PROCESS", "cloudnexus_progress": "CLOUDNEXUS_PROGRESS", "cloudnexus_trace": SWITCH}
#: Those that are off if nobody sets them.
_OFF = frozenset({"cloudnexus_trace"})
#: The callbacks that say little, or what only a program reads.
QUIET_CALLBACKS = ("dense", "json", "jsonl", "null", "oneline", "selective")
#: The verbosity of -vvv.
_TOLD = 3
#: What a module's result shows in the place of an option that is never logged.
NO_LOG = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

# Imported before Ansible forks its workers: they find the usual TLS context, which is expensive to build, ready made.
if REQUESTS_IMPORT_ERROR is None and os.environ.get("CLOUDNEXUS_API_URL", DEFAULT_API_URL).startswith("https:"):
    # Whatever is wrong here is reported by the task that needs it.
    with suppress(Exception):
        tls_context(validate_certs=True, ca_path=os.environ.get("CLOUDNEXUS_CA_PATH") or None)


#: Ansible's standard error, from before its workers are forked. When it is interrupted, it shows nothing any more of
#: what a worker hands it for display.
_STDERR = os.dup(2)


class OperationAction(NormalAction):
    """The base of every action plugin of the collection; each adds its operation."""

    operation: ClassVar[Operation]

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        if message := problem(self._task.args, with_connection(self.operation.argument_spec)):
            return {"failed": True, "changed": False, "msg": message}
        host_vars = self._host_vars(task_vars)
        environment = self._environment()
        name, variable, switches = "", "", {}
        try:
            for name, variable in SWITCHES.items():
                switches[name] = self._switch(name, variable, host_vars, environment)
        except (TypeError, ValueError):
            return {"failed": True, "changed": False, "msg": f"{name}: expected true or false, as the variable and as {variable}."}
        self._host = str(task_vars.get("inventory_hostname", "localhost"))
        obstacle = "cloudnexus_in_process is false" if not switches["cloudnexus_in_process"] else self._obstacle(host_vars)
        if obstacle:
            self._display.vvv(f"{self._task.action}: module mode, because {obstacle}")
            with self._secrets_as_arguments(environment), self._traced(environment, switches["cloudnexus_trace"]):
                result: dict[str, Any] = super().run(tmp, task_vars)
            for line in result.pop(LINES, ()):
                self._tell(str(line))
            return result
        self._display.vvv(f"{self._task.action}: in-process mode")
        _leave_alone(os.getpid())
        result = ActionBase.run(self, tmp, task_vars)
        with _set(environment), raised():
            show = self._show if switches["cloudnexus_progress"] and self._may_be_seen() else None
            result.update(self._run_operation(host_vars, show, trace=switches["cloudnexus_trace"]))
        return result

    # --- Progress and requests ---

    def _may_be_seen(self) -> bool:
        """Whether lines between the results are welcome."""
        one_line = (context.CLIARGS or {}).get("one_line")  # of the command `ansible`
        callback = str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]
        return not (self._task.no_log or one_line or callback in QUIET_CALLBACKS)

    def _show(self, line: str) -> None:
        """On standard error, as warnings are: standard output has the results alone."""
        self._display.display(self._named(line), stderr=True)

    def _is_told(self) -> bool:
        """Whether a line for each request is shown."""
        return self._display.verbosity >= _TOLD and not self._task.no_log

    def _tell(self, line: str) -> None:
        """With the other lines of -vvv."""
        self._display.vvv(self._named(line))

    def _named(self, line: str) -> str:
        name = self._task.action.rpartition(".")[2]
        return f"{name}: [{self._task.delegate_to or self._host}]: {line}"

    @contextmanager
    def _traced(self, environment: Mapping[str, str], trace: bool) -> Iterator[None]:
        """Have a module trace its requests. What it returns of an ``async`` task is not seen here, so that it returns no lines then."""
        wanted = {}
        if trace or environment.get(SWITCH) or os.environ.get(SWITCH):
            wanted[SWITCH] = str(trace).lower()
        if self._is_told() and not self._task.async_val:
            wanted[LINES_SWITCH] = "true"
        task, before = self._task, self._task.environment
        if wanted:
            task.environment = [*(before if isinstance(before, list) else [before] if before else []), wanted]
        try:
            yield
        finally:
            task.environment = before

    # --- Which mode ---

    def _obstacle(self, host_vars: Mapping[str, Any]) -> str | None:
        """Why in-process mode would not mean the same as module mode; None if it does."""
        if self._connection.transport != "local":
            return f"the connection is {self._connection.transport}"
        if self._connection.become:
            return "become is on"
        if self._task.async_val:
            return "async is on"
        if REQUESTS_IMPORT_ERROR is not None:
            return "requests can't be imported on the controller"
        interpreter = self._templar.template(constants.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars))
        if not _is_this_interpreter(str(interpreter)):
            return f"another interpreter was asked for ({interpreter})"
        return None

    def _switch(self, name: str, variable: str, host_vars: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """The variable, else the environment variable. If neither is set, or is empty, it is on, unless it is one of those that are off."""
        value = host_vars.get(name)
        if value is not None:
            value = self._templar.template(value)
        if value in (None, ""):
            value = environment.get(variable, os.environ.get(variable))
        return name not in _OFF if value in (None, "") else bool(boolean(value, strict=True))

    def _host_vars(self, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables of the host that the task is for: the one it is delegated to, if it is."""
        if self._task.delegate_to:
            delegated: Mapping[str, Any] = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
            return delegated
        return task_vars

    # --- The environment of the task ---

    def _environment(self) -> dict[str, str]:
        """The ``environment`` of the task, which Ansible gives to modules only."""
        if not self._task.environment:
            return {}
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        return {str(name): str(value) for name, value in environment.items()}

    @contextmanager
    def _secrets_as_arguments(self, environment: Mapping[str, str]) -> Iterator[None]:
        """For a module, pass the connection options of ``environment`` as arguments.

        Ansible puts the environment of a module on a command line, where ``ps`` and ``-vvv`` show it. Arguments come
        by the module's standard input or file, and are masked.
        """
        moved = {option: name for option, name in ENVIRONMENT.items() if environment.get(name)}
        if not moved:
            yield
            return
        task, (args, old_environment) = self._task, (self._task.args, self._task.environment)
        task.args = {**{option: environment[name] for option, name in moved.items()}, **args}
        task.environment = [{name: value for name, value in environment.items() if name not in moved.values()}]
        try:
            yield
        finally:
            task.args, task.environment = args, old_environment

    # --- In process ---

    def _run_operation(self, host_vars: Mapping[str, Any], show: Callable[[str], None] | None, *, trace: bool) -> dict[str, Any]:
        validation = _validator(self.operation).validate(plain(self._task.args))
        params: dict[str, Any] = validation.validated_parameters
        warnings: list[str] = []
        result: dict[str, Any] = {}
        added: dict[str, Any] = {}
        if message := invalid(self._task.action, validation):
            added |= {"failed": True, "msg": message}
        else:
            how = Context(
                check_mode=bool(self._task.check_mode),
                diff=bool(self._task.diff),
                warn=warnings.append,
                show=show,
                alive=_alive(os.getpid()),
                tell=self._tell if self._is_told() else None,
                trace=trace,
            )
            try:
                result = run(self.operation, params, how)
            except Interrupted:
                _say_at_once(warnings)
                raise
            except BaseException:  # the task's timeout; its failure is a result of Ansible's own
                for warning in warnings:
                    self._display.warning(warning)
                raise
        if self._display.verbosity >= _TOLD or _invocation_wanted(host_vars):
            added["invocation"] = {"module_args": {name: NO_LOG if _is_secret(name, value) else value for name, value in params.items()}}
        if warnings:
            added["warnings"] = warnings
        # An action plugin's result is not masked by every supported ansible-core, as a module's is. The operation has masked its own part, which may be large.
        secrets = Secrets(value for name, value in params.items() if name in SECRET_OPTIONS and isinstance(value, str))
        return {**result, **secrets.mask_data(added)}


def _is_secret(name: str, value: Any) -> bool:
    return bool(value) and (name in SECRET_OPTIONS or (name == "api_url" and bool(credentials_in(str(value)))))


def _say_at_once(warnings: list[str]) -> None:
    with suppress(OSError):
        os.write(_STDERR, "".join(f"[WARNING]: {warning}\n" for warning in warnings).encode())


@functools.cache
def _alive(_pid: int) -> Callable[[], bool]:
    """Once in a worker: the items of a loop share it, and its parent."""
    return lifeline()


@functools.cache
def _leave_alone(_pid: int) -> None:
    """Once in a worker, let the garbage collector leave alone what Ansible has made by now.

    A thousand objects of a response are enough to set it off, and for each of its looks through all of Ansible it would
    take some 50 ms, not least because the memory that is shared with the parent is copied by looking. The worker lives
    for one task, and what it makes from here on is collected as ever.
    """
    gc.freeze()


@functools.cache
def _validator(operation: Operation) -> ArgumentSpecValidator:
    return ArgumentSpecValidator(with_connection(operation.argument_spec))


def _invocation_wanted(host_vars: Mapping[str, Any]) -> bool:
    """Whether the user has asked for the arguments in the result; with -vvv, which shows them, they are there anyway.

    Handing them to the controller for nothing would take a tenth of the time of a loop's item.
    """
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=host_vars))
    except AnsibleError:  # an ansible-core that does not know the setting yet
        return bool(boolean(os.environ.get("ANSIBLE_INJECT_INVOCATION", "false"), strict=False))


def _is_this_interpreter(interpreter: str) -> bool:
    """Whether a module would run under the interpreter that runs Ansible."""
    if interpreter.startswith("auto"):
        return True

    def place(path: str) -> tuple[str, str]:
        # Of the file and of its folder: the interpreter of a virtual environment is a link out of it.
        return os.path.realpath(path), os.path.realpath(os.path.dirname(path))

    return interpreter == sys.executable or place(interpreter) == place(sys.executable)


@contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and undo it."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

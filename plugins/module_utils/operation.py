# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both modes run: validated options and a context in, one result out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from .api import Reader, Writer
from .apply.progress import Progress
from .apply.reservations import Reservations
from .client.client import Client
from .client.settings import Settings
from .client.trace import Trace
from .clock import Clock
from .errors import CloudNexusError, Fault
from .masking import Secrets, credentials_in
from .plan.changes import Change
from .plan.fleet import FleetChange
from .printable import printable

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """How the task is run."""

    check_mode: bool
    diff: bool
    #: Shows a warning.
    warn: Callable[[str], None]
    #: Shows a line of progress; None if nobody looks.
    show: Callable[[str], None] | None = None
    #: Whether the process that runs the task still exists.
    alive: Callable[[], bool] = lambda: True
    #: Shows a line for each request; None if nobody looks.
    tell: Callable[[str], None] | None = None
    #: Add ``api_requests`` to the result.
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation found, and what it would do."""

    #: The result's keys if nothing is applied: what was read, or what check mode predicts.
    values: Mapping[str, Any]
    change: Change | FleetChange | None = None
    #: Applies the plan and returns the result's keys. None if there is nothing to apply or to wait for.
    apply: Callable[[Client, Writer, Progress], Mapping[str, Any]] | None = None
    #: The names of instances that may be created; no other task on this machine creates them meanwhile.
    creates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One module's work, the same in both modes."""

    #: The options of the module without the connection options, as Ansible's argument_spec.
    argument_spec: Mapping[str, Mapping[str, Any]]
    #: Checks the options and plans. Reads only: it is given nothing that writes. Raises a CloudNexusError.
    plan: Callable[[Params, Reader, Context], Plan]
    #: Checks the options alone, before any request. Raises InvalidOption.
    check: Callable[[Params], None] | None = None


def run(operation: Operation, params: Params, context: Context, clock: Clock | None = None) -> dict[str, Any]:
    """Run ``operation`` and return the result, failed or not, as plain JSON data without secrets. Never raises an Exception."""
    secrets = Secrets((params.get("api_key"), params.get("refresh_token"), *credentials_in(str(params.get("api_url")))))
    warn = context.warn
    show = context.show
    said: set[str] = set()

    def warn_once(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(printable(secrets.shown(text)))

    context = replace(context, warn=warn_once, show=show and (lambda text: show(secrets.mask(text))))
    clock = clock or Clock()
    trace = Trace(clock, secrets.mask, context.tell) if context.trace or context.tell else None
    try:
        result = _run(operation, params, context, secrets, clock, trace=trace)
    except Exception as error:
        # A fault of the collection must not show a traceback, which could hold a secret.
        failure = error if isinstance(error, CloudNexusError) else Fault(error)
        result = {"failed": True, "msg": printable(secrets.shown(failure.message)), "changed": False, **failure.known}
        if failure.api_error is not None and failure.api_error.status is not None:
            result["api_error"] = failure.api_error.as_dict()
    if context.trace and trace is not None:
        result.update(trace.as_result())
    masked: dict[str, Any] = secrets.mask_data(result)
    return masked


def _run(operation: Operation, params: Params, context: Context, secrets: Secrets, clock: Clock, *, trace: Trace | None) -> dict[str, Any]:
    settings = Settings.from_params(params)
    if operation.check is not None:
        operation.check(params)
    progress = Progress(clock, context.show)
    client = Client(settings, secrets, clock, context.warn)
    client.live_with(context.alive)
    client.trace = trace
    reader, reservations = Reader(client), Reservations(settings, clock, client.check)
    looked = reservations.now()
    plan = operation.plan(params, reader, context)
    with ExitStack() as held:
        if plan.creates and not context.check_mode and held.enter_context(reservations.held(plan.creates, looked, clock.deadline(params["wait_timeout"]))):
            plan = operation.plan(params, reader, context)
        values = plan.values if context.check_mode or plan.apply is None else plan.apply(client, Writer(client), progress)
    result: dict[str, Any] = {"changed": plan.change is not None and plan.change.changed, **values}
    if context.diff and plan.change is not None:
        result["diff"] = plan.change.diff()
    return result

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source cloudnexus.cloud.instance_changes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: instance_changes
short_description: Events for what becomes of the instances of CloudNexus
version_added: 1.0.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - An event source for C(ansible-rulebook). It reads the list of instances once in O(interval), and sends an event for each that has appeared, has another
    status, has drifted, or is gone since the list was read last.
  - An event has C(change) (C(appeared), C(status_changed), C(drifted) or C(gone)), C(id), C(name), C(changed) (the fields that have another value),
    C(initial), and the instance C(before) and C(after) as the API shows it, each null if there is none.
  - C(drifted) tells that the name, the plan, the region, the address, or (if the API shows them) the image, the keys or the auto-scaling policy has
    another value than before. It is compared with the list that was read before, not with what a playbook declares.
  - An API that can't be reached, or fails, is tried again at growing distances, up to five minutes apart, for as long as it takes. Then the next list is
    compared with the last one that could be read.
  - A credential that is missing, and an option that is wrong, end the source with an error. So does a credential that the API refuses (401, 403) twice in a
    row.
  - An instance is C(gone) once two readings in a row can't find it, neither in the list nor by its id. A list that is empty for a moment makes no event.
  - A field that the API shows as null keeps the value that it had. The first status that the API shows of an instance is an event unless it is
    C(provisioning) or C(running).
  - In the texts of an event the signs that begin a Jinja template are pulled apart, such as C({ {), because a playbook gets the event as extra variables.
  - An option that there isn't is refused by its name. An empty text counts as an option that is not given.
requirements:
  - requests (in the Python that runs ansible-rulebook)
  - ansible-core (in the same Python)
options:
  interval:
    description:
      - Seconds from one reading of the list to the next.
      - From 1 to 86400.
    type: int
    default: 60
  initial:
    description:
      - Also send the instances that exist when the source starts, as C(appeared) with C(initial) being true.
      - By default they are what later lists are compared with, and nothing is sent of them. So what failed before the start is not noticed.
      - An instance that only the second list shows was there too if its C(created_at) is a minute or more before the start.
    type: bool
    default: false
  regions:
    description:
      - Only events of instances in one of these regions, before or after, are sent.
      - By default, and when empty, those in any.
    type: list
    elements: str
    choices: [us-east, eu-west, ap-south]
    default: []
  plans:
    description:
      - Only events of instances with one of these plans, before or after, are sent.
      - By default, and when empty, those with any.
    type: list
    elements: str
    choices: [starter, professional, enterprise]
    default: []
  name_prefix:
    description:
      - Only events of instances whose name begins with this, before or after, are sent.
      - By default, and when empty, those with any name.
    type: str
    default: ''
  api_key:
    description:
      - The API key, which is sent as the Bearer credential.
      - One of O(api_key), or O(refresh_token) with O(client_id), is required. If all are given, the key is used until the API refuses it.
      - Default is the environment variable E(CLOUDNEXUS_API_KEY); an empty variable counts as not set.
    type: str
  refresh_token:
    description:
      - The OAuth2 refresh token that was obtained at login.
      - Together with O(client_id) it gets an access token, which is renewed 60 seconds before it expires, and once when the API refuses it.
      - Default is the environment variable E(CLOUDNEXUS_REFRESH_TOKEN); an empty variable counts as not set.
    type: str
  client_id:
    description:
      - The client id of the application that O(refresh_token) was issued to.
      - Default is the environment variable E(CLOUDNEXUS_CLIENT_ID); an empty variable counts as not set.
    type: str
  api_url:
    description:
      - The base URL of the API.
      - C(http) is refused unless the host is a loopback address, because the credential would be readable on its way.
      - Default is the environment variable E(CLOUDNEXUS_API_URL), and V(https://api.cloudnexus.io/v1) if that is not set.
    type: str
    default: https://api.cloudnexus.io/v1
  api_timeout:
    description:
      - Timeout of one request attempt in seconds, including the time to read the response.
      - From 1 to 600.
      - Default is the environment variable E(CLOUDNEXUS_API_TIMEOUT), and V(30) if that is not set.
    type: int
    default: 30
  api_retries:
    description:
      - How many times to retry a request that can be retried safely.
      - From 0 to 20.
      - All attempts of one request and the pauses between them take at most O(api_timeout) times (O(api_retries) + 1) seconds.
      - A pause that the API asks for (C(Retry-After)) is kept.
      - Default is the environment variable E(CLOUDNEXUS_API_RETRIES), and V(5) if that is not set.
    type: int
    default: 5
  validate_certs:
    description:
      - Verify the certificate of the API.
      - V(false) is for tests only, because the credential could be sent to anyone.
      - Default is the environment variable E(CLOUDNEXUS_VALIDATE_CERTS), and V(true) if that is not set.
    type: bool
    default: true
  ca_path:
    description:
      - The path of a file or directory of CA certificates to verify the API's certificate with.
      - Default is the environment variable E(CLOUDNEXUS_CA_PATH), then E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE), and at last what requests comes with.
    type: path
  token_cache:
    description:
      - The absolute path of a directory to cache access tokens in, so that tasks, hosts and runs share them.
      - If the API rotates the refresh token, the new one is cached there too and used from then on. A new O(refresh_token) takes precedence.
      - The directory and its files must belong to the user who runs the task, and nobody else may have access.
      - V(none) turns the cache off.
      - Default is the environment variable E(CLOUDNEXUS_TOKEN_CACHE), and C(cloudnexus) in the user's cache directory (E(XDG_CACHE_HOME), C(~/.cache)) if
        that is not set.
    type: path
"""

EXAMPLES = r"""
# The credential is in the environment variable CLOUDNEXUS_API_KEY.
- name: A failed instance is told of
  hosts: all
  sources:
    - cloudnexus.cloud.instance_changes:
        name_prefix: shop-
        interval: 30
        initial: true
  rules:
    - name: Failed
      condition: event.change in ["appeared", "status_changed"] and event.after.status in ["failed", "error"]
      action:
        debug:
          msg: "{{ event.name }} ({{ event.id }}) has failed."
"""

import asyncio
import concurrent.futures
import logging
import random
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

# ansible-rulebook runs this file by its path, in a Python that knows no collections. The folder that holds
# `ansible_collections` makes the core known, and the one of this very collection.
_ROOTS = [str(folder.parent) for folder in Path(__file__).parents if folder.name == "ansible_collections"]
sys.path[:0] = [folder for folder in _ROOTS if folder not in sys.path]

from ansible_collections.cloudnexus.cloud.plugins.module_utils.supported import require

require(RuntimeError)

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cloudnexus.cloud.plugins.module_utils import checks
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import with_connection
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.client import Client
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.trace import Trace
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import REQUESTS_IMPORT_ERROR
from ansible_collections.cloudnexus.cloud.plugins.module_utils.clock import Clock
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import CloudNexusError, Fault, InvalidOption
from ansible_collections.cloudnexus.cloud.plugins.module_utils.interrupts import until_let_go
from ansible_collections.cloudnexus.cloud.plugins.module_utils.masking import Secrets, credentials_in
from ansible_collections.cloudnexus.cloud.plugins.module_utils.printable import printable
from ansible_collections.cloudnexus.cloud.plugins.module_utils.watch import Watch, without_templates
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.hosts import Filter

T = TypeVar("T")

NAME = "cloudnexus.cloud.instance_changes"
LOGGER = logging.getLogger(NAME)
#: Refusals of the credential, one after the other, that end the source.
REFUSALS = 2
#: Seconds until the second attempt at most, if the first ever was refused.
SOON = 5.0
#: Seconds between two attempts to read the list at most, unless the interval is longer.
LONGEST_PAUSE = 300.0

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "interval": {"type": "int", "default": 60},
    "initial": {"type": "bool", "default": False},
    "regions": {"type": "list", "elements": "str", "choices": list(checks.REGIONS), "default": []},
    "plans": {"type": "list", "elements": "str", "choices": list(checks.PLANS), "default": []},
    "name_prefix": {"type": "str", "default": ""},
}
# The options are checked as a module's are, so that they, and their environment variables, mean the same.
SPEC = with_connection(ARGUMENT_SPEC)
_VALIDATOR = ArgumentSpecValidator(SPEC)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Send events until cancelled. Raises what another attempt would not help."""
    secrets = Secrets([*(str(args.get(option) or "") for option in ("api_key", "refresh_token")), *credentials_in(str(args.get("api_url")))])
    params = _checked(args)
    interval = checks.integer("interval", params["interval"], 1, 86400)
    client = Client(Settings.from_params(params), secrets, Clock(), lambda warning: LOGGER.warning("%s", printable(secrets.mask(warning))))
    if LOGGER.isEnabledFor(logging.DEBUG):  # -vv of ansible-rulebook
        client.trace = Trace(client.clock, secrets.mask, lambda line: LOGGER.debug("%s", line), most=0)
    wanted = Filter.of(params)
    watch = Watch(client, wanted.passes, initial=params["initial"])
    failures = refusals = 0
    told: object = None
    while True:
        try:
            events = await _in_thread(watch.look, client.stop)
        except Exception as caught:  # whatever it is, the source goes on
            error = caught if isinstance(caught, CloudNexusError) else Fault(caught)
            error.message = printable(secrets.mask(error.message))
            error.args = (error.message,)
            failures += 1
            refusals = refusals + 1 if _is_refusal(error) else 0
            # One refusal may be a gateway's slip. A second one in a row is meant.
            if isinstance(error, InvalidOption) or refusals >= REFUSALS:
                raise error.with_traceback(None) from None
            # One line for each way in which it fails, and none for each attempt.
            if told != (told := (type(error), error.status)):
                LOGGER.warning("The instances can't be read, which is tried again until it succeeds: %s", error.message)
        else:
            if failures:
                LOGGER.warning("The instances can be read again, after %d attempts that failed.", failures)
            failures, refusals, told = 0, 0, None
            for event in without_templates(secrets.mask_data(events)):
                await queue.put(event)
        # A credential that has never worked is most likely wrong: the source ends early, so that its user learns it.
        soon = refusals and not watch.began
        await asyncio.sleep(min(interval, SOON) if soon else _pause(failures, interval))


def _checked(args: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the rulebook and of the environment. Raises a CloudNexusError."""
    given = {}
    for option, value in args.items():
        if option not in SPEC:
            raise InvalidOption(printable(str(option)), f"no such option; there are {', '.join(sorted(SPEC))}.")
        if SPEC[option]["type"] != "list" and isinstance(value, (list, dict)):
            raise InvalidOption(option, "expected a single value.")
        # A credential of the EDA controller fills what is not used with empty texts.
        if value not in (None, ""):
            given[option] = value
    if REQUESTS_IMPORT_ERROR is not None:
        raise CloudNexusError(missing_required_lib("requests"))
    validation = _VALIDATOR.validate(given)
    if validation.error_messages:
        raise CloudNexusError(printable(validation.errors.msg))
    params: dict[str, Any] = validation.validated_parameters
    return params


def _is_refusal(error: CloudNexusError) -> bool:
    """Whether the API refused the credential."""
    if error.status in (401, 403):
        return True
    # OAuth2 calls a refresh token that is not valid any more a bad request.
    return error.status == 400 and error.api_error is not None and error.api_error.path.startswith("/auth/")


def _pause(failures: int, interval: float) -> float:
    """Seconds until the list is read again. A part of what follows a failure is random, so that many don't come back together."""
    if not failures:
        return interval
    return max(interval, min(LONGEST_PAUSE, interval * 2.0 ** min(failures, 30)) * random.uniform(0.5, 1.0))


async def _in_thread(work: Callable[[], T], stop: threading.Event) -> T:
    """What ``work`` returns or raises. A cancellation does not wait for it, and sets ``stop``."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # a thread has nobody else to raise it to
            outcome.set_exception(error)

    # A daemon: asyncio.to_thread has threads that the end of the process waits for, and a response may take its time.
    threading.Thread(target=run, name=NAME, daemon=True).start()
    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        stop.set()
        until_let_go()  # a refresh token that rotates would be lost with the process
        raise

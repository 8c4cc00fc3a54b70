# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cloudnexus_instances
short_description: The instances of CloudNexus as hosts
version_added: 0.4.0
author:
  - cloudnexus.cloud contributors (@cloudnexus)
description:
  - Makes a host of each instance of the account, with what the API shows of it as the host's variables.
  - The source is a YAML file whose name ends in C(cloudnexus.yml) or C(cloudnexus.yaml). An option that there isn't is refused by its name.
  - Where the API can't be read to the end of its list, the source fails. No host is left out without a word.
extends_documentation_fragment:
  - cloudnexus.cloud.cloudnexus.connection
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Tells that the file is meant for this plugin.
    type: str
    required: true
    choices: [cloudnexus.cloud.cloudnexus_instances]
  regions:
    description:
      - Only instances in one of these regions become hosts.
      - By default, and when empty, those in any.
    type: list
    elements: str
    choices: [us-east, eu-west, ap-south]
    default: []
  plans:
    description:
      - Only instances with one of these plans become hosts.
      - By default, and when empty, those with any.
    type: list
    elements: str
    choices: [starter, professional, enterprise]
    default: []
  statuses:
    description:
      - Only instances with one of these statuses become hosts, such as V(running), V(provisioning) or V(failed).
      - By default, and when empty, those with any.
    type: list
    elements: str
    default: []
  name_prefix:
    description:
      - Only instances whose name begins with this become hosts.
      - By default, and when empty, those with any name.
    type: str
    default: ''
  hostnames:
    description:
      - What a host is called, in the order of preference.
      - The first one counts that the instance has, that can be a host's name and that no other host has. The id is always the last.
      - Of two instances that come to one name the older one has it. The other one takes its next preference, and a warning says so.
      - A name that can't be a host's counts as not there. These are C(localhost), C(all), and what has another character than letters, digits, dots,
        hyphens and underscores.
    type: list
    elements: str
    choices: [name, id, ip]
    default: [name]
  hostvars_prefix:
    description:
      - What the names of the host's variables begin with. The variables are the fields of the instance, such as C(cloudnexus_status).
      - Letters, digits and underscores. It can't be empty, and can't begin with C(ansible), as the API's fields would then be Ansible's own variables.
    type: str
    default: cloudnexus_
notes:
  - The connection options may be templates, with lookups and with the variables of the command line, so that no credential has to be in the file.
  - C(ansible_host) is the instance's C(ip). An instance that has none yet stays a host without it, and a warning says so.
  - Texts of the API are never templates, whatever is in them.
  - With O(cache=true) what the API listed is kept by the cache plugin, for each address and account, before anything is filtered. As long as it is valid,
    no request is made. C(--flush-cache) and C(ansible.builtin.meta) with C(refresh_inventory) read anew. Most cache plugins write files that others can read;
    there is no credential in them.
  - A source that fails is only a warning to Ansible, which goes on without its hosts. C(any_unparsed_is_failed = true) in the section C(inventory) of
    C(ansible.cfg), or the environment variable E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED), makes it an error.
seealso:
  - module: cloudnexus.cloud.cloudnexus_instance_info
"""

EXAMPLES = r"""
# fmt: code

# web.cloudnexus.yml
#
# ansible-inventory -i web.cloudnexus.yml --graph
# ansible -i web.cloudnexus.yml region_us_east -m ansible.builtin.ping

# All instances, with the credential of the environment variable CLOUDNEXUS_API_KEY.
---
plugin: cloudnexus.cloud.cloudnexus_instances

# Those that run in two regions, in groups, and read once in ten minutes.
---
plugin: cloudnexus.cloud.cloudnexus_instances
regions: [us-east, eu-west]
statuses: [running]
keyed_groups:
  - key: cloudnexus_region
    prefix: region
  - key: cloudnexus_plan
    prefix: plan
groups:
  web: cloudnexus_name is match('web-')
compose:
  ansible_user: "'admin'"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible-inventory
cache_timeout: 600

# Another account, whose key is in a file, with the ids as the hosts' names.
---
plugin: cloudnexus.cloud.cloudnexus_instances
api_key: "{{ lookup('ansible.builtin.file', '~/.config/cloudnexus/staging.key') }}"
hostnames: [id]
strict: true
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils import checks
from ..module_utils.api import Json, Reader
from ..module_utils.client.argument_spec import ENVIRONMENT, with_connection
from ..module_utils.client.transport import REQUESTS_IMPORT_ERROR
from ..module_utils.errors import InvalidOption
from ..module_utils.operation import Context, Operation, Params, Plan, run
from ..plugin_utils.construct import Construct
from ..plugin_utils.hosts import Filter, Named, named
from ..plugin_utils.plain import plain
from ..plugin_utils.trust import as_text

NAME = "cloudnexus.cloud.cloudnexus_instances"
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "plugin": {"type": "str", "required": True, "choices": [NAME]},
    "regions": {"type": "list", "elements": "str", "choices": list(checks.REGIONS), "default": []},
    "plans": {"type": "list", "elements": "str", "choices": list(checks.PLANS), "default": []},
    "statuses": {"type": "list", "elements": "str", "default": []},
    "name_prefix": {"type": "str", "default": ""},
    "hostnames": {"type": "list", "elements": "str", "choices": ["name", "id", "ip"], "default": ["name"]},
    "hostvars_prefix": {"type": "str", "default": "cloudnexus_"},
}
#: The options of Ansible's own fragments. Their defaults, environment variables and settings are left to Ansible.
CONSTRUCTED: dict[str, dict[str, Any]] = {
    "strict": {"type": "bool"},
    "compose": {"type": "dict"},
    "groups": {"type": "dict"},
    "keyed_groups": {
        "type": "list",
        "elements": "dict",
        "options": {
            "key": {"type": "str", "required": True, "no_log": False},
            "prefix": {"type": "str"},
            "separator": {"type": "str"},
            "parent_group": {"type": "str"},
            "default_value": {"type": "str"},
            "trailing_separator": {"type": "bool"},
        },
        "mutually_exclusive": [("default_value", "trailing_separator")],
    },
    "use_extra_vars": {"type": "bool"},
    "leading_separator": {"type": "bool"},
    "cache": {"type": "bool"},
    "cache_plugin": {"type": "str"},
    "cache_timeout": {"type": "int"},
    "cache_connection": {"type": "str"},
    "cache_prefix": {"type": "str"},
}
# The options are checked as a module's are, so that they, and their environment variables, mean the same.
SPEC = with_connection({**ARGUMENT_SPEC, **CONSTRUCTED})
_VALIDATOR = ArgumentSpecValidator(SPEC)
#: Hosts that one warning names.
_NAMED = 10


def _listed(params: Params, reader: Reader, context: Context) -> Plan:  # noqa: ARG001 - all plans have one signature
    return Plan({"instances": reader.instances()})


_LIST = Operation({}, _listed)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = NAME
    #: Makes variables and groups of each host's variables; another way can be put in its place to compare them.
    construct = Construct

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("cloudnexus.yml", "cloudnexus.yaml"))

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        # Before Ansible looks at what the file says: its own sentence on a wrong value repeats it, be it a secret.
        if direct:
            try:
                self._params = self._checked(direct)
            except InvalidOption as error:
                raise AnsibleParserError(f"{NAME}: {error.message}") from None
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        params = self._params
        wanted = Filter(tuple(params["regions"]), tuple(params["plans"]), tuple(params["statuses"]), params["name_prefix"])
        instances = self._instances(params, path, cache)
        self._add(named(filter(wanted.passes, instances), params["hostnames"]), params["hostvars_prefix"])

    def _checked(self, config: Mapping[str, Any]) -> Params:
        """The options of the file and of the environment. Raises InvalidOption, AnsibleParserError."""
        given = {}
        for option, value in config.items():
            if option not in SPEC:
                raise InvalidOption(option, f"no such option; there are {', '.join(sorted(SPEC))}.")
            given[option] = plain(self._templated(option, value) if option in ENVIRONMENT else value)
        keyed = given.get("keyed_groups")
        if isinstance(keyed, list) and not all(isinstance(entry, dict) for entry in keyed):
            raise InvalidOption("keyed_groups", "expected dictionaries, each with a key.")
        validation = _VALIDATOR.validate(given)
        if validation.error_messages:
            unsupported = "unsupported parameters: " if validation.unsupported_parameters else ""
            raise AnsibleParserError(f"{NAME}: {unsupported}{validation.errors.msg}")
        params: dict[str, Any] = validation.validated_parameters
        if not re.fullmatch(r"(?!ansible)[A-Za-z_][A-Za-z0-9_]*", params["hostvars_prefix"]):
            raise InvalidOption("hostvars_prefix", "expected letters, digits and underscores, beginning neither with a digit nor with ansible.")
        return params

    def _templated(self, option: str, value: Any) -> Any:
        """A connection option may be a template: a credential usually comes from somewhere else. Raises InvalidOption."""
        if isinstance(value, (list, Mapping)):
            raise InvalidOption(option, "expected a single value.")
        try:
            self.templar.available_variables = self._vars  # those of the command line; there are no others yet
            return self.templar.template(value)
        except AnsibleError as error:
            # Without its cause, with which Ansible would show the lines around it.
            raise InvalidOption(option, f"the template failed: {error.message}") from None

    def _instances(self, params: Params, path: str, cache: bool) -> list[Json]:
        """What the API lists, or did when it was last asked. Raises AnsibleParserError."""
        kept = bool(self.get_option("cache"))
        key = f"{self.get_cache_key(path)}_{_account(params)}"
        if kept and cache:
            try:
                found: list[Json] = self._cache[key]
            except KeyError:
                pass
            else:
                return found
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleParserError(missing_required_lib("requests"))
        result = run(_LIST, params, Context(check_mode=False, diff=False, warn=self.display.warning))
        if result.get("failed"):
            raise AnsibleParserError(f"{NAME}: {result['msg']}")
        found = result["instances"]
        if kept:
            self._cache[key] = found
        return found

    def _add(self, hosts: list[Named], prefix: str) -> None:
        construct = self.construct(self)
        for entry in hosts:
            host = self.inventory.get_host(self.inventory.add_host(as_text(entry.host)))
            for field, value in entry.instance.items():
                host.set_variable(_variable(prefix, field), as_text(value))
            if entry.instance.get("ip"):
                host.set_variable("ansible_host", as_text(entry.instance["ip"]))
            construct.add(host)
        renamed = [f"{entry.host} instead of {' and '.join(entry.missed)}" for entry in hosts if entry.missed]
        self._warn("These hosts could not have the name that was preferred", renamed)
        self._warn("These hosts have no address yet, and get no ansible_host", [entry.host for entry in hosts if not entry.instance.get("ip")])

    def _warn(self, sentence: str, hosts: list[str]) -> None:
        if hosts:
            more = f", and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
            self.display.warning(f"{NAME}: {sentence}: {', '.join(hosts[:_NAMED])}{more}.")


@cache  # thousands of hosts have the same few fields
def _variable(prefix: str, field: str) -> str:
    return prefix + re.sub(r"\W", "_", field, flags=re.ASCII)


def _account(params: Params) -> str:
    """Tells accounts apart in the cache, so that another credential never gets this one's hosts. No secret can be had from it."""
    identity = "\0".join(str(params[name]) for name in ("api_url", "client_id" if params["api_key"] is None else "api_key"))
    return hashlib.sha256(identity.encode()).hexdigest()[:8]

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
  - Adds a host for each instance of the account, with what the API shows of it as the host's variables.
  - The source is a YAML file whose name ends in C(cloudnexus.yml) or C(cloudnexus.yaml). An option that there isn't is refused by its name.
  - If the API's list can't be read to its end, the source fails. No host is left out silently.
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
  exclude_filters:
    description:
      - Instances that meet one of these filters don't become hosts, even if they meet the other options.
      - An instance meets a filter if it meets each condition in it.
      - Each filter has at least one condition.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
    suboptions:
      regions:
        description: Instances in one of these regions.
        type: list
        elements: str
        choices: [us-east, eu-west, ap-south]
        default: []
      plans:
        description: Instances with one of these plans.
        type: list
        elements: str
        choices: [starter, professional, enterprise]
        default: []
      statuses:
        description: Instances with one of these statuses.
        type: list
        elements: str
        default: []
      name_prefix:
        description: Instances whose name begins with this.
        type: str
        default: ''
  group:
    description:
      - Adds all hosts of the source to this group.
      - The group exists even if there are no hosts.
    type: str
    version_added: 1.1.0
  hostnames:
    description:
      - The names of a host, in the order of preference.
      - An entry is V(name), V(id) or V(ip) for a field of the instance, a template over the host's variables, or a dictionary with O(hostnames[].name).
      - A host gets the first name that its instance has, that can be a host's name and that no other host has. The id is always the last.
      - If two instances come to one name, the older one has it. The other one gets its next name, and a warning says so.
      - A host that an instance of another source has already keeps its name. A host of a static inventory gets the variables of the instance.
      - These can't be a host's name, and the next name counts. C(localhost), C(all), a loopback address, a name that begins with a hyphen, and
        a name with another character than letters, digits, dots, hyphens and underscores.
      - If an instance has no name that a host can have, not even its id, the source fails.
      - A template that fails for a host is no name of it, or with O(strict=true) an error.
    type: list
    elements: raw
    default: [name]
    suboptions:
      name:
        description: V(name), V(id), V(ip), or a template.
        type: str
        required: true
        version_added: 1.1.0
      prefix:
        description:
          - A text or a template that stands before O(hostnames[].name).
          - If it is empty for a host, it is left out together with the separator.
        type: str
        default: ''
        version_added: 1.1.0
      separator:
        description: Stands between O(hostnames[].prefix) and O(hostnames[].name).
        type: str
        default: _
        version_added: 1.1.0
  hostvars_prefix:
    description:
      - The prefix of the host's variables. They are the fields of the instance, such as C(cloudnexus_status).
      - Letters, digits and underscores. It can't be empty, and can't begin with C(ansible), as the API's fields would then be Ansible's own variables.
      - A field is left out, with a warning, if Ansible, Python or the collection uses the name that it would come to.
    type: str
    default: cloudnexus_
notes:
  - The connection options may be templates, with lookups and with the variables of the command line, so that no credential has to be in the file.
  - C(ansible_host) is the instance's C(ip). An instance that has none yet stays a host without it, and a warning says so.
  - A loopback, unspecified, link-local, multicast or broadcast address counts as none, with a warning. Loopback addresses are allowed if O(api_url) has one.
  - Texts of the API are never templates, whatever is in them. C(--export) shows a text that isn't made of plain words and signs as a dictionary with
    C(__ansible_unsafe), which Ansible and AWX pass on as the text.
  - A source adds all of its hosts or none. If an entry of C(compose), C(groups) or C(keyed_groups) fails, the inventory stays as it was.
  - A relative O(ca_path) of the file, and a relative O(cache_connection) of a cache plugin that keeps files, are relative to the directory of the file.
  - TOML has no null. C(ansible-inventory --toml) leaves out what is null.
  - With O(cache=true) what the API listed is kept by the cache plugin, for each address and account, before anything is filtered. As long as it is valid,
    no request is made. C(--flush-cache) and C(ansible.builtin.meta) with C(refresh_inventory) read the list again. Most cache plugins write files that
    others can read. They contain no credential.
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

# Hosts of two accounts in one inventory, with the region before the name, in one group, without those that have failed.
---
plugin: cloudnexus.cloud.cloudnexus_instances
hostnames:
  - name: name
    prefix: "{{ cloudnexus_region }}"
    separator: '-'
  - "{{ cloudnexus_name }}.{{ cloudnexus_id }}"
group: staging
exclude_filters:
  - statuses: [failed, error, deleting]
  - name_prefix: tmp-
    regions: [ap-south]
"""

from ansible.errors import AnsibleError, AnsibleParserError

from ..module_utils.supported import require

require(AnsibleParserError)

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from ansible import context
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.plugins.loader import cache_loader

from ..module_utils import checks
from ..module_utils.api import Json, Reader, first_of, unlike_an_instance, with_its_own_address
from ..module_utils.client.argument_spec import ENVIRONMENT, with_connection
from ..module_utils.client.settings import is_local
from ..module_utils.client.transport import REQUESTS_IMPORT_ERROR
from ..module_utils.errors import InvalidOption
from ..module_utils.operation import Context, Operation, Params, Plan, run
from ..module_utils.printable import printable
from ..plugin_utils.construct import Construct
from ..plugin_utils.hosts import Filter, Instance, Named, NoName, Preference, named
from ..plugin_utils.plain import plain
from ..plugin_utils.trust import as_template, as_text, may_be_template
from ..plugin_utils.undo import Snapshot
from ..plugin_utils.variables import listed, variables

NAME = "cloudnexus.cloud.cloudnexus_instances"
_FILTERS: dict[str, dict[str, Any]] = {
    "regions": {"type": "list", "elements": "str", "choices": list(checks.REGIONS), "default": []},
    "plans": {"type": "list", "elements": "str", "choices": list(checks.PLANS), "default": []},
    "statuses": {"type": "list", "elements": "str", "default": []},
    "name_prefix": {"type": "str", "default": ""},
}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "plugin": {"type": "str", "required": True, "choices": [NAME]},
    **_FILTERS,
    "exclude_filters": {"type": "list", "elements": "dict", "default": [], "options": _FILTERS},
    "group": {"type": "str"},
    "hostnames": {"type": "list", "elements": "raw", "default": ["name"]},
    "hostvars_prefix": {"type": "str", "default": "cloudnexus_"},
}
#: The parts of an entry of ``hostnames`` that is a dictionary, with their defaults.
HOSTNAME_PARTS = {"name": "", "prefix": "", "separator": "_"}
#: The fields of an instance that can be a host's name.
_NAME_FIELDS = ("name", "id", "ip")
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
#: The instance that each host is (its API and its id), for as long as the host exists: another source must not take the host for its own instance.
_OWNERS: WeakKeyDictionary[Any, tuple[str, str]] = WeakKeyDictionary()


def _listed(params: Params, reader: Reader, context: Context) -> Plan:  # noqa: ARG001 - all plans have one signature
    return Plan({"instances": reader.instances()})


_LIST = Operation({}, _listed)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = NAME
    #: Makes variables and groups of each host's variables; another way can be put in its place to compare them.
    construct = Construct
    #: The folder of the source's file.
    _folder = ""

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("cloudnexus.yml", "cloudnexus.yaml"))

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        # Before Ansible looks at what the file says: its own sentence on a wrong value repeats it, be it a secret.
        if direct:
            try:
                self._params = self._checked(direct)
            except InvalidOption as error:
                raise AnsibleParserError(printable(f"{NAME}: {error.message}")) from None
            # Those of the environment have been read, by rules of the collection's own (an empty variable counts as not set).
            direct = {**direct, **{option: self._params[option] for option in ENVIRONMENT if self._params.get(option) is not None}}
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        connection = (direct or {}).get("cache_connection")
        if isinstance(connection, str) and _keeps_files(self.get_option("cache_plugin")):
            self.set_option("cache_connection", self._beside_the_file(connection))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._folder = os.path.dirname(os.path.abspath(path))
        self._read_config_data(path)
        params = self._params
        wanted = Filter.of(params)
        unwanted = [Filter.of(options) for options in params["exclude_filters"]]
        instances = [item for item in self._instances(params, path, cache) if wanted.passes(item) and not any(found.passes(item) for found in unwanted)]
        try:
            hosts = named(instances, [self._preference(entry) for entry in params["hostnames"]], self._held)
        except NoName as error:
            message = f"{NAME}: {error}. Add an entry to hostnames that makes a name for it, or leave it out by a filter."
            raise AnsibleParserError(printable(message)) from None
        before = Snapshot(self.inventory)
        try:
            self._add(hosts)
        except BaseException as error:
            before.restore()
            if isinstance(error, AnsibleError) and printable(str(error), lines=True) != str(error):
                raise AnsibleParserError(printable(str(error), lines=True)) from None
            raise
        for entry in hosts:
            _OWNERS[self.inventory.hosts[entry.host]] = self._identity(entry.instance)

    def _checked(self, config: Mapping[str, Any]) -> Params:
        """The options of the file and of the environment. Raises InvalidOption, AnsibleParserError."""
        given = {}
        for option, value in config.items():
            if option not in SPEC:
                raise InvalidOption(option, f"no such option; there are {', '.join(sorted(SPEC))}.")
            given[option] = plain(self._templated(option, value) if option in ENVIRONMENT else value)
        for option, expected in (("keyed_groups", "each with a key"), ("exclude_filters", "each with a condition")):
            entries = given.get(option)
            if isinstance(entries, list) and not all(isinstance(entry, dict) for entry in entries):
                raise InvalidOption(option, f"expected dictionaries, {expected}.")
        validation = _VALIDATOR.validate(given)
        if validation.error_messages:
            unsupported = "unsupported parameters: " if validation.unsupported_parameters else ""
            raise AnsibleParserError(f"{NAME}: {unsupported}{validation.errors.msg}")
        params: dict[str, Any] = validation.validated_parameters
        if not re.fullmatch(r"(?!ansible)[A-Za-z_][A-Za-z0-9_]*", params["hostvars_prefix"]):
            raise InvalidOption("hostvars_prefix", "expected letters, digits and underscores, beginning neither with a digit nor with ansible.")
        for entry in params["hostnames"]:
            _check_hostname(entry)
        if not all(Filter.of(options) != Filter() for options in params["exclude_filters"]):
            raise InvalidOption("exclude_filters", "expected at least one condition in each filter; one without any would leave out every host.")
        if params["group"] in ("all", "ungrouped"):
            raise InvalidOption("group", "expected the name of a group that isn't one of Ansible's own.")
        if config.get("ca_path") and params["ca_path"]:
            params["ca_path"] = self._beside_the_file(params["ca_path"])
        return params

    def _beside_the_file(self, path: str) -> str:
        """A path of the file. One of the environment is relative to the working directory, as those of Ansible's own settings are."""
        return os.path.join(self._folder, os.path.expanduser(os.path.expandvars(path)))

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
                found = _instances_of(self._cache[key])
            except (KeyError, AnsibleError):  # there is none, or a file that is broken, of which Ansible has told
                found = None
            if found is not None:
                return self._with_their_own_addresses(found, params)
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleParserError(missing_required_lib("requests"))
        tell = (lambda line: self.display.vvv(f"{NAME}: {line}")) if self.display.verbosity >= 3 else None
        result = run(_LIST, params, Context(check_mode=False, diff=False, warn=lambda text: self.display.warning(printable(text)), tell=tell))
        if result.get("failed"):
            raise AnsibleParserError(printable(f"{NAME}: {result['msg']}"))
        read: list[Json] = result["instances"]
        if kept:
            self._cache[key] = read
        return read

    def _with_their_own_addresses(self, instances: list[Json], params: Params) -> list[Json]:
        """The instances of a cache, without an address that the API could not show either (see ``checked_instance``)."""
        checked = [with_its_own_address(item, local=is_local(params["api_url"])) for item in instances]
        warnings = [warning for _item, warning in checked if warning]
        for text in first_of(warnings):
            self.display.warning(printable(text))
        return [item for item, _warning in checked]

    # --- Names ---

    def _preference(self, entry: str | Mapping[str, str]) -> Preference:
        """A field of the instance, or a function that makes a name of its variables."""
        if entry in _NAME_FIELDS:
            return str(entry)
        parts = {**HOSTNAME_PARTS, **(entry if isinstance(entry, Mapping) else {"name": entry})}

        def made(instance: Instance) -> Any:
            name = instance.get(parts["name"]) if parts["name"] in _NAME_FIELDS else self._rendered(parts["name"], instance)
            prefix = self._rendered(parts["prefix"], instance) if may_be_template(parts["prefix"]) else parts["prefix"]
            if not isinstance(name, str) or not name or prefix in (None, ""):
                return name
            return f"{prefix}{parts['separator']}{name}"

        return made

    def _rendered(self, template: str, instance: Instance) -> Any:
        """What comes of a template of the file for an instance; None if it fails, unless the source is strict."""
        known = self._variables(instance)
        self.templar.available_variables = {**known, **self._vars} if self.get_option("use_extra_vars") else known
        try:
            value = plain(self.templar.template(as_template(template)))
        except Exception as error:
            if self.get_option("strict"):
                message = f"{NAME}: hostnames: {template!r} failed for the instance {instance['id']!r}: {error}"
                raise AnsibleParserError(printable(message, lines=True)) from None
            return None
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    def _held(self, name: str, instance: Instance) -> str | None:
        """Who has a name already, if it is an instance of another source."""
        host = self.inventory.hosts.get(name)
        owner = None if host is None else _OWNERS.get(host)
        return None if owner is None or owner == self._identity(instance) else f"{owner[1]} of another source has it"

    def _identity(self, instance: Instance) -> tuple[str, str]:
        return self._params["api_url"].rstrip("/"), instance["id"]

    # --- Hosts ---

    def _variables(self, instance: Instance) -> dict[str, Any]:
        known, _unfit = variables(self._params["hostvars_prefix"], tuple(instance))
        return {variable: as_text(instance[field]) for field, variable in known}

    def _add(self, hosts: list[Named]) -> None:
        construct = self.construct(self)
        group = self._group()
        refused: set[str] = set()
        for entry in hosts:
            host = self.inventory.get_host(self.inventory.add_host(as_text(entry.host)))
            known, unfit = variables(self._params["hostvars_prefix"], tuple(entry.instance))
            for field, variable in known:
                host.set_variable(variable, as_text(entry.instance[field]))
            refused.update(unfit)
            if entry.instance.get("ip"):
                host.set_variable("ansible_host", as_text(entry.instance["ip"]))
            if group is not None:
                group.add_host(host)
            construct.add(host)
            if (context.CLIARGS or {}).get("toml"):
                host.vars = _without_nulls(host.vars)
        renamed = [f"{entry.host} instead of {' and '.join(entry.missed)}" for entry in hosts if entry.missed]
        self._warn("These hosts could not have the name that was preferred", renamed)
        self._warn("These hosts have no address yet, and get no ansible_host", [entry.host for entry in hosts if not entry.instance.get("ip")])
        if refused:
            self._warn("These fields are no variables, because Ansible, Python or the collection uses their names", [listed(refused)])

    def _group(self) -> Any:
        """The group of all hosts, None if there is none."""
        if not self._params["group"]:
            return None
        return self.inventory.groups[self.inventory.add_group(self._sanitize_group_name(self._params["group"]))]

    def _warn(self, sentence: str, hosts: list[str]) -> None:
        if hosts:
            more = f", and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
            self.display.warning(printable(f"{NAME}: {sentence}: {', '.join(hosts[:_NAMED])}{more}."))


def _check_hostname(entry: Any) -> None:
    parts = entry if isinstance(entry, Mapping) else {"name": entry}
    name = parts.get("name")
    texts = all(isinstance(part, str) for part in parts.values())
    if not texts or not set(parts) <= set(HOSTNAME_PARTS) or not (name in _NAME_FIELDS or may_be_template(name or "")):
        raise InvalidOption(
            "hostnames", f"expected name, id, ip, a template in {{{{ }}}}, or a dictionary of name (one of these), prefix and separator; got {entry!r}."
        )


def _keeps_files(cache_plugin: str) -> bool:
    """Whether the connection of a cache plugin is a folder, and no address."""
    try:
        found = cache_loader.get(cache_plugin, class_only=True)
    except AnsibleError:
        return False  # Ansible is about to say so
    return BaseFileCacheModule in getattr(found, "__mro__", ())


def _instances_of(kept: Any) -> list[Json] | None:
    """The instances of a cache, checked as those of the API are; None if they are something else."""
    try:
        found = plain(kept)
    except RecursionError:
        return None
    return found if isinstance(found, list) and not any(map(unlike_an_instance, found)) else None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _account(params: Params) -> str:
    """Tells accounts apart in the cache, so that another credential never gets this one's hosts. No secret can be had from it."""
    # Two users of one client may see different instances: the grant counts, and not the client alone.
    grant = ("client_id", "refresh_token") if params["api_key"] is None else ("api_key",)
    identity = "\0".join(str(params[name]) for name in ("api_url", *grant))
    return hashlib.sha256(identity.encode()).hexdigest()[:8]

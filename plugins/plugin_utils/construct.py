# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``compose``, ``groups`` and ``keyed_groups`` for many hosts, with what Ansible makes of them, in a fraction of the time.

Ansible compiles each expression again for each host, which is most of the time that an inventory of thousands takes.
Hosts differ in few of the values that an expression names, so each entry is given to Ansible's own ``Constructable``
once for each of their combinations; what that does to the host is noted, and done to the others that have the same.
What names more than values (a lookup, the time, chance, a filter that isn't known) goes the usual way each time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, TemplateError, nodes
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from .trust import as_text, may_be_template

Variables = Mapping[str, Any]
#: Evaluates an entry for a host the usual way.
Evaluate = Callable[[Variables, str], None]

#: Filters and tests that return the same for the same values. Those of jinja2 do, but for chance.
# fmt: off
_FILTERS = (frozenset(FILTERS) - {"random"}) | {
    "ternary", "regex_replace", "regex_search", "regex_findall", "regex_escape", "split", "combine", "extract", "dict2items", "items2dict",
    "flatten", "union", "intersect", "difference", "symmetric_difference", "zip", "zip_longest", "subelements", "product", "basename",
    "dirname", "splitext", "quote", "b64encode", "b64decode", "hash", "md5", "sha1", "checksum", "to_json", "to_nice_json", "from_json",
    "to_yaml", "to_nice_yaml", "from_yaml", "bool", "human_readable", "human_to_bytes", "urlsplit", "urldecode", "mandatory", "type_debug",
    "to_uuid", "path_join", "comment", "log", "pow", "root",
}
# fmt: on
_TESTS = frozenset(TESTS) | {"match", "search", "regex", "version", "version_compare", "contains", "subset", "superset", "any", "all", "truthy", "falsy"}
#: Filters that are given the name of another one, or of a test: at which of their arguments, and whose name it is.
_BY_NAME = {"map": (0, _FILTERS), "select": (0, _TESTS), "reject": (0, _TESTS), "selectattr": (1, _TESTS), "rejectattr": (1, _TESTS)}
#: What differs from host to host, or is no value.
_NOT_BY_VALUE = {"inventory_hostname", "inventory_hostname_short", "group_names", "vars", "hostvars", "groups", "omit", "lookup", "query", "q", "now", "lipsum"}
#: What may be called, apart from methods of values.
_FUNCTIONS = {"range", "dict", "namespace", "cycler", "joiner"}
_MISSING = object()


#: What is done to a host (Ansible's ``Host``).
Step = Callable[[Any], None]


class Entry:
    """One entry of ``compose``, ``groups`` or ``keyed_groups``."""

    def __init__(self, plugin: Any, evaluate: Evaluate, names: frozenset[str] | None, *, child_is_host: bool = False) -> None:
        self._plugin = plugin
        self._evaluate = evaluate
        self._child_is_host = child_is_host
        #: The variables whose values decide what comes out. None if more than values does.
        self._names = names
        #: What came out for the values; None if one of them is a template, which may name anything.
        self._outcomes: dict[Any, list[Step] | None] = {}

    def add(self, host: Any, variables: Variables, magic: Callable[[], Variables]) -> None:
        """Do to ``host`` what the entry says for these variables, to which Ansible adds the ``magic`` ones by itself.

        Raises what Ansible raises if it is strict.
        """
        steps = None
        if self._names is not None:
            values = [variables.get(name, _MISSING) for name in self._names]
            key = tuple(map(_key, values))
            if key not in self._outcomes:
                self._outcomes[key] = None if any(map(_holds_template, values)) else self._evaluated(host, variables)
            steps = self._outcomes[key]
        if steps is None:
            steps = self._evaluated(host, {**variables, **magic()})
        for step in steps:
            step(host)

    def _evaluated(self, host: Any, variables: Variables) -> list[Step]:
        inventory = self._plugin.inventory
        notes = _Notes(inventory, child_is_host=self._child_is_host)
        self._plugin.inventory = notes
        try:
            self._evaluate(variables, host.name)
        finally:
            self._plugin.inventory = inventory
        return notes.steps


class _Notes:
    """Stands in for the inventory, and notes what is done to the host in place of doing it."""

    def __init__(self, inventory: Any, *, child_is_host: bool) -> None:
        self._inventory = inventory
        self._child_is_host = child_is_host
        self.steps: list[Step] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inventory, name)

    def set_variable(self, entity: str, varname: str, value: Any) -> None:  # noqa: ARG002 - Ansible's signature
        value = as_text(value)
        # A copy for each host: a change of one host's value must not reach another.
        copied = copy.deepcopy if isinstance(value, (dict, list)) else _itself
        self.steps.append(lambda host: host.set_variable(varname, copied(value)))

    def add_host(self, host: str, group: str) -> None:  # noqa: ARG002 - Ansible's signature
        self.steps.append(self._inventory.groups[group].add_host)

    def add_child(self, group: str, child: str) -> None:
        if self._child_is_host:
            self.steps.append(self._inventory.groups[group].add_host)
        else:  # a group below its parent
            self._inventory.add_child(group, child)


def _itself(value: Any) -> Any:
    return value


class Construct:
    """What a configuration constructs, for one inventory plugin (a ``Constructable``) and as many hosts as there are."""

    def __init__(self, plugin: Any) -> None:
        strict = plugin.get_option("strict")
        # With extra variables more than the host's decide what comes out.
        by_value = not plugin.get_option("use_extra_vars")

        def names_in(text: Any) -> frozenset[str] | None:
            return _names_in(text) if by_value else None

        def compose(name: str, text: Any) -> Entry:
            return Entry(plugin, lambda variables, host: plugin._set_composite_vars({name: text}, variables, host, strict), names_in(text))

        def group(name: str, text: Any) -> Entry:
            def evaluate(variables: Variables, host: str) -> None:
                plugin._add_host_to_composed_groups({name: text}, variables, host, strict, fetch_hostvars=False)

            return Entry(plugin, evaluate, names_in(text), child_is_host=True)

        def keyed(entry: Mapping[str, Any]) -> Entry:
            def evaluate(variables: Variables, host: str) -> None:
                plugin._add_host_to_keyed_groups([entry], variables, host, strict, fetch_hostvars=False)

            return Entry(plugin, evaluate, None if _holds_template(entry.get("parent_group")) else names_in(entry["key"]))

        self._compose = [compose(name, text) for name, text in plugin.get_option("compose").items()]
        self._groups = [group(name, text) for name, text in plugin.get_option("groups").items()]
        self._keyed = [keyed(entry) for entry in plugin.get_option("keyed_groups")]

    def add(self, host: Any) -> None:
        """Compose the variables of a host (Ansible's ``Host``) that is in the inventory, then add it to its groups."""
        if self._compose:
            before = dict(host.vars)  # what is composed isn't seen by the rest that is
            for entry in self._compose:
                entry.add(host, before, host.get_magic_vars)
        if self._groups:
            magic = host.get_magic_vars()  # nor is a group by another one of these
            for entry in self._groups:
                entry.add(host, host.vars, lambda: magic)
        for entry in self._keyed:
            entry.add(host, host.vars, host.get_magic_vars)


def _names_in(text: Any) -> frozenset[str] | None:
    """The variables that an expression names, and maybe more. None if its result depends on more than their values."""
    if not isinstance(text, str):
        return None
    try:
        tree = Environment(autoescape=True).parse("{{ (" + text + ") }}")
    except TemplateError:
        return None
    names = frozenset(node.name for node in tree.find_all(nodes.Name))
    if names & _NOT_BY_VALUE or not all(map(_is_pure, tree.find_all((nodes.Filter, nodes.Test, nodes.Call)))):
        return None
    return names


def _is_pure(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Test):
        return _bare(node.name) in _TESTS
    if isinstance(node, nodes.Call):
        return not isinstance(node.node, nodes.Name) or node.node.name in _FUNCTIONS
    if not isinstance(node, nodes.Filter) or _bare(node.name) not in _FILTERS:
        return False
    if _bare(node.name) not in _BY_NAME:
        return True
    place, known = _BY_NAME[_bare(node.name)]
    named = node.args[place : place + 1]
    return node.dyn_args is None and all(isinstance(name, nodes.Const) and _bare(name.value) in known for name in named)


def _bare(name: Any) -> str:
    return str(name).removeprefix("ansible.builtin.")


def _key(value: Any) -> Any:
    """What equal values of equal types have in common, and others don't."""
    if isinstance(value, str) or value is None or value is _MISSING:
        return value
    if isinstance(value, Mapping):
        return Mapping, tuple((key, _key(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return list, tuple(map(_key, value))
    if isinstance(value, float):
        return float, value.hex()  # 0.0 equals -0.0, and is written otherwise
    # Of any other object nothing is known: it is like no other.
    return (type(value), value) if isinstance(value, int) else object()


def _holds_template(value: Any) -> bool:
    if isinstance(value, str):
        return may_be_template(value)
    if isinstance(value, Mapping):
        return any(map(_holds_template, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_template, value))
    return False

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin without an API: host names, and that what it constructs is what Ansible constructs."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.cloudnexus.cloud.plugins.inventory import cloudnexus_instances
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.construct import Construct
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.hosts import Filter, named
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.trust import as_text
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmark.inventory.plain_instances import Plain

# --- Host names -----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["web", "web-01", "inst_1", "inst_2", "localhost", "all", "{{ x }}", "../etc", "a b", "10.4.0.1", "#jinja2:", "web,db", "-i"])
INSTANCES = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "created_at": st.sampled_from([None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])},
        optional={"ip": st.sampled_from([None, "10.4.0.1", "10.4.0.2"])},
    ),
    max_size=8,
).map(lambda items: [{**item, "id": f"inst_{number}"} for number, item in enumerate(items)])
PREFERENCES = st.lists(st.sampled_from(["name", "id", "ip"]), max_size=3)


def hosts(instances: list[dict[str, Any]], *preferences: str) -> dict[str, str]:
    """The host name of each id."""
    return {entry.instance["id"]: entry.host for entry in named(instances, preferences)}


@given(INSTANCES, PREFERENCES, st.randoms())
def test_nobody_is_lost_and_the_order_of_the_list_does_not_matter(instances: list[dict[str, Any]], preferences: list[str], chance: random.Random) -> None:
    found = hosts(instances, *preferences)
    assert sorted(found) == sorted(item["id"] for item in instances)
    assert len(set(found.values())) == len(instances)
    shuffled = list(instances)
    chance.shuffle(shuffled)
    assert hosts(shuffled, *preferences) == found


@given(INSTANCES, PREFERENCES, NAMES)
def test_a_new_instance_takes_no_hosts_name_away(instances: list[dict[str, Any]], preferences: list[str], name: str) -> None:
    """As far as the API shows how old they are: one of which it doesn't counts as the newest."""
    instances = [item for item in instances if item["created_at"]]
    before = hosts(instances, *preferences)
    new = {"id": "inst_99", "name": name, "created_at": "2026-02-01T00:00:00Z", "ip": "10.4.0.1"}
    assert hosts([new, *instances], *preferences).items() >= before.items()


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "all", "ungrouped", "{{ x }}", "{% raw %}", "../../etc/x", "/x", "a b", "a,b", "a:b", "-i", "*", "x" * 300]
)
def test_a_name_that_is_no_hosts_name_is_passed_over(name: str) -> None:
    (entry,) = named([{"id": "inst_1", "name": name}], ["name"])
    assert entry.host == "inst_1"
    assert repr(name) in entry.missed[0]


def test_the_preferences_in_their_order() -> None:
    instances = [
        {"id": "inst_1", "name": "web", "ip": "10.4.0.1"},
        {"id": "inst_2", "name": "web", "ip": "10.4.0.2"},
        {"id": "inst_3", "name": "web", "ip": None},
    ]
    assert list(hosts(instances, "name").values()) == ["web", "inst_2", "inst_3"]
    assert list(hosts(instances, "name", "ip").values()) == ["web", "10.4.0.2", "inst_3"]
    assert list(hosts(instances, "ip", "name").values()) == ["10.4.0.1", "10.4.0.2", "web"]
    assert list(hosts(instances, "id").values()) == ["inst_1", "inst_2", "inst_3"]


def test_filters() -> None:
    instance = {"id": "inst_1", "name": "web-01", "region": "us-east", "plan": "starter", "status": "running"}
    assert Filter().passes(instance)
    assert Filter(("us-east",), ("starter",), ("running",), "web-").passes(instance)
    for other in (Filter(regions=("eu-west",)), Filter(plans=("enterprise",)), Filter(statuses=("failed",)), Filter(name_prefix="db-")):
        assert not other.passes(instance)


# --- What is constructed --------------------------------------------------------------------------------------------

#: Expressions of every kind: of values alone, of more than them, wrong ones.
EXPRESSIONS = [
    "cloudnexus_region",
    "cloudnexus_name.split('-')[0] | upper",
    "cloudnexus_name | regex_replace('[0-9]+', '#')",
    "cloudnexus_links",
    "cloudnexus_links.self | basename",
    "[cloudnexus_region, cloudnexus_plan]",
    "{'region': cloudnexus_region, 'none': nothing | default('')}",
    "{cloudnexus_plan: [cloudnexus_region]}",
    "nothing",
    "nothing | default(cloudnexus_plan)",
    "cloudnexus_ip",
    "cloudnexus_ip or omit",
    "cloudnexus_size * 2",
    "cloudnexus_size == 1",
    "cloudnexus_size is true",
    "cloudnexus_name is match('web')",
    "'web' in cloudnexus_name and cloudnexus_plan != 'starter'",
    "cloudnexus_tags",
    "cloudnexus_tags | map('upper') | list",
    "cloudnexus_tags | map('random') | list | length",
    "cloudnexus_tags | select('match', 'a') | list",
    "cloudnexus_tags | select('ansible.builtin.search', cloudnexus_region[0]) | list",
    "cloudnexus_name | ansible.builtin.hash('md5')",
    "inventory_hostname",
    "inventory_hostname_short ~ cloudnexus_region",
    "group_names",
    "group_names | join('+')",
    "range(3) | random(seed=inventory_hostname)",
    "lookup('ansible.builtin.pipe', 'echo ' ~ cloudnexus_region)",
    "query('ansible.builtin.items', cloudnexus_tags)",
    "lookup('ansible.builtin.vars', 'cloudnexus_' ~ 'plan')",
    "now().year > 2000",
    "vars['cloudnexus_region'] | default('none')",
    "composed",
    "composed | default('not composed')",
    "static",
    "static ~ cloudnexus_region",
    "cloudnexus_name | no_such_filter",
    "cloudnexus_name is no_such_test",
    "(cloudnexus_name",
    "{% if true %}",
    "1",
    "''",
    "'{' ~ '{ cloudnexus_region }}'",
]
HOSTS = st.lists(
    st.fixed_dictionaries(
        {
            "cloudnexus_name": st.sampled_from(["web-01", "web-02", "db-01", "{{ cloudnexus_region }}", "{% if", "#jinja2:variable_start_string:'['", ""]),
            "cloudnexus_region": st.sampled_from(["us-east", "eu-west"]),
            "cloudnexus_plan": st.sampled_from(["starter", "professional"]),
            "cloudnexus_ip": st.sampled_from([None, "10.4.0.1"]),
            "cloudnexus_size": st.sampled_from([1, 1.0, True, "1", 0, False, None]),
            "cloudnexus_tags": st.sampled_from([[], ["a", "b"], ["a"], [""], [["a"], "b"]]),
        }
    ),
    min_size=1,
    max_size=6,
)
EXPRESSION = st.sampled_from(EXPRESSIONS)
KEYED = st.fixed_dictionaries(
    {"key": EXPRESSION},
    optional={
        "prefix": st.sampled_from(["", "p"]),
        "separator": st.sampled_from(["", "-"]),
        "parent_group": st.sampled_from(["parent", "{{ cloudnexus_region }}s", "web_01"]),
        "default_value": st.sampled_from(["none", ""]),
    },
)
OPTIONS = st.fixed_dictionaries(
    {
        "compose": st.dictionaries(st.sampled_from(["composed", "other", "cloudnexus_links", "ansible_port"]), EXPRESSION, max_size=3),
        "groups": st.dictionaries(st.sampled_from(["one", "other-group", "web-01"]), EXPRESSION, max_size=3),
        "keyed_groups": st.lists(KEYED, max_size=3),
        "strict": st.booleans(),
        "leading_separator": st.booleans(),
        "use_extra_vars": st.booleans(),
    }
)


class Plugin(BaseInventoryPlugin, Constructable):
    """The least that Ansible's methods need."""

    NAME = "test"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.evaluated: list[str] = []
        self._chosen = {"compose": {}, "groups": {}, "keyed_groups": [], "strict": True, "leading_separator": True, "use_extra_vars": False, **options}

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self._chosen[option]

    def _set_composite_vars(self, compose: Any, variables: Any, host: str, strict: bool = False) -> None:
        """What is composed is no template. Ansible itself takes it for one up to ansible-core 2.18, and the collection does not."""
        super()._set_composite_vars(compose, variables, host, strict)
        known = self.inventory.get_host(host).vars
        known.update({name: as_text(known[name]) for name in compose if name in known})

    def _add_host_to_keyed_groups(self, keys: Any, variables: Any, host: str, *more: Any, **named: Any) -> None:
        self.evaluated.append(host)
        super()._add_host_to_keyed_groups(keys, variables, host, *more, **named)


def constructed(way: Any, options: Mapping[str, Any], variables: list[dict[str, Any]]) -> Any:
    """The inventory after all, or what it fails with. Each host has a template for a variable, as from another source."""
    inventory = InventoryData()
    plugin = Plugin(trusted_options(options))
    plugin.parse(inventory, DataLoader(), "none")
    plugin._vars = {"static": "extra", "nothing": as_text("from the command line")}
    try:
        construct = way(plugin)
        for number, values in enumerate(variables):
            host = inventory.add_host(f"host{number}")
            inventory.set_variable(host, "static", trusted_options("{{ cloudnexus_region }} by a template"))
            inventory.set_variable(host, "nested", trusted_options({"list": ["{{ cloudnexus_region }} by a template"]}))
            for name, value in {**values, "cloudnexus_links": {"self": f"/instances/{number}"}}.items():
                inventory.set_variable(host, name, as_text(value))
            construct.add(inventory.get_host(host))
    except Exception as error:
        return type(error).__name__, str(error)
    inventory.reconcile_inventory()
    return {
        "evaluated": plugin.evaluated,
        "hosts": {name: dict(host.vars) for name, host in inventory.hosts.items()},
        "members": {name: [host.name for host in group.hosts] for name, group in inventory.groups.items()},
        "children": {name: sorted(child.name for child in group.child_groups) for name, group in inventory.groups.items()},
    }


def trusted_options(value: Any) -> Any:
    """As the file would give it: its texts are templates."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return value
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted_options(item) for key, item in value.items()}
    return [trusted_options(item) for item in value] if isinstance(value, list) else value


def assert_the_same(options: Mapping[str, Any], variables: list[dict[str, Any]]) -> None:
    ours, theirs = constructed(Construct, options, variables), constructed(Plain, options, variables)
    for found in (ours, theirs):
        if isinstance(found, dict):
            del found["evaluated"]
    # As text, in which 1 is not true.
    assert json.dumps(ours, default=str) == json.dumps(theirs, default=str)


@given(OPTIONS, HOSTS)
@settings(deadline=None, max_examples=80)
def test_what_is_constructed_is_what_ansible_constructs(options: dict[str, Any], variables: list[dict[str, Any]]) -> None:
    assert_the_same(options, variables)


#: Hosts that agree in some values and differ in others, each pair in another way.
DIFFERENT = [
    {"cloudnexus_name": name, "cloudnexus_region": region, "cloudnexus_plan": "starter", "cloudnexus_ip": ip, "cloudnexus_size": size, "cloudnexus_tags": tags}
    for name, region, ip, size, tags in [
        ("web-01", "us-east", "10.4.0.1", 1, ["a", "b"]),
        ("web-01", "us-east", None, True, ["a"]),
        ("web-02", "eu-west", "10.4.0.1", "1", [""]),
        ("{{ cloudnexus_region }}", "us-east", "10.4.0.1", 1.0, [["a"], "b"]),
        ("{{ cloudnexus_region }}", "eu-west", None, None, ["a", "b"]),
        ("", "us-east", None, False, []),
    ]
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_kind_of_expression(expression: str) -> None:
    for strict in (False, True):
        assert_the_same({"strict": strict, "compose": {"composed": expression, "other": "composed | default('none')"}}, DIFFERENT)
        assert_the_same({"strict": strict, "compose": {"composed": expression}, "keyed_groups": [{"key": "composed"}]}, DIFFERENT)
        assert_the_same({"strict": strict, "groups": {"one": "true", "other": expression}}, DIFFERENT)
        assert_the_same(
            {"strict": strict, "groups": {"one": "cloudnexus_plan == 'starter'"}, "keyed_groups": [{"key": "cloudnexus_region"}, {"key": expression}]},
            DIFFERENT,
        )


@pytest.mark.parametrize(
    "expression",
    [
        "[1, 2] | random ~ ''",
        "[1, 2] | shuffle",
        "'x' | password_hash",
        "'%Y' | strftime",
        "['ab'] | map('random') | list",
        "['ab'] | ansible.builtin.map('random') | list",
        "cloudnexus_tags | map(*cloudnexus_tags) | list",
        "cloudnexus_tags | map(cloudnexus_name) | list",
        "cloudnexus_tags | select('acme.cloud.lucky') | list",
        "cloudnexus_name | acme.cloud.lucky",
        "lookup('ansible.builtin.env', 'X')",
        "now() ~ ''",
        "lipsum()",
        "undef(hint=cloudnexus_name) | default('none')",
        "cloudnexus_name | unknown(cloudnexus_name is match('web'))",
        "cloudnexus_name is acme.cloud.lucky",
        "nested.list[0] ~ ''",
    ],
)
def test_what_is_more_than_values_is_evaluated_for_each_host(expression: str) -> None:
    found = constructed(Construct, {"strict": False, "keyed_groups": [{"key": expression}]}, [DIFFERENT[0]] * 3)
    assert found["evaluated"] == ["host0", "host1", "host2"]


def test_an_expression_is_evaluated_once_for_equal_values() -> None:
    variables = [{"cloudnexus_region": ("us-east", "eu-west")[number % 2], "cloudnexus_name": f"web-{number}"} for number in range(20)]
    found = constructed(Construct, {"keyed_groups": [{"key": "cloudnexus_region", "prefix": "region"}]}, variables)
    assert len(found["members"]["region_us_east"]) == 10
    assert found["evaluated"] == ["host0", "host1"]


@pytest.mark.parametrize(
    "expression",
    [
        "cloudnexus_name.upper()",
        "cloudnexus_size * 2 ~ ''",
        "range(2) | list | length ~ ''",
        "dict(a=cloudnexus_name).a",
        "cloudnexus_name | ansible.builtin.regex_replace('-.*')",
        "cloudnexus_tags | map('ansible.builtin.upper') | select('match', '[A-Z]') | join",
        "[{'a': cloudnexus_name}] | selectattr('a', 'defined') | map(attribute='a') | list",
        "'web' if cloudnexus_name is match('web') else 'other'",
    ],
)
def test_what_is_made_of_values_alone_is_evaluated_once(expression: str) -> None:
    found = constructed(Construct, {"strict": False, "keyed_groups": [{"key": expression}]}, [DIFFERENT[0]] * 3)
    assert found["evaluated"] == ["host0"]


def test_with_extra_variables_each_host_is_evaluated() -> None:
    found = constructed(Construct, {"use_extra_vars": True, "keyed_groups": [{"key": "cloudnexus_region"}]}, [DIFFERENT[0]] * 2)
    assert found["evaluated"] == ["host0", "host1"]


def test_zeros_of_both_signs() -> None:
    """They are equal, and what is made of them is not."""
    variables = [{"cloudnexus_size": size} for size in (0.0, -0.0, 0, False)]
    assert_the_same({"compose": {"size": "cloudnexus_size ~ ''"}, "keyed_groups": [{"key": "'size' ~ cloudnexus_size"}]}, variables)


def test_what_is_composed_is_nobody_elses() -> None:
    found = constructed(Construct, {"compose": {"shared": "[cloudnexus_region]"}}, [{"cloudnexus_region": "us-east"}] * 2)
    first, second = (found["hosts"][host]["shared"] for host in ("host0", "host1"))
    assert first == second == ["us-east"]
    assert first is not second


def test_the_documented_options_are_those_that_are_checked() -> None:
    from ansible.plugins.doc_fragments import constructed, inventory_cache
    from ansible_collections.cloudnexus.cloud.plugins.doc_fragments import cloudnexus

    documented: dict[str, Any] = {}
    for text in (
        cloudnexus_instances.DOCUMENTATION,
        cloudnexus.ModuleDocFragment.CONNECTION,
        constructed.ModuleDocFragment.DOCUMENTATION,
        inventory_cache.ModuleDocFragment.DOCUMENTATION,
    ):
        documented |= yaml.safe_load(text)["options"]
    assert set(documented) == set(cloudnexus_instances.SPEC)
    for name, option in {**cloudnexus_instances.ARGUMENT_SPEC, **cloudnexus_instances.CONSTRUCTED}.items():
        assert documented[name].get("type", "str").replace("boolean", "bool") == option["type"], name
        assert documented[name].get("choices") == option.get("choices"), name
        if name in cloudnexus_instances.ARGUMENT_SPEC:
            assert documented[name].get("default") == option.get("default"), name
    assert set(documented["keyed_groups"]["suboptions"]) == set(cloudnexus_instances.CONSTRUCTED["keyed_groups"]["options"])


@pytest.mark.parametrize("option", ["refresh_token", "client_id", "api_url"])
def test_the_cache_is_of_a_grant_and_not_of_a_client(option: str) -> None:
    """Two users of one OAuth2 client may see different instances."""
    params = {"api_url": "https://h/v1", "api_key": None, "client_id": "client", "refresh_token": "first-user"}
    assert cloudnexus_instances._account(params) != cloudnexus_instances._account({**params, option: "another"})

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of the inventory plugin: what they add to an inventory, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleError
from ansible.utils.context_objects import CLIArgs
from ansible_collections.cloudnexus.cloud.plugins.inventory import cloudnexus_instances
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils import action, variables
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.hosts import problem
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.trust import as_text

from .sources import Sources, instance

OPTION = "-oProxyCommand=touch${IFS}pwned"
FILES = {"cache": True, "cache_plugin": "jsonfile", "cache_timeout": 600}

# --- Names ----------------------------------------------------------------------------------------------------------


NO_NAMES = [OPTION, "-i", "localhost", "LOCALHOST", "all", "127.0.0.1", "127.1.2.3", "127.1", "::1", "0.0.0.0", "::ffff:127.0.0.1", "a/b", "{x}"]


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("field", ["name", "id"])
def test_what_is_no_hosts_name_is_none_whatever_field_it_is(sources: Sources, name: str, field: str) -> None:
    """Ansible would connect to this machine, or give ssh an option that runs a command."""
    sources.add([instance(1, **{field: name})], hostnames=[field, "ip"])
    assert list(sources.hosts) == ["10.4.0.1"]
    assert sources.hosts["10.4.0.1"][f"cloudnexus_{field}"] == name


@pytest.mark.parametrize("instance_id", [OPTION, "localhost", "all", "127.0.0.1", "-V1StGXR8"])
def test_an_instance_without_a_name_for_a_host_is_an_error(sources: Sources, instance_id: str) -> None:
    """It is not left out, and nobody else is an inventory without it."""
    with pytest.raises(AnsibleError, match="Add an entry to hostnames") as raised:
        sources.add([instance(1), instance(2, "all", id=instance_id)])
    assert repr(instance_id) in str(raised.value)
    assert not sources.hosts
    sources.add([instance(1), instance(2, "all", id="-V1StGXR8")], hostnames=[{"name": "id", "prefix": "cn"}])
    assert sorted(sources.hosts) == ["cn_-V1StGXR8", "cn_inst_1"]


@pytest.mark.parametrize("name", ["web-01", "web.example.com", "10.4.0.1", "2001:db8::1", "größe", "_x", "inst_8x92a1b3"])
def test_usual_names_are_hosts_names(name: str) -> None:
    assert problem(name) is None


@pytest.mark.parametrize(
    ("hostnames", "expected"),
    [
        (["{{ cloudnexus_name }}.{{ cloudnexus_region }}.example.com"], "web-01.us-east.example.com"),
        (["{{ cloudnexus_name | upper }}"], "WEB-01"),
        ([{"name": "name", "prefix": "prod"}], "prod_web-01"),
        ([{"name": "name", "prefix": "prod", "separator": "-"}], "prod-web-01"),
        ([{"name": "ip", "prefix": "{{ cloudnexus_region }}", "separator": "."}], "us-east.10.4.0.1"),
        ([{"name": "{{ cloudnexus_plan }}", "prefix": ""}], "starter"),
        ([{"name": "name", "prefix": "{{ '' }}"}], "web-01"),
        (["{{ cloudnexus_name | length }}"], "6"),
        (["{{ nothing }}", "name"], "web-01"),
        (["{{ nothing.at.all }}-x", "ip"], "10.4.0.1"),
        (["{{ '-oProxyCommand=x' }}", "name"], "web-01"),
        (["{{ 'local' ~ 'host' }}", "name"], "web-01"),
        (["{{ [cloudnexus_name] }}", "name"], "web-01"),
        ([{"name": "name", "prefix": "-"}, "name"], "web-01"),
    ],
)
def test_names_of_templates_and_with_a_prefix(sources: Sources, hostnames: list[Any], expected: str) -> None:
    sources.add([instance(1)], hostnames=hostnames)
    assert list(sources.hosts) == [expected]


def test_a_name_is_no_template(sources: Sources) -> None:
    """A template of the file shows the API's text, and does not run it."""
    sources.add([instance(1, "{{ 'web' }}")], hostnames=["{{ cloudnexus_name }}", "id"])
    assert list(sources.hosts) == ["inst_1"]


def test_a_template_that_fails_is_an_error_with_strict(sources: Sources) -> None:
    with pytest.raises(AnsibleError, match=r"hostnames: '\{\{ nothing \}\}' failed for the instance 'inst_1'.*nothing"):
        sources.add([instance(1)], hostnames=["{{ nothing }}"], strict=True)


@pytest.mark.parametrize(
    "hostnames",
    [["address"], [{"prefix": "x"}], [{"name": "address"}], [{"name": "name", "prefx": "x"}], [{"name": "name", "prefix": 1}], [1], [["name"]], [""]],
)
def test_another_kind_of_name_is_refused(sources: Sources, hostnames: list[Any]) -> None:
    with pytest.raises(AnsibleError, match="hostnames: expected name, id, ip, a template"):
        sources.add([instance(1)], hostnames=hostnames)
    assert not sources.readings


# --- Several sources --------------------------------------------------------------------------------------------------


def test_a_host_of_another_account_keeps_its_name(sources: Sources) -> None:
    sources.add([instance(1, "web")], name="a.cloudnexus.yml", api_url="https://a.test/v1")
    sources.add([instance(1, "web", id="inst_9", ip="10.9.9.9")], name="b.cloudnexus.yml", api_url="https://b.test/v1")
    assert sources.ids == {"web": "inst_1", "inst_9": "inst_9"}
    assert sources.hosts["web"]["ansible_host"] == "10.4.0.1"
    assert any("inst_9 instead of 'web' (inst_1 of another source has it)" in text for text in sources.warnings)


def test_two_sources_of_one_account_may_show_one_instance(sources: Sources) -> None:
    """With another filter, say, or another key: it is one host, with the variables of both."""
    sources.add([instance(1)], name="a.cloudnexus.yml", hostvars_prefix="a_", group="first")
    sources.add([instance(1)], name="b.cloudnexus.yml", hostvars_prefix="b_", group="second", api_url="https://api.cloudnexus.io/v1/")
    assert list(sources.hosts) == ["web-01"]
    assert {"a_id", "b_id"} <= set(sources.hosts["web-01"])
    assert sources.members("first") == sources.members("second") == ["web-01"]
    assert not sources.warnings


def test_a_second_instance_of_one_account_is_another_host(sources: Sources) -> None:
    sources.add([instance(1, "web")], name="a.cloudnexus.yml")
    sources.add([instance(2, "web", plan="enterprise")], name="b.cloudnexus.yml", plans=["enterprise"])
    assert sources.ids == {"web": "inst_1", "inst_2": "inst_2"}


def test_one_instance_id_of_two_apis_is_two_hosts(sources: Sources) -> None:
    for letter in "ab":
        sources.add([instance(1, "web")], name=f"{letter}.cloudnexus.yml", api_url=f"https://{letter}.test/v1", hostnames=["name", "ip", "{{ 'other' }}"])
        assert len(sources.hosts) == len([*"ab"][: "ab".index(letter) + 1])


def test_no_name_left_is_an_error(sources: Sources) -> None:
    sources.add([instance(1, "inst_2")], name="a.cloudnexus.yml")
    with pytest.raises(AnsibleError, match=r"'inst_2' has no name.*inst_1 of another source has it"):
        sources.add([instance(2, "all")], name="b.cloudnexus.yml")
    assert sources.ids == {"inst_2": "inst_1"}


def test_a_host_of_a_static_file_is_enriched(sources: Sources) -> None:
    sources.inventory.add_host("web-01")
    sources.inventory.set_variable("web-01", "note", "by hand")
    sources.add([instance(1)])
    assert sources.hosts["web-01"]["note"] == "by hand"
    assert sources.ids == {"web-01": "inst_1"}
    assert not sources.warnings


# --- All or nothing -----------------------------------------------------------------------------------------------------


def state(sources: Sources) -> str:
    """All of an inventory, as a text."""
    inventory = sources.inventory
    hosts = {name: [host.vars, [group.name for group in host.groups]] for name, host in inventory.hosts.items()}
    groups = {
        name: [group.depth, [host.name for host in group.get_hosts()], [host.name for host in group.hosts], [child.name for child in group.child_groups]]
        for name, group in inventory.groups.items()
    }
    return json.dumps([hosts, groups, {name: sorted(parent.name for parent in group.parent_groups) for name, group in inventory.groups.items()}], default=str)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strict": True, "compose": {"half": "cloudnexus_tags.role"}}, "Could not set half for host web-03"),
        ({"strict": True, "groups": {"half": "cloudnexus_tags.role == 'x'"}}, "Could not add host web-03 to group half"),
        ({"strict": True, "keyed_groups": [{"key": "cloudnexus_tags.role"}]}, "Could not generate group for host web-03"),
        ({"keyed_groups": [{"key": "cloudnexus_size", "parent_group": "sizes"}]}, "Invalid group name format"),
    ],
)
def test_a_source_that_fails_adds_nothing(sources: Sources, options: dict[str, Any], sentence: str) -> None:
    """The third of three hosts can't meet an entry. A play on the first two would be one on half of the inventory."""
    sources.inventory.add_host("web-01")
    sources.inventory.add_child(sources.inventory.add_group("static"), "web-01")
    sources.add([instance(9, "old")], name="a.cloudnexus.yml", keyed_groups=[{"key": "cloudnexus_region", "parent_group": "regions"}])
    before = state(sources)
    items = [instance(1, tags={"role": "x"}, size="s"), instance(2, tags={"role": "y"}, size="m"), instance(3, size=4)]
    shared = {"group": "fleet", **options, "keyed_groups": [{"key": "cloudnexus_region", "parent_group": "static"}, *options.get("keyed_groups", [])]}
    with pytest.raises(AnsibleError, match=sentence):
        sources.add(items, name="b.cloudnexus.yml", **shared)
    assert state(sources) == before
    # And nobody is left who holds a name, or is in a group twice.
    sources.add(items, name="b.cloudnexus.yml", group="fleet", keyed_groups=shared["keyed_groups"][:1])
    assert sources.members("fleet") == ["web-01", "web-02", "web-03"]
    assert sources.members("_us_east") == ["old", "web-01", "web-02", "web-03"]


# --- Options ------------------------------------------------------------------------------------------------------------


def test_a_group_for_all_hosts(sources: Sources) -> None:
    sources.add([instance(1), instance(2)], group="my-fleet", compose={"seen": "group_names"})
    assert sources.members("my_fleet") == ["web-01", "web-02"]
    assert sources.hosts["web-01"]["seen"] == ["my_fleet"]
    assert sources.add([], name="empty.cloudnexus.yml", group="nobody").members("nobody") == []


@pytest.mark.parametrize("group", ["all", "ungrouped"])
def test_a_group_of_ansibles_own_is_refused(sources: Sources, group: str) -> None:
    with pytest.raises(AnsibleError, match="group: expected the name of a group"):
        sources.add([instance(1)], group=group)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ([], ["web-01", "web-02", "tmp-03"]),
        ([{"regions": ["us-east"]}], ["web-02"]),
        ([{"statuses": ["failed"]}, {"name_prefix": "tmp-"}], ["web-02"]),
        ([{"statuses": ["failed"], "name_prefix": "tmp-"}], ["web-01", "web-02", "tmp-03"]),
        ([{"plans": ["enterprise"]}], ["web-01", "tmp-03"]),
    ],
)
def test_exclude_filters(sources: Sources, filters: list[dict[str, Any]], left: list[str]) -> None:
    items = [instance(1, status="failed"), instance(2, region="eu-west", plan="enterprise"), instance(3, "tmp-03")]
    assert list(sources.add(items, exclude_filters=filters).hosts) == left


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ([{}], "expected at least one condition"),
        ([{"name_prefix": "", "regions": []}], "expected at least one condition"),
        (["failed"], "expected dictionaries, each with a condition"),
        ([{"status": "failed"}], "exclude_filters.status"),
        ([{"regions": ["mars"]}], "us-east"),
    ],
)
def test_exclude_filters_that_are_wrong(sources: Sources, filters: list[Any], sentence: str) -> None:
    with pytest.raises(AnsibleError, match=sentence):
        sources.add([instance(1)], exclude_filters=filters)
    assert not sources.readings


def test_relative_folders_of_the_file_are_beside_it(sources: Sources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the working directory is. What the environment says is relative to that, as Ansible's own settings are."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sources.add([instance(1)], name="a/web.cloudnexus.yml", ca_path="ca/root.pem", cache_connection="./kept", **FILES)
    assert sources.readings[-1]["ca_path"] == str(tmp_path / "a" / "ca" / "root.pem")
    assert [path.parent for path in tmp_path.rglob("*cloudnexus*") if path.is_file() and path.suffix != ".yml"] == [tmp_path / "a" / "kept"]
    monkeypatch.setenv("CLOUDNEXUS_CA_PATH", "ca.pem")
    assert sources.add([instance(1)], name="b.cloudnexus.yml").readings[-1]["ca_path"] == "ca.pem"


@pytest.mark.parametrize("plugin", ["memory", "no.such.plugin"])
def test_an_address_of_a_cache_is_no_folder(plugin: str) -> None:
    assert not cloudnexus_instances._keeps_files(plugin)


def test_nulls_are_left_out_for_toml_alone(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    item = instance(1, ip=None, tags={"a": None, "b": [None, 1]})
    assert sources.add([item]).hosts["web-01"]["cloudnexus_ip"] is None
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"toml": True}))
    known = sources.add([instance(2, ip=None, tags={"a": None, "b": [None, 1]})], name="b.cloudnexus.yml", compose={"nothing": "none"}).hosts["web-02"]
    assert "cloudnexus_ip" not in known
    assert None not in known.values()
    assert known["cloudnexus_tags"] == {"b": [1]}


# --- Variables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "field"),
    [
        ("a", "nsible_connection"),
        ("ansibl", "e_host"),
        ("an", "sible-host"),
        ("inventory_", "hostname"),
        ("inventory_", "dir"),
        ("group", "s"),
        ("group_", "names"),
        ("host", "vars"),
        ("v", "ars"),
        ("o", "mit"),
        ("i", "tem"),
        ("e", "nvironment"),
        ("play_", "hosts"),
        ("look", "up"),
        ("be", "come"),
        ("cloudnexus_", "in_process"),
        ("cloudnexus_", "progress"),
        ("cloudnexus_", "trace"),
        ("i", "f"),
    ],
)
def test_no_field_becomes_a_variable_of_somebody_else(sources: Sources, prefix: str, field: str) -> None:
    before = set(sources.add([instance(1)], hostvars_prefix=prefix).hosts["web-01"])
    sources.add([instance(1, **{field: "local"})], name="b.cloudnexus.yml", hostvars_prefix=prefix)
    assert set(sources.hosts["web-01"]) == before
    assert any("uses their names" in text and repr(field) in text for text in sources.warnings)


def test_the_switches_are_those_of_the_collection() -> None:
    assert set(action.SWITCHES) == variables.SWITCHES


def test_a_field_that_is_spelled_alike_takes_no_variable_away(sources: Sources) -> None:
    known = sources.add([instance(1, **{"created-at": "forged", "created at": "forged"})]).hosts["web-01"]
    assert known["cloudnexus_created_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["running", "us-east", "10.4.0.1", "2001:db8::1", "inst_1", "https://x.test/a?b=c&d=e", "my web server", "größe", ""])
def test_plain_texts_are_plain_to_awx(text: str) -> None:
    """Nothing wraps them, or a status would be a dictionary there."""
    marked = as_text({"x": [text]})["x"][0]
    assert marked == text
    assert taken_for_template(marked)


@pytest.mark.parametrize("text", ["{", "{ x }}", "%}", "a(b)", "x|pipe", "it's", '"', "#jinja2:", "a\nb", "x[0]", "2**9", "~"])
def test_every_other_text_is_marked(text: str) -> None:
    """Also one that is no template by itself: joined with another one, or within a condition, it could be."""
    as_text(text.replace("{", ""))
    marked = as_text({text: [text]})
    for found in (*marked, *marked[text]):
        assert found == text
        assert not taken_for_template(found)


try:
    from ansible.template import is_trusted_as_template as taken_for_template
except ImportError:  # ansible-core 2.18 and older

    def taken_for_template(text: str) -> bool:
        return not getattr(text, "__UNSAFE__", False)


# --- The cache ----------------------------------------------------------------------------------------------------------


def poisoned(sources: Sources, kept: Any) -> None:
    """Put something else into the cache of a source that has been read."""
    (path,) = (sources.folder / "kept").iterdir()
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "__payload__": json.dumps(kept)} if isinstance(found, dict) and "__payload__" in found else kept))


@pytest.mark.parametrize(
    "kept",
    [
        [instance(1, ip="-oProxyCommand=x")],
        [instance(1, ip="10.4.0.1 -oProxyCommand=x")],
        [instance(1, ip=["10.4.0.1"])],
        [{**instance(1), "name": ""}],
        [{**instance(1), "name": None}],
        [instance(1, id="../x")],
        [instance(1, id=7)],
        [instance(1, status={"a": 1})],
        ["web-01"],
        {"web-01": {}},
        None,
        "web-01",
    ],
)
def test_a_cache_with_something_else_is_read_anew(sources: Sources, kept: Any) -> None:
    sources.add([instance(1)], cache_connection="kept", **FILES)
    poisoned(sources, kept)
    sources.add([instance(2)], cache_connection="kept", **FILES)
    assert len(sources.readings) == 2
    assert sources.ids == {"web-01": "inst_1", "web-02": "inst_2"}
    sources.add([], cache_connection="kept", **FILES)
    assert len(sources.readings) == 2, "the cache is whole again"


def test_names_of_the_cache_pass_the_same_gate(sources: Sources) -> None:
    sources.add([instance(1)], cache_connection="kept", **FILES)
    poisoned(sources, [instance(2, OPTION)])
    sources.add([], cache_connection="kept", hostvars_prefix="a", **FILES)
    assert set(sources.hosts) == {"web-01", "inst_2"}
    assert len(sources.readings) == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "169.254.169.254", "224.0.0.1"])
def test_addresses_of_the_cache_pass_the_same_gate(sources: Sources, address: str) -> None:
    """Ansible would configure the control node as if it were the instance."""
    sources.add([instance(1)], cache_connection="kept", **FILES)
    poisoned(sources, [instance(2, ip=address)])
    sources.warnings.clear()
    sources.add([], cache_connection="kept", hostnames=["ip", "name"], **FILES)
    assert len(sources.readings) == 1
    assert "ansible_host" not in sources.hosts["web-02"]
    assert sources.hosts["web-02"]["cloudnexus_ip"] is None
    assert f"The address of the instance web-02 (inst_2) is {address}, which is " in sources.warnings[0]


def test_an_api_on_this_machine_may_have_hosts_there(sources: Sources) -> None:
    local = {"api_url": "http://127.0.0.1:8080/v1", "cache_connection": "kept", **FILES}
    sources.add([instance(1, ip="127.77.7.2")], **local)
    sources.add([], **local)
    assert len(sources.readings) == 1
    assert sources.hosts["web-01"]["ansible_host"] == "127.77.7.2"
    assert not sources.warnings


# --- What is said -------------------------------------------------------------------------------------------------------

FORGED = "web\x1b[2J\r\n\u202e[WARNING]: forged"


def test_control_characters_reach_no_terminal(sources: Sources) -> None:
    sources.add([instance(1, FORGED), instance(2, **{FORGED: 1}), instance(3, FORGED, ip=None)], hostvars_prefix="a")
    with pytest.raises(AnsibleError) as failed:
        sources.add(error=f"The API said {FORGED}.")
    with pytest.raises(AnsibleError) as refused:
        sources.add(**{FORGED: 1})
    with pytest.raises(AnsibleError) as wrong:
        sources.add(hostnames=[FORGED])
    assert len(sources.warnings) == 3
    for text in (*sources.warnings, *(str(raised.value) for raised in (failed, refused, wrong))):
        assert text.isprintable(), json.dumps(text)

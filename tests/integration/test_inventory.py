# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as Ansible's commands use it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.inventory import cloudnexus_instances
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT, SECRET_OPTIONS

from tests.checkout import ROOT
from tests.emulator.settings import REFRESH_TOKEN

from .commands import FQCN, Ansible

pytestmark = pytest.mark.core

PLUGIN = cloudnexus_instances.NAME
HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"
STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}


@dataclass
class Listed:
    status: int
    #: What ansible-inventory said besides.
    output: str
    data: dict[str, Any]

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The hosts' variables."""
        return dict(self.data["_meta"]["hostvars"])

    @property
    def groups(self) -> dict[str, list[str]]:
        return {name: sorted(group["hosts"]) for name, group in self.data.items() if "hosts" in group}


@dataclass
class Source:
    """An inventory source, and what ansible-inventory makes of it."""

    ansible: Ansible

    def write(self, name: str = "web.cloudnexus.yml", **options: Any) -> str:
        path = self.ansible.folder / name
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, **options}, sort_keys=False))
        return str(path)

    def list(self, *arguments: str, credentials: bool = True, **options: Any) -> Listed:
        output = self.ansible.folder / "listed.json"
        output.unlink(missing_ok=True)
        command = ("ansible-inventory", "-i", self.write(**options), "--list", "--output", str(output), *arguments)
        run = self.ansible.command(*command, cwd=self.ansible.folder, credentials=credentials)
        return Listed(run.status, run.output, json.loads(output.read_text()) if output.exists() else {})


@pytest.fixture
def source(in_process: Ansible) -> Source:
    return Source(in_process)


def test_hosts_variables_and_groups(source: Source) -> None:
    emulator = source.ansible.emulator
    emulator.set(boot_seconds=0)
    first = emulator.create("web-01", region="us-east")
    emulator.create("web-02", "professional", region="eu-west")
    emulator.create("db-01", region="ap-south")
    listed = source.list(
        "--export",
        strict=True,
        keyed_groups=[{"key": "cloudnexus_region", "prefix": "region"}, {"key": "cloudnexus_plan", "prefix": "", "separator": ""}],
        groups={"web": "cloudnexus_name is match('web-')"},
        compose={"ansible_user": "'admin'", "where": "[cloudnexus_region, ansible_host]"},
    )
    assert listed.status == 0, listed.output
    assert "WARNING" not in listed.output
    assert listed.groups == {
        "region_us_east": ["web-01"],
        "region_eu_west": ["web-02"],
        "region_ap_south": ["db-01"],
        "starter": ["db-01", "web-01"],
        "professional": ["web-02"],
        "web": ["web-01", "web-02"],
    }
    fields = {f"cloudnexus_{name}": value for name, value in first.items() if name in ("id", "name", "plan", "region", "ip", "created_at", "links")}
    assert listed.hosts["web-01"] == {
        **fields,
        "cloudnexus_status": "running",
        "ansible_host": first["ip"],
        "ansible_user": "admin",
        "where": ["us-east", first["ip"]],
    }


def test_filters_names_and_the_prefix(source: Source) -> None:
    emulator = source.ansible.emulator
    for name, plan, region, status in [
        ("web-01", "starter", "us-east", "running"),
        ("web-02", "professional", "us-east", "running"),
        ("web-03", "starter", "eu-west", "running"),
        ("web-04", "starter", "us-east", "failed"),
        ("db-01", "starter", "us-east", "running"),
    ]:
        instance = emulator.create(name, plan, region)
        emulator.change(instance["id"], status=status)
    listed = source.list(
        regions=["us-east", "ap-south"], plans=["starter"], statuses=["running"], name_prefix="web-", hostnames=["ip", "name"], hostvars_prefix="cn_"
    )
    (variables,) = listed.hosts.values()
    assert list(listed.hosts) == [variables["ansible_host"]]
    assert variables["cn_name"] == "web-01"
    assert "cloudnexus_name" not in variables


def test_nobody_is_lost_and_warnings_say_what_is_unusual(source: Source) -> None:
    emulator = source.ansible.emulator
    first = emulator.create("web", created_at="2026-01-01T00:00:00Z")
    second = emulator.create("web", created_at="2026-01-02T00:00:00Z")
    local = emulator.create("localhost")
    items = [first, second, {**local, "ip": None}]
    emulator.fault("malformed", path="/instances", body=json.dumps({"items": items, "pagination": {"next_page": None, "total_count": 3}}))
    listed = source.list()
    assert sorted(listed.hosts) == sorted(["web", second["id"], local["id"]])
    assert listed.hosts["web"]["cloudnexus_id"] == first["id"]
    said = " ".join(listed.output.split())
    assert f"{second['id']} instead of 'web' ({first['id']} has it)" in said
    assert f"{local['id']} instead of 'localhost' (Ansible means something else by it)" in said
    assert f"These hosts have no address yet, and get no ansible_host: {local['id']}." in said
    assert "ansible_host" not in listed.hosts[local["id"]]


def test_an_address_that_can_not_be_the_hosts_own(source: Source) -> None:
    """The loopback address of the emulator's network is one, as the API has one too."""
    emulator = source.ansible.emulator
    emulator.set(addresses="127.77.7.0/24")
    emulator.create("web-01")
    assert source.list().hosts["web-01"]["ansible_host"] == "127.77.7.2"
    emulator.set(addresses="169.254.7.0/24")
    web = emulator.create("web-02")
    listed = source.list()
    said = " ".join(listed.output.split())
    assert f"The address of the instance web-02 ({web['id']}) is {web['ip']}, which is a link-local address. It can't be the instance's own" in said
    assert "ansible_host" not in listed.hosts["web-02"]


def test_texts_of_the_api_are_never_templates(source: Source) -> None:
    source.ansible.emulator.create(HOSTILE)
    source.ansible.emulator.create("#jinja2:variable_start_string:'[[', variable_end_string:']]'\n[[ lookup('ansible.builtin.pipe', 'touch pwned') ]]")
    path = source.write(compose={"copy": "cloudnexus_name", "pieces": "[cloudnexus_name]"}, keyed_groups=[{"key": "cloudnexus_name"}])
    tasks = [
        {"ansible.builtin.debug": {"msg": f"{{{{ {name} }}}} and {{{{ {name} | string }}}}"}}
        for name in ("cloudnexus_name", "copy", "pieces", "inventory_hostname")
    ]
    playbook = source.ansible.playbook(*tasks, hosts="all", connection="local")
    run = source.ansible.command("ansible-playbook", "-i", path, playbook, cwd=source.ansible.folder)
    assert run.status == 0, run.output
    assert HOSTILE in json.dumps([entry["result"] for entry in run.entries]).replace("\\", "")
    assert len(run.entries) == 8
    assert not (source.ansible.folder / "pwned").exists()


#: Fields that are no template by themselves. Joined, as a key, or within a condition they would be one, or an expression.
IN_PIECES = {
    "name": "{",
    "note": HOSTILE[1:],
    "tags": {HOSTILE: 1},
    "quoted": "x' == 'x' and lookup('ansible.builtin.pipe', 'touch pwned') == '",
    "bare": "lookup('ansible.builtin.pipe', 'touch pwned') == ''",
}
PIECES: list[dict[str, Any]] = [
    {
        "ansible.builtin.set_fact": {
            "joined": "{{ shown.name }}{{ shown.note }}",
            "added": "{{ shown.name ~ shown.note }}",
            "key": "{{ shown.tags.keys() | first }}",
        }
    },
    {"ansible.builtin.debug": {"msg": "{{ joined }} {{ added }} {{ key }}"}},
    {"ansible.builtin.debug": {"msg": "never"}, "when": "'{{ shown.quoted }}' == 'web'"},
    {"ansible.builtin.debug": {"msg": "never"}, "when": "{{ shown.bare }}"},
]


def test_a_template_in_pieces_is_none(ansible: Ansible) -> None:
    """Of the variables of a host, and of the results of a task in both modes."""
    (item,) = [ansible.emulator.create("web") | IN_PIECES]
    body = json.dumps({"items": [item], "pagination": {"next_page": None, "total_count": 1}})
    ansible.emulator.fault("malformed", path="/instances", body=body, times=0)
    path = Source(ansible).write(hostnames=["id"])
    variables = {name: f"{{{{ cloudnexus_{name} }}}}" for name in IN_PIECES}
    tasks = [{**entry, "vars": {"shown": variables}} for entry in PIECES]
    tasks += [{f"{FQCN}cloudnexus_instance_info": {}, "register": "read"}]
    tasks += [{**entry, "vars": {"shown": "{{ read.instances[0] }}"}} for entry in PIECES]
    run = ansible.command("ansible-playbook", "-i", path, ansible.playbook(*tasks, hosts="all", connection="local"), cwd=ansible.folder)
    joined = [entry["result"]["msg"] for entry in run.entries if entry["action"] == "ansible.builtin.debug" and entry["status"] == "ok"]
    assert [text.count(HOSTILE) for text in joined] == [3, 3], run.output
    assert not (ansible.folder / "pwned").exists()


def test_an_option_of_ssh_is_no_host(source: Source) -> None:
    """The id is a host's name where no other name is left; a module that runs without Python would hand it to ssh."""
    item = source.ansible.emulator.create("web") | {"id": "-oProxyCommand=touch${IFS}pwned", "ip": None}
    body = json.dumps({"items": [item], "pagination": {"next_page": None, "total_count": 1}})
    source.ansible.emulator.fault("malformed", path="/instances", body=body, times=0)
    path = source.write(hostnames=["id"])
    run = source.ansible.command("ansible", "-i", path, "all", "-m", "ansible.builtin.raw", "-a", "true", cwd=source.ansible.folder)
    assert "has no name that a host can have: '-oProxyCommand=touch${IFS}pwned' (no name for a host)" in " ".join(run.output.split())
    assert not (source.ansible.folder / "pwned").exists()


@pytest.mark.parametrize(("kind", "name"), [("inventory", "cloudnexus_instances"), ("lookup", "cloudnexus_token")])
def test_the_documentation_shows_the_environment_variables(in_process: Ansible, kind: str, name: str) -> None:
    run = in_process.command("ansible-doc", "-t", kind, f"{FQCN}{name}")
    said = re.sub(r"[\s-]+", " ", run.output)
    for option, variable in ENVIRONMENT.items():
        assert (variable in said) == ((kind, option) != ("lookup", "api_key")), said
        assert (f"env: name: {variable}" in said) == (option not in SECRET_OPTIONS), said


@pytest.mark.parametrize(("kind", "name"), [("inventory", "cloudnexus_instances"), ("lookup", "cloudnexus_token")])
def test_the_settings_of_ansible_show_no_credential(in_process: Ansible, kind: str, name: str) -> None:
    """ansible-config prints the value of each environment variable that a plugin declares."""
    in_process.environment |= {ENVIRONMENT[option]: f"canary-{option}" for option in SECRET_OPTIONS} | {"CLOUDNEXUS_CLIENT_ID": "my-client"}
    run = in_process.command("ansible-config", "dump", "-t", kind, f"{FQCN}{name}")
    assert "my-client" in run.output
    assert "canary" not in run.output


def test_the_status_that_awx_reads_is_a_text(source: Source) -> None:
    """On ansible-core 2.19 and later it would be a dictionary if it were not trusted, and all hosts be disabled."""
    source.ansible.emulator.create(HOSTILE)
    (variables,) = source.list("--export", compose={"state": "cloudnexus_status"}).hosts.values()
    assert variables["cloudnexus_status"] in ("provisioning", "running")
    assert variables["state"] == variables["cloudnexus_status"]
    assert variables["cloudnexus_links"]["self"].startswith("/instances/")
    assert variables["cloudnexus_name"] == {"__ansible_unsafe": HOSTILE}


def test_a_warm_cache_makes_no_request(source: Source) -> None:
    emulator = source.ansible.emulator
    emulator.create("web-01")
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(source.ansible.folder / "cache")}
    cold = source.list("--export", **cached)
    assert len(emulator.requests()) == 1
    emulator.create("web-02")
    warm = source.list("--export", **cached)
    assert warm.data == cold.data
    assert len(emulator.requests()) == 1
    # What the file says of the hosts holds at once.
    renamed = source.list(**cached, hostnames=["id"], hostvars_prefix="cn_")
    assert [variables["cn_name"] for variables in renamed.hosts.values()] == ["web-01"]
    assert len(emulator.requests()) == 1
    # An option of ansible-inventory in newer cores only.
    playbook = source.ansible.playbook({"ansible.builtin.debug": {"msg": "{{ groups.all | sort }}"}})
    flushed = source.ansible.command("ansible-playbook", "-i", source.write(**cached), playbook, "--flush-cache")
    assert [entry["result"]["msg"] for entry in flushed.entries] == [["web-01", "web-02"]]
    assert len(emulator.requests()) == 2
    assert sorted(source.list(**cached).hosts) == ["web-01", "web-02"]
    assert len(emulator.requests()) == 2
    # Another account's hosts are no answer.
    other = source.list(**cached, api_key="another-account")
    assert other.data.get("_meta", {"hostvars": {}})["hostvars"] == {}
    assert "the API returned 401" in " ".join(other.output.split())
    for file in (source.ansible.folder / "cache").iterdir():
        assert emulator.api_key not in file.name + file.read_text()


def test_an_error_of_the_api_is_an_error(source: Source) -> None:
    emulator = source.ansible.emulator
    emulator.set(page_size=2)
    for number in range(6):
        emulator.create(f"web-{number}")
    # In the middle of the list: what was read before it is no inventory.
    emulator.fault("status", method="GET", path="/instances.*", status=403, skip=1, times=0)
    source.ansible.environment |= STRICT
    listed = source.list("-vvvv")
    assert listed.status != 0
    assert listed.data == {}
    assert "GET /instances: the API returned 403" in " ".join(listed.output.split())
    assert emulator.api_key not in listed.output
    assert "Traceback" not in listed.output


def test_an_api_without_the_list(source: Source) -> None:
    source.ansible.emulator.reset(profile="documented", missing_status=404)
    source.ansible.environment |= STRICT
    listed = source.list()
    assert listed.status != 0
    assert "The API does not offer GET /instances (status 404)" in " ".join(listed.output.split())


def test_credentials_from_everywhere(source: Source) -> None:
    ansible = source.ansible
    emulator = ansible.emulator
    emulator.create("web-01")
    key = ansible.folder / "key"
    key.write_text(f"{emulator.api_key}\n")
    of_the_file = {"api_url": emulator.api_url, "api_key": "{{ lookup('ansible.builtin.file', key_file) }}"}
    # Empty variables, as AWX sets them, count as not set.
    ansible.environment = dict.fromkeys(
        ("CLOUDNEXUS_API_KEY", "CLOUDNEXUS_API_URL", "CLOUDNEXUS_REFRESH_TOKEN", "CLOUDNEXUS_API_TIMEOUT", "CLOUDNEXUS_CA_PATH"), ""
    )
    assert list(source.list("-e", f"key_file={key}", credentials=False, **of_the_file).hosts) == ["web-01"]
    ansible.environment = {}
    ansible.use_refresh_token()
    listed = source.list("-vvvv")
    assert list(listed.hosts) == ["web-01"]
    assert REFRESH_TOKEN not in listed.output
    password = ansible.folder / "password"
    password.write_text("secret")
    encrypted = ansible.command("ansible-vault", "encrypt_string", "--vault-password-file", str(password), "--name", "api_key", emulator.api_key)
    vaulted = ansible.folder / "vaulted.cloudnexus.yml"
    vaulted.write_text(
        f"plugin: {PLUGIN}\n{encrypted.output[: encrypted.output.index('Encryption')] if 'Encryption' in encrypted.output else encrypted.output}"
    )
    ansible.environment = {"CLOUDNEXUS_API_URL": emulator.api_url}
    run = ansible.command("ansible-inventory", "-i", str(vaulted), "--graph", "--vault-password-file", str(password), credentials=False)
    assert "web-01" in run.output


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"regoins": ["us-east"]}, "regoins: no such option; there are api_key, "),
    ({"regions": ["us-west"]}, "value of regions must be one or more of: us-east, eu-west, ap-south"),
    ({"hostnames": ["address"]}, "hostnames: expected name, id, ip, a template"),
    ({"hostvars_prefix": "ansible_"}, "hostvars_prefix: expected letters, digits and underscores"),
    ({"hostvars_prefix": ""}, "hostvars_prefix: expected letters, digits and underscores"),
    ({"keyed_groups": ["cloudnexus_region"]}, "keyed_groups: expected dictionaries, each with a key"),
    ({"keyed_groups": [{"key": "cloudnexus_region", "prefx": "region"}]}, "keyed_groups.prefx"),
    ({"keyed_groups": [{"prefix": "region"}]}, "missing required arguments: key found in keyed_groups"),
    ({"strict": "perhaps"}, "The value 'perhaps' is not a valid boolean"),
    ({"api_timeout": 0}, "api_timeout: expected a whole number from 1 to 600, got 0"),
    ({"api_url": "http://cloud.example/v1"}, "api_url: expected https"),
    ({"api_key": "{{ nothing }}"}, "api_key: the template failed: 'nothing' is undefined"),
    ({"refresh_token": "before-it", "api_key": ["sesame"]}, "api_key: expected a single value"),
    ({"refresh_token": "before-it", "api_key": "sesame sesame"}, "api_key: expected a credential"),
]


def test_bad_input_gets_one_sentence_before_any_request(source: Source) -> None:
    source.ansible.environment |= STRICT | {"ANSIBLE_INVENTORY_ENABLED": "auto"}
    paths = [source.write(f"{number:02}.cloudnexus.yml", **options) for number, (options, _sentence) in enumerate(REFUSED)]
    # The first that is wrong ends it; without that all of them are told in one run.
    alone = source.list("-vvv", **REFUSED[0][0])
    assert (alone.status != 0, alone.data) == (True, {})
    del source.ansible.environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"]
    run = source.ansible.command("ansible-inventory", *(word for path in paths for word in ("-i", path)), "--graph", "-vvv")
    said = " ".join(run.output.split())
    for options, sentence in REFUSED:
        assert sentence in said, options
    assert "sesame" not in run.output
    assert "before-it" not in run.output
    assert not source.ansible.emulator.requests()


def test_strict_is_strict(source: Source) -> None:
    source.ansible.emulator.create("web-01")
    source.ansible.environment |= STRICT
    listed = source.list(strict=True, compose={"x": "nothing"})
    assert (listed.status != 0, listed.data) == (True, {})
    assert "Could not set x for host web-01" in " ".join(listed.output.split())


def test_without_a_credential(source: Source) -> None:
    source.ansible.environment |= STRICT
    listed = source.list(credentials=False)
    assert listed.status != 0
    assert "api_key: expected a credential: api_key (or CLOUDNEXUS_API_KEY)" in " ".join(listed.output.split())


def trusted(data: Any) -> Any:
    """Without the wrapping of what Ansible composed, which is the same text."""
    if isinstance(data, dict):
        return trusted(data["__ansible_unsafe"]) if set(data) == {"__ansible_unsafe"} else {name: trusted(value) for name, value in data.items()}
    return [trusted(value) for value in data] if isinstance(data, list) else data


def test_the_usual_way_comes_to_the_same(source: Source) -> None:
    """As a whole, with Ansible's own reading of the options."""
    source.ansible.emulator.set(boot_seconds=0)
    for number in range(12):
        source.ansible.emulator.create(
            f"{'web' if number % 2 else 'db'}-{number}", ("starter", "professional")[number % 3 == 0], ("us-east", "eu-west")[number % 2]
        )
    options = {
        "keyed_groups": [
            {"key": "cloudnexus_region", "prefix": "region", "parent_group": "regions"},
            {"key": "cloudnexus_name.split('-')"},
            {"key": "group_names", "prefix": "in"},
            {"key": "nothing", "default_value": "none"},
            {"key": "cloudnexus_links", "trailing_separator": False},
        ],
        "groups": {"web": "cloudnexus_name is match('web')", "first": "inventory_hostname == 'web-1'", "never": "nothing.at.all"},
        "compose": {"short": "cloudnexus_name[:2]", "random": "1000 | random(seed=inventory_hostname)", "looked": "lookup('ansible.builtin.env', 'HOME')"},
        "leading_separator": False,
    }
    ours = source.list("-vvv", **options)
    source.ansible.environment |= {
        "ANSIBLE_INVENTORY_PLUGINS": str(ROOT / "tests" / "benchmark" / "inventory"),
        "ANSIBLE_INVENTORY_ENABLED": "plain_instances",
    }
    plain = source.list("-vvv", **options)
    assert "plain_instances" in plain.output
    assert "plain_instances" not in ours.output
    assert len(ours.groups) > 10
    assert ours.data == trusted(plain.data)


@pytest.mark.parametrize("document", cloudnexus_instances.EXAMPLES.split("\n---\n")[1:])
def test_examples(source: Source, document: str) -> None:
    source.ansible.emulator.set(boot_seconds=0)
    source.ansible.emulator.create("web-01")
    home = source.ansible.folder / "home"
    (home / ".config" / "cloudnexus").mkdir(parents=True)
    (home / ".config" / "cloudnexus" / "staging.key").write_text(source.ansible.emulator.api_key)
    source.ansible.environment["HOME"] = str(home)
    listed = source.list(**{name: value for name, value in yaml.safe_load(document).items() if name != "plugin"})
    assert listed.status == 0, listed.output
    assert [variables["cloudnexus_name"] for variables in listed.hosts.values()] == ["web-01"]

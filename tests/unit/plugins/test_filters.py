# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as Ansible calls them: what they accept, what they say of bad input, and texts that stay texts."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cloudnexus.cloud.plugins.filter.drift_report import drift_report
from ansible_collections.cloudnexus.cloud.plugins.filter.expand import expand
from ansible_collections.cloudnexus.cloud.plugins.filter.to_declaration import to_declaration
from ansible_collections.cloudnexus.cloud.plugins.filter.to_vars_file import to_vars_file
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.plain import plain
from ansible_collections.cloudnexus.cloud.plugins.plugin_utils.trust import as_template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkout import ROOT

from ..promises.test_stateful import EXAMPLES, SAME_EACH_TIME

FILTERS = sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("*.py"))
TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'echo evil') }}"
INSTANCE = {"id": "inst_1", "name": "web-01", "plan": "starter", "region": "us-east"}


@pytest.mark.parametrize("name", FILTERS)
def test_each_file_has_the_filter_of_its_name_and_documents_it(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.cloudnexus.cloud.plugins.filter.{name}")
    assert list(module.FilterModule().filters()) == [name]
    documentation = yaml.safe_load(module.DOCUMENTATION)
    assert (documentation["name"], "_input" in documentation["options"]) == (name, True)
    assert "sample" in yaml.safe_load(module.RETURN)["_value"]
    assert f"cloudnexus.cloud.{name}" in module.EXAMPLES


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        (expand, None, "expand: _input: expected a mapping with name, count and the fields of an instance, got null."),
        (expand, [{"name": "web", "count": True}], "expand: [0].count: expected a whole number from 0 to 100000, got true."),
        (expand, {"name": "\x1b[2J", "count": 1}, "expand: name: expected one line of text without white space around it."),
        (to_declaration, None, "to_declaration: _input: expected an instance as an object, as cloudnexus_instance_info returns it."),
        (to_declaration, [INSTANCE, {"name": "x"}], "to_declaration: [1]: expected an instance with a text in id, as cloudnexus_instance_info returns it."),
        (to_declaration, [{**INSTANCE, "plan": 5}], "to_declaration: [0]: expected an instance with a text in plan, as cloudnexus_instance_info returns it."),
        (to_declaration, [{**INSTANCE, "name": "a\x1b"}], "to_declaration: 1 of 1 instances can't be declared by their names. a\\x1b (inst_1): name: "),
        (to_vars_file, [1], "to_vars_file: _input: expected a mapping whose keys are names of variables."),
        (to_vars_file, {"a b": 1}, "to_vars_file: _input: expected a mapping whose keys are names of variables."),
        (drift_report, {"failed": True}, "drift_report: _input: expected the result of a cloudnexus_fleet task that did not fail."),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_filter(function: Any, given: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        function(given)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_an_iterator_and_a_single_instance() -> None:
    """selectattr gives an iterator."""
    assert to_declaration(item for item in [INSTANCE]) == to_declaration(INSTANCE) == [{"name": "web-01", "plan": "starter", "region": "us-east"}]


def test_the_sample_of_expand_is_what_its_example_gives() -> None:
    module = importlib.import_module("ansible_collections.cloudnexus.cloud.plugins.filter.expand")
    (example,) = yaml.safe_load(module.EXAMPLES)
    found = expand(example["vars"]["kinds"])
    assert found[:2] == yaml.safe_load(module.RETURN)["_value"]["sample"]
    assert [item["name"] for item in found] == ["web-01", "web-02", "web-03", "web-04", "web-05", "web-06", "db-01"]


def rendered(value: Any) -> Any:
    """What a task gets of a variable that has this value."""
    variables = {"value": value, "one": as_template("{{ value }}")}
    return plain(Templar(loader=DataLoader(), variables=variables).template(as_template("{{ one }}")))


def test_texts_stay_texts() -> None:
    """Also those of a filter's result that a task puts into a variable, on every ansible-core."""
    named = {**INSTANCE, "name": TEMPLATE}
    for value in (to_declaration([named]), expand({"name": TEMPLATE, "count": 1}), drift_report({"changes": [], "instances": [], "unchanged": [TEMPLATE]})):
        assert TEMPLATE in str(rendered(value)).replace('"', "'")


# --- Vars files --------------------------------------------------------------------------------------------------------


def test_a_vars_file_for_people() -> None:
    text = to_vars_file({"web": [{"name": "web-01", "ssh_keys": ["ssh-ed25519 " + "A" * 200]}], "none": []}, comment="One\ntwo \x1b\n")
    assert text == f"---\n# One\n# two \\x1b\nweb:\n  - name: web-01\n    ssh_keys:\n      - ssh-ed25519 {'A' * 200}\nnone: []\n"


def test_the_comment_is_a_text() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^to_vars_file: comment: expected a text\.$"):
        to_vars_file({}, comment=5)


def test_one_value_twice_is_written_twice() -> None:
    keys = ["ssh-ed25519 AAAA"]
    assert "&" not in to_vars_file({"a": keys, "b": keys})


TEXTS = st.one_of(
    st.text(),
    st.sampled_from(["yes", "null", "~", "0123", "1e3", "=", "- a", "# x", "2026-01-02", "!unsafe x", "<<", "#jinja2: {}", "' + x", "a\nb"]),
)


@settings(max_examples=EXAMPLES, derandomize=SAME_EACH_TIME, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(TEXTS), numbers=st.lists(st.integers()))
def test_ansible_reads_what_was_written_and_renders_nothing_of_it(names: list[str], numbers: list[int], tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    path.write_text(to_vars_file({"names": [{"name": name} for name in names], "numbers": numbers}), encoding="utf-8")
    loader = DataLoader()
    try:
        read = loader.load_from_file(str(path), cache="none", trusted_as_template=True)
    except TypeError:  # ansible-core 2.18 and older trust every text
        read = loader.load_from_file(str(path), cache=False)
    templar = Templar(loader=loader, variables=read)
    assert [str(templar.template(item["name"])) for item in read["names"]] == names
    assert plain(read["numbers"]) == numbers

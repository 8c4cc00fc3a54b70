# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shipped for AWX agrees with the collection, and with the rules of AWX."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml
from ansible_collections.cloudnexus.cloud.plugins.inventory.cloudnexus_instances import InventoryModule
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import ENVIRONMENT, SECRET_OPTIONS

from tests.awx import rules
from tests.checkout import ROOT

Json = dict[str, Any]
FOLDER = ROOT / "extensions" / "awx"
PROJECT = FOLDER / "project"
TEXT = (FOLDER / "configuration.yml").read_text()
PLAY = (ROOT / "playbooks" / "awx.yml").read_text()
OPTIONS: Json = yaml.safe_load((ROOT / "roles" / "web_tier" / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
CHECKS = (ROOT / "roles" / "web_tier" / "vars" / "main.yml").read_text()


class Unsafe(str):
    """What Ansible does not take for a template."""


class Loader(yaml.SafeLoader):
    """YAML with Ansible's ``!unsafe``."""


Loader.add_constructor("!unsafe", lambda _loader, node: Unsafe(node.value))
DATA: Json = yaml.load(TEXT, Loader)
TEMPLATES: dict[str, Json] = {item["name"]: item for item in DATA["controller_templates"]}
WORKFLOWS: dict[str, Json] = {item["name"]: item for item in DATA["controller_workflows"]}
(TYPE,) = DATA["controller_credential_types"]
#: Two templates can have one name if one is of jobs and one a workflow, so each of them is asked for by both.
SURVEYED: dict[str, Json] = {name: item for name, item in {**TEMPLATES, **WORKFLOWS}.items() if item["survey_enabled"]}
SURVEYS: dict[str, list[Json]] = {name: item["survey_spec"]["spec"] for name, item in SURVEYED.items()}

# --- The credential type ---


def test_awx_takes_the_credential_type() -> None:
    assert rules.credential_type_mistakes(TYPE) == []


def test_every_connection_option_is_injected_from_the_field_of_its_name() -> None:
    assert TYPE["injectors"] == {"env": {variable: f"{{{{ {option} }}}}" for option, variable in ENVIRONMENT.items()}}
    assert all(isinstance(template, Unsafe) for template in TYPE["injectors"]["env"].values())


def test_secrets_are_secret_and_what_nobody_filled_in_does_no_harm() -> None:
    fields = TYPE["inputs"]["fields"]
    assert rules.secrets_of(TYPE) == set(SECRET_OPTIONS)
    # AWX injects False for a boolean that is not set, and would turn off the verification of the certificate.
    # It adds a type that is not told, which would be a difference each time.
    assert [field["type"] for field in fields] == ["string"] * len(fields)
    assert "required" not in TYPE["inputs"]
    # In place of an empty answer AWX takes the first choice.
    assert [field["choices"][0] for field in fields if "choices" in field] == ["true"]


# --- The surveys ---

#: What no survey asks for, and why.
NOT_ASKED = {
    "web_tier_state": "the workflow says it: who may bring a tier up need not be who may take it down",
    "web_tier_auto_scale": "a dict, which no type of question gives",
    "web_tier_cdn": "a dict, which no type of question gives",
    "web_tier_auto_scale_update": "it belongs to web_tier_auto_scale",
    "web_tier_plan_file": "a file of the job's container, which ends with the job",
    "web_tier_approved_plan": "a file of the project: its playbook says it",
    "web_tier_wait_for_connection": "the templates set it: whether there is a credential to log in with",
    "web_tier_require_approval": "whoever is asked could waive it",
    "web_tier_accept_new_host_keys": "AWX runs jobs without host key checking",
    "web_tier_rolling": "the playbook says it",
}
ONLY_SOME = {
    "web tier: teardown": {"web_tier_name", "web_tier_wait_timeout"},
    "web tier: configure": {"web_tier_name", "web_tier_group"},
    "web tier: drift": {"web_tier_name", "web_tier_count", "web_tier_plan", "web_tier_regions"},
}


def bounds(option: str) -> Json:
    """As the role tells them: in the description, and in what it says of a wrong value."""
    described = [sentence for sentence in OPTIONS[option]["description"] if re.search(r"\bFrom \d", sentence)]
    said = re.findall(rf"{option}: expected a whole number (.+?), got", CHECKS)
    found = set()
    for text in [*described, *said]:
        if both := re.search(r"rom (\d+) to (\d+)", text):
            found.add((int(both.group(1)), int(both.group(2))))
        elif least := re.search(r"at least (\d+)", text):
            found.add((int(least.group(1)), None))
    ((least, most),) = found
    return {"min": least} if most is None else {"min": least, "max": most}


def expected(option: str) -> Json:
    """The question for an option of the role."""
    spec = OPTIONS[option]
    question: Json = {"variable": option, "required": spec.get("required", False)}
    if spec["type"] == "int":
        question |= {"type": "integer", **bounds(option)}
    elif spec["type"] == "bool":
        question |= {"type": "multiplechoice", "choices": ["true", "false"]}
    elif spec["type"] == "list" and "choices" in spec:
        question |= {"type": "multiselect", "choices": spec["choices"]}
    elif "choices" in spec:
        question |= {"type": "multiplechoice", "choices": spec["choices"]}
    else:
        question["type"] = "textarea" if spec["type"] == "list" else "text"
    default = spec.get("default")
    if spec["type"] == "list":
        default = "\n".join(default or [])
    if default not in (None, ""):
        question["default"] = default if spec["type"] == "int" else str(default).lower()
    return question


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_asks_as_the_role_does(name: str) -> None:
    for question in SURVEYS[name]:
        told = {key: value for key, value in question.items() if not key.startswith("question_")}
        assert told == expected(question["variable"])


def test_a_survey_asks_for_all_that_it_can() -> None:
    asked = {name: {question["variable"] for question in questions} for name, questions in SURVEYS.items()}
    askable = set(OPTIONS) - set(NOT_ASKED)
    assert asked == {
        "web tier: preview": askable - {"web_tier_approved_digest"},
        "web tier: apply": askable,
        "web tier": askable - {"web_tier_approved_digest"},
        **ONLY_SOME,
    }


@pytest.mark.parametrize("name", SURVEYS)
def test_awx_takes_the_survey(name: str) -> None:
    assert rules.survey_mistakes(SURVEYED[name]["survey_spec"]) == []


# --- The templates and the workflow ---


def test_each_template_runs_a_playbook_of_the_project() -> None:
    assert {template["playbook"] for template in TEMPLATES.values()} == set(rules.playbooks(PROJECT))
    for name in rules.playbooks(PROJECT):
        (imported,) = yaml.safe_load((PROJECT / name).read_text())
        assert imported["ansible.builtin.import_playbook"] == f"cloudnexus.cloud.{name.removesuffix('.yml')}"
        assert (ROOT / "playbooks" / name).exists()


def test_the_preview_can_not_change_anything() -> None:
    preview = TEMPLATES["web tier: preview"]
    assert (preview["job_type"], preview["ask_job_type_on_launch"], preview["diff_mode"]) == ("check", False, True)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_takes_no_other_variables_and_is_sliced_only_if_no_play_changes_localhost(name: str) -> None:
    template = TEMPLATES[name]
    assert template["ask_variables_on_launch"] is False
    assert template["job_slice_count"] == ("{{ __awx_job_slice_count }}" if name == "web tier: configure" else 1)


def test_whatever_changes_instances_is_one_template_that_excludes_itself() -> None:
    """AWX has no other lock: two jobs that create the same names at once would create each twice, and a teardown would miss what is just made."""
    changing = {name for name, template in TEMPLATES.items() if template["playbook"] == "web_tier.yml" and template["job_type"] == "run"}
    assert changing == {"web tier: apply"}
    assert TEMPLATES["web tier: apply"]["allow_simultaneous"] is False
    assert not any(template["playbook"] == "web_tier_teardown.yml" for template in TEMPLATES.values())
    for workflow in WORKFLOWS.values():
        started = {node.get("unified_job_template") for node in workflow["simplified_workflow_nodes"]}
        assert started == {"web tier: preview", "web tier: changes", "web tier: apply", None}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_but_the_preview_says_what_is_approved(name: str) -> None:
    """The workflow's own variables win over what a job hands on; an empty answer would, too."""
    workflow = WORKFLOWS[name]
    assert workflow["extra_vars"]["web_tier_require_approval"] is True
    assert ("web_tier_state" in workflow["extra_vars"]) == (name == "web tier: teardown")
    assert workflow["ask_variables_on_launch"] is False
    assert not {"web_tier_approved_digest", "web_tier_state"} & {question["variable"] for question in SURVEYS[name]}
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    assert {key: node["success_nodes"] for key, node in nodes.items()} == {
        "preview": ["changes"], "changes": ["approval"], "approval": ["apply"], "apply": ["sync"],
    }  # fmt: skip
    assert nodes["preview"]["unified_job_template"] == "web tier: preview"
    assert nodes["apply"]["unified_job_template"] == "web tier: apply"
    assert set(nodes["approval"]) == {"identifier", "approval_node", "success_nodes"}


def test_objects_that_another_organization_may_have_too_are_not_referred_to_by_their_name_alone() -> None:
    names = {"inventory": "{{ __awx_inventory }}", "credential": "{{ __awx_credential }}"}
    for item in [*TEMPLATES.values(), *DATA["controller_inventory_sources"]]:
        assert item["organization"] == "{{ __awx_organization }}"
        # The module looks the inventory of a source up within the organization, and that of a template everywhere.
        assert item["inventory"] in (names["inventory"], "CloudNexus" if "source" in item else "")
        assert item.get("credential", names["credential"]) == names["credential"]
        assert "CloudNexus" not in item.get("credentials", [])
    assert DATA["__awx_inventory"].startswith("CloudNexus{{ __awx_of_organization }}")


def test_the_nightly_schedule_is_one_that_awx_takes() -> None:
    (schedule,) = DATA["controller_schedules"]
    (default,) = re.findall(r"awx_drift_rrule \| default\('(.+?)'", TEXT)
    assert rules.rrule_mistakes(default) == []
    assert schedule["unified_job_template"] == "web tier: drift"
    for wrong in ("RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20260101T030000 RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20260101T030000Z RRULE:FREQ=DAILY"):
        assert rules.rrule_mistakes(wrong)


def test_the_rulebook_for_a_controller_answers_the_survey_of_its_template() -> None:
    (rulebook,) = yaml.safe_load((ROOT / "extensions" / "eda" / "rulebooks" / "web_tier_controller.yml").read_text())
    (action,) = [rule["action"]["run_job_template"] for rule in rulebook["rules"] if "run_job_template" in rule["action"]]
    questions = {question["variable"]: question for question in SURVEYS[action["name"]]}
    answers = action["job_args"]["extra_vars"]
    typed = {**answers, "web_tier_name": "shop", "web_tier_count": 3, "web_tier_plan": "starter", "web_tier_regions": ["us-east"]}
    assert rules.answer_mistakes(SURVEYS[action["name"]], typed) == []
    assert rules.answer_mistakes(SURVEYS[action["name"]], {**typed, "web_tier_count": "", "web_tier_recreate_for": ["colour"], "other": 1})
    assert set(answers) <= set(questions)
    assert set(answers["web_tier_recreate_for"]) <= set(questions["web_tier_recreate_for"]["choices"])
    assert {name for name, question in questions.items() if question["required"]} <= set(answers)


def test_the_inventory_source_is_a_file_of_the_project_that_the_plugin_takes() -> None:
    (source,) = DATA["controller_inventory_sources"]
    path = PROJECT / source["source_path"]
    assert InventoryModule().verify_file(str(path))
    assert yaml.safe_load(path.read_text())["plugin"] == InventoryModule.NAME
    assert (source["enabled_var"], source["enabled_value"], source["overwrite"]) == ("cloudnexus_status", "running", True)


def test_the_guide_shows_the_project_as_it_is() -> None:
    shown = re.findall(r"```yaml\n# ([\w./]+)\n(.*?)```", (ROOT / "docs" / "awx.md").read_text(), re.DOTALL)
    assert {name: yaml.safe_load(text) for name, text in shown} == {
        path.relative_to(PROJECT).as_posix(): yaml.safe_load(path.read_text()) for path in PROJECT.rglob("*.yml")
    }


# --- The playbook ---


def test_the_playbook_hands_on_all_that_the_data_says() -> None:
    (play,) = yaml.safe_load(PLAY)
    all_tasks = play["tasks"][1]["block"]
    loops = [task for task in all_tasks if "controller_" in task.get("loop", "") and "subelements" not in task["loop"]]
    tasks = {re.findall(r"controller_\w+", task["loop"])[0]: task for task in loops}
    assert set(tasks) == {name for name in DATA if name.startswith("controller_")}
    for name, task in tasks.items():
        (arguments,) = [value for key, value in task.items() if key.startswith("awx.awx.")]
        if name == "controller_roles":  # which is an expression
            continue
        keys = {key for item in DATA[name] for key in item} - {"simplified_workflow_nodes"}
        optional = {key for key in keys if any("omit" in str(item.get(key, "omit")) for item in DATA[name])}
        assert optional == set() or name in ("controller_projects", "controller_templates")
        # Where an item is long, the loop is over the names, because Ansible prints the item that fails.
        of = {"controller_templates": "template", "controller_workflows": "workflow"}.get(name, "item")
        handed_on = {key: f"{{{{ {of}.{key}{' | default(omit)' if key in optional else ''} }}}}" for key in keys}
        assert {key: value for key, value in arguments.items() if f"{of}." in str(value)} == handed_on
        assert ("survey_spec" in keys) == ("map(attribute='name')" in task["loop"])


def test_the_inputs_are_those_that_are_read_and_documented() -> None:
    (play,) = yaml.safe_load(PLAY)
    inputs = play["vars"]["__awx_inputs"]
    read = set(re.findall(r"(?<!\w)awx_\w+(?= \| default)", TEXT + PLAY))
    assert inputs == sorted(read)
    referred_to = {reference["input"] for reference in play["vars"]["__awx_references"]}
    assert referred_to == {name for name in inputs if name.endswith(("_credential", "_team", "_template", "_environment"))}
    assert set(re.findall(r"^\| `(awx_\w+)` \|", (ROOT / "docs" / "awx.md").read_text(), re.MULTILINE)) == set(inputs)


def test_lint_knows_the_modules_of_the_playbook() -> None:
    assert yaml.safe_load((ROOT / ".ansible-lint").read_text())["mock_modules"] == sorted(set(re.findall(r"^ +(awx\.awx\.\w+):$", PLAY, re.MULTILINE)))


# --- The rules ---


def test_what_awx_refuses_is_found() -> None:
    def changed(item: Json, *path: Any, value: Any) -> Json:
        found = copy.deepcopy(item)
        place = found
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return found

    for wrong in (
        changed(TYPE, "kind", value="galaxy"),
        changed(TYPE, "inputs", "dependencies", value={}),
        changed(TYPE, "inputs", "fields", 0, "type", value="integer"),
        changed(TYPE, "inputs", "fields", 0, "description", value="not a key"),
        changed(TYPE, "inputs", "fields", 1, "id", value="api_key"),
        changed(TYPE, "injectors", "env", "ANSIBLE_CONFIG", value="x"),
        changed(TYPE, "injectors", "env", "CLOUDNEXUS_API_KEY", value="{{ apikey }}"),
        changed(TYPE, "injectors", "environment", value={}),
    ):
        assert rules.credential_type_mistakes(wrong)
    assert rules.credential_mistakes({"validate_certs": "maybe"}, TYPE)
    assert rules.credential_mistakes({"key": "x"}, TYPE)
    survey = {"name": "", "description": "", "spec": SURVEYS["web tier: apply"]}
    for wrong in (
        changed(survey, "name", value=None),
        changed(survey, "spec", value=[]),
        changed(survey, "spec", 0, "required", value="yes"),
        changed(survey, "spec", 0, "variable", value="web_tier_count"),
        changed(survey, "spec", 1, "default", value="2"),
        changed(survey, "spec", 1, "max", value="999"),
        changed(survey, "spec", 2, "default", value="huge"),
        changed(survey, "spec", 3, "default", value=["us-east"]),
    ):
        assert rules.survey_mistakes(wrong)

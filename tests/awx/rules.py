# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6.1 refuses: each function returns sentences on what is wrong.

The rules are those of ``awx/main/fields.py`` (credential types and credentials), ``awx/api/serializers.py`` (``SchedulePreviewSerializer``),
``awx/api/views`` (surveys), ``awx/main/models/mixins.py`` (answers of a survey) and ``awx/main/utils/ansible.py`` (which files of a project are playbooks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Json = dict[str, Any]

_INPUT_KEYS = {"id", "label", "type", "format", "choices", "help_text", "multiline", "secret", "default"}
_TEXT_ONLY = ("choices", "multiline", "format", "secret")
_VARIABLE = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
#: What may affect AWX itself, or its runner.
_RESERVED = {
    "VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID", "INVENTORY_UPDATE_ID", "AD_HOC_COMMAND_ID", "REST_API_URL",
    "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE", "CALLBACK_CONNECTION", "CACHE", "JOB_CALLBACK_DEBUG", "INVENTORY_HOSTVARS", "AWX_HOST",
    "PROJECT_REVISION", "SUPERVISOR_CONFIG_PATH",
}  # fmt: skip
_SURVEY_DEFAULTS: dict[str, type | tuple[type, ...]] = {
    "text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int, "float": (float, int),
}  # fmt: skip
_PLAYBOOK = re.compile(r"\s*-?\s*(?:hosts|(?:ansible\.builtin\.)?include|(?:ansible\.builtin\.)?import_playbook):")


# --- Credential types and credentials ---


def credential_type_mistakes(item: Mapping[str, Any]) -> list[str]:
    inputs, injectors = item.get("inputs", {}), item.get("injectors", {})
    wrong = [] if item.get("kind") in ("cloud", "net") else [f"kind: must be cloud or net, not {item.get('kind')}"]
    wrong += [f"inputs: {key} is not supported for custom types" for key in set(inputs) - {"fields", "required"}]
    ids: list[str] = []
    for field in inputs.get("fields", []):
        wrong += _input_mistakes(field)
        ids.append(field.get("id"))
    wrong += [f"{name}: field IDs must be unique" for name in set(ids) if ids.count(name) > 1]
    wrong += [f"injectors: {key} is unknown" for key in set(injectors) - {"env", "extra_vars", "file"}]
    namespace = dict.fromkeys(ids, "EXAMPLE")
    for name, template in injectors.get("env", {}).items():
        if not _VARIABLE.fullmatch(name) or name.startswith("ANSIBLE_") or name in _RESERVED:
            wrong.append(f"{name}: not allowed in credentials")
        if not isinstance(template, str) or not template.isascii():
            wrong.append(f"{name}: must be ASCII text")
            continue
        try:
            ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(namespace)
        except TemplateError as error:
            wrong.append(f"{name}: {error}")
    return wrong


def _input_mistakes(field: Json) -> list[str]:
    name, kind = field.get("id"), field.get("type", "string")
    wrong = [f"{name}: {key} is unknown" for key in set(field) - _INPUT_KEYS]
    wrong += [f"{name}: {key} is required, as text" for key in ("id", "label") if not isinstance(field.get(key), str)]
    wrong += [f"{name}: {key} must be text" for key in ("label", "help_text") if not isinstance(field.get(key, ""), str)]
    wrong += [f"{name}: {key} must be a boolean" for key in ("multiline", "secret") if not isinstance(field.get(key, False), bool)]
    if not _VARIABLE.fullmatch(str(name)) or name == "tower":
        wrong.append(f"{name}: an invalid or reserved variable name")
    if kind not in ("string", "boolean"):
        return [*wrong, f"{name}: {kind} is no type"]
    if "default" in field and not isinstance(field["default"], {"string": str, "boolean": bool}[kind]):
        wrong.append(f"{name}: the default is not a {kind}")
    if kind != "string":
        wrong += [f"{name}: {key} is not allowed for {kind}" for key in _TEXT_ONLY if key in field]
    if field.get("format") not in (None, "ssh_private_key", "url"):
        wrong.append(f"{name}: {field['format']} is no format")
    choices = field.get("choices", ["any"])
    if not choices or len(set(choices)) != len(choices) or not all(isinstance(choice, str) for choice in choices):
        wrong.append(f"{name}: choices must be different texts")
    return wrong


def credential_mistakes(inputs: Mapping[str, Any], credential_type: Mapping[str, Any]) -> list[str]:
    fields = {field["id"]: field for field in credential_type["inputs"].get("fields", [])}
    wrong = []
    for name, value in inputs.items():
        if name not in fields:
            wrong.append(f"{name}: unexpected")
        elif not isinstance(value, {"string": str, "boolean": bool}[fields[name].get("type", "string")]):
            wrong.append(f"{name}: not a {fields[name].get('type', 'string')}")
        elif fields[name].get("choices") and value not in fields[name]["choices"]:
            wrong.append(f"{name}: not one of {fields[name]['choices']}")
    return wrong


def secrets_of(credential_type: Mapping[str, Any]) -> set[str]:
    return {field["id"] for field in credential_type["inputs"].get("fields", []) if field.get("secret")}


# --- Surveys ---


def survey_mistakes(survey: Mapping[str, Any]) -> list[str]:
    wrong = [f"{name} must be text" for name in ("name", "description") if not isinstance(survey.get(name), str)]
    questions = survey.get("spec")
    if not isinstance(questions, list) or not questions:
        return [*wrong, "spec must be a list with items"]
    variables = [question.get("variable") for question in questions]
    wrong += [f"{name}: asked for twice" for name in set(variables) if variables.count(name) > 1]
    for question in questions:
        wrong += [f"{question.get('variable')}: {mistake}" for mistake in _question_mistakes(question)]
    return wrong


def _question_mistakes(question: Json) -> list[str]:
    kind = question.get("type")
    wrong = [f"{key} must be text" for key in ("type", "question_name", "variable") if not isinstance(question.get(key), str)]
    if not isinstance(question.get("required"), bool):
        wrong.append("required must be a boolean")
    if kind not in _SURVEY_DEFAULTS:
        return [*wrong, f"{kind} is no type of question"]
    default = question.get("default", "")
    if default != "" and not isinstance(default, _SURVEY_DEFAULTS[kind]):
        wrong.append(f"the default {default!r} is not of its type")
    # The API takes null for no bound; the web interface compares an answer with it.
    wrong += [f"{key} must be a whole number" for key in ("min", "max") if not isinstance(question.get(key, 0), int)]
    if kind in ("multiselect", "multiplechoice"):
        choices = question.get("choices")
        if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
            return [*wrong, "choices must be texts"]
        # Lines are what the web interface takes apart.
        defaults = str(default).splitlines()
        if kind == "multiplechoice" and len(defaults) > 1:
            wrong.append("it can only have one default")
        wrong += [f"the default {item} is no choice" for item in defaults if item not in choices]
    return wrong


def answer_mistakes(questions: list[Json], answers: Mapping[str, Any]) -> list[str]:
    """What a launch by the API is refused for with 400. Only a text may be empty; the web interface leaves empty answers out."""
    by_name = {question["variable"]: question for question in questions}
    wrong = [f"Variables {name} are not allowed on launch." for name in answers if name not in by_name]
    for name, question in by_name.items():
        if name not in answers:
            wrong += [f"'{name}' value missing"] if question["required"] else []
        else:
            wrong += _answer_mistakes(name, question, answers[name])
    return wrong


def _answer_mistakes(name: str, question: Json, answer: Any) -> list[str]:
    kind = question["type"]
    if kind in ("text", "textarea", "password"):
        return [] if isinstance(answer, str) else [f"Value {answer} for '{name}' expected to be a string."]
    if kind == "integer":
        if type(answer) is not int:
            return [f"Value {answer} for '{name}' expected to be an integer."]
        small, large = answer < question.get("min", answer), answer > question.get("max", answer)
        return [f"'{name}' value {answer} is too small or too large."] if small or large else []
    if kind == "multiselect":
        if not isinstance(answer, list):
            return [f"'{name}' value is expected to be a list."]
        return [f"Value {item} for '{name}' expected to be one of {question['choices']}." for item in answer if item not in question["choices"]]
    return [] if answer in question["choices"] else [f"Value {answer} for '{name}' expected to be one of {question['choices']}."]


# --- Schedules ---


def rrule_mistakes(rule: str) -> list[str]:
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
    parts = re.findall(r"RULE:\S*", rule)
    wrong = [] if len(starts) == 1 else ["Valid DTSTART required in rrule, once."]
    wrong += ["DTSTART cannot be a naive datetime."] if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule) else []
    wrong += [] if parts else ["One or more rule required in rrule."]
    wrong += ["INTERVAL required in rrule"] if any("INTERVAL" not in part for part in parts) else []
    return wrong + (["SECONDLY is not supported"] if "SECONDLY" in rule else [])


# --- Projects ---


def playbooks(project: Path) -> list[str]:
    """The playbooks that AWX finds in a project."""
    found = []
    for path in sorted([*project.rglob("*.yml"), *project.rglob("*.yaml")]):
        parts = path.relative_to(project).parts
        skipped = any(part in ("roles", "tasks", "group_vars", "host_vars") or part.startswith(".") for part in parts[:-1])
        if not skipped and any(_PLAYBOOK.match(line) for line in path.read_text(encoding="utf-8").splitlines()):
            found.append(path.relative_to(project).as_posix())
    return found

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an AWX: its objects, and what AWX 24.6.1 does when one of them is read or written. ``stand_in.py`` tells where each rule comes from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import rules
from .kinds import KINDS, SURVEYED, UNIFIED, listed_in
from .permissions import Roles, User
from .projects import TRIGGERS, Repository

Json = dict[str, Any]
BASE = "/api/v2/"
TOKEN = "token-of-awx-0123456789"
HIDDEN = "$encrypted$"


class Refusal(Exception):
    """A response with an error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass(slots=True)
class Account:
    """What is in AWX: objects as they were written, by their kind and id."""

    repository: Repository
    objects: dict[str, dict[int, Json]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    surveys: dict[int, Json] = field(default_factory=dict)
    #: Objects in the lists of objects: of which, which list.
    members: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    #: Tokens that somebody made with a name and a password.
    tokens: dict[int, User] = field(default_factory=dict)
    roles: Roles = field(default_factory=Roles)
    #: Jobs that have run, each with its template and its output.
    jobs: dict[int, Json] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def new(cls, repository: Path) -> Account:
        """What a new AWX has in it."""
        account = cls(Repository(repository))
        account.users.append(User("admin", next(account.ids), TOKEN, superuser=True))
        default = account.add("organizations", {"name": "Default"})
        galaxy = account.add("credential_types", {"name": "Ansible Galaxy/Automation Hub API Token", "kind": "galaxy", "inputs": {"fields": []}})
        machine = account.add("credential_types", {"name": "Machine", "kind": "ssh", "inputs": {"fields": []}})
        account.add("credential_types", {"name": "Source Control", "kind": "scm", "inputs": {"fields": []}})
        credential = account.add("credentials", {"name": "Ansible Galaxy", "credential_type": galaxy})
        account.add("credentials", {"name": "Demo Credential", "credential_type": machine})
        account.add("execution_environments", {"name": "AWX EE (latest)", "image": "quay.io/ansible/awx-ee:24.6.1"})
        account.members[default, "galaxy_credentials"] = [credential]
        return account

    def add(self, kind: str, fields: Json) -> int:
        number = next(self.ids)
        self.objects[kind][number] = {**KINDS[kind].defaults, **fields}
        self.roles.add(number, KINDS[kind].roles, number)
        return number

    def named(self, kind: str, name: str, **more: Any) -> Json:
        """As it was written, with its id, for tests."""
        key = "identifier" if kind == "workflow_job_template_nodes" else "name"
        wanted = {key: name, **more}
        ((number, found),) = [entry for entry in self.objects[kind].items() if all(entry[1].get(field) == value for field, value in wanted.items())]
        return {"id": number, **found}

    def user(self, token: str) -> User:
        made = [user for number, user in self.tokens.items() if token == f"made-{number}"]
        for user in [*made, *(user for user in self.users if user.token == token)]:
            return user
        raise Refusal(401, {"detail": "Authentication credentials were not provided."})

    # --- Reading ---

    def shown(self, kind: str, number: int) -> Json:
        item = self.objects[kind][number]
        url = f"{BASE}{kind}/{number}/"
        related = {name: f"{url}{name}/" for name in KINDS[kind].lists}
        answer: Json = {"id": number, "type": KINDS[kind].type, "url": url, "related": related, "summary_fields": {}, **item}
        if roles := self.roles.of(number):
            answer["summary_fields"]["object_roles"] = {name: {"id": role} for name, role in roles.items()}
        if kind in SURVEYED:
            related["survey_spec"] = f"{url}survey_spec/"
        if kind in UNIFIED:
            answer["organization"] = self.organization(kind, number)
        if kind == "credential_types":
            answer["managed"] = item["kind"] not in ("cloud", "net")
        if kind == "credentials":
            secrets = rules.secrets_of(self.objects["credential_types"][item["credential_type"]])
            answer["inputs"] = {name: HIDDEN if name in secrets and value else value for name, value in item["inputs"].items()}
        if kind == "projects":
            related["update"] = f"{url}update/"
            synced = self.repository.of(number)
            answer |= {"status": synced.status, "scm_revision": synced.revision}
            if synced.active:
                answer["summary_fields"]["current_update"] = {"id": synced.updates[-1].number, "status": synced.status}
        if kind == "workflow_job_template_nodes" and item["unified_job_template"] is not None:
            target = next(name for name in (*UNIFIED, "workflow_approval_templates") if item["unified_job_template"] in self.objects[name])
            related["unified_job_template"] = f"{BASE}{target}/{item['unified_job_template']}/"
        return answer

    def read(self, kind: str, number: int) -> Json:
        """As shown, and a sync of a project gets on."""
        if kind == "projects":
            self.repository.look(self.repository.of(number))
        return self.shown(kind, number)

    def organization(self, kind: str, number: int) -> int | None:
        return self.owner(kind, self.objects[kind][number])

    def owner(self, kind: str, item: Json) -> int | None:
        """The organization of an object; a template has that of its project."""
        owner = {"job_templates": ("projects", "project"), "inventory_sources": ("inventories", "inventory")}.get(kind)
        found: int | None = self.objects[owner[0]].get(item[owner[1]], {}).get("organization") if owner else item.get("organization")
        return found

    def listed(self, kind: str, query: dict[str, str]) -> list[Json]:
        kinds = UNIFIED if kind == "unified_job_templates" else (kind,)
        found = [self.shown(name, number) for name in kinds for number in self.objects[name]]
        either = {key.removeprefix("or__"): value for key, value in query.items() if key.startswith("or__")}
        for key, value in query.items():
            if not key.startswith("or__"):
                found = [item for item in found if str(self._value(item, key)) == value]
        return [item for item in found if not either or any(str(self._value(item, key)) == value for key, value in either.items())]

    def _value(self, item: Json, key: str) -> Any:
        """The value of a field; with two underscores, that of a field of the object that the field refers to."""
        name, _, rest = key.partition("__")
        if name not in item:
            raise Refusal(400, {"detail": f"{item['type']} has no field named '{name}'"})
        return self.objects[f"{name}s"][item[name]][rest] if rest else item[name]

    def by_named_url(self, kind: str, url: str) -> int:
        """``name++organization``, for a credential ``name++type+kind++organization``."""
        name, *middle, organization = [part.replace("[+]", "\0") for part in url.split("++")]
        for number, item in self.objects[kind].items():
            owner = self.organization(kind, number)
            type_of = self.objects["credential_types"].get(item.get("credential_type"), {})
            texts = [item["name"], *([f"{type_of['name']}+{type_of['kind']}"] if kind == "credentials" else [])]
            texts.append(self.objects["organizations"][owner]["name"] if owner else "")
            if texts == [part.replace("\0", "+") for part in (name, *middle, organization)]:
                return number
        raise Refusal(404, {"detail": "Not found."})

    # --- Writing ---

    def create(self, kind: str, body: Json) -> Json:
        known = KINDS[kind].defaults
        fields = {name: _stored(known[name], value) for name, value in body.items() if name in known}
        if not fields.get("name") and not fields.get("identifier"):
            raise Refusal(400, {"name": ["This field is required."]})
        if kind == "credentials" and not fields.get("organization"):
            raise Refusal(400, {"detail": "Missing 'user', 'team', or 'organization'."})
        self._check(kind, None, {**known, **fields})
        number = self.add(kind, fields)
        if kind == "projects" and fields["scm_type"]:
            self.repository.start(number, fields.get("scm_branch", ""), self.ids)
        return self.shown(kind, number)

    def change(self, kind: str, number: int, body: Json) -> Json:
        item = self.objects[kind][number]
        fields = {name: _stored(KINDS[kind].defaults[name], value) for name, value in body.items() if name in item and name not in KINDS[kind].fixed}
        if kind == "credentials" and "inputs" in fields:
            fields["inputs"] = {name: item["inputs"].get(name) if value == HIDDEN else value for name, value in fields["inputs"].items()}
        self._check(kind, number, {**item, **fields})
        triggered = kind == "projects" and any(fields.get(name, item[name]) != item[name] for name in TRIGGERS)
        item.update(fields)
        if triggered:
            self.repository.start(number, item["scm_branch"], self.ids)
        return self.shown(kind, number)

    def delete(self, kind: str, number: int) -> None:
        del self.objects[kind][number]
        for listed in self.members.values():
            if number in listed:
                listed.remove(number)

    def _check(self, kind: str, number: int | None, item: Json) -> None:
        def identity(found: Json) -> list[Any]:
            return [self.owner(kind, found) if name == "organization" else found.get(name) for name in KINDS[kind].unique]

        for other, found in self.objects[kind].items():
            if KINDS[kind].unique and other != number and identity(found) == identity(item):
                raise Refusal(400, {"__all__": [f"{KINDS[kind].type} with this {' and '.join(KINDS[kind].unique)} already exists."]})
        checks = {
            "credential_types": self._type_mistakes, "credentials": self._credential_mistakes, "inventory_sources": self._source_mistakes,
            "job_templates": self._template_mistakes, "execution_environments": self._environment_mistakes, "schedules": self._schedule_mistakes,
        }  # fmt: skip
        if wrong := checks.get(kind, lambda _number, _item: [])(number, item):
            raise Refusal(400, {"__all__": wrong})

    def _type_mistakes(self, number: int | None, item: Json) -> list[str]:
        for entry in item["inputs"].get("fields", []):
            entry.setdefault("type", "string")
        in_use = any(credential["credential_type"] == number for credential in self.objects["credentials"].values())
        if in_use and number is not None and self.objects["credential_types"][number]["inputs"] != item["inputs"]:
            raise Refusal(403, {"detail": "Modifications to inputs are not allowed for credential types that are in use"})
        return rules.credential_type_mistakes(item)

    def _credential_mistakes(self, _number: int | None, item: Json) -> list[str]:
        return rules.credential_mistakes(item["inputs"], self.objects["credential_types"][item["credential_type"]])

    def _source_mistakes(self, _number: int | None, item: Json) -> list[str]:
        return ["Project required for scm type sources."] if item["source"] == "scm" and item["source_project"] is None else []

    def _template_mistakes(self, _number: int | None, item: Json) -> list[str]:
        if item["project"] is None or item["inventory"] is None:
            return ["Job Templates must have a project and an inventory assigned."]
        return [] if item["playbook"] in self.repository.of(item["project"]).playbooks else ["Playbook not found for project."]

    def _environment_mistakes(self, number: int | None, item: Json) -> list[str]:
        before = self.objects["execution_environments"].get(number or 0, item)["organization"]
        return ["Cannot change the organization of an execution environment"] if item["organization"] not in (before, None) else []

    def _schedule_mistakes(self, _number: int | None, item: Json) -> list[str]:
        survey = self.surveys.get(item["unified_job_template"], {"spec": []})
        return rules.rrule_mistakes(item["rrule"]) + rules.answer_mistakes(survey["spec"], item["extra_data"])

    def associate(self, kind: str, number: int, name: str, body: Json) -> None:
        members = self.members.setdefault((number, name), [])
        if body["id"] not in self.objects[listed_in(kind, name)]:
            raise Refusal(400, {"detail": f"{body['id']} does not exist"})
        if body.get("disassociate"):
            members.remove(body["id"])
            return
        if kind == "job_templates" and name == "credentials":
            types = [self.objects["credentials"][member]["credential_type"] for member in members]
            if self.objects["credentials"][body["id"]]["credential_type"] in types:
                raise Refusal(400, {"detail": "Cannot assign multiple credentials of one type."})
        members.append(body["id"])

    def set_survey(self, number: int, body: Json) -> None:
        if wrong := rules.survey_mistakes(body):
            raise Refusal(400, {"error": " ".join(wrong)})
        self.surveys[number] = body

    def add_approval(self, number: int, body: Json) -> Json:
        node = self.objects["workflow_job_template_nodes"][number]
        known = KINDS["workflow_approval_templates"].defaults
        node["unified_job_template"] = self.add("workflow_approval_templates", {name: value for name, value in body.items() if name in known})
        return self.shown("workflow_approval_templates", node["unified_job_template"])


def _stored(default: Any, value: Any) -> Any:
    """AWX takes null for empty text, and for false, where it has no null."""
    return type(default)() if value is None and isinstance(default, str | bool) else value

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the API of AWX 24.6.1: what the modules of awx.awx ask for, as AWX answers it.

It holds to what decides whether a second run finds a difference: which fields there are, their defaults, what is read-only, what is never
told, and how names are looked up. What AWX refuses it refuses too, by the rules beside it. Fields that AWX has and that no module sends
or compares are left out.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from . import rules

Json = dict[str, Any]
BASE = "/api/v2/"
TOKEN = "token-of-awx-0123456789"
HIDDEN = "$encrypted$"
#: What AWX knows about itself; the modules warn when it is not what they were made for.
HEADERS = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}

_ASK = ("variables", "limit", "tags", "skip_tags", "inventory", "scm_branch", "labels")
_ASK_JOB = ("diff_mode", "job_type", "verbosity", "credential", "execution_environment", "forks", "job_slice_count", "timeout", "instance_groups")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its fields that can be written, with their defaults, and what makes a name unique."""

    type: str
    defaults: Json
    unique: tuple[str, ...] = ("name", "organization")
    #: Written once, and never again.
    fixed: tuple[str, ...] = ()
    #: Lists of other objects, each below the object's own address.
    lists: tuple[str, ...] = ()


# fmt: off
KINDS = {
    "organizations": Kind(
        "organization", {"name": "", "description": "", "max_hosts": 0, "default_environment": None}, ("name",), lists=("galaxy_credentials",)
    ),
    "execution_environments": Kind("execution_environment", {"name": "", "image": ""}, ("name",)),
    "credential_types": Kind("credential_type", {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}}, ("name", "kind")),
    "credentials": Kind(
        "credential",
        {"name": "", "description": "", "organization": None, "credential_type": None, "inputs": {}},
        ("name", "organization", "credential_type"),
    ),
    "projects": Kind(
        "project",
        {
            "name": "", "description": "", "organization": None, "scm_type": "", "scm_url": "", "scm_branch": "", "scm_refspec": "", "scm_clean": False,
            "scm_delete_on_update": False, "scm_track_submodules": False, "scm_update_on_launch": False, "scm_update_cache_timeout": 0, "timeout": 0,
            "allow_override": False, "credential": None, "default_environment": None, "signature_validation_credential": None, "local_path": "",
        },
    ),
    "inventories": Kind(
        "inventory",
        {"name": "", "description": "", "organization": None, "kind": "", "host_filter": None, "variables": "", "prevent_instance_group_fallback": False},
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            "name": "", "description": "", "inventory": None, "source": "", "source_path": "", "source_vars": "", "scm_branch": "", "credential": None,
            "enabled_var": "", "enabled_value": "", "host_filter": "", "overwrite": False, "overwrite_vars": False, "timeout": 0, "verbosity": 1, "limit": "",
            "execution_environment": None, "source_project": None, "update_on_launch": False, "update_cache_timeout": 0,
        },
        ("name", "inventory"), fixed=("inventory",),
    ),
    "job_templates": Kind(
        "job_template",
        {
            "name": "", "description": "", "job_type": "run", "inventory": None, "project": None, "playbook": "", "scm_branch": "", "forks": 0, "limit": "",
            "verbosity": 0, "extra_vars": "", "job_tags": "", "force_handlers": False, "skip_tags": "", "start_at_task": "", "timeout": 0,
            "use_fact_cache": False, "execution_environment": None, "host_config_key": "", "survey_enabled": False, "become_enabled": False,
            "diff_mode": False, "allow_simultaneous": False, "job_slice_count": 1, "webhook_service": "", "webhook_credential": None,
            "prevent_instance_group_fallback": False, **{f"ask_{name}_on_launch": False for name in (*_ASK, *_ASK_JOB)},
        },
        lists=("credentials",),
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            "name": "", "description": "", "organization": None, "extra_vars": "", "survey_enabled": False, "allow_simultaneous": False, "inventory": None,
            "limit": None, "scm_branch": None, "job_tags": None, "skip_tags": None, "webhook_service": "", "webhook_credential": None,
            **{f"ask_{name}_on_launch": False for name in _ASK},
        },
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            "identifier": "", "workflow_job_template": None, "unified_job_template": None, "extra_data": {}, "inventory": None, "scm_branch": None,
            "job_type": None, "job_tags": None, "skip_tags": None, "limit": None, "diff_mode": None, "verbosity": None, "forks": None, "timeout": None,
            "job_slice_count": None, "execution_environment": None, "all_parents_must_converge": False,
        },
        ("identifier", "workflow_job_template"), fixed=("workflow_job_template",), lists=("success_nodes", "failure_nodes", "always_nodes", "credentials"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {"name": "", "description": "", "timeout": 0}, ()),
}
# fmt: on
_SURVEYED = ("job_templates", "workflow_job_templates")
_UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates")


class Refusal(Exception):
    """An answer with an error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass(slots=True)
class Request:
    method: str
    path: str
    body: Any = None
    status: int = 0


@dataclass(slots=True)
class Account:
    """What is in AWX: objects as they were written, by their kind and id."""

    #: The folder that every project's repository has in it.
    repository: Path
    objects: dict[str, dict[int, Json]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    surveys: dict[int, Json] = field(default_factory=dict)
    #: Objects in the lists of objects: of which, which list.
    members: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    #: The updates of projects, and how often each was asked for.
    updates: dict[int, tuple[int, int]] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def preload(self) -> None:
        """What a new AWX has in it."""
        default = self.add("organizations", {"name": "Default"})
        galaxy = self.add("credential_types", {"name": "Ansible Galaxy/Automation Hub API Token", "kind": "galaxy", "inputs": {"fields": []}})
        machine = self.add("credential_types", {"name": "Machine", "kind": "ssh", "inputs": {"fields": []}})
        credential = self.add("credentials", {"name": "Ansible Galaxy", "credential_type": galaxy})
        self.add("credentials", {"name": "Demo Credential", "credential_type": machine})
        self.add("execution_environments", {"name": "AWX EE (latest)", "image": "quay.io/ansible/awx-ee:latest"})
        self.members[default, "galaxy_credentials"] = [credential]

    def add(self, kind: str, fields: Json) -> int:
        number = next(self._ids)
        self.objects[kind][number] = {**KINDS[kind].defaults, **fields}
        return number

    def named(self, kind: str, name: str) -> Json:
        """As it was written, with its id, for tests."""
        key = "identifier" if kind == "workflow_job_template_nodes" else "name"
        ((number, found),) = [entry for entry in self.objects[kind].items() if entry[1][key] == name]
        return {"id": number, **found}

    # --- Answers ---

    def shown(self, kind: str, number: int) -> Json:
        item = self.objects[kind][number]
        url = f"{BASE}{kind}/{number}/"
        related = {name: f"{url}{name}/" for name in KINDS[kind].lists}
        answer: Json = {"id": number, "type": KINDS[kind].type, "url": url, "related": related, "summary_fields": {}, **item}
        if kind in _SURVEYED:
            related["survey_spec"] = f"{url}survey_spec/"
        if kind == "job_templates":
            answer["organization"] = self._organization(kind, number)
        if kind == "credential_types":
            answer["managed"] = item["kind"] not in ("cloud", "net")
        if kind == "credentials":
            secrets = rules.secrets_of(self.objects["credential_types"][item["credential_type"]])
            answer["inputs"] = {name: HIDDEN if name in secrets and value else value for name, value in item["inputs"].items()}
        if kind == "projects":
            answer["scm_revision"] = "0" * 40 if number not in self.updates else ""
            if number in self.updates:
                answer["summary_fields"]["current_update"] = {"id": self.updates[number][0], "status": "pending"}
        if kind == "workflow_job_template_nodes" and item["unified_job_template"] is not None:
            target = next(name for name in (*_UNIFIED, "workflow_approval_templates") if item["unified_job_template"] in self.objects[name])
            related["unified_job_template"] = f"{BASE}{target}/{item['unified_job_template']}/"
        return answer

    def _organization(self, kind: str, number: int) -> int | None:
        item = self.objects[kind][number]
        owner = {"job_templates": ("projects", "project"), "inventory_sources": ("inventories", "inventory")}.get(kind)
        found: int | None = self.objects[owner[0]][item[owner[1]]]["organization"] if owner else item.get("organization")
        return found

    def listed(self, kind: str, query: dict[str, str]) -> list[Json]:
        kinds = _UNIFIED if kind == "unified_job_templates" else (kind,)
        found = []
        for name in kinds:
            for number in self.objects[name]:
                item = self.shown(name, number)
                values = {**item, "organization": self._organization(name, number)}
                for key in query:
                    if key not in values:
                        raise Refusal(400, {"detail": f"{KINDS[name].type} has no field named '{key}'"})
                if all(str(values[key]) == value for key, value in query.items()):
                    found.append(item)
        return found

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
            self.updates[number] = (next(self._ids), 0)
        return self.shown(kind, number)

    def change(self, kind: str, number: int, body: Json) -> Json:
        item = self.objects[kind][number]
        fields = {name: _stored(KINDS[kind].defaults[name], value) for name, value in body.items() if name in item and name not in KINDS[kind].fixed}
        if kind == "credentials" and "inputs" in fields:
            fields["inputs"] = {name: item["inputs"].get(name) if value == HIDDEN else value for name, value in fields["inputs"].items()}
        self._check(kind, number, {**item, **fields})
        item.update(fields)
        return self.shown(kind, number)

    def _check(self, kind: str, number: int | None, item: Json) -> None:
        for other, found in self.objects[kind].items():
            if KINDS[kind].unique and other != number and all(found.get(name) == item.get(name) for name in KINDS[kind].unique):
                raise Refusal(400, {"__all__": [f"{KINDS[kind].type} with this {' and '.join(KINDS[kind].unique)} already exists."]})
        wrong: list[str] = []
        if kind == "credential_types":
            for entry in item["inputs"].get("fields", []):
                entry.setdefault("type", "string")
            in_use = any(credential["credential_type"] == number for credential in self.objects["credentials"].values())
            if in_use and number is not None and self.objects[kind][number]["inputs"] != item["inputs"]:
                raise Refusal(403, {"detail": "Modifications to inputs are not allowed for credential types that are in use"})
            wrong = rules.credential_type_mistakes(item)
        elif kind == "credentials":
            wrong = rules.credential_mistakes(item["inputs"], self.objects["credential_types"][item["credential_type"]])
        elif kind == "inventory_sources" and item["source"] == "scm" and item["source_project"] is None:
            wrong = ["Project required for scm type sources."]
        elif kind == "job_templates":
            if item["project"] is None or item["inventory"] is None:
                wrong = ["Job Templates must have a project and an inventory assigned."]
            elif item["project"] in self.updates or item["playbook"] not in rules.playbooks(self.repository):
                wrong = ["Playbook not found for project."]
        if wrong:
            raise Refusal(400, {"__all__": wrong})

    def associate(self, kind: str, number: int, name: str, body: Json) -> None:
        members = self.members.setdefault((number, name), [])
        target = kind if name.endswith("_nodes") else "credentials"
        if body["id"] not in self.objects[target]:
            raise Refusal(400, {"detail": f"{body['id']} does not exist"})
        if body.get("disassociate"):
            members.remove(body["id"])
            return
        if kind == "job_templates":
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

    def update_of_project(self, number: int) -> Json:
        """It runs for a moment: it is done when it is asked for a second time."""
        project, asked = next((project, asked) for project, (update, asked) in self.updates.items() if update == number)
        self.updates[project] = (number, asked + 1)
        if not asked:
            return {"id": number, "status": "running"}
        del self.updates[project]
        return {"id": number, "status": "successful"}


def _stored(default: Any, value: Any) -> Any:
    """AWX takes null for empty text, and for false, where it has no null."""
    return type(default)() if value is None and isinstance(default, str | bool) else value


class AwxStandIn:
    """Serves an account on a loopback port from a thread of its own, and keeps every request."""

    def __init__(self, repository: Path) -> None:
        self.account = Account(repository)
        self.account.preload()
        self.requests: list[Request] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> AwxStandIn:
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.method != "GET"]

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _serve(self, request: web.Request) -> web.Response:
        text = await request.text()
        entry = Request(request.method, request.path_qs, json.loads(text) if text else None)
        self.requests.append(entry)
        try:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refusal(401, {"detail": "Authentication credentials were not provided."})
            entry.status, body = self._answer(request.method, request.path, dict(request.query), entry.body)
        except Refusal as refusal:
            entry.status, body = refusal.status, refusal.body
        return web.json_response(body, status=entry.status, headers=HEADERS) if body is not None else web.Response(status=entry.status, headers=HEADERS)

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        account = self.account
        parts = path.removeprefix(BASE).strip("/").split("/")
        kind, number = parts[0], int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        sub = parts[2] if len(parts) == 3 else ""
        routes: dict[tuple[str, bool, str], Callable[[], tuple[int, Any]]] = {}
        if kind in KINDS and (not number or number in account.objects[kind]):
            routes = {
                ("GET", True, ""): lambda: (200, account.shown(kind, number)),
                ("PATCH", True, ""): lambda: (200, account.change(kind, number, body)),
                ("GET", False, ""): lambda: (200, _page(account.listed(kind, query))),
                ("POST", False, ""): lambda: (201, account.create(kind, body)),
            }
            for name in KINDS[kind].lists:
                target = kind if name.endswith("_nodes") else "credentials"
                routes["GET", True, name] = lambda name=name, target=target: (
                    200, _page([account.shown(target, member) for member in account.members.get((number, name), [])])
                )  # fmt: skip
                routes["POST", True, name] = lambda name=name: (204, account.associate(kind, number, name, body))
            if kind in _SURVEYED:
                routes["GET", True, "survey_spec"] = lambda: (200, account.surveys.get(number, {}))
                routes["POST", True, "survey_spec"] = lambda: (200, account.set_survey(number, body))
            if kind == "workflow_job_template_nodes":
                routes["POST", True, "create_approval_template"] = lambda: (201, account.add_approval(number, body))
        elif kind == "unified_job_templates":
            routes = {("GET", False, ""): lambda: (200, _page(account.listed(kind, query)))}
        elif kind == "project_updates":
            routes = {("GET", True, ""): lambda: (200, account.update_of_project(number))}
        route = routes.get((method, bool(number), sub))
        if route is None or not path.startswith(BASE):
            raise Refusal(404, {"detail": "Not found."})
        return route()


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "previous": None, "results": results}

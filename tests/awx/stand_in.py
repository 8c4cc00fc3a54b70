# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the API of AWX 24.6.1: what the modules of awx.awx ask for, as AWX answers it.

It holds to what decides whether a run fails, and whether a second one finds a difference. Which behavior comes from which file of AWX:

==================================================================================  =====================================================
fields, defaults, what is read-only and never told                                  awx/main/models, awx/api/serializers.py
a name is unique within an organization, that of an execution environment in all    awx/main/models/base.py, execution_environments.py
filters (``or__``, ``__``), a field that there isn't                                awx/api/filters.py (ansible_base.rest_filters)
named URLs                                                                          awx/main/utils/named_url_graph.py
a sync starts for a new project or another branch, and for nothing else             awx/main/models/projects.py (``Project.save``)
a failed sync leaves revision and playbooks as they were                            awx/main/tasks/jobs.py (``RunProjectUpdate``)
a template's playbook is one of the last good sync                                  awx/api/serializers.py (``JobTemplateSerializer``)
the output of a sync as JSON                                                        awx/api/views/__init__.py (``UnifiedJobStdout``)
only a system administrator creates credential types                                awx/main/access.py (``CredentialTypeAccess``)
fields of a credential type that is in use can't change                             awx/api/serializers.py (``CredentialTypeSerializer``)
a job is read with Read of its template; Execute and Approve of a workflow are      awx/main/access.py (``JobAccess``), awx/main/models
no Read of its templates                                                            (jobs.py, workflow.py: the roles)
roles are given to teams by the number of the role                                  awx/api/views/__init__.py (``RoleTeamsList``)
which surveys, rules of schedules, credential types and playbooks are refused       see ``rules.py``
variables of imported hosts and groups: merged, or replaced by ``overwrite_vars``   see ``inventory.py``
slices, the lock of a template, the nodes of a workflow, variables of its jobs      see ``inventory.py`` and ``workflow.py``
==================================================================================  =====================================================
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from .account import BASE, TOKEN, Account, Refusal
from .kinds import KINDS, SURVEYED, listed_in
from .permissions import User

Json = dict[str, Any]
__all__ = ["TOKEN", "Account", "AwxStandIn", "Request"]
#: What AWX knows about itself; the modules warn when it is not what they were made for.
HEADERS = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
PASSWORD = "password-of-awx-0123456789"
Routes = dict[tuple[str, bool, str], Callable[[], tuple[int, Any]]]


@dataclass(slots=True)
class Request:
    method: str
    path: str
    body: Any = None
    status: int = 0


class AwxStandIn:
    """Serves an account on a loopback port from a thread of its own, and keeps every request."""

    def __init__(self, repository: Path) -> None:
        self.account = Account.new(repository)
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
        """What changes objects; a sync of a project and a token of a login change none."""
        return [request for request in self.requests if request.method != "GET" and "/update/" not in request.path and "/tokens/" not in request.path]

    @property
    def syncs(self) -> list[Request]:
        """The syncs that somebody asked for."""
        return [request for request in self.requests if request.method == "POST" and "/update/" in request.path]

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
            user = self._user(request.headers.get("Authorization", ""))
            entry.status, body = self._answer(user, request.method, request.path, dict(request.query), entry.body)
        except Refusal as refusal:
            entry.status, body = refusal.status, refusal.body
        return web.json_response(body, status=entry.status, headers=HEADERS) if body is not None else web.Response(status=entry.status, headers=HEADERS)

    def _user(self, authorization: str) -> User:
        scheme, _, given = authorization.partition(" ")
        if scheme == "Basic":
            name, _, password = base64.b64decode(given).decode().partition(":")
            for user in self.account.users:
                if (user.name, PASSWORD) == (name, password):
                    return user
        return self.account.user(given if scheme == "Bearer" else "")

    def _answer(self, user: User, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        account = self.account
        parts = path.removeprefix(BASE).strip("/").split("/")
        kind, item = parts[0], parts[1] if len(parts) > 1 else ""
        number = account.by_named_url(kind, item) if "++" in item and kind in KINDS else int(item) if item.isdigit() else 0
        sub = parts[2] if len(parts) == 3 else ""
        if kind in KINDS and (not number or number in account.objects[kind]):
            routes = self._object_routes(user, kind, number, query, body)
        else:
            routes = self._other_routes(user, kind, number, query, body)
        route = routes.get((method, bool(number), sub))
        if route is None or not path.startswith(BASE):
            raise Refusal(404, {"detail": "Not found."})
        return route()

    def _object_routes(self, user: User, kind: str, number: int, query: dict[str, str], body: Any) -> Routes:
        account = self.account

        def permitted(organization: int | None) -> None:
            if not user.superuser and (kind == "credential_types" or organization not in user.admin_of):
                raise Refusal(403, {"detail": "You do not have permission to perform this action."})

        def created() -> tuple[int, Any]:
            permitted(_owner(account, body))
            return 201, account.create(kind, body)

        def changed() -> tuple[int, Any]:
            permitted(account.organization(kind, number))
            return 200, account.change(kind, number, body)

        routes: Routes = {
            ("GET", True, ""): lambda: (200, account.read(kind, number)),
            ("PATCH", True, ""): changed,
            ("DELETE", True, ""): lambda: (204, account.delete(kind, number)),
            ("GET", False, ""): lambda: (200, _page(account.listed(kind, query))),
            ("POST", False, ""): created,
        }
        for name in KINDS[kind].lists:
            target = listed_in(kind, name)
            routes["GET", True, name] = lambda name=name, target=target: (
                200, _page([account.shown(target, member) for member in account.members.get((number, name), [])])
            )  # fmt: skip
            routes["POST", True, name] = lambda name=name: (204, account.associate(kind, number, name, body))
        if kind in SURVEYED:
            routes["GET", True, "survey_spec"] = lambda: (200, account.surveys.get(number, {}))
            routes["POST", True, "survey_spec"] = lambda: (200, account.set_survey(number, body))
        if kind == "workflow_job_template_nodes":
            routes["POST", True, "create_approval_template"] = lambda: (201, account.add_approval(number, body))
        if kind == "projects":
            routes["GET", True, "playbooks"] = lambda: (200, account.repository.of(number).playbooks)
            routes["POST", True, "update"] = lambda: (202, _update(account, number, account.repository.start(number, _branch(account, number), account.ids)))
        return routes

    def _other_routes(self, user: User, kind: str, number: int, query: dict[str, str], body: Any) -> Routes:
        account = self.account
        if kind == "unified_job_templates":
            return {("GET", False, ""): lambda: (200, _page(account.listed(kind, query)))}
        if kind == "me":
            me = {"id": user.number, "type": "user", "username": user.name, "is_superuser": user.superuser}
            return {("GET", False, ""): lambda: (200, _page([me]))}
        if kind == "project_updates":
            project, update = account.repository.update(number)
            account.repository.look(account.repository.of(project))
            return {
                ("GET", True, ""): lambda: (200, _update(account, project, update)),
                ("GET", True, "stdout"): lambda: (200, {"range": {"start": 0, "end": 1, "absolute_end": 1}, "content": update.output}),
            }
        if kind == "tokens":
            return {("POST", False, ""): lambda: (201, _new_token(account, user)), ("DELETE", True, ""): lambda: (204, account.tokens.pop(number) and None)}
        if kind == "roles":
            teams = account.roles.teams.setdefault(number, [])
            listed = _page([account.shown("teams", team) for team in teams])
            return {("GET", True, "teams"): lambda: (200, listed), ("POST", True, "teams"): lambda: (204, teams.append(body["id"]))}
        if kind == "jobs":
            return {("GET", True, sub): lambda sub=sub: (200, _job(account, user, number, sub)) for sub in ("", "stdout")}
        return {}


def _owner(account: Account, body: Json) -> int | None:
    """The organization that something new will belong to."""
    for key, kind in (("project", "projects"), ("inventory", "inventories"), ("workflow_job_template", "workflow_job_templates")):
        if body.get(key) in account.objects[kind]:
            return account.organization(kind, body[key])
    found: int | None = body.get("organization")
    return found


def _branch(account: Account, project: int) -> str:
    branch: str = account.objects["projects"][project]["scm_branch"]
    return branch


def _update(account: Account, project: int, update: Any) -> Json:
    ended = update.status not in ("pending", "running")
    return {
        "id": update.number, "type": "project_update", "url": f"{BASE}project_updates/{update.number}/", "name": account.objects["projects"][project]["name"],
        "status": update.status, "failed": update.status == "failed", "finished": "2026-01-01T00:00:00Z" if ended else None, "event_processing_finished": ended,
        "started": None, "elapsed": 0.0, "scm_revision": account.repository.of(project).revision,
    }  # fmt: skip


def _new_token(account: Account, user: User) -> Json:
    number = next(account.ids)
    account.tokens[number] = user
    return {"id": number, "type": "o_auth2_access_token", "url": f"{BASE}tokens/{number}/", "token": f"made-{number}"}


def _job(account: Account, user: User, number: int, sub: str) -> Json:
    job = account.jobs[number]
    template = job["job_template"]
    if not account.roles.has(user, template, "read_role", account.organization("job_templates", template)):
        raise Refusal(403, {"detail": "You do not have permission to perform this action."})
    return {"range": {"start": 0, "end": 1, "absolute_end": 1}, "content": job["stdout"]} if sub else {"id": number, "type": "job", **job}


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "previous": None, "results": results}

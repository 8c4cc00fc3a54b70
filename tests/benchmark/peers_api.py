# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the APIs of three other clouds, as much of them as their modules ask for a server that is as declared.

The servers of one of them can be listed by pages as well, for its inventory. It ends with standard input, and counts
the requests for each of them.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .playbook import instance_name

HOST = "127.0.0.1"
CREATED = "2025-01-01T00:00:00+00:00"
SIZES = ("cx22", "cx32", "cx42")
PLACES = ("fsn1", "nbg1", "hel1")


def hetzner(number: int) -> dict[str, Any]:
    place = PLACES[number % 3]
    location = {"id": 1, "name": place, "description": "", "country": "DE", "city": "", "latitude": 0.0, "longitude": 0.0, "network_zone": "eu-central"}
    return {
        "id": number + 1,
        "name": instance_name(number),
        "status": "running",
        "created": CREATED,
        "public_net": {"ipv4": {"id": 1, "ip": "192.0.2.1", "blocked": False, "dns_ptr": ""}, "ipv6": None, "floating_ips": [], "firewalls": []},
        "private_net": [],
        "server_type": {
            "id": 1,
            "name": SIZES[number // 1000 % 3],
            "description": "",
            "cores": 2,
            "memory": 4.0,
            "disk": 40,
            "deprecation": None,
            "locations": [],
        },
        "datacenter": {"id": 1, "name": f"{place}-dc", "description": "", "location": location},
        "image": None,
        "iso": None,
        "rescue_enabled": False,
        "locked": False,
        "backup_window": None,
        "protection": {"delete": False, "rebuild": False},
        "labels": {},
        "volumes": [],
        "placement_group": None,
    }


def vultr(number: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "label": instance_name(number),
        "hostname": instance_name(number),
        "os": "Debian 12 x64 (bookworm)",
        "os_id": 2136,
        "ram": 2048,
        "disk": 55,
        "main_ip": "192.0.2.1",
        "vcpu_count": 1,
        "region": "ewr",
        "plan": "vc2-1c-2gb",
        "date_created": CREATED,
        "status": "active",
        "power_status": "running",
        "server_status": "ok",
        "features": [],
        "tags": [],
        "firewall_group_id": "",
    }


def cloudscale(number: int) -> dict[str, Any]:
    return {
        "href": "",
        "uuid": f"00000000-0000-4000-8000-{number:012}",
        "name": instance_name(number),
        "status": "running",
        "created_at": CREATED,
        "zone": {"slug": "lpg1"},
        "flavor": {"slug": "flex-4-1", "name": "Flex-4-1", "vcpu_count": 1, "memory_gb": 4},
        "image": {"slug": "debian-12", "name": "Debian 12"},
        "interfaces": [{"type": "public", "network": {"uuid": "00000000-0000-4000-8000-000000000001"}, "addresses": []}],
        "volumes": [{"type": "ssd", "size_gb": 10, "uuid": "00000000-0000-4000-8000-000000000002"}],
        "server_groups": [],
        "tags": {},
    }


def application(count: int) -> web.Application:
    counted: Counter[str] = Counter()
    served: dict[str, list[dict[str, Any]]] = {api.__name__: [api(number) for number in range(count)] for api in (hetzner, vultr, cloudscale)}

    def get(path: str, answer: Callable[[web.Request], Any]) -> None:
        async def handle(request: web.Request) -> web.Response:
            counted[path.split("/")[1]] += 1
            return web.json_response(answer(request))

        app.router.add_get(path, handle)

    def named(request: web.Request) -> dict[str, Any]:
        found = [server for server in served["hetzner"] if server["name"] == request.query.get("name", server["name"])]
        page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 25))
        last = max(1, -(-len(found) // size))
        pagination = {"page": page, "per_page": size, "previous_page": page - 1 or None, "next_page": page + 1 if page < last else None}
        shown = found[(page - 1) * size : page * size]
        return {"servers": shown, "meta": {"pagination": {**pagination, "last_page": last, "total_entries": len(found)}}}

    async def counts(request: web.Request) -> web.Response:
        return web.json_response(counted)

    app = web.Application()
    app.router.add_get("/counts", counts)
    get("/hetzner/servers", named)
    get("/hetzner/locations", lambda request: {"locations": [], "meta": {}})
    get("/vultr/instances", lambda request: {"instances": served["vultr"]})
    get("/vultr/instances/{id}", lambda request: {"instance": next(one for one in served["vultr"] if one["id"] == request.match_info["id"])})
    get("/vultr/instances/{id}/vpcs", lambda request: {"vpcs": []})
    get("/vultr/instances/{id}/user-data", lambda request: {"user_data": {"data": ""}})
    get("/cloudscale/servers", lambda request: served["cloudscale"])
    return app


async def _serve(count: int) -> None:
    runner = web.AppRunner(application(count), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    print(f"http://{HOST}:{runner.addresses[0][1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the same requests take without Ansible and without the collection: the scripts that one would write by hand.

``python -m tests.benchmark.bare WHAT JSON`` prints one line of JSON: its seconds, without the start of the interpreter
and the imports, and its peak of memory, with both.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

URL = os.environ.get("CLOUDNEXUS_API_URL", "")
HEADERS = {"Authorization": f"Bearer {os.environ.get('CLOUDNEXUS_API_KEY', '')}", "Accept": "application/json"}


def peak_memory() -> float:
    """Of this process alone: what ``getrusage`` calls its peak begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def look(names: list[str], path: str) -> int:
    """For each name, read the list (of one page) and look for it."""
    found = 0
    with requests.Session() as session:
        session.headers.update(HEADERS)
        for name in names:
            answer = session.get(URL + path, timeout=30)
            answer.raise_for_status()
            found += sum(item["name"] == name for item in answer.json()["items"])
    assert found == len(names)
    return found


def read(path: str, times: int = 1, wanted: dict[str, Any] | None = None) -> int:
    """Read all pages of a list, so many times, and keep what is wanted of it."""
    kept: list[dict[str, Any]] = []
    with requests.Session() as session:
        session.headers.update(HEADERS)
        for _reading in range(times):
            kept, link = [], path
            while link:
                answer = session.get(urljoin(URL + "/", link.lstrip("/")), timeout=30)
                answer.raise_for_status()
                page = answer.json()
                kept += [item for item in page["items"] if all(item[name] == value for name, value in (wanted or {}).items())]
                link = page["pagination"]["next_page"]
    return len(kept)


def fleet(before: int, creates: list[dict[str, Any]], after: int, concurrency: int) -> int:
    """So many readings of the list, all creates with so many in flight, and so many readings again."""
    return asyncio.run(_fleet(before, creates, after, concurrency))


async def _fleet(before: int, creates: list[dict[str, Any]], after: int, concurrency: int) -> int:
    import aiohttp

    async with aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=concurrency), raise_for_status=True) as session:

        async def instances() -> list[dict[str, Any]]:
            found, link = [], "/instances"
            while link:
                async with session.get(URL + link) as answer:
                    page = await answer.json()
                found += page["items"]
                link = page["pagination"]["next_page"]
            return found

        async def create(body: dict[str, Any]) -> str:
            async with session.post(URL + "/instances", json=body) as answer:
                return str((await answer.json())["id"])

        for _reading in range(before):
            await instances()
        made = await asyncio.gather(*map(create, creates))
        for _reading in range(after):
            running = {item["id"] for item in await instances() if item["status"] == "running"}
            assert running >= set(made)
    return len(made)


WHAT: dict[str, Callable[..., int]] = {"look": look, "read": read, "fleet": fleet}


def main(what: str, arguments: str) -> None:
    given = json.loads(arguments)
    started = time.perf_counter()
    count = WHAT[what](**given)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "mebibytes": peak_memory(), "count": count}))


if __name__ == "__main__":
    main(*sys.argv[1:])

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the emulator, recorded and served again at once.

To make a page takes the emulator longer than a client takes to read it. Where long lists are read, that would be most
of the time on both sides, and hide the difference between them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import requests
from aiohttp import web

from tests.checkout import ROOT
from tests.emulator.contract import BASE_PATH
from tests.emulator.process import EmulatorProcess

HOST = "127.0.0.1"


class Replay:
    """Serves the pages of one list, from a process of its own that ends with the ``with`` block."""

    def __init__(self, folder: Path, path: str, emulator: EmulatorProcess) -> None:
        recording = folder / "recording.json"
        recording.write_text(json.dumps(_recorded(path, emulator)), encoding="utf-8")
        self._process = subprocess.Popen([sys.executable, "-m", __name__, str(recording)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        self.api = {"CLOUDNEXUS_API_URL": address + BASE_PATH, "CLOUDNEXUS_API_KEY": emulator.api_key}

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate(timeout=10)


def _recorded(path: str, emulator: EmulatorProcess) -> dict[str, str]:
    answers: dict[str, str] = {}
    link = path
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {emulator.api_key}"
        while link:
            answer = session.get(emulator.api_url + link, timeout=30)
            answer.raise_for_status()
            answers[BASE_PATH + link] = answer.text
            link = answer.json()["pagination"]["next_page"]
    return answers


async def _serve(recording: str) -> None:
    answers = {link: text.encode() for link, text in json.loads(Path(recording).read_text(encoding="utf-8")).items()}

    async def answered(request: web.Request) -> web.Response:
        body = answers.get(request.path_qs)
        return web.Response(status=404) if body is None else web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{rest:.*}", answered)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    print(f"http://{HOST}:{runner.addresses[0][1]}", flush=True)
    # Standard input ends when the process that started this one wants it to, or is gone.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))

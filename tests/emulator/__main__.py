# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.emulator``: start the emulator, and stop it with Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from aiohttp import web

from .contract import BASE_PATH
from .server import Emulator
from .settings import Key, Settings

HOST = "127.0.0.1"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="Serves an emulated CloudNexus API on a loopback port.")
    parser.add_argument("--port", type=int, default=0, help="the port; 0, the default, takes a free one")
    parser.add_argument("--faults", type=Path, help="a JSON file with a list of faults to inject, see docs/emulator.md")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends, as it does when the starting process is gone")
    parser.add_argument("--json", action="store_true", help="announce the address as one line of JSON")
    for item in fields(Settings):
        option = "--" + item.name.replace("_", "-")
        if item.default is MISSING:
            parser.add_argument(option, type=json.loads, help="as JSON, see docs/emulator.md")
        elif isinstance(item.default, bool):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=item.default)
        else:
            choices = ("documented", "full") if item.name == "profile" else None
            parser.add_argument(option, type=type(item.default), default=item.default, choices=choices, help=f"default: {item.default}")
    return parser.parse_args(argv)


def _settings(arguments: argparse.Namespace) -> Settings:
    settings = Settings()
    settings.update({item.name: value for item in fields(Settings) if (value := getattr(arguments, item.name)) is not None})
    return settings


async def _serve(arguments: argparse.Namespace, settings: Settings) -> None:
    emulator = Emulator(settings)
    if arguments.faults:
        emulator.faults.add(json.loads(arguments.faults.read_text(encoding="utf-8")))
    # A client's hanging request is cancelled at the end instead of being waited for.
    runner = web.AppRunner(emulator.application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, HOST, arguments.port, backlog=1024)
    await site.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_eof:
        _stop_at_eof(loop, stop)
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    _announce(f"http://{HOST}:{port}", arguments, emulator.settings)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_at_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if sys.stdin is None:  # it was closed
        stop.set()
        return
    number = sys.stdin.fileno()
    try:
        loop.add_reader(number, lambda: None if os.read(number, 4096) else stop.set())
    except PermissionError:  # /dev/null or a file, which end at once
        stop.set()


def _announce(address: str, arguments: argparse.Namespace, settings: Settings) -> None:
    told: dict[str, Any] = {"api_url": address + BASE_PATH, "control_url": f"{address}/_emulator", "api_key": _key(settings)}
    if arguments.json:
        print(json.dumps(told), flush=True)
        return
    ways = [f"CLOUDNEXUS_API_KEY={shlex.quote(token)}" for token in [told["api_key"]] if token]
    ways += [f"CLOUDNEXUS_CLIENT_ID={shlex.quote(client)} CLOUDNEXUS_REFRESH_TOKEN={shlex.quote(token)}" for client, token in settings.clients.items()][:1]
    print(
        f"The CloudNexus emulator (profile {arguments.profile}) serves {told['api_url']}; Ctrl-C ends it. In another shell:\n"
        f"  export {' '.join(['CLOUDNEXUS_API_URL=' + told['api_url'], *ways[:1]])}" + (f"\nor, instead of the key, {ways[1]}." if ways[1:] else ""),
        flush=True,
    )


def _key(settings: Settings) -> str:
    """The key to begin with: the first that may do everything, or the first one."""
    return next((token for token, key in settings.keys.items() if key == Key()), next(iter(settings.keys), ""))


def main(argv: list[str] | None = None) -> None:
    arguments = _arguments(argv)
    try:
        settings = _settings(arguments)
    except ValueError as error:
        sys.exit(f"The emulator can't start: {error}.")
    asyncio.run(_serve(arguments, settings))


if __name__ == "__main__":
    main()

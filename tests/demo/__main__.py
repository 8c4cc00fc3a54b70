# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: a web tier on the emulator, in check mode, for real with its web servers, a second time, and down again."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

import requests

from ..checkout import ROOT, ansible_environment, installed_environment, utf8_locale
from ..emulator.process import EmulatorProcess
from ..hosts.isolated import Hosts, why_not
from ..hosts.machines import Machines

VARIABLES = "@tests/demo/shop.yml"
WITHOUT_HOSTS = "web_tier_configure=false web_tier_wait_for_connection=false"
#: Loopback addresses, at which the tier's hosts are.
ADDRESSES = "127.77.7.0/24"
PORT = 8080
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REAL_ACCOUNT = """
The same against a real account, from any folder:

  ansible-galaxy collection install git+file://{root}
  export CLOUDNEXUS_API_KEY=...      # Dashboard, Settings > API Keys
  ansible-playbook cloudnexus.cloud.web_tier -e web_tier_name=shop --check --diff
  ansible-playbook cloudnexus.cloud.web_tier -e web_tier_name=shop -e web_server_site=...
  ansible-playbook cloudnexus.cloud.web_tier_teardown -e web_tier_name=shop
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.demo", description=__doc__)
    parser.add_argument("--installation", type=Path, help="a folder with ansible-core in venv and the collection in collections, in place of the checkout")
    parser.add_argument("--without-web-servers", action="store_true", help="end with the instances: no hosts, no nginx")
    arguments = parser.parse_args()
    # A demo that is ended in any way takes what it started with it.
    for number in SIGNALS:
        signal.signal(number, _interrupted)
    with ExitStack() as stack:
        left_out = "that was asked for" if arguments.without_web_servers else why_not()
        settings: dict[str, str] = {}
        if left_out:
            _say(f"Left out: the web servers on the tier's hosts, because {left_out}")
        else:
            _say("Preparing hosts: isolated from this machine, on a tmpfs, with an SSH server each")
            hosts = stack.enter_context(Hosts())
            settings = hosts.settings
        _say("Starting the emulator, which stands in for the CloudNexus API")
        emulator = stack.enter_context(EmulatorProcess("--boot-seconds", "2", "--addresses", ADDRESSES))
        print(f"It serves {emulator.api_url}", flush=True)
        if not left_out:
            stack.enter_context(Machines(emulator, hosts))
        for name, value in utf8_locale().items():
            _say(f"Ansible requires a UTF-8 locale, so its commands run with {name}={value}")
        _show(emulator, arguments.installation, settings)
        _say("Ending the emulator" + ("" if left_out else " and the hosts"))
    _say("Done: the tier stood, stood the same on the second run, and is gone; so is the emulator")
    print(REAL_ACCOUNT.format(root=ROOT))
    return 0


def _show(emulator: EmulatorProcess, installation: Path | None, of_the_hosts: dict[str, str]) -> None:
    settings = {
        "CLOUDNEXUS_API_URL": emulator.api_url,
        "CLOUDNEXUS_API_KEY": emulator.api_key,
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_PIPELINING": "true",
        **of_the_hosts,
    }
    environment = ansible_environment(**settings) if installation is None else installed_environment(installation, **settings)
    variables = ["-e", VARIABLES, *([] if of_the_hosts else ["-e", WITHOUT_HOSTS])]

    def play(*arguments: str) -> int:
        return _run(environment, "ansible-playbook", *arguments)

    _say("In check mode: what would be done, and nothing is done")
    play("cloudnexus.cloud.web_tier", *variables, "--check", "--diff")
    _expect(not emulator.writes(), "check mode wrote to the API")
    _say("For real")
    _expect(play("cloudnexus.cloud.web_tier", *variables) > 0, "the first run changed nothing")
    if of_the_hosts:
        _say("The page, as each host of the tier serves it")
        for instance in emulator.instances():
            _expect("The shop is open" in _page(instance["ip"]), f"{instance['name']} does not serve the page")
    _say("A second time: nothing is changed")
    _expect(play("cloudnexus.cloud.web_tier", *variables) == 0, "the second run changed something")
    _say("The inventory that came of it")
    _run(environment, "ansible-inventory", "-i", "tests/demo/shop.cloudnexus.yml", "--graph")
    _say("Down again")
    play("cloudnexus.cloud.web_tier_teardown", "-e", "web_tier_name=shop")
    _expect(not emulator.instances(), "an instance is left")


def _run(environment: dict[str, str], *command: str) -> int:
    """Run a command, show its output, and return how many tasks of a playbook changed something."""
    print(f"$ {' '.join(command)}", flush=True)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        changed = 0
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                recap = re.match(r"[\w-]+ +: ok=.* changed=(\d+)", line)
                changed += int(recap.group(1)) if recap else 0
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        sys.exit(f"{command[0]} ended with status {process.returncode}.")
    return changed


def _page(address: str) -> str:
    """Show a page with curl, and return it."""
    url = f"http://{address}:{PORT}/"
    if shutil.which("curl"):
        print(f"$ curl -si {url}", flush=True)
        page = subprocess.run(["curl", "-si", "--noproxy", "*", url], check=True, capture_output=True, text=True).stdout
    else:
        print(f"GET {url}, without curl, which is not installed", flush=True)
        with requests.Session() as session:
            session.trust_env = False  # no proxy leads to this machine
            page = session.get(url, timeout=10).text
    print(page, flush=True)
    return page


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit(f"The demo failed: {otherwise}.")


def _say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

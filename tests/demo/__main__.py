# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: a web tier on the emulator, in check mode, for real, a second time, and down again."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from ..checkout import ROOT, ansible_environment
from ..emulator.process import EmulatorProcess

VARIABLES = "@tests/demo/shop.yml"
REAL_ACCOUNT = """
The same against a real account, from any folder:

  ansible-galaxy collection install git+file://{root}
  export CLOUDNEXUS_API_KEY=...      # Dashboard, Settings > API Keys
  ansible-playbook cloudnexus.cloud.web_tier -e web_tier_name=shop --check --diff
  ansible-playbook cloudnexus.cloud.web_tier -e web_tier_name=shop
  ansible-playbook cloudnexus.cloud.web_tier_teardown -e web_tier_name=shop
"""


def main() -> int:
    # A demo that is ended in any way takes what it started with it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    _say("Starting the emulator, which stands in for the CloudNexus API")
    with EmulatorProcess("--boot-seconds", "2") as emulator:
        print(f"It serves {emulator.api_url}")
        environment = ansible_environment(CLOUDNEXUS_API_URL=emulator.api_url, CLOUDNEXUS_API_KEY=emulator.api_key, ANSIBLE_DISPLAY_SKIPPED_HOSTS="false")

        def play(*arguments: str) -> int:
            return _play(environment, *arguments)

        _say("In check mode: what would be done, and nothing is done")
        play("cloudnexus.cloud.web_tier", "-e", VARIABLES, "--check", "--diff")
        _expect(not emulator.writes(), "check mode wrote to the API")
        _say("For real")
        _expect(play("cloudnexus.cloud.web_tier", "-e", VARIABLES) > 0, "the first run changed nothing")
        _say("A second time: nothing is changed; and the inventory that came of it")
        _expect(play("cloudnexus.cloud.web_tier", "tests/demo/inventory.yml", "-e", VARIABLES) == 0, "the second run changed something")
        _say("Down again")
        play("cloudnexus.cloud.web_tier_teardown", "-e", "web_tier_name=shop")
        _expect(not emulator.instances(), "an instance is left")
    _say("Done: the tier stood, stood the same on the second run, and is gone; so is the emulator")
    print(REAL_ACCOUNT.format(root=ROOT))
    return 0


def _play(environment: dict[str, str], *arguments: str) -> int:
    """Run ansible-playbook, show its output, and return how many tasks changed something."""
    command = ["ansible-playbook", *arguments]
    print(f"$ {' '.join(command)}", flush=True)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        changed = 0
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                recap = re.match(r"localhost +: .*changed=(\d+)", line)
                changed = int(recap.group(1)) if recap else changed
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        sys.exit(f"ansible-playbook ended with status {process.returncode}.")
    return changed


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit(f"The demo failed: {otherwise}.")


def _say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

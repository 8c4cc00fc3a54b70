# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of one module in plain Python, without Ansible's processes: where its memory is to be seen.

``python -m tests.benchmark.core MODULE OPTIONS`` prints the same line of JSON as ``tests.benchmark.bare`` does.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.argument_spec import with_connection
from ansible_collections.cloudnexus.cloud.plugins.module_utils.operation import Context, Operation, run

from .bare import peak_memory

PLACE = "ansible_collections.cloudnexus.cloud.plugins.module_utils.operations."


def main(module: str, options: str) -> None:
    operation: Operation = importlib.import_module(PLACE + module).OPERATION
    given: dict[str, Any] = json.loads(Path(options).read_text(encoding="utf-8"))
    given |= {"api_url": os.environ["CLOUDNEXUS_API_URL"], "api_key": os.environ["CLOUDNEXUS_API_KEY"]}
    params = {name: option.get("default") for name, option in with_connection(operation.argument_spec).items()} | given
    started = time.perf_counter()
    result = run(operation, params, Context(check_mode=False, diff=False, warn=lambda text: print(text, file=sys.stderr)))
    seconds = time.perf_counter() - started
    if result.get("failed") or result["changed"]:
        sys.exit(f"{result}"[:2000])
    count = max((len(value) for value in result.values() if isinstance(value, list)), default=0)
    print(json.dumps({"seconds": seconds, "mebibytes": peak_memory(), "count": count}))


if __name__ == "__main__":
    main(*sys.argv[1:])

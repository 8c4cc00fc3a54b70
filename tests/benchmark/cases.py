# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases. The reach of each is what the collection wants to keep."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from tests.emulator.process import EmulatorProcess

from .harness import PAIRS, Bench, Row, api_of, fill
from .playbook import FQCN, Played, declared, instance_name, list_inventory, play, varied
from .replay import Replay

ITEMS = 100
#: Items of the loops that take a hundred times as long each.
FEW = 5
#: Readings of what takes some hundredths of a second.
SEVERAL = 5
HOSTS = 50
FLEET = 1000
CONCURRENCY = 16
LATENCY = 0.05
#: Items on a page of a long list.
PAGE = 500
BUCKETS = 100_000
#: Requests a second that an API takes.
RATES = (10, 50)
MILLI = 1000
#: Hosts of an inventory, and how often it is listed in the way that takes several times as long.
LISTED = 5000
USUAL_PAIRS = 3


# --- One instance, again and again --------------------------------------------------------------------------------


def _loop(action: str, count: int, **task: Any) -> dict[str, Any]:
    """A loop over so many instances. Whatever the action is, Ansible has the same options to template."""
    return {action: {"name": "{{ item }}", "plan": "starter", "region": "us-east"}, "loop": [instance_name(number) for number in range(count)], **task}


#: What Ansible loads and keeps for a run with the first task of a kind is in none of the figures.
_WARM = {"warm empty": _loop("empty", 1), "warm ours": _loop(f"{FQCN}instance", 1)}


def loop(bench: Bench) -> list[Row]:
    """A loop of 100 cloudnexus_instance that changes nothing, an item, against an empty action plugin and the bare request"""
    tasks = {**_WARM, "empty": _loop("empty", ITEMS), "ours": _loop(f"{FQCN}instance", ITEMS)}
    pairs, floors, requests = [], [], []
    with bench.emulator(page_size=ITEMS) as emulator:
        fill(emulator, ITEMS)
        for _pair in range(PAIRS):
            played = play(bench.folder, tasks, api_of(emulator))
            # The whole time of the task, with the fork of its worker and the first connection.
            empty, ours = played.tasks["empty"] / ITEMS * MILLI, played.tasks["ours"] / ITEMS * MILLI
            request = _looked(bench, emulator, ITEMS) / ITEMS * MILLI
            pairs.append((ours, empty + request))
            floors.append(empty)
            requests.append(request)
    print(f"    an item: empty {median(floors):.2f} ms, bare request {median(requests):.2f} ms, ours {median(pair[0] for pair in pairs):.2f} ms")
    return [Row(f"loop of {ITEMS}, an item", "an empty action plugin + the bare request", pairs, "ms", 1.25)]


def hosts(bench: Bench) -> list[Row]:
    """The same as one task for each of 50 hosts, 5 forks"""
    options = {"name": "{{ inventory_hostname }}", "plan": "starter", "region": "us-east"}
    tasks = {"warm empty": {"empty": options}, "warm ours": {f"{FQCN}instance": options}, "empty": {"empty": options}, "ours": {f"{FQCN}instance": options}}
    pairs, floors, requests = [], [], []
    with bench.emulator(page_size=HOSTS) as emulator:
        fill(emulator, HOSTS)
        for _pair in range(PAIRS):
            played = play(bench.folder, tasks, api_of(emulator), hosts=HOSTS)
            request = _looked(bench, emulator, HOSTS)
            pairs.append((played.tasks["ours"] / HOSTS * MILLI, (played.tasks["empty"] + request) / HOSTS * MILLI))
            floors.append(played.tasks["empty"] / HOSTS * MILLI)
            requests.append(request / HOSTS * MILLI)
    print(f"    a host: empty {median(floors):.2f} ms, bare request {median(requests):.2f} ms, ours {median(pair[0] for pair in pairs):.2f} ms")
    return [Row(f"a task for each of {HOSTS} hosts, a host", "an empty action plugin + the bare request", pairs, "ms", 1.4)]


def _looked(bench: Bench, emulator: EmulatorProcess, count: int) -> float:
    return bench.bare("look", api_of(emulator), names=[instance_name(number) for number in range(count)], path="/instances")["seconds"]


def uri(bench: Bench) -> list[Row]:
    """The same loop, against ansible.builtin.uri reading the list by hand"""
    by_hand = {
        "ansible.builtin.uri": {
            "url": "{{ lookup('ansible.builtin.env', 'CLOUDNEXUS_API_URL') }}/instances",
            "headers": {"Authorization": "Bearer {{ lookup('ansible.builtin.env', 'CLOUDNEXUS_API_KEY') }}"},
        },
        "register": "list",
        "failed_when": "list.json['items'] | selectattr('name', 'equalto', item) | length != 1",
        "loop": [instance_name(number) for number in range(FEW)],
    }
    return [_against_slow(bench, by_hand, "ansible.builtin.uri by hand", 30)]


def module(bench: Bench) -> list[Row]:
    """The same loop, against the same core in module mode"""
    return [_against_slow(bench, _loop(f"{FQCN}instance", FEW, vars={"cloudnexus_in_process": False}), "the same core in module mode", 20)]


def _against_slow(bench: Bench, slow: dict[str, Any], against: str, reach: float) -> Row:
    tasks = {**_WARM, "ours": _loop(f"{FQCN}instance", ITEMS), "slow": slow}
    pairs = []
    with bench.emulator(page_size=ITEMS) as emulator:
        fill(emulator, ITEMS)
        for _pair in range(PAIRS):
            played = play(bench.folder, tasks, api_of(emulator))
            pairs.append((played.tasks["ours"] / ITEMS * MILLI, played.tasks["slow"] / FEW * MILLI))
    return Row(f"loop of {ITEMS}, an item", against, pairs, "ms", reach, faster=True)


# --- A fleet ------------------------------------------------------------------------------------------------------


def _fleet(count: int) -> dict[str, Any]:
    return {"instances": [declared(number) for number in range(count)]}


def _say_start(played: list[Played]) -> None:
    print(f"    Ansible's start, which is in none of these figures, took {median(one.start for one in played):.2f} s")


def fleet_create(bench: Bench) -> list[Row]:
    """cloudnexus_fleet with 1000 creates, 16 in flight, each answer after 50 ms, against the same requests by aiohttp"""
    pairs, runs = [], []
    account = {"latency": LATENCY, "page_size": 100, "boot_seconds": 0, "validate": False}
    tasks = {"ours": {f"{FQCN}fleet": {**_fleet(FLEET), "concurrency": CONCURRENCY}}}
    with bench.emulator() as emulator:
        for _pair in range(PAIRS):
            emulator.reset(**account)
            played = play(bench.folder, tasks, api_of(emulator), changes=True)
            before, creates, after = _seen(emulator)
            emulator.reset(**account)
            theirs = bench.bare("fleet", api_of(emulator), before=before, creates=creates, after=after, concurrency=CONCURRENCY)
            pairs.append((played.tasks["ours"], theirs["seconds"]))
            runs.append(played)
    print(f"    the list was read {before} times before, and {after} times after {len(creates)} creates; the script does the same")
    _say_start(runs)
    return [Row(f"fleet of {FLEET} created", "the same requests by aiohttp", pairs, "s", 1.25)]


def _seen(emulator: EmulatorProcess) -> tuple[int, list[dict[str, Any]], int]:
    """What the fleet asked for: readings of the list before the creates, the creates, readings after the first of them."""
    requests = [entry for entry in emulator.requests() if entry["path"] == "/instances"]
    first = next(number for number, entry in enumerate(requests) if entry["method"] == "POST")
    # A reading begins without a cursor.
    before, after = (sum(entry["method"] == "GET" and not entry["query"] for entry in part) for part in (requests[:first], requests[first:]))
    return before, [entry["body"] for entry in requests if entry["method"] == "POST"], after


def limited(bench: Bench) -> list[Row]:
    """cloudnexus_fleet with 100 creates at an API that takes 10 or 50 requests a second, against the same number of requests at that rate"""
    rows = []
    with bench.emulator() as emulator:
        for rate in RATES:
            pairs = []
            for _pair in range(USUAL_PAIRS):
                emulator.reset(rate_limit=rate, boot_seconds=0, page_size=ITEMS)
                played = play(bench.folder, {"ours": {f"{FQCN}fleet": _fleet(ITEMS)}}, api_of(emulator), changes=True)
                sent = emulator.requests()
                refused = sum(entry["status"] == 429 for entry in sent)
                print(f"    {rate} a second: {refused} of {len(sent)} requests were refused")
                pairs.append((played.tasks["ours"], (len(sent) - refused) / rate))
            rows.append(Row(f"fleet of {ITEMS}, {rate} requests a second", "the requests at that rate", pairs, "s", 1.25))
    return rows


def fleet_nothing(bench: Bench) -> list[Row]:
    """cloudnexus_fleet of 1000 with nothing to change, against the same pages read by bare requests"""
    # What Ansible takes to template a thousand declarations, and to hand a thousand instances back, it takes for any action.
    actions = {"empty": "empty", "pages": "pages", "ours": f"{FQCN}fleet"}
    times: dict[str, list[float]] = {name: [] for name in actions}
    cores, runs = [], []
    with bench.emulator(page_size=PAGE) as emulator:
        fill(emulator, FLEET)
        with Replay(bench.folder, "/instances", emulator) as replay:
            for _pair in range(PAIRS):
                for name, action in actions.items():
                    # In a run of its own: when the garbage collector looks through all of Ansible (some 50 ms) depends on what was made before.
                    played = play(bench.folder, {"warm": {action: _fleet(1)}, name: {action: _fleet(FLEET)}}, replay.api)
                    times[name].append(played.tasks[name] * MILLI)
                    runs.append(played)
                ours, bare = bench.core("fleet", replay.api, **_fleet(FLEET)), bench.bare("read", replay.api, path="/instances")
                cores.append((ours["seconds"] * MILLI, bare["seconds"] * MILLI))
    pairs = list(zip(times["ours"], times["pages"], strict=True))
    print(f"    an empty action plugin with the same options took {median(times['empty']):.0f} ms")
    print(f"    the core alone took {median(pair[0] for pair in cores):.0f} ms, and the bare script {median(pair[1] for pair in cores):.0f} ms")
    _say_start(runs)
    return [Row(f"fleet of {FLEET}, nothing to change", "an action plugin that reads the same pages with bare requests", pairs, "ms", 1.3)]


# --- Long lists ---------------------------------------------------------------------------------------------------


def buckets(bench: Bench) -> list[Row]:
    """cloudnexus_bucket_info over 100,000 buckets with a filter, against the same pages read by a bare script"""
    times, memory, tasks = [], [], []
    name = "bucket-77777"
    play_tasks: dict[str, dict[str, Any]] = {"warm empty": {"empty": {}}, "warm ours": {f"{FQCN}bucket_info": {"limit": 1}}, "empty": {"empty": {}}}
    play_tasks["ours"] = {f"{FQCN}bucket_info": {"name": name}}
    with bench.emulator(page_size=PAGE, buckets=BUCKETS) as emulator, Replay(bench.folder, "/storage/buckets", emulator) as replay:
        for _pair in range(PAIRS):
            ours = bench.core("bucket_info", replay.api, region="us-east")
            theirs = bench.bare("read", replay.api, path="/storage/buckets", wanted={"region": "us-east"})
            assert ours["count"] == theirs["count"]
            times.append((ours["seconds"], theirs["seconds"]))
            memory.append((ours["mebibytes"], theirs["mebibytes"]))
            played = play(bench.folder, play_tasks, replay.api)
            one = bench.bare("read", replay.api, path="/storage/buckets", wanted={"name": name})
            assert one["count"] == 1
            tasks.append((played.tasks["ours"], played.tasks["empty"] + one["seconds"]))
    what = f"{BUCKETS:,} buckets, {PAGE} a page"
    return [
        Row(f"{what}, one region, the core", "the same pages by a bare script", times, "s", 1.3),
        Row("its peak of memory", "the script's", memory, "MiB", 1.5),
        Row(f"{what}, one name, as a task", "an empty action plugin + the same pages by a bare script", tasks, "s", 1.3),
    ]


def growth(bench: Bench) -> list[Row]:
    """Ten times as many instances or buckets, in time and memory"""
    return _grown(bench, "bucket_info", "/storage/buckets", 10_000) + _grown(bench, "fleet", "/instances", 1000)


def _grown(bench: Bench, module: str, path: str, count: int) -> list[Row]:
    times, memory = [], []
    many = 10 * count
    with bench.emulator(page_size=PAGE, buckets=count) as small, bench.emulator(page_size=PAGE, buckets=many) as large:
        if module == "fleet":
            fill(small, count)
            fill(large, many)
        folders = [bench.folder / size for size in ("small", "large")]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        with Replay(folders[0], path, small) as few, Replay(folders[1], path, large) as all_of_them:
            for _pair in range(PAIRS):
                # The short one is over so soon that a single reading of it tells little.
                several = [bench.core(module, few.api, **(_fleet(count) if module == "fleet" else {})) for _reading in range(SEVERAL)]
                less = {name: median(one[name] for one in several) for name in several[0]}
                more = bench.core(module, all_of_them.api, **(_fleet(many) if module == "fleet" else {}))
                assert more["count"] == 10 * less["count"]
                times.append((more["seconds"], less["seconds"]))
                memory.append((more["mebibytes"], less["mebibytes"]))
    what = "instances of a fleet" if module == "fleet" else "buckets"
    return [
        Row(f"{many:,} {what}, nothing to change" if module == "fleet" else f"{many:,} {what}", f"{count:,}", times, "s", 11),
        Row("its peak of memory", f"of {count:,}", memory, "MiB", 11),
    ]


# --- The inventory ------------------------------------------------------------------------------------------------

SOURCE = """
plugin: cloudnexus.cloud.cloudnexus_instances
keyed_groups:
  - {key: cloudnexus_region, prefix: region}
  - {key: cloudnexus_plan, prefix: plan}
  - {key: cloudnexus_status, prefix: status}
"""


def inventory(bench: Bench) -> list[Row]:
    """ansible-inventory --list of 5000 instances in three keyed groups, against the same written bare, and the usual way"""
    source, bare, listed = bench.folder / "bench.cloudnexus.yml", bench.folder / "hosts.bare.json", bench.folder / "listed.json"
    source.write_text(SOURCE, encoding="utf-8")
    against_bare, against_usual = [], []
    with bench.emulator(page_size=PAGE) as emulator:
        fill(emulator, LISTED, varied)
        with Replay(bench.folder, "/instances", emulator) as replay:
            list_inventory(source, bare, replay.api)
            for pair in range(PAIRS):
                ours = list_inventory(source, listed, replay.api)
                theirs = list_inventory(bare, listed, replay.api, ANSIBLE_INVENTORY_ENABLED="bare_hosts")
                against_bare.append((ours, theirs))
                assert _hosts_and_groups(listed) == _hosts_and_groups(bare)
                if pair < USUAL_PAIRS:
                    against_usual.append((ours, list_inventory(source, listed, replay.api, ANSIBLE_INVENTORY_ENABLED="plain_instances")))
                    assert _hosts_and_groups(listed) == _hosts_and_groups(bare)
    return [
        Row(f"inventory of {LISTED:,}", "the same hosts, variables and groups from a file", against_bare, "s", 1.25),
        Row(f"inventory of {LISTED:,}", "the usual way to construct", against_usual, "s", 0.4),
    ]


def _hosts_and_groups(listed: Path) -> dict[str, Any]:
    """What a listing says, in whatever order."""
    data = json.loads(listed.read_text(encoding="utf-8"))
    return {name: sorted(group["hosts"]) if "hosts" in group else sorted(group.get("children", group)) for name, group in data.items()} | data["_meta"]

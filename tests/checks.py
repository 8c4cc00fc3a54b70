# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make test``: every check, each with its time; the exit status is 0 when all passed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from . import tarball
from .checkout import CACHE, ROOT, ansible_environment, copy_to, link_tree
from .choice import choose
from .matrix import machine, pairs, run

BIN = Path(sys.executable).parent
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: A check returns a few words about what it ran, if there is something to say.
CHECKS: dict[str, Callable[[], str | None]] = {}
#: These keep every core busy and show what they do; the others take one core each, and run beside one another.
ON_EVERY_CORE = ("units", "integration", "core", "matrix")
#: A part of another, for those that ask for it.
ON_REQUEST = ("core",)


class CheckFailed(Exception):
    """A check found something: what there is to show of it, and a few words about it."""

    def __init__(self, shown: str = "", summary: str = "") -> None:
        super().__init__(shown)
        self.summary = summary


def check(function: Callable[[], str | None]) -> Callable[[], str | None]:
    CHECKS[function.__name__.strip("_")] = function
    return function


@check
def style() -> None:
    """ruff: lint and format."""
    _run("ruff", "check", ".")
    _run("ruff", "format", "--check", ".")


@check
def types() -> None:
    """mypy --strict on the collection and the emulator."""
    environment = {**os.environ, "MYPYPATH": str(link_tree())}
    for package in ("plugins", "extensions"):
        _run("mypy", "--cache-dir", str(CACHE / "mypy"), "-p", f"ansible_collections.cloudnexus.cloud.{package}", env=environment, cwd=CACHE)
    _run("mypy", "--cache-dir", str(CACHE / "mypy"), "-p", "tests.emulator")


@check
def units() -> str:
    """pytest tests/unit: the core, the change sets by hypothesis, the emulator and the contract."""
    return _pytest("units", "tests/unit")


@check
def integration() -> str:
    """pytest tests/integration: Ansible's own commands against the emulator, by both doors."""
    return _pytest("integration", "tests/integration")


@check
def core() -> str:
    """pytest tests/integration -m core: what of it another ansible-core may break; the matrix runs it, and who asks for it."""
    return _pytest("core", "tests/integration", "-m", "core")


@check
def matrix() -> str:
    """units, core and sanity on the oldest and the newest ansible-core that the Pythons of this machine take; make matrix runs all."""
    found = machine.pythons()
    planned = pairs.plan(found)
    interpreters, missing = run.ends(planned, machine.own_pair(), found)
    checks = ("units", "core", "sanity")
    ran = run.run(interpreters, checks)
    table = run.table(ran, {**planned.not_run, **missing}, checks)
    if missing and not ran:
        raise CheckFailed(table)
    if not all(of.passed for of in ran.values()):
        raise CheckFailed(table)
    print(table, flush=True)
    return ", ".join(map(str, ran)) or f"nothing but what runs this, {machine.own_pair()}"


@check
def lint() -> None:
    """ansible-lint, profile production."""
    # It puts stand-ins for the modules of other collections there, and takes them away at its end; Galaxy's importer runs it at the same time.
    environment = ansible_environment(ANSIBLE_HOME=str(CACHE / "lint"))
    _run("ansible-lint", "--offline", "--profile=production", "--strict", cwd=_as_collection(), env=environment)


@check
def docs() -> None:
    """antsibull-docs: the documentation of modules, roles and plugins."""
    _run(
        "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "--skip-rstcheck", ".",
        cwd=_as_collection(), env=ansible_environment(),
    )  # fmt: skip


@check
def site() -> None:
    """make docs: the documentation as a site, without a warning."""
    _run(sys.executable, "-m", "tests.site")


@check
def changelog() -> None:
    """antsibull-changelog: the fragments and the changelog."""
    _run("antsibull-changelog", "lint", env=ansible_environment())
    _run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml", env=ansible_environment())


@check
def certification() -> None:
    """The built tarball as Automation Hub sees it: its importer without a warning, and nothing in it that nobody needs."""
    try:
        tarball.look(tarball.build(_copy("certification"), CACHE / "certification"))
    except tarball.Refused as refused:
        raise CheckFailed(str(refused)) from None


@check
def sanity() -> str:
    """ansible-test sanity, without one entry in an ignore file."""
    # On the pairs of the matrix it is what a user gets, and Automation Hub, without the tests.
    copy = _shipped() if os.environ.get("MATRIX_PAIR") else _copy("sanity")
    if list(copy.glob("tests/sanity/ignore*")):
        raise CheckFailed("There is an ignore file below tests/sanity.")
    home = CACHE / "home"
    _bring_pip_installer(home)
    instead = _requirements_of_the_package_index()
    # ansible-test runs the interpreters that it finds; pyenv's shims are found, but don't run.
    path = [str(BIN), *(part for part in os.environ["PATH"].split(os.pathsep) if "pyenv" not in part)]
    environment = {**ansible_environment(), "HOME": str(home), "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8"}
    environment.pop("ANSIBLE_CONFIG")
    output = _run("ansible-test", "sanity", "--color", "no", "--python", PYTHON_VERSION, cwd=copy, env=environment)
    return f"{len(re.findall(r'^Running sanity test', output, re.MULTILINE))} passed" + (f" (with {', '.join(instead)})" if instead else "")


def _bring_pip_installer(home: Path) -> None:
    """ansible-test downloads an installer of pip for its virtual environments; this stand-in does it from the registry."""
    import ansible_test._internal.python_requirements as requirements

    stand_in = (
        "import subprocess, sys\n"
        "packages = [item for item in sys.argv[1:] if not item.startswith('-')]\n"
        f"if {not machine.UV.exists()} or subprocess.call([{str(machine.UV)!r}, 'pip', 'install', '-q', '--python', sys.executable, *packages]):\n"
        "    subprocess.run([sys.executable, '-m', 'ensurepip'], check=True)\n"
        "    subprocess.run([sys.executable, '-m', 'pip', 'install', *packages], check=True)\n"
    )
    folder = home / ".ansible" / "test" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([0-9.]+)'", Path(requirements.__file__).read_text(encoding="utf-8")):
        (folder / f"get_pip_{version.replace('.', '_')}.py").write_text(stand_in, encoding="utf-8")


def _requirements_of_the_package_index() -> list[str]:
    """What ansible-test would install from an address that can't be reached, by its name instead; returns those."""
    import ansible_test

    found = []
    for path in (Path(ansible_test.__file__).parent / "_data" / "requirements").glob("sanity.*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if named := re.fullmatch(r"(\S+) (?:@|# instead of) (https://\S+)", line):
                name, address = named.groups()
                reached = _reached(address)
                lines[number] = f"{name} @ {address}" if reached else f"{name} # instead of {address}"
                found += [] if reached else [f"{name} of the package index"]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return found


def _reached(address: str) -> bool:
    import requests

    try:
        return requests.head(address, timeout=10).status_code < 400
    except requests.RequestException:
        return False


def _copy(check_name: str) -> Path:
    return copy_to(CACHE / "copy" / check_name / "ansible_collections" / "cloudnexus" / "cloud")


def _shipped() -> Path:
    """What the tarball holds, in a repository of its own."""
    target = CACHE / "shipped" / "ansible_collections" / "cloudnexus" / "cloud"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(tarball.build(ROOT, CACHE / "tarball")) as archive:
        archive.extractall(target, **({"filter": "data"} if sys.version_info >= (3, 12) else {}))
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def _as_collection() -> Path:
    return link_tree() / "ansible_collections" / "cloudnexus" / "cloud"


def _pytest(name: str, *arguments: str) -> str:
    workers = os.environ.get("WORKERS") or str(os.cpu_count() or 1)
    report = CACHE / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = (sys.executable, "-m", "pytest", *arguments, "-n", "0" if workers == "1" else workers, "--dist", "loadgroup", "-q", f"--junitxml={report}")
    failed = None
    try:
        _run(*command, env=ansible_environment(), shown=True)
    except CheckFailed as error:
        failed = error
    summary = _summary(report)
    if failed:
        raise CheckFailed(summary=summary)
    return summary


def _summary(report: Path) -> str:
    """How many tests passed, failed and were skipped."""
    if not report.exists():
        return "no test ran"
    counts = {
        name: sum(int(suite.get(name, 0)) for suite in ElementTree.parse(report).iter("testsuite")) for name in ("tests", "failures", "errors", "skipped")
    }
    bad = counts["failures"] + counts["errors"]
    numbers = {"passed": counts["tests"] - bad - counts["skipped"], "failed": bad, "skipped": counts["skipped"]}
    return ", ".join(f"{number} {what}" for what, number in numbers.items() if number or what == "passed")


def _run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None, shown: bool = False) -> str:
    """Run a command and return its output. Raises CheckFailed, with the output where it was not shown, when its status is not 0."""
    if (BIN / command[0]).exists():
        command = (str(BIN / command[0]), *command[1:])
    if shown:
        if subprocess.run(command, check=False, cwd=cwd, env=env, stdin=subprocess.DEVNULL).returncode:
            raise CheckFailed
        return ""
    done = subprocess.run(command, check=False, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise CheckFailed(f"$ {' '.join(command)}\n{done.stdout}")
    return done.stdout


def _result(name: str) -> tuple[bool, float, str, str]:
    """Run a check: whether it passed, its seconds, a few words about it, and what there is to show."""
    started = time.monotonic()
    passed, shown = True, ""
    try:
        summary = CHECKS[name]() or ""
    except CheckFailed as found:
        passed, shown, summary = False, str(found), found.summary
    return passed, time.monotonic() - started, summary, shown


def main(wanted: list[str]) -> int:
    chosen = choose(wanted or [name for name in CHECKS if name not in ON_REQUEST], CHECKS, "check")
    CACHE.mkdir(exist_ok=True)
    started = time.monotonic()
    ran: dict[str, dict[str, object]] = {}
    for _alone, group in groupby(chosen, lambda name: name if name in ON_EVERY_CORE else None):
        names = list(group)
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            # The last ones take longest, so they begin.
            results = {name: pool.submit(_result, name) for name in reversed(names)}
            for name in names:
                print(f"==> {name}: {CHECKS[name].__doc__}", flush=True)
                passed, seconds, summary, shown = results[name].result()
                print(f"{shown}    {name} {'passed' if passed else 'FAILED'} in {seconds:.0f} s{summary and f': {summary}'}", flush=True)
                ran[name] = {"passed": passed, "seconds": seconds, "summary": summary}
        finally:  # Ctrl-C begins nothing more
            pool.shutdown(cancel_futures=True)
    (CACHE / "results.json").write_text(json.dumps(ran), encoding="utf-8")
    failed = [name for name, result in ran.items() if not result["passed"]]
    print(f"\n{'Failed: ' + ', '.join(failed) if failed else 'All checks passed'}, in {time.monotonic() - started:.0f} s")
    print(f"{len(ran) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make test``: every check, each with its time; the exit status is 0 when all passed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from .checkout import CACHE, ROOT, ansible_environment, link_tree
from .choice import choose

BIN = Path(sys.executable).parent
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
CHECKS: dict[str, Callable[[], None]] = {}
#: These keep every core busy and show what they do; the others take one core each, and run beside one another.
ON_EVERY_CORE = ("units", "integration")


class CheckFailed(Exception):
    """A check found something: what there is to show of it."""


def check(function: Callable[[], None]) -> Callable[[], None]:
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
def units() -> None:
    """pytest tests/unit: the core, the change sets by hypothesis, the emulator and the contract."""
    _pytest("tests/unit")


@check
def integration() -> None:
    """pytest tests/integration: Ansible's own commands against the emulator, by both doors."""
    _pytest("tests/integration")


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
def galaxy() -> None:
    """The built tarball, as Galaxy's importer sees it."""
    folder = CACHE / "galaxy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run("ansible-galaxy", "collection", "build", "--output-path", str(folder), cwd=_copy("galaxy"), env=ansible_environment())
    config = folder / "importer.cfg"
    config.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nRUN_ANSIBLE_TEST = False\n", encoding="utf-8")
    (tarball,) = folder.glob("*.tar.gz")
    environment = ansible_environment(ANSIBLE_HOME=str(folder / "home"), GALAXY_IMPORTER_CONFIG=str(config))
    output = _run(sys.executable, "-m", "galaxy_importer.main", str(tarball), cwd=folder, env=environment)
    # Its exit status is 0 whatever it warns of.
    if re.search(r"^(WARNING|ERROR)", output, re.MULTILINE):
        raise CheckFailed(output)


@check
def sanity() -> None:
    """ansible-test sanity, without one entry in an ignore file."""
    copy = _copy("sanity")
    if list(copy.glob("tests/sanity/ignore*")):
        raise CheckFailed("There is an ignore file below tests/sanity.")
    home = CACHE / "home"
    _bring_pip_installer(home)
    # ansible-test runs the interpreters that it finds; pyenv's shims are found, but don't run.
    path = [str(BIN), *(part for part in os.environ["PATH"].split(os.pathsep) if "pyenv" not in part)]
    environment = {**ansible_environment(), "HOME": str(home), "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8"}
    environment.pop("ANSIBLE_CONFIG")
    _run("ansible-test", "sanity", "--color", "no", "--python", PYTHON_VERSION, cwd=copy, env=environment)


def _bring_pip_installer(home: Path) -> None:
    """ansible-test downloads an installer of pip for its virtual environments; this stand-in does it from the registry."""
    import ansible_test._internal.python_requirements as requirements

    stand_in = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'ensurepip'], check=True)\n"
        "arguments = [item for item in sys.argv[1:] if item not in ('--no-setuptools', '--no-wheel')]\n"
        "subprocess.run([sys.executable, '-m', 'pip', 'install', *arguments], check=True)\n"
    )
    folder = home / ".ansible" / "test" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([0-9.]+)'", Path(requirements.__file__).read_text(encoding="utf-8")):
        (folder / f"get_pip_{version.replace('.', '_')}.py").write_text(stand_in, encoding="utf-8")


def _copy(check_name: str) -> Path:
    """A copy of the files that git knows or would add, below ansible_collections, in a repository of its own.

    ansible-test works on a copy only (a symbolic link hides half of it), and asks git which files there are.
    """
    target = CACHE / "copy" / check_name / "ansible_collections" / "cloudnexus" / "cloud"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for old in [path for path in target.rglob("*") if path.is_file() and ".git" not in path.relative_to(target).parts[:1]]:
        if str(old.relative_to(target)) not in names and "output" not in old.relative_to(target).parts[:2]:
            old.unlink()
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def _as_collection() -> Path:
    return link_tree() / "ansible_collections" / "cloudnexus" / "cloud"


def _pytest(folder: str) -> None:
    workers = str(os.cpu_count() or 1)
    _run(sys.executable, "-m", "pytest", folder, "-n", workers, "--dist", "loadgroup", "-q", env=ansible_environment(), shown=True)


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


def _result(name: str) -> tuple[bool, float, str]:
    """Run a check: whether it passed, its seconds, and what there is to show."""
    started = time.monotonic()
    try:
        CHECKS[name]()
    except CheckFailed as found:
        return False, time.monotonic() - started, str(found)
    return True, time.monotonic() - started, ""


def main(wanted: list[str]) -> int:
    chosen = choose(wanted, CHECKS, "check")
    CACHE.mkdir(exist_ok=True)
    started = time.monotonic()
    failed = []
    for _alone, group in groupby(chosen, lambda name: name if name in ON_EVERY_CORE else None):
        names = list(group)
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            # The last ones take longest, so they begin.
            results = {name: pool.submit(_result, name) for name in reversed(names)}
            for name in names:
                print(f"==> {name}: {CHECKS[name].__doc__}", flush=True)
                passed, seconds, shown = results[name].result()
                print(f"{shown}    {name} {'passed' if passed else 'FAILED'} in {seconds:.0f} s", flush=True)
                failed += [] if passed else [name]
        finally:  # Ctrl-C begins nothing more
            pool.shutdown(cancel_futures=True)
    print(f"\n{'Failed: ' + ', '.join(failed) if failed else 'All checks passed'}, in {time.monotonic() - started:.0f} s")
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions behind ``make check``, ``make test`` and ``make matrix``; ``nox -l`` lists them.

Most run in ``.venv``, which the Makefile fills. Only the sessions of the matrix have an environment of their own.
"""

from __future__ import annotations

from pathlib import Path

import nox
from python_discovery import get_interpreter

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "none"
nox.options.download_python = "never"
nox.options.envdir = ".cache/nox"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["style", "prose", "types", "units"]

#: The Pythons that each ansible-core supports on the control node, by its own support matrix. 2.17 is left out: it reached its end
#: of life in 2025, and Automation Hub does not ask for it.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
    "2.22": ("3.13", "3.14"),
}
#: Automation Hub runs the sanity tests of these.
CERTIFIED = ("2.16", "2.18", "2.20")
#: What is tested, from the oldest to the newest: each ansible-core on the oldest Python that it supports, and 2.16 on a second one.
PAIRS = (
    ("3.10", "2.16"),  # the oldest of both that the collection supports
    ("3.11", "2.16"),  # the execution environments of Ansible Automation Platform
    ("3.11", "2.18"),  # certification
    ("3.11", "2.19"),  # the first with templates that are trusted or not
    ("3.12", "2.20"),  # certification; the first that requires Python 3.12
    ("3.12", "2.21"),  # the newest release
    ("3.13", "2.22"),  # a release candidate
)
#: The Debian releases that the role web_server is run on.
RELEASES = ("bullseye", "bookworm", "trixie")
#: What `requirements.txt` still allows; the pairs of the oldest ansible-core run with it.
OLDEST = ("requests==2.31.0", "urllib3==1.26.20")
#: pytest-xdist before 3.9 breaks groups of tests with pytest 9.2 (pyproject.toml).
ON_ALL_CORES = ("-n", "auto", "--dist", "loadgroup", "-q")


@nox.session
def style(session: nox.Session) -> None:
    """Lint and format with ruff."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def prose(session: nox.Session) -> None:
    """Check the vocabulary of the documents and of the documentation with proselint; files after ``--`` alone."""
    session.run("python", "-m", "tests.prose", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy --strict: the collection and the emulator."""
    session.run("python", "-m", "tests.checkout")  # makes the tree in which the collection has its full name
    mypy = ("mypy", "--cache-dir", ".cache/mypy")
    for package in ("plugins", "extensions"):
        session.run(*mypy, "-p", f"ansible_collections.cloudnexus.cloud.{package}", env={"MYPYPATH": ".cache/collections"})
    session.run(*mypy, "-p", "tests.emulator")
    session.run(*mypy, "noxfile.py")


@nox.session
def units(session: nox.Session) -> None:
    """Run the unit tests: the core against an account in memory, the stateful search, what must agree with what."""
    session.run("pytest", "tests/unit", *ON_ALL_CORES, *session.posargs)


@nox.session
def hostile(session: nox.Session) -> None:
    """Run the collection over sockets against servers, proxies and an API that aren't the emulator."""
    session.run("pytest", "tests/hostile", "-q", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """Run the integration tests: Ansible's own commands against the emulator."""
    session.run("pytest", "tests/integration", *ON_ALL_CORES, "-m", "not ci", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run ansible-lint with the profile production."""
    session.run("python", "-m", "tests.checkout", "ansible-lint", "--offline", "--profile=production", "--strict")


@nox.session
def docs(session: nox.Session) -> None:
    """Check the documentation of modules, roles and plugins with antsibull-docs."""
    session.run(
        "python", "-m", "tests.checkout",
        "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "--skip-rstcheck", ".",
    )  # fmt: skip


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation as a site; a warning fails it."""
    session.run("python", "-m", "tests.site")


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments with antsibull-changelog."""
    for what in (("lint",), ("lint-changelog-yaml", "changelogs/changelog.yaml")):
        session.run("python", "-m", "tests.checkout", "antsibull-changelog", *what)


@nox.session
def forge(session: nox.Session) -> None:
    """Check the workflows, the issue forms and the pre-commit hook against their schemas, and the workflows for security."""
    for schema, pattern in (("workflows", "workflows/*.yml"), ("issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"), ("issue-config", "ISSUE_TEMPLATE/config.yml")):
        session.run("check-jsonschema", "--builtin-schema", f"vendor.github-{schema}", *map(str, sorted(Path(".github").glob(pattern))))
    session.run("zizmor", "--offline", "--no-progress", "--quiet", ".github")
    session.run("pre-commit", "validate-config")


@nox.session
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity on what is shipped, as Automation Hub does, without an entry in an ignore file."""
    session.run("python", "-m", "tests.packaging.sanity")


@nox.session(venv_backend="uv|venv")
def certification(session: nox.Session) -> None:
    """Build the tarball, run Automation Hub's importer without a warning, and look for files that nobody needs."""
    _install(session, "--group", "certification")
    session.run("python", "-m", "tests.packaging.tarball")


@nox.session(venv_backend="uv|venv")
def mutants(session: nox.Session) -> None:
    """Change the core at random, and count the changes that the unit tests notice."""
    _install(session, "--group", "mutants")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def hosts(session: nox.Session) -> None:
    """Run what needs isolated hosts, as root; ``make test`` does so too if you are root."""
    session.run("pytest", "tests/integration", "-q", "-m", "hosts", *session.posargs)


@nox.session
@nox.parametrize("release", RELEASES, ids=RELEASES)
def debian(session: nox.Session, release: str) -> None:
    """Run the roles on isolated hosts of a Debian release, as root; takes the command debootstrap."""
    root = Path(".cache/debian", release).resolve()
    if not root.exists():
        new = root.with_suffix(".new")
        session.run("rm", "-rf", str(new), external=True)
        new.mkdir(parents=True)
        session.run("debootstrap", "--variant=minbase", "--include=ca-certificates,procps", release, str(new), external=True)
        new.rename(root)
    session.run("pytest", "tests/integration", "-q", "-m", "hosts", *session.posargs, env={"TEST_HOSTS_ROOT": str(root)})


@nox.session
def rehearsal(session: nox.Session) -> None:
    """Rehearse a release in a repository of its own, and run the demo with its web servers."""
    session.run("pytest", "tests/integration", "-q", "-m", "ci", *session.posargs)


@nox.session
def redhat(session: nox.Session) -> None:
    """Run the role web_server in a container of the Red Hat family, whose image RED_HAT_IMAGE names."""
    session.run("pytest", "tests/integration/test_red_hat.py", "-q", *session.posargs)


@nox.session(venv_backend="uv|venv")
@nox.parametrize("python,core", [nox.param(*pair, id="/".join(pair)) for pair in PAIRS])
def matrix(session: nox.Session, core: str) -> None:
    """Run units, integration and sanity on a Python and an ansible-core; after ``--`` only those that you name."""
    _install(session, "--group", "matrix", f"ansible-core=={core}.*", *(OLDEST if core == PAIRS[0][1] else ()))
    _tests(session)


@nox.session(venv_backend="uv|venv", python=PAIRS[-1][0])
def devel(session: nox.Session) -> None:
    """Run the same on the development branch of ansible-core."""
    _install(session, "--group", "matrix")
    session.install("--upgrade", "ansible-core @ https://github.com/ansible/ansible/archive/devel.tar.gz")
    _tests(session)


def _tests(session: nox.Session) -> None:
    session.run("python", "-c", "import platform, ansible.release as core; print(f'Python {platform.python_version()}, ansible-core {core.__version__}')")
    wanted = session.posargs or ("units", "hostile", "integration", "sanity")
    if "units" in wanted:
        session.run("python", "-m", "pytest", "tests/unit", *ON_ALL_CORES, "-m", "not once")
    if "hostile" in wanted:
        session.run("python", "-m", "pytest", "tests/hostile", *ON_ALL_CORES)
    if "integration" in wanted:
        session.run("python", "-m", "pytest", "tests/integration", *ON_ALL_CORES, "-m", "not once and not ci")
    if "core" in wanted:
        session.run("python", "-m", "pytest", "tests/integration", *ON_ALL_CORES, "-m", "core and not once and not ci")
    if "sanity" in wanted:
        session.run("python", "-m", "tests.packaging.sanity")


@nox.session
def ends(session: nox.Session) -> None:
    """Queue the oldest and the newest pair of the matrix that the Pythons of this machine can run."""
    found = [f"matrix({python}/{core})" for python, core in PAIRS if get_interpreter(python)]
    session.log(f"of {len(PAIRS)} pairs, {len(found)} have a Python on this machine")
    for name in dict.fromkeys(found[:1] + found[-1:]):
        session.notify(name, posargs=session.posargs or ("units", "hostile", "core", "sanity"))


def _install(session: nox.Session, *wanted: str) -> None:
    if session.venv_backend != "uv":
        session.install("--upgrade", "pip>=25.1")  # the first with dependency groups
    session.install(*wanted)

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make emulator`` and ``make demo`` in environments that are not a developer's shell: cron, systemd, another folder, a proxy, another locale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import ROOT, utf8_locale

pytestmark = pytest.mark.once
#: All that cron gives to a command, as far as it matters here.
BARE = {"PATH": os.environ.get("PATH", os.defpath)}
NOWHERE = "http://127.0.0.1:1"
#: Settings of a user's that are right for something else.
ODD = {
    "PWD": "/nonexistent",
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE),
    "PIP_USER": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONHOME": "/nonexistent",
    "LC_ALL": "C",
    "HOME": "",
}
ANOTHER_LOCALE = {"LC_ALL": "xx_XX.UTF-8"}


def make(*arguments: str, environment: dict[str, str] | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    """Run make from another folder, with nothing in its environment but this."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "timeout": 300, **options}
    return subprocess.run(command, check=False, cwd="/", env={**BARE, **(environment or {})}, text=True, **told)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The variable that gives make the packages of these tests in place of .venv."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / ".demo").touch()
    return f"VENV={folder}"


@pytest.mark.parametrize("environment", [{}, ODD, ANOTHER_LOCALE], ids=["bare", "odd", "another locale"])
def test_the_emulator_starts(installed: str, environment: dict[str, str]) -> None:
    """Its standard input is /dev/null, which ends it as soon as it has started."""
    done = make(installed, "emulator", "ARGS=--until-eof", environment=environment)
    assert "serves http://127.0.0.1:" in done.stdout
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout


def test_the_emulator_starts_without_a_standard_input(installed: str) -> None:
    """As a daemon does it."""
    shell = f'exec make --no-print-directory -C "{ROOT}" "{installed}" emulator ARGS=--until-eof <&-'
    done = subprocess.run(["sh", "-c", shell], check=False, cwd="/", env=BARE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert "serves http://127.0.0.1:" in done.stdout
    assert done.returncode == 0, done.stdout


def test_the_demo_runs(installed: str) -> None:
    """Without its web servers, which take root: from check mode to the end."""
    done = make(installed, "demo", "ARGS=--without-web-servers", environment=ODD)
    assert done.returncode == 0, done.stdout
    assert "Done: the tier stood, stood the same on the second run, and is gone" in done.stdout
    assert "Ansible requires a UTF-8 locale, so its commands run with LC_ALL=C.UTF-8" in done.stdout


@pytest.mark.parametrize(("variables", "expected"), [({"LC_ALL": "C"}, True), ({"LC_ALL": "xx_XX.UTF-8"}, True), ({"LC_ALL": "C.UTF-8"}, False), ({}, False)])
def test_the_locale_for_ansible(variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"LANG": "C.UTF-8", **variables}.items():
        monkeypatch.setenv(name, value)
    assert utf8_locale.__wrapped__() == ({"LC_ALL": "C.UTF-8"} if expected else {})


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/somewhere"}])
def test_nothing_is_kept_in_the_root_of_the_machine(home: dict[str, str]) -> None:
    """Without a home the downloads of pip and uv stay below the checkout."""
    done = make("--eval", "places: ; @echo $$PIP_CACHE_DIR $$UV_CACHE_DIR", "places", environment=home)
    base = f"{home['HOME']}/.cache" if home.get("HOME") else f"{ROOT}/.cache/user"
    assert done.stdout.split() == [f"{base}/pip", f"{base}/uv"]


# --- A .venv that is left half made -----------------------------------------------------------------------------------


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, str]:
    """A folder to install from, without any network: its uv says that it installs, and does nothing."""
    folder = tmp_path / "packages"
    folder.mkdir()
    files = {
        "uv_stub.py": "import sys\n\n\ndef main():\n    print('uv', *sys.argv[1:])\n",
        "uv-99.dist-info/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 99\n",
        "uv-99.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "uv-99.dist-info/entry_points.txt": "[console_scripts]\nuv = uv_stub:main\n",
    }
    with zipfile.ZipFile(folder / "uv-99-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr("uv-99.dist-info/RECORD", "".join(f"{name},,\n" for name in [*files, "uv-99.dist-info/RECORD"]))
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_USER": "1"}


def without_pip(folder: Path) -> None:
    """As an interrupted `python -m venv` leaves it, or one on a Debian without python3-venv."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)


def without_a_python(folder: Path) -> None:
    """As the upgrade of the system's Python leaves it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(folder / "python3.0")


@pytest.mark.parametrize("spoil", [without_pip, pytest.param(without_a_python, marks=pytest.mark.ci)])
def test_a_half_made_venv_is_made_whole(tmp_path: Path, packages: dict[str, str], spoil: Callable[[Path], None]) -> None:
    folder = tmp_path / "venv"
    spoil(folder)
    done = make(f"VENV={folder}", f"PYTHON={sys.executable}", f"{folder}/.demo", environment=packages)
    assert done.returncode == 0, done.stdout
    assert f"uv pip install -q --python {folder}/bin/python --group demo" in done.stdout
    subprocess.run([folder / "bin" / "python", "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert make(f"VENV={folder}", f"{folder}/.demo", environment=packages).stdout.startswith("make: "), "it is installed once"
    shutil.rmtree(folder)

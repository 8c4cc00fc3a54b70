# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_server looks at what nginx runs, not at what its files say."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.emulator.process import EmulatorProcess
from tests.hosts.isolated import Hosts

from .commands import Ansible
from .web_servers import OTHER_PORT, PORT, THIRD_PORT, Server, changes, connects, eventually, start

pytestmark = pytest.mark.xdist_group("hosts")

ADDRESS = "127.78.9.3"
FILE, FOLDER = "/etc/nginx/conf.d/cloudnexus-shop.conf", "/var/www/cloudnexus/shop"
VALIDATE = ROOT / "roles" / "web_server" / "files" / "validate.sh"


@pytest.fixture(scope="module")
def server(hosts: Hosts, emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a site that each test leaves as it is here."""
    folder = tmp_path_factory.mktemp("running")
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("first")
    site = {"name": "shop", "address": ADDRESS, "port": PORT, "site": str(folder / "site")}
    server = start(hosts, Ansible(emulator_process, folder), ADDRESS, **site)
    server.succeeds()
    yield server
    hosts.stop(server.host)


def by_hand(server: Server, *replacements: tuple[str, str]) -> str:
    """Have nginx run another configuration of the site, whose file stays; return what the file was."""
    path = server.path(FILE)
    before = path.read_text()
    digest = str(server.get("/health")["X-Site-Digest"])
    for old, new in (*replacements, (digest, "0" * 16)):
        assert old in before
        path.write_text(path.read_text().replace(old, new))
    server.host.run("service", "nginx", "restart")
    eventually(lambda: server.get("/health")["X-Site-Digest"] == "0" * 16)
    return before


def test_a_file_that_was_never_loaded(server: Server) -> None:
    """As a run leaves it that was killed before it reloaded nginx, or that `any_errors_fatal` ended."""
    declared = by_hand(server, ("max-age=3600", "max-age=777"))
    server.path(FILE).write_text(declared)
    master = server.master
    assert server.succeeds("--check") == ["Reload nginx"]
    assert server.get()["Cache-Control"] == "public, max-age=777"
    assert server.succeeds() == ["Reload nginx"]
    assert (server.get()["Cache-Control"], server.master) == ("public, max-age=3600", master)


def test_from_all_addresses_to_one(server: Server) -> None:
    """nginx can't listen on the new address before it gives up the old one: its reload fails, with exit status 0."""
    by_hand(server, (f"listen {ADDRESS}:", "listen *:"))
    assert connects("127.78.9.99", PORT)
    changed = server.succeeds()
    assert changed[:2] == ["Write the configuration", "Reload nginx"]
    assert changed[2].startswith("Restart nginx")
    assert server.get().body == b"first"
    assert not connects("127.78.9.99", PORT)


def test_an_address_of_another_program(server: Server) -> None:
    """A restart would not get it either, and end what is served."""
    site: dict[str, Any] = {"name": "taken", "server_names": ["taken.example"], "port": THIRD_PORT}
    with socket.create_server((ADDRESS, THIRD_PORT)):
        master = server.master
        said = server.fails(**site)
    assert said.startswith("nginx has not loaded the configuration; what it served before it still serves. nginx: bind() to ")
    assert f"bind() to {ADDRESS}:{THIRD_PORT} failed (98: Address already in use)" in said
    assert (server.get().body, server.master) == (b"first", master)
    # It is free now. The file is as declared, and not loaded yet.
    assert server.succeeds(**site)[0] == "Reload nginx"
    assert server.get(port=THIRD_PORT).body == b"first"


#: Another site on the same nginx.
SECOND: dict[str, Any] = {"name": "second", "port": OTHER_PORT}


@pytest.fixture(scope="module")
def second(server: Server) -> Server:
    server.succeeds(**SECOND)
    return server


def test_two_sites_have_digests_of_their_own(second: Server) -> None:
    server = second
    before = [server.get("/health", port=port)["X-Site-Digest"] for port in (PORT, OTHER_PORT)]
    assert server.succeeds(**SECOND, cache_ttl=5) == ["Write the configuration", "Reload nginx"]
    after = [server.get("/health", port=port)["X-Site-Digest"] for port in (PORT, OTHER_PORT)]
    assert after[0] == before[0]
    assert len({*before, *after}) == 3


def test_a_site_that_nginx_still_serves_after_its_file_is_gone(second: Server) -> None:
    """As a removal leaves it that was killed before it reloaded nginx. The second play finds nothing to do."""
    server = second
    server.path(FILE.replace("shop", "second")).unlink()
    run = server.run("--diff", **SECOND, state="absent", times=2)
    assert (run.status, changes(run)) == (0, ["Reload nginx", "Remove the files"]), run.output
    assert "index.html" not in run.output, "a diff of all files"
    eventually(lambda: not connects(ADDRESS, OTHER_PORT))
    assert server.get().body == b"first"
    assert not [name for folder in ("/etc/nginx/conf.d", "/etc/nginx/cloudnexus", "/var/www/cloudnexus") for name in server.names(folder) if "second" in name]


def test_another_site_that_has_the_name(server: Server) -> None:
    other = server.path("/etc/nginx/conf.d/a-other.conf")
    other.write_text(f"server {{ listen {ADDRESS}:{THIRD_PORT}; server_name shop.example; return 200 other; }}\n")
    said = server.fails(name="third", port=THIRD_PORT, server_names=["shop.example"])
    for path in (other, server.path(FILE.replace("shop", "third"))):
        path.unlink()
    assert "returns status 200 and X-Site-Digest (none): expected " in said
    assert f'conflicting server name "shop.example" on {ADDRESS}:{THIRD_PORT}, ignored' in said


def test_two_default_sites_of_an_address(server: Server) -> None:
    assert server.fails(name="fourth").startswith(
        "nginx refuses the configuration, which was not put in place; what it served before it still serves. There can be one default site for an address, "
        f"and {ADDRESS}:{PORT} has one already ({FILE}): set web_server_server_names for one of them."
    )


def test_a_release_that_was_deleted(server: Server) -> None:
    (release,) = server.path(f"{FOLDER}/releases").iterdir()
    shutil.rmtree(release)
    assert server.get().status == 404
    assert server.succeeds() == ["Create the directory of the release", "Unpack the release"]
    assert server.get().body == b"first"


def test_a_file_that_was_deleted(server: Server) -> None:
    (release,) = server.path(f"{FOLDER}/releases").iterdir()
    (release / "index.html").unlink()
    assert server.succeeds() == ["Unpack the release"]
    assert server.get().body == b"first"


def test_nginx_that_does_not_run(server: Server) -> None:
    server.host.run("service", "nginx", "stop")
    assert server.succeeds() == ["Start nginx"]
    assert server.get().body == b"first"


# --- What nginx refuses ---


def test_directives_that_nginx_refuses(server: Server) -> None:
    before = server.path(FILE).read_bytes()
    assert 'unknown directive "nonsense"' in server.fails(directives="nonsense on;")
    assert server.path(FILE).read_bytes() == before


def validate(server: Server, folder: str = "/etc/nginx/conf.d", path: str = "/usr/bin:/bin") -> tuple[int, str]:
    """Check the configuration with the site's own file as the candidate."""
    before = sorted(server.path("/etc/nginx").rglob("*"))
    environment = ["env", f"PATH={path}"]
    done = server.host.run(*environment, "/bin/sh", "-c", VALIDATE.read_text(), "validate", FILE, f"{folder}/cloudnexus-shop.conf", check=False)
    assert sorted(server.path("/etc/nginx").rglob("*")) == before
    return done.returncode, done.stdout


def test_another_file_that_is_broken(server: Server) -> None:
    other = server.path("/etc/nginx/conf.d/other.conf")
    other.write_text("nonsense;\n")
    status, said = validate(server)
    other.unlink()
    assert status == 1
    assert 'unknown directive "nonsense" in /etc/nginx/conf.d/other.conf:1' in said
    assert "It was refused before too: what breaks it is another file than this site's." in said
    assert validate(server) == (0, "")


def test_a_command_that_is_missing(server: Server) -> None:
    """It is told as that, and not as a configuration that nginx refuses."""
    nginx = server.path("/usr/sbin/nginx")
    nginx.rename(nginx.with_name("nginx-away"))
    status, said = validate(server)
    nginx.with_name("nginx-away").rename(nginx)
    assert (status, said) == (127, "There is no command nginx in /usr/bin:/bin:/usr/sbin:/sbin.\n")


@pytest.mark.parametrize("included", [True, False])
def test_a_main_file_as_that_of_red_hat(server: Server, included: bool) -> None:
    """The server that it brings comes after what it includes."""
    folder = server.path("/etc/other/conf.d")
    folder.mkdir(parents=True, exist_ok=True)
    main = Path(folder.parent, "nginx.conf")
    main.write_text(
        "user root;\nworker_processes auto;\nerror_log /var/log/nginx/error.log;\npid /run/nginx.pid;\nevents { worker_connections 1024; }\n"
        "http {\n    types_hash_max_size 4096;\n    include /etc/nginx/mime.types;\n"
        f"    {'' if included else '# '}include /etc/other/conf.d/*.conf;\n"
        f"    server {{ listen {OTHER_PORT}; listen [::]:{OTHER_PORT}; server_name _; root /usr/share/nginx/html; }}\n}}\n"
    )
    missing = "/etc/other/nginx.conf does not include /etc/other/conf.d/*.conf, so the site would not be served.\n"
    assert validate(server, "/etc/other/conf.d") == ((0, "") if included else (1, missing))

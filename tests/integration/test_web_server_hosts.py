# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_server on a new host by SSH, whose user's PATH has no commands of root: its first runs, and what nginx serves then."""

from __future__ import annotations

import io
import re
import socket
import ssl
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator.process import EmulatorProcess
from tests.hosts.isolated import Hosts

from .commands import Ansible, Run
from .web_servers import OTHER_PORT, OTHER_TLS_PORT, PORT, TLS_PORT, Response, Server, changes, failures, get, play, self_signed, start, variables

pytestmark = [pytest.mark.xdist_group("hosts"), pytest.mark.core]

ADDRESS = "127.78.9.2"
STYLE = "a { color: red }\n" * 100
SITE = {
    "index.html": "<p>The shop</p>", "404.html": "<p>No such page</p>", "style.css": STYLE, "name with ü.txt": "named", "a.mjs": "", "app.webmanifest": "{}",
    "read.md": "# Read", "f.woff2": "", "w.wasm": "", "p.avif": "", "some.thing": "x" * 4321, "folder/page.html": "page", ".secret": "secret",
    ".git/config": "secret", ".well-known/security.txt": "Contact: mailto:me@shop.example",
}  # fmt: skip
#: 48 characters, too long for nginx's table of names as it is.
LONG_NAME = "a-name-that-is-too-long-for-nginx.b.shop.example"
POLICY = "default-src 'self'; report-uri \"/csp\""
#: A key that is too short for Debian.
SHORT = self_signed(rsa.generate_private_key(65537, 1024))
CERTIFICATES = [self_signed(None, "www.shop.example"), self_signed(None, "bare.example", "*.bare.example")]


@dataclass(frozen=True)
class Runs:
    """What the runs on a new host said, from the first to the last."""

    server: Server
    checked: Run
    removed: Run
    first: Run
    again: Run
    refused: Run


def both_sites(folder: Path) -> list[dict[str, Any]]:
    """One with names, and one without, whose redirect leads to hosts of its certificate."""
    for name, text in SITE.items():
        (folder / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / name).write_text(text)
    archive = folder / "site.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("./index.html")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"New"))
    certificates = [{"tls_certificate": f"subject=CN = shop.example\n{certificate}", "tls_key": key} for certificate, key in CERTIFICATES]
    shop = {
        "name": "shop", "address": ADDRESS, "port": PORT, "tls_port": TLS_PORT, "site": str(folder / "site"), "cache_ttl": 120, "compression": "brotli",
        "server_names": f"www.shop.example,*.shop.example,{LONG_NAME}", "headers": {"Content-Security-Policy": POLICY, "X-Frame-Options": "DENY"},
        "directives": "location /api/ {\n  return 200 api;\n}", **certificates[0],
    }  # fmt: skip
    bare = {
        "name": "bare", "address": ADDRESS, "port": OTHER_PORT, "tls_port": OTHER_TLS_PORT, "site": str(archive), "cache_ttl": 0, "compression": "none",
        "health_path": "/well", "tls_redirect": True, **certificates[1],
    }  # fmt: skip
    return [shop, bare]


@pytest.fixture(scope="module")
def runs(hosts: Hosts, emulator_process: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    server = start(hosts, Ansible(emulator_process, tmp_path_factory.mktemp("web_server")), ADDRESS)
    include = {"name": "cloudnexus.cloud.web_server"}
    tasks = [{"ansible.builtin.include_role": include, "vars": variables(**site)} for site in both_sites(server.ansible.folder)]
    sites: dict[str, Any] = {"become": True, "roles": [], "tasks": tasks}

    def run(*arguments: str, **short: Any) -> Run:
        return play(server.ansible, {ADDRESS: {}}, *arguments, play=sites, **short)

    yield Runs(
        server, run("--check", "--diff"), run(state="absent"), run("--diff", "-vvv"), run("--diff"),
        server.run("--diff", "-vvv", **{**both_sites(server.ansible.folder)[0], "tls_certificate": SHORT[0], "tls_key": SHORT[1]}),
    )  # fmt: skip
    hosts.stop(server.host)


def shop(path: str, *, tls: bool = False, **headers: str) -> Response:
    return get(ADDRESS, TLS_PORT if tls else PORT, path, tls=tls, **headers)


# --- The runs ---


def test_check_mode_on_a_new_host_says_that_nginx_would_be_installed(runs: Runs) -> None:
    assert (runs.checked.status, changes(runs.checked)) == (0, ["Install the packages"] * 2), runs.checked.output


def test_there_is_nothing_to_remove_on_a_new_host(runs: Runs) -> None:
    assert (runs.removed.status, changes(runs.removed)) == (0, []), runs.removed.output


def test_the_first_run_installs_and_starts_nginx(runs: Runs) -> None:
    assert runs.first.status == 0, runs.first.output
    assert changes(runs.first).count("Install the packages") == 1
    assert changes(runs.first).count("Start nginx") == 1


def test_a_second_run_changes_nothing(runs: Runs) -> None:
    assert (runs.again.status, changes(runs.again)) == (0, []), runs.again.output


def test_a_run_with_nothing_to_do_asks_the_host_once(runs: Runs) -> None:
    """Each task by SSH takes half a second."""
    commands = [entry["task"] for entry in runs.again.entries if entry["action"] == "ansible.builtin.command" and "control node" not in entry["task"]]
    assert [task.rpartition(" : ")[2] for task in commands] == ["Read the state of the host and its site"] * 2


def test_no_output_shows_the_key_or_the_names_of_all_files(runs: Runs) -> None:
    for run in (runs.checked, runs.first, runs.again, runs.refused):
        said = run.output + str(run.entries)
        assert "PRIVATE KEY" not in said
        assert not [line for _certificate, key in [*CERTIFICATES, SHORT] for line in key.splitlines()[1:-1] if line in said]
        assert "page.html" not in run.output


def test_the_default_site_of_the_distribution_is_never_served(runs: Runs) -> None:
    assert runs.server.names("/etc/nginx/sites-enabled") == []


def test_the_key_is_for_root_alone(runs: Runs) -> None:
    (pem,) = runs.server.path("/etc/nginx/cloudnexus/shop").iterdir()
    assert [path.stat().st_mode & 0o777 for path in (pem, pem.parent)] == [0o600, 0o700]


def test_a_key_that_nginx_refuses_does_not_stay(runs: Runs) -> None:
    (said,) = failures(runs.refused).values()
    assert said.startswith("nginx refuses the configuration, which was not put in place; what it served before it still serves.")
    assert "key too small" in said
    assert "another file" not in said
    assert len(runs.server.names("/etc/nginx/cloudnexus/shop")) == 1


def test_nginx_has_nothing_to_warn_of(runs: Runs) -> None:
    assert "warn" not in runs.server.host.run("nginx", "-t").stdout


# --- What is served ---


def test_pages(runs: Runs) -> None:
    page = shop("/")
    assert (page.status, page.body, page["Cache-Control"], page["Content-Type"]) == (200, b"<p>The shop</p>", "public, max-age=120", "text/html; charset=utf-8")
    assert shop("/name%20with%20%C3%BC.txt").body == b"named"
    assert shop("/.well-known/security.txt").status == 200
    assert get(ADDRESS, OTHER_TLS_PORT, "/", tls=True).body == b"New"
    assert get(ADDRESS, OTHER_TLS_PORT, "/", tls=True)["Cache-Control"] == "no-store"


def test_the_health_page_names_what_runs(runs: Runs) -> None:
    pages = [shop("/health"), shop("/health", tls=True), get(ADDRESS, OTHER_PORT, "/well")]
    assert [(page.status, page.body, page["Cache-Control"]) for page in pages] == [(200, b"ok\n", "no-store")] * 3
    digests = [page["X-Site-Digest"] for page in pages]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("path", ["/missing", "/.secret", "/.git/config", "/folder/.x"])
def test_a_page_that_is_not_there(runs: Runs, path: str) -> None:
    page = shop(path)
    assert (page.status, page.body, page["Cache-Control"]) == (404, b"<p>No such page</p>", "no-store")


@pytest.mark.parametrize(
    ("given", "status", "cached"),
    [
        ("bytes=0-9", 206, "public, max-age=120"),
        ("bytes=4320-", 206, "public, max-age=120"),
        ("bytes=999-1005", 206, "public, max-age=120"),
        ("bytes=-5", 206, "public, max-age=120"),
        ("bytes=4321-", 416, "no-store"),
        ("bytes=5000-", 416, "no-store"),
        ("bytes=99999-", 416, "no-store"),
        ("items=0-1", 200, "public, max-age=120"),
    ],
)
def test_ranges(runs: Runs, given: str, status: int, cached: str) -> None:
    page = shop("/some.thing", Range=given)
    assert (page.status, page["Cache-Control"]) == (status, cached)


def test_every_error_is_not_to_be_kept(runs: Runs) -> None:
    assert [get(ADDRESS, PORT, "/", method="POST").status, shop("/folder/").status, shop("/x" * 20000).status] == [405, 403, 414]
    for page in (get(ADDRESS, PORT, "/", method="POST"), shop("/folder/"), shop("/x" * 20000), get(ADDRESS, OTHER_PORT, "/" + "x" * 40000)):
        assert page["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("app.webmanifest", "application/manifest+json"),
        ("read.md", "text/markdown; charset=utf-8"),
        ("f.woff2", "font/woff2"),
        ("w.wasm", "application/wasm"),
        ("p.avif", "image/avif"),
        ("some.thing", "application/octet-stream"),
    ],
)
def test_types(runs: Runs, name: str, kind: str) -> None:
    assert shop(f"/{name}")["Content-Type"] == kind


def test_compression(runs: Runs) -> None:
    pages = {accepted: shop("/style.css", Accept_Encoding=accepted) for accepted in ("br, gzip", "gzip", "identity")}
    # Debian has brotli for nginx since 12.
    has_brotli = not re.search(r'VERSION_ID="(10|11)"', runs.server.path("/usr/lib/os-release").read_text())
    assert [page["Content-Encoding"] for page in pages.values()] == ["br" if has_brotli else "gzip", "gzip", None]
    assert ("has no brotli for nginx; the site is compressed with gzip." in runs.first.output) != has_brotli
    assert {page["Vary"] for page in pages.values()} == {"Accept-Encoding"}
    assert pages["identity"].body.decode() == STYLE
    assert get(ADDRESS, OTHER_TLS_PORT, "/", tls=True, Accept_Encoding="gzip")["Content-Encoding"] is None


def test_the_tag_of_a_file_is_made_of_its_content(runs: Runs) -> None:
    page = shop("/style.css")
    assert page["Last-Modified"] is None
    assert shop("/style.css", If_None_Match=str(page["ETag"])).status == 304


def test_headers_and_directives_of_the_user(runs: Runs) -> None:
    for path in ("/", "/missing"):
        assert (shop(path)["Content-Security-Policy"], shop(path)["X-Frame-Options"]) == (POLICY, "DENY")
    assert shop("/api/x").body == b"api"


def test_a_long_host_name(runs: Runs) -> None:
    assert shop("/", Host=LONG_NAME).body == b"<p>The shop</p>"


# --- TLS ---


def handshake(*protocols: str, ciphers: str = "", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> str | None:
    """The protocol of the application that both sides agree on."""
    context = ssl._create_unverified_context()
    context.maximum_version = newest
    context.set_alpn_protocols(list(protocols))
    if ciphers:
        context.set_ciphers(ciphers)
    with socket.create_connection((ADDRESS, TLS_PORT), timeout=10) as plain, context.wrap_socket(plain, server_hostname="www.shop.example") as secure:
        return secure.selected_alpn_protocol()


def test_http2_with_tls(runs: Runs) -> None:
    assert handshake("h2", "http/1.1") == "h2"
    assert handshake("http/1.1") == "http/1.1"


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-ECDSA-AES256-SHA"])
def test_a_cipher_that_is_not_of_the_intermediate_profile(runs: Runs, ciphers: str) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(ciphers=f"{ciphers}:@SECLEVEL=0", newest=ssl.TLSVersion.TLSv1_2)
    assert handshake("h2", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305", newest=ssl.TLSVersion.TLSv1_2) == "h2"


@pytest.mark.parametrize(("host", "leads_to"), [("bare.example", "bare.example"), ("A.bare.Example", "a.bare.example"), ("evil.example", "bare.example")])
def test_a_redirect_leads_to_hosts_of_the_site_alone(runs: Runs, host: str, leads_to: str) -> None:
    page = get(ADDRESS, OTHER_PORT, "/x?y=1", Host=host)
    assert (page.status, page["Location"], page["Cache-Control"]) == (301, f"https://{leads_to}:{OTHER_TLS_PORT}/x?y=1", "no-store")

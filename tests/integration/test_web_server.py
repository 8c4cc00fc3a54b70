# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role web_server: what it refuses, and the real nginx of this machine, which serves two hosts on two loopback addresses."""

from __future__ import annotations

import datetime
import io
import json
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.checkout import ROOT
from tests.hosts.nginx import BorrowedNginx, why_not

from .commands import Ansible, Run

NETWORK, PORT, TLS_PORT = "127.78.9.0/24", 18480, 18443
NAMES = ("shop-01", "shop-02")
STYLE = "a { color: red }\n" * 100
CONFIGURATION = Path("/etc/nginx/conf.d/cloudnexus-shop-01.conf")
VALIDATE = ROOT / "roles" / "web_server" / "files" / "validate.sh"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def play(ansible: Ansible, hosts: dict[str, dict[str, Any]], *arguments: str, times: int = 1, **variables: Any) -> Run:
    """Run the role on these hosts, all of them this machine, with what each of them is given and what all are. More times are as many plays."""
    inventory = ansible.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": LOCAL}}))
    playbook = ansible.folder / "web_server.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["cloudnexus.cloud.web_server"]}] * times))
    extra = ansible.folder / "extra.json"
    extra.write_text(json.dumps({f"web_server_{name}": value for name, value in variables.items()}))
    return ansible.command("ansible-playbook", "-i", str(inventory), str(playbook), "-e", f"@{extra}", *arguments)


def failures(run: Run) -> dict[str, str]:
    """What a run says of each host that failed."""
    return {entry["host"]: f"{entry['result'].get('msg')} {entry['result'].get('argument_errors')}" for entry in run.entries if entry["status"] == "failed"}


def eventually(condition: Callable[[], Any]) -> None:
    """Workers of nginx that are on their way out may answer for a moment."""
    ends_at = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def self_signed(key: Any = None) -> tuple[str, str]:
    """A certificate and its key, as PEM."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    certificate = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), text.decode()


EC, RSA = self_signed(), self_signed(rsa.generate_private_key(65537, 2048))

# --- What is refused, on any machine -----------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"compresion": "gzip"}, "web_server_compresion: no such variable of the role web_server, which has web_server_address, "),
    ({"name": "a b"}, 'web_server_name: expected letters, digits, dots, hyphens and underscores, got "a b".'),
    ({"name": "../nginx"}, "web_server_name: expected"),
    ({"name": "shop\n"}, "web_server_name: expected"),
    ({"server_names": ["a.example; return 200"]}, "web_server_server_names: expected host names such as"),
    ({"server_names": ["ok.example", "a.example\n"]}, "web_server_server_names: expected host names such as"),
    ({"server_names": ["~^.*$"]}, "web_server_server_names: expected host names such as"),
    ({"address": "127.0.0.1; include /etc/passwd"}, "web_server_address: expected an IPv4 or IPv6 address"),
    ({"name": "x" * 201}, "web_server_name: expected"),
    ({"address": "256.1.1.1"}, "web_server_address: expected an IPv4 or IPv6 address"),
    ({"address": "1.2.3.4."}, "web_server_address: expected an IPv4 or IPv6 address"),
    ({"address": "1::2::3"}, "web_server_address: expected an IPv4 or IPv6 address"),
    ({"address": "1:2:3:4:5:6:7:8:9"}, "web_server_address: expected an IPv4 or IPv6 address"),
    ({"address": "{{ no_such_variable }}"}, "no_such_variable"),
    ({"site": "a\nb"}, 'web_server_site: expected the path of a directory or an archive, got "a\\nb".'),
    ({"address": "localhost"}, 'web_server_address: expected an IPv4 or IPv6 address, got "localhost".'),
    ({"port": 0}, "web_server_port: expected a whole number from 1 to 65535, got 0."),
    ({"port": "80;"}, "web_server_port"),
    ({"tls_port": 65536}, "web_server_tls_port: expected a whole number from 1 to 65535, got 65536."),
    ({"health_path": "/"}, "web_server_health_path: expected a path such as /health"),
    ({"health_path": "/a{}"}, "web_server_health_path: expected a path such as /health"),
    ({"health_path": "/health\n"}, "web_server_health_path: expected a path such as /health"),
    ({"cache_ttl": -1}, "web_server_cache_ttl: expected a whole number from 0 to 31536000, got -1."),
    ({"compression": "zip"}, "value of web_server_compression must be one of: brotli, gzip, none, got: zip"),
    ({"tls_certificate": "/etc/ssl/cert.pem", "tls_key": "/etc/ssl/key.pem"}, "web_server_tls_certificate: expected the text of a PEM file"),
    ({"tls_key": "-----BEGIN PRIVATE KEY-----\nCANARY"}, "web_server_tls_certificate, web_server_tls_key: expected both or none."),
    ({"tls_certificate": "-----BEGIN CERTIFICATE-----\nx", "tls_key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nCANARY"}, "a key that is not encrypted"),
    ({"tls_certificate": "-----BEGIN CERTIFICATE-----\nx", "tls_key": "-----BEGIN PRIVATE KEY-----\nCANARY", "tls_port": 80}, "another port than"),
    ({"tls_certificate": EC[0], "tls_key": RSA[1] + "CANARY"}, "web_server_tls_key: it is not the private key of web_server_tls_certificate."),
    ({"tls_certificate": EC[0], "tls_key": f"-----BEGIN PRIVATE KEY-----\nCANARY\n{RSA[1]}"}, "web_server_tls_key: it can't be read."),
    ({"tls_certificate": "-----BEGIN CERTIFICATE-----\nx", "tls_key": EC[1]}, "web_server_tls_certificate: one of the certificates in it can't be read."),
    ({"site": "nowhere"}, "web_server_site: nowhere does not exist on the control node."),
]


@pytest.mark.core
def test_what_is_refused(in_process: Ansible) -> None:
    hosts = {f"host-{number:02}": {f"web_server_{name}": value for name, value in given.items()} for number, (given, _message) in enumerate(REFUSED)}
    run = play(in_process, hosts, "--check", "-vvv")
    said = failures(run)
    for host, (given, message) in zip(hosts, REFUSED, strict=True):
        assert message in said.get(host, ""), given
    assert run.changed == 0
    assert "CANARY" not in run.output


# --- The real nginx ----------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx() -> Iterator[BorrowedNginx]:
    if why_not():
        pytest.skip(f"The role web_server was not run: {why_not()}.")
    with BorrowedNginx() as borrowed:
        yield borrowed


@pytest.mark.xdist_group("nginx")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_two_servers_from_the_first_run_to_their_removal(in_process: Ansible, nginx: BorrowedNginx) -> None:
    # The two hosts are one machine and have its nginx in common, so they go one after the other.
    in_process.environment |= {"ANSIBLE_FORKS": "1", "ANSIBLE_PIPELINING": "true"}
    folder = in_process.folder
    for name in NAMES:
        site = folder / "sites" / name
        (site / ".git").mkdir(parents=True)
        (site / "folder").mkdir()
        (site / "index.html").write_text(f"<p>This is {name}</p>")
        (site / "style.css").write_text(STYLE)
        (site / "old name ü.txt").write_text("old")
        (site / ".secret").write_text("secret")
        (site / ".git" / "config").write_text("secret")
    common = {
        "name": "{{ inventory_hostname }}",
        "address": "{{ ansible_host }}",
        "port": PORT,
        "site": f"{folder}/sites/{{{{ inventory_hostname }}}}",
    }
    if not nginx.was_installed:
        hosts: dict[str, dict[str, Any]] = {name: {"ansible_host": f"127.78.9.{number}"} for number, name in enumerate(NAMES, 2)}
        nothing = play(in_process, hosts, "--limit", "shop-01", **common, state="absent")
        assert (nothing.status, nothing.changed) == (0, 0), nothing.output
        check = play(in_process, hosts, "--limit", "shop-01", "--check", "--diff", **common)
        assert (check.status, check.changed) == (0, 1), check.output
        assert not Path("/usr/sbin/nginx").exists()
        assert not Path("/etc/nginx").exists()

    # The whole way: the playbook makes the hosts on the emulator, and takes the times and the compression from the CDN's.
    in_process.emulator.set(addresses=NETWORK)
    tier = folder / "tier.json"
    cdn = {"cache_ttl": 120, "compression": "brotli"}
    web_tier = {"web_tier_name": "shop", "web_tier_cdn": cdn, "web_tier_wait_timeout": 120}
    tier.write_text(json.dumps({**LOCAL, **web_tier, **{f"web_server_{name}": value for name, value in common.items()}}))
    up = in_process.command("ansible-playbook", "cloudnexus.cloud.web_tier", "-e", f"@{tier}")
    assert up.status == 0, up.output
    addresses = {item["name"]: item["ip"] for item in in_process.emulator.instances()}
    hosts = {name: {"ansible_host": addresses[name]} for name in NAMES}
    first, second = (f"http://{addresses[name]}:{PORT}" for name in NAMES)
    pages = [get(f"{address}/") for address in (first, second)]
    assert [page.text for page in pages] == ["<p>This is shop-01</p>", "<p>This is shop-02</p>"]
    assert {page.headers["Cache-Control"] for page in pages} == {"public, max-age=120"}
    health = get(f"{first}/health")
    assert (health.status_code, health.text, health.headers["Cache-Control"]) == (200, "ok\n", "no-store")
    missing = get(f"{first}/missing")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert get(f"{first}/old name ü.txt").text == "old"
    assert [get(f"{first}/{path}").status_code for path in (".secret", ".git/config", "folder/")] == [404, 404, 404]
    styles = {accepted: get(f"{first}/style.css", accepted) for accepted in ("br, gzip", "gzip", "identity")}
    assert {accepted: page.headers.get("Content-Encoding") for accepted, page in styles.items()} == {"br, gzip": "br", "gzip": "gzip", "identity": None}
    assert {page.headers["Vary"] for page in styles.values()} == {"Accept-Encoding"}
    assert styles["gzip"].text == styles["identity"].text == STYLE
    tag = styles["identity"].headers["ETag"]
    assert get(f"{second}/style.css", "identity").headers["ETag"] == tag
    assert get(f"{second}/style.css", "identity", tag).status_code == 304
    assert "Last-Modified" not in styles["identity"].headers

    # That the same again changes nothing is what the demo shows, with the same two hosts, and its test.

    # Another configuration and another site, from an archive now: nginx is reloaded, and what is no longer in the site is gone.
    master = Path("/run/nginx.pid").read_text()
    certificate, key = self_signed()
    certificate = f"subject=CN = shop-01.example\n{certificate}"  # as openssl writes it
    archive = folder / "site.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in (("index.html", "<p>New</p>"), ("style.css", STYLE.replace("red", "tan"))):
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    changed = {**common, "site": str(archive), "cache_ttl": 0, "compression": "none", "health_path": "/well", "server_names": "shop.example,*.shop.example"}
    tls = {"tls_certificate": certificate, "tls_key": key, "tls_port": TLS_PORT, "tls_redirect": True}
    run = play(in_process, hosts, "--limit", "shop-01", "--diff", "-vvv", **changed, **tls)
    assert run.status == 0, run.output
    secure = f"https://{addresses['shop-01']}:{TLS_PORT}"
    eventually(lambda: get(f"{first}/x?y=1").headers.get("Location") == f"{secure}/x?y=1")
    page = get(f"{secure}/style.css", "br, gzip")
    assert (page.text, page.headers["Cache-Control"], page.headers.get("Content-Encoding")) == (STYLE.replace("red", "tan"), "no-store", None)
    assert page.headers["ETag"] != tag
    assert get(f"{first}/well").text == "ok\n"
    assert get(f"{secure}/old name ü.txt").status_code == 404
    assert Path("/run/nginx.pid").read_text() == master
    assert get(f"{second}/").text == "<p>This is shop-02</p>"
    (pem,) = Path("/etc/nginx/cloudnexus/shop-01").iterdir()
    assert [path.stat().st_mode & 0o777 for path in (pem, pem.parent)] == [0o600, 0o700]
    assert len(list(Path("/var/www/cloudnexus/shop-01/releases").iterdir())) == 2

    # What nginx refuses is not put in place, and says why; here a key that is too short for Debian. It doesn't stay on the host.
    before = CONFIGURATION.read_bytes()
    short = self_signed(rsa.generate_private_key(65537, 1024))
    wrong = play(in_process, hosts, "--limit", "shop-01", "--diff", "-vvv", **changed, **{**tls, "tls_certificate": short[0], "tls_key": short[1]})
    assert wrong.status != 0
    assert "nginx refuses the configuration, which was not put in place" in failures(wrong)["shop-01"]
    assert "key too small" in failures(wrong)["shop-01"]
    assert "another file" not in failures(wrong)["shop-01"]
    assert list(Path("/etc/nginx/cloudnexus/shop-01").iterdir()) == [pem]
    assert CONFIGURATION.read_bytes() == before
    assert get(f"{secure}/").text == "<p>New</p>"
    subprocess.run(["nginx", "-t", "-q"], check=True)
    for said in (run.output + str(run.entries), wrong.output + str(wrong.entries)):
        assert "PRIVATE KEY" not in said
        assert not [line for line in key.splitlines()[1:-1] if line in said]

    the_whole_configuration_is_looked_at(folder)

    # Twice. The first time each host loses its configuration and its files, and nginx is reloaded; the second time nothing is left to do.
    removed = play(in_process, hosts, **common, state="absent", times=2)
    assert (removed.status, removed.changed) == (0, 2 * 3), removed.output
    eventually(lambda: not any(connects(address, port) for address in addresses.values() for port in (PORT, TLS_PORT)))
    assert Path("/run/nginx.pid").read_text() == master
    assert not [path for name in ("/etc/nginx/conf.d", "/etc/nginx/cloudnexus", "/var/www/cloudnexus") for path in Path(name).glob("*shop-*")]


def the_whole_configuration_is_looked_at(folder: Path) -> None:
    """What is told of another's file that is broken, and of a main file that would not read the site's."""

    def validate(file: Path) -> tuple[int, str]:
        before = sorted(file.parents[1].rglob("*"))
        done = subprocess.run(["sh", "-c", VALIDATE.read_text(), "validate", str(CONFIGURATION), str(file)], check=False, capture_output=True, text=True)
        assert sorted(file.parents[1].rglob("*")) == before
        return done.returncode, done.stderr

    other = CONFIGURATION.with_name("cloudnexus-shop-other.conf")
    other.write_text("nonsense;\n")
    try:
        status, said = validate(CONFIGURATION)
    finally:
        other.unlink()
    assert status == 1
    assert f'unknown directive "nonsense" in {other}:1' in said
    assert "It was refused before too: what breaks it is another file than this site's." in said
    assert validate(CONFIGURATION) == (0, "")

    # As Red Hat's main file is: the server that it brings comes after what it includes.
    root = folder / "nginx"
    (root / "conf.d").mkdir(parents=True)
    main = root / "nginx.conf"
    main.write_text(
        "user root;\nworker_processes auto;\nerror_log /var/log/nginx/error.log;\npid /run/nginx.pid;\nevents { worker_connections 1024; }\n"
        f"http {{\n    types_hash_max_size 4096;\n    include /etc/nginx/mime.types;\n    include {root}/conf.d/*.conf;\n"
        f"    server {{ listen {PORT + 1}; listen [::]:{PORT + 1}; server_name _; root /usr/share/nginx/html; }}\n}}\n"
    )
    assert validate(root / "conf.d" / "cloudnexus-shop.conf") == (0, "")
    main.write_text(main.read_text().replace("    include " + str(root), "    # include " + str(root)))
    status, said = validate(root / "conf.d" / "cloudnexus-shop.conf")
    assert (status, said) == (1, f"{main} does not include {root}/conf.d/*.conf, so the site would not be served.\n")


def get(url: str, accepted: str = "identity", tag: str = "") -> requests.Response:
    """One request by a connection of its own; the TLS certificate is not looked at, redirects are not followed."""
    with requests.Session() as session:
        session.trust_env = session.verify = False
        headers = {"Accept-Encoding": accepted, "Host": "www.shop.example" if url.startswith("https") else url.split("/")[2], "Connection": "close"}
        headers |= {"If-None-Match": tag} if tag else {}
        answer = session.get(url, headers=headers, allow_redirects=False, timeout=10, stream=True)
        if answer.headers.get("Content-Encoding") != "br":  # which takes another library to read
            answer.content  # noqa: B018
        return answer


def connects(address: str, port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == 0

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role web_server accepts as a certificate and its key."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.checkout import ROOT

from .scripts import load

PAIR = load("pair")
KEYS: dict[str, Any] = {
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ec 384": ec.generate_private_key(ec.SECP384R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "rsa 1024": rsa.generate_private_key(65537, 1024),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
ANOTHER = "web_server_tls_key: it is not the private key of web_server_tls_certificate."


def pem(key: Any, encryption: Any = None, form: Any = serialization.PrivateFormat.PKCS8) -> str:
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, encryption or serialization.NoEncryption())
    return text.decode()


def certificate(key: Any, *names: x509.GeneralName) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    built = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return built.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


CERTIFICATES = {name: certificate(key) for name, key in KEYS.items()}


@pytest.mark.parametrize("of_certificate", KEYS)
@pytest.mark.parametrize("of_key", KEYS)
def test_the_key_must_be_the_one_of_the_certificate(of_certificate: str, of_key: str) -> None:
    """Whatever the kinds of both are. How long a key must be is for the host to say."""
    assert PAIR.problem(CERTIFICATES[of_certificate] + pem(KEYS[of_key])) == ("" if of_certificate == of_key else ANOTHER)


def test_another_key_of_the_same_kind_is_refused() -> None:
    assert PAIR.problem(CERTIFICATES["ec"] + pem(ec.generate_private_key(ec.SECP256R1()))) == ANOTHER


def test_pairs_as_tools_write_them() -> None:
    ec_key, traditional = KEYS["ec"], serialization.PrivateFormat.TraditionalOpenSSL
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"  # openssl ecparam -genkey
    text = "Certificate:\n    Issuer: CN=a-b, O=M\xfcller\n" + "        aa:bb\n" * 10_000  # openssl x509 -text
    for whole in (
        CERTIFICATES["ec"] + CERTIFICATES["rsa"] + pem(ec_key),
        CERTIFICATES["ec"] * 500 + pem(ec_key),
        CERTIFICATES["ec"] + parameters + pem(ec_key, form=traditional),
        text + CERTIFICATES["ec"] + "Bag Attributes\n    friendlyName: x\n" + pem(ec_key),
        (CERTIFICATES["ec"] + pem(ec_key)).replace("\n", "\r\n"),
    ):
        assert PAIR.problem(whole) == ""


def test_text_that_can_not_be_read() -> None:
    key, broken = pem(KEYS["ec"]), "-----BEGIN {0}-----\nMIIx\n-----END {0}-----\n"
    for wrong in (broken.format("CERTIFICATE"), CERTIFICATES["ec"] + broken.format("CERTIFICATE"), ""):
        assert PAIR.problem(wrong + key) == "web_server_tls_certificate: one of the certificates in it can't be read."
    encrypted = pem(KEYS["ec"], serialization.BestAvailableEncryption(b"x"))
    for wrong in (broken.format("PRIVATE KEY"), encrypted, ""):
        assert PAIR.problem(CERTIFICATES["ec"] + wrong) == "web_server_tls_key: it can't be read."


def test_the_script_shows_no_key_and_asks_nobody_for_a_password() -> None:
    encrypted = pem(KEYS["ec"], serialization.BestAvailableEncryption(b"x"))
    command = [sys.executable, "-I", "-S", str(ROOT / "roles" / "web_server" / "files" / "pair.py")]
    for text in (CERTIFICATES["ec"] + encrypted, CERTIFICATES["ec"] + pem(KEYS["rsa"]), os.urandom(100).decode("latin-1")):
        done = subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=60, start_new_session=True)
        assert done.stderr == b""
        assert json.loads(done.stdout)["error"].startswith("web_server_tls_")
        assert done.stdout.count(b"\n") == 0
        assert len(done.stdout) < 100


def test_the_names_of_a_certificate() -> None:
    """A redirect of a site without names leads to one of them, so none can be anything else than the name of a host."""
    names = [x509.DNSName("www.Shop.example"), x509.DNSName("*.shop.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1")), x509.DNSName("a;b")]
    assert PAIR.result(certificate(KEYS["ec"], *names) + pem(KEYS["ec"])) == {"names": ["www.shop.example", "*.shop.example"]}
    assert PAIR.result(CERTIFICATES["ec"] + pem(KEYS["ec"])) == {"names": []}
    assert PAIR.result(CERTIFICATES["ec"] + pem(KEYS["rsa"])) == {"error": ANOTHER}

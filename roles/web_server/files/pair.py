# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a private key belongs to a certificate. ``nginx -t`` accepts an EC certificate with an RSA key, and every handshake fails.

Reads the PEM text of both from standard input. Prints ``{"error": ...}``, one sentence on what is wrong, or ``{"names": [...]}``, the host names of
the certificate.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?")
MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


@contextmanager
def _readable(text: str) -> Iterator[str]:
    """A path where OpenSSL finds a text that has no name in any directory: in memory, or in a file that is gone if there is no such memory."""
    with os.fdopen(os.memfd_create("pem"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"


def _is_certificate(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ssl.PEM_cert_to_DER_cert(text))
    except ValueError:  # SSLError is no ValueError, but what base64 raises is one
        return False
    except ssl.SSLError:
        return False
    return True


def problem(pem: str) -> str:
    """What is wrong with a certificate and its key, or an empty text."""
    certificates = CERTIFICATE.findall(pem)
    if not certificates or not all(map(_is_certificate, certificates)):
        return "web_server_tls_certificate: one of the certificates in it can't be read."
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with suppress(ssl.SSLError):  # LibreSSL has no levels
        # How long a key must be is for the host to say.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    try:
        with _readable(pem) as certificate, _readable(pem) as key:
            context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason in MISMATCH:
            return "web_server_tls_key: it is not the private key of web_server_tls_certificate."
        return "web_server_tls_key: it can't be read."
    return ""


def names(pem: str) -> list[str]:
    """The host names that the first certificate is for."""
    with _readable(CERTIFICATE.findall(pem)[0] + "\n") as path:
        try:
            # The standard library shows a certificate only after a handshake, but for this function of its own tests.
            decoded = ssl._ssl._test_decode_cert(path)  # type: ignore[attr-defined]
        except (AttributeError, ssl.SSLError):
            return []
    return [name.lower() for kind, name in decoded.get("subjectAltName", ()) if kind == "DNS" and NAME.fullmatch(name)]


def result(pem: str) -> dict[str, object]:
    error = problem(pem)
    return {"error": error} if error else {"names": names(pem)}


if __name__ == "__main__":
    json.dump(result(sys.stdin.buffer.read().decode("utf-8", "replace")), sys.stdout)

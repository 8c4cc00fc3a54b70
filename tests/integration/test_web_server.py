# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role web_server refuses, on the control node, before it connects to a host."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from .commands import Ansible
from .web_servers import failures, play, self_signed, variables

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
EC, RSA = self_signed(), self_signed(rsa.generate_private_key(65537, 2048))

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
    ({"tls_certificate": EC[0], "tls_key": EC[1], "tls_redirect": True}, "web_server_tls_redirect: expected web_server_server_names too, because"),
    ({"headers": {"X-Frame-Options": "DENY", "a b": "c"}}, "web_server_headers: expected names with texts of printable ASCII characters but $, got "),
    ({"headers": {"X-Number": 1}}, "web_server_headers: expected names with texts"),
    ({"headers": {"X-Host": "$host"}}, "web_server_headers: expected names with texts"),
    ({"headers": {"X-Lines": "a\nb"}}, "web_server_headers: expected names with texts"),
    ({"headers": {"Cache-control": "private"}}, "web_server_headers: expected none of the headers that the role or nginx itself sets (cache-control, "),
    ({"directives": "a\0b"}, "web_server_directives: expected the text of directives for a server block of nginx"),
    ({"site": "nowhere"}, "web_server_site: nowhere does not exist on the control node."),
]


@pytest.mark.core
def test_what_is_refused(in_process: Ansible) -> None:
    hosts = {f"host-{number:02}": {**LOCAL, **variables(**given)} for number, (given, _message) in enumerate(REFUSED)}
    run = play(in_process, hosts, "--check", "-vvv")
    said = failures(run)
    for host, (given, message) in zip(hosts, REFUSED, strict=True):
        assert message in said.get(host, ""), given
    assert run.changed == 0
    assert "CANARY" not in run.output

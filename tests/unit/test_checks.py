# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option values: what is refused, with a sentence that names the option, and never shows a secret."""

from __future__ import annotations

import pytest
from ansible_collections.cloudnexus.cloud.plugins.module_utils import checks
from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.settings import Settings, api_url
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import InvalidOption

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3J2OqxqhVtQtU0Dz0Yj3m2tqUu1x5Wb4zPqk6o8x5L me@example.com"


@pytest.mark.parametrize("value", ["web-01", "Web server 1", "wéb", "x"])
def test_text(value: str) -> None:
    assert checks.text("name", value) == value


@pytest.mark.parametrize("value", ["", " ", " web", "web ", "we\nb", "we\0b", "\u2028"])
def test_text_refused(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^name: expected "):
        checks.text("name", value)


@pytest.mark.parametrize("value", ["", "..", ".", "a/b", "a b", "a?b", "a#b", "a%2Fb", "a\\b", "é", "a\n"])
def test_identifier_refused(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^id: expected "):
        checks.identifier("id", value)


def test_the_length_of_an_identifier() -> None:
    assert checks.identifier("id", "a" * 255) == "a" * 255
    with pytest.raises(InvalidOption, match=r"^id: expected "):
        checks.identifier("id", "a" * 256)


@pytest.mark.parametrize("value", [0, 5, 10])
def test_integer(value: int) -> None:
    assert checks.integer("ttl", value, 0, 10) == value


@pytest.mark.parametrize("value", [-1, 11, True, False])
def test_integer_refused(value: int) -> None:
    with pytest.raises(InvalidOption, match=r"^ttl: expected a whole number from 0 to 10, got "):
        checks.integer("ttl", value, 0, 10)


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "ssh-rsa AAAAB3...",  # as the vendor's own example has it
        "ecdsa-sha2-nistp256 AAAAE2VjZHNh",
        "sk-ssh-ed25519@openssh.com AAAAGnNr a comment of words",
    ],
)
def test_ssh_keys(key: str) -> None:
    assert checks.ssh_keys("ssh_keys", [key]) == [key]


@pytest.mark.parametrize("key", ["", "hello", "ssh-rsa", "ssh-rsa notakey", f"{KEY}\n{KEY}", f"{KEY}\n", f"{KEY}\a", f'from="10.0.0.1" {KEY}', 5, None])
def test_ssh_keys_refused(key: object) -> None:
    with pytest.raises(InvalidOption, match=r"^ssh_keys: element 2 is no OpenSSH public key"):
        checks.ssh_keys("ssh_keys", [KEY, key])


def test_a_private_key_given_by_mistake_is_not_shown() -> None:
    with pytest.raises(InvalidOption) as caught:
        checks.ssh_keys("ssh_keys", ["-----BEGIN OPENSSH PRIVATE KEY-----b3BlbnNzaC1rZXk"])
    assert "b3BlbnNzaC1rZXk" not in str(caught.value)


@pytest.mark.parametrize("key", [f'["{KEY}"', f' ["{KEY}"', f'{{"key": "{KEY}"}}'])
def test_half_json_is_refused_with_the_way_to_write_it(key: str) -> None:
    with pytest.raises(InvalidOption, match=r"element 1 looks like a piece of JSON.* one JSON object"):
        checks.ssh_keys("ssh_keys", [key, f'"{KEY}"]'])


def test_an_empty_list_of_keys() -> None:
    with pytest.raises(InvalidOption, match="ssh_keys: expected at least one OpenSSH public key"):
        checks.ssh_keys("ssh_keys", [])


@pytest.mark.parametrize("value", ["", "pa55 word", "pa55\n", "pä55"])
def test_secret_refused(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^api_key: expected a credential of printable ASCII characters without white space\.$"):
        checks.secret("api_key", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "auto_scale: expected at least one of"),
        ({"min_instances": None}, "auto_scale: expected at least one of"),
        ({"min_instances": 5, "max_instances": 2}, r"auto_scale.min_instances: expected at most max_instances \(2\), got 5"),
        ({"min_instances": 0}, "auto_scale.min_instances: expected a whole number of at least 1"),
        ({"max_instances": True}, "auto_scale.max_instances: expected a whole number of at least 1"),
        ({"cpu_threshold": 140}, "auto_scale.cpu_threshold: expected a whole number from 1 to 100, got 140"),
        ({"cpu_threshold": 0}, "auto_scale.cpu_threshold: expected a whole number from 1 to 100, got 0"),
    ],
)
def test_auto_scale_refused(value: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        checks.auto_scale("auto_scale", value)


@pytest.mark.parametrize("value", [{"cpu_threshold": 1}, {"cpu_threshold": 100}, {"min_instances": 1}, {"max_instances": 1}])
def test_auto_scale(value: dict[str, int]) -> None:
    assert checks.auto_scale("auto_scale", value) == value


def test_auto_scale_leaves_out_what_was_not_given() -> None:
    assert checks.auto_scale("auto_scale", {"min_instances": 1, "max_instances": 1, "cpu_threshold": None}) == {"min_instances": 1, "max_instances": 1}


@pytest.mark.parametrize(
    "value",
    ["https://api.cloudnexus.io/v1", "https://api.cloudnexus.io/v1/", "http://127.0.0.1:8080/v1", "http://localhost/v1", "http://[::1]:80/v1", "https://h"],
)
def test_api_url(value: str) -> None:
    assert api_url("api_url", value) == value.rstrip("/")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "expected the API's base URL"),
        ("api.cloudnexus.io/v1", "expected the API's base URL"),
        ("ftp://api.cloudnexus.io", "expected the API's base URL"),
        ("https://", "expected the API's base URL"),
        ("https://h:port/v1", "expected the API's base URL"),
        ("https://[::1/v1", "expected the API's base URL"),
        ("https://h /v1", "expected the API's base URL"),
        ("https://h\\@evil/v1", "expected the API's base URL"),
        ("https://user:pa55@h/v1", "without a user"),
        ("https://h/v1?x=1", "without a user, a query or a fragment"),
        ("https://h/v1#x", "without a user, a query or a fragment"),
        ("http://api.cloudnexus.io/v1", "expected https"),
        ("http://127.0.0.1.evil.example/v1", "expected https"),
        ("http://localhost.evil.example/v1", "expected https"),
    ],
)
def test_api_url_refused(value: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        api_url("api_url", value)
    assert "pa55" not in str(caught.value)


PARAMS = {"api_url": "https://h/v1", "api_timeout": 30, "api_retries": 5, "validate_certs": True, "ca_path": None}


def test_settings() -> None:
    settings = Settings.from_params({**PARAMS, "api_key": "secret_key"})
    assert settings.api_key == "secret_key"
    assert "secret_key" not in repr(settings)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "api_key: expected a credential"),
        ({"refresh_token": "r" * 8}, "api_key: expected a credential"),
        ({"client_id": "c"}, "api_key: expected a credential"),
        ({"api_key": ""}, "api_key: expected a credential of printable"),
        ({"api_key": "pa55\n"}, "api_key: expected a credential of printable"),
        ({"api_key": "pa55 word"}, "api_key: expected a credential of printable"),
        ({"refresh_token": "pa55\r\nX: y", "client_id": "c"}, "refresh_token: expected a credential of printable"),
        ({"api_key": "k" * 8, "api_timeout": 0}, "api_timeout: expected a whole number from 1 to 600"),
        ({"api_key": "k" * 8, "api_retries": 21}, "api_retries: expected a whole number from 0 to 20"),
    ],
)
def test_settings_refused(params: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        Settings.from_params({**PARAMS, **params})
    assert "pa55" not in str(caught.value)


def test_a_client_id_alone_does_not_disturb_an_api_key() -> None:
    assert Settings.from_params({**PARAMS, "api_key": "k" * 8, "client_id": "c"}).api_key == "k" * 8

# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of the role web_server, as Ansible renders them: what may be removed, and which addresses may become part of nginx's configuration."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from tests.checkout import ROOT

from .rendering import ROLE, rendered, tasks

NAMES = ["site", "shop.example", "a_b-c", "0", "x" * 200]
NO_NAMES = [None, "", " ", ".", "..", "/", "../nginx", "a/b", "a/..", "a\n", ".hidden", True, 5, 1.5, ["a"], {"a": 1}, "x" * 201]
BASES = ("/var/www/cloudnexus", "/etc/nginx/cloudnexus")
ADDRESSES = """
127.0.0.1 0.0.0.0 255.255.255.255 256.0.0.1 1.2.3 1.2.3.4.5 1.2.3.4. 01.2.3.4 localhost a:b
:: ::1 fe80:: 1::8 2001:db8::a:1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1:2:3::5:6:7:8
1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4::5:6:7:8 1::2::3 ::: 1:::2 :1::2 1::2: : 1: 12345:: g:: [::1] fe80::1%eth0
"""


def test_a_site_is_below_folders_of_its_own() -> None:
    for name, result in zip(NAMES, rendered([{"name": name} for name in NAMES]), strict=True):
        assert result["__web_server_wrong"] == []
        assert result["__web_server_paths"] == {
            "file": f"/etc/nginx/conf.d/cloudnexus-{name}.conf",
            "folder": f"/var/www/cloudnexus/{name}",
            "tls": f"/etc/nginx/cloudnexus/{name}",
        }
        assert all(re.match(result["__web_server_removable"], result["__web_server_paths"][folder]) for folder in ("folder", "tls"))


def test_another_name_is_refused() -> None:
    """Before the role does anything with the path that it gives; null would give the folder of all sites."""
    for name, result in zip(NO_NAMES, rendered([{"name": name} for name in NO_NAMES]), strict=True):
        (sentence,) = result["__web_server_wrong"]
        assert sentence.startswith("web_server_name: expected letters, digits, dots, hyphens and underscores, got "), name
        # If it passed all the same, nothing outside the bases would be removed.
        for folder in ("folder", "tls"):
            path = result["__web_server_paths"][folder]
            assert path.startswith(tuple(f"{base}/" for base in BASES))
            assert not re.match(result["__web_server_removable"], path) or ".." not in path.split("/")


def test_only_what_is_strictly_below_a_base_may_be_removed() -> None:
    pattern = rendered([{}])[0]["__web_server_removable"]
    for base in BASES:
        for end in ("/site", "/site/releases/0123", "/..a", "/a..", "/site/with space\n"):
            assert re.match(pattern, base + end)
        for end in ("", "/", "/.", "/..", "/../x", "/a/..", "/a/../../x", "//a", "/a/", "x/a"):
            assert not re.match(pattern, base + end), base + end
        for path in ("", "/", "/var/www", "/etc/nginx", "relative", f"/x{base}/site", f"\n{base}/site"):
            assert not re.match(pattern, path), path


def test_everything_that_the_role_removes_is_checked() -> None:
    """One task removes, behind the check. Three others remove a file each, which has a name of its own."""
    names = sorted(path.name for path in (ROLE / "tasks").glob("*.yml"))
    files = {(name, task["ansible.builtin.file"]["path"]) for name in names for task in tasks(name) if "absent" in str(task.get("ansible.builtin.file"))}
    assert files == {
        ("remove.yml", "{{ item }}"),
        ("absent.yml", "{{ __web_server_paths.file }}"),
        ("absent.yml", "{{ __web_server_names_file }}"),
        ("default-site.yml", "/etc/nginx/sites-enabled/default"),
    }
    assert all("__web_server_removable" in str(part) for part in (tasks("remove.yml")[0]["ansible.builtin.assert"]["that"], tasks("remove.yml")[1]["loop"]))
    # A name is rendered once, and checked; nothing else makes a path of it.
    assert [name for name in names if re.search(r"\bweb_server_name\b", (ROLE / "tasks" / name).read_text())] == ["check.yml"]
    assert not re.findall(r"^__web_server_\w+:.*\bweb_server_name\b", (ROLE / "vars" / "main.yml").read_text(), re.MULTILINE)


def test_an_address_is_what_python_takes_for_one() -> None:
    def valid(address: str) -> bool:
        try:
            return "%" not in address and bool(ipaddress.ip_address(address))
        except ValueError:
            return False

    addresses: list[Any] = [*ADDRESSES.split(), "1.2.3.4\n", "::1\n"]
    results = rendered([{"address": address} for address in addresses])
    accepted = [address for address, result in zip(addresses, results, strict=True) if not result["__web_server_wrong"]]
    assert accepted == [address for address in addresses if valid(address)]


def test_a_relative_site_starts_in_a_place_of_the_user() -> None:
    """`web_server_site=.` with a playbook of a collection is the directory where Ansible was started."""
    of_a_collection = "/x/ansible_collections/cloudnexus/cloud/playbooks"
    assert rendered([{}])[0]["__web_server_bases_of_the_site"] == ["/home/me/shop", str(ROOT)]
    assert rendered([{}], of_a_collection)[0]["__web_server_bases_of_the_site"] == [str(ROOT)]

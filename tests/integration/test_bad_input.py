# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets one clear sentence that names the option, in both modes, before any request is made."""

from __future__ import annotations

from typing import Any

from .commands import Ansible, task
from .modules import normalized, run_modules, said

WEB: dict[str, Any] = {"name": "web-01", "plan": "starter", "region": "us-east"}
FLEET: dict[str, Any] = {"instances": [WEB, {**WEB, "name": "web-02"}]}

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("instance", {**WEB, "plan": "huge"}, "value of plan must be one of: starter, professional, enterprise, got: huge"),
    ("instance", {**WEB, "region": "us-east-1"}, "value of region must be one of: us-east, eu-west, ap-south, got: us-east-1"),
    ("instance", {**WEB, "name": ""}, "name: expected a text that is not empty."),
    ("instance", {**WEB, "name": " web"}, "name: expected one line of text without white space around it."),
    ("instance", {"plan": "starter", "region": "us-east"}, "name: is required, or id, to say which instance is meant."),
    ("instance", {"name": "web-01", "plan": "starter"}, "region: is required with state=present, unless id says which existing instance is meant."),
    ("instance", {"name": ""}, "name: expected a text that is not empty."),
    ("instance", {"state": "absent"}, "name: is required, or id, to say which instance is meant."),
    ("instance", {"id": "a/../b"}, "id: expected an id as the API shows it (such as inst_8x92a1b3)."),
    (
        "instance",
        {**WEB, "auto_scale": {"min_instances": 5, "max_instances": 2}},
        "auto_scale.min_instances: expected at most max_instances (2), got 5.",
    ),
    ("instance", {**WEB, "auto_scale": {"cpu_threshold": 140}}, "auto_scale.cpu_threshold: expected a whole number from 1 to 100, got 140."),
    ("instance", {**WEB, "ssh_keys": ["ssh-rsa"]}, "ssh_keys: element 1 is no OpenSSH public key on one line (expected: type, key, comment)."),
    ("instance", {**WEB, "ssh_keys": "hello"}, "ssh_keys: element 1 is no OpenSSH public key on one line (expected: type, key, comment)."),
    ("instance", {**WEB, "wait_timeout": 0}, "wait_timeout: expected a whole number from 1 to 86400, got 0."),
    ("instance", {**WEB, "sise": 5}, "sise. Supported parameters include: api_key, "),
    ("instance", {**WEB, "auto_scale": {"cpu": 5}}, "auto_scale.cpu. Supported parameters include: cpu_threshold, max_instances, min_instances."),
    ("instance", {**WEB, "state": "started"}, "value of state must be one of: present, absent, got: started"),
    ("instance", {**WEB, "api_timeout": 0}, "api_timeout: expected a whole number from 1 to 600, got 0."),
    ("instance_info", {"id": "a/b"}, "id: expected an id as the API shows it (such as inst_8x92a1b3)."),
    ("instance_info", {"region": "mars"}, "value of region must be one of: us-east, eu-west, ap-south, got: mars"),
    ("instance_info", {"name": ""}, "name: expected a text that is not empty."),
    ("instance_info", {"names": ["web-01", ""]}, "names[1]: expected a text that is not empty."),
    ("instance_info", {"names": "web-01,"}, "names[1]: expected a text that is not empty."),
    ("instance_info", {"ids": ["inst_1", "a/b"]}, "ids[1]: expected an id as the API shows it (such as inst_8x92a1b3)."),
    ("instance_info", {"name_prefix": ""}, "name_prefix: expected a text that is not empty."),
    ("instance_info", {"regions": ["us-east", "mars"]}, "value of regions must be one or more of: us-east, eu-west, ap-south. Got no match for: mars"),
    ("bucket_info", {"names": '["a","b"]'}, "names: element 1 looks like a piece of JSON, which key=value arguments can't carry; "),
    ("bucket_info", {"limit": 0}, "limit: expected a whole number from 1 to 1000000, got 0."),
    ("cdn", {"cache_ttl": -1}, "cache_ttl: expected a whole number from 0 to 31536000, got -1."),
    ("cdn", {"cache_ttl": 31536001}, "cache_ttl: expected a whole number from 0 to 31536000, got 31536001."),
    ("cdn", {"cache_ttl": "soon"}, "argument 'cache_ttl' is of type "),
    ("cdn", {"cache_ttl": True}, "cache_ttl: expected a whole number from 0 to 31536000, got True."),
    ("cdn", {"compression": "brotli"}, "missing required arguments: cache_ttl"),
    ("cdn", {"cache_ttl": 1, "colour": "red"}, "colour. Supported parameters include: api_key, "),
    ("cdn", {}, "missing required arguments: cache_ttl"),
    ("cdn", {"cache_ttl": 5, "compression": "zip"}, "value of compression must be one of: brotli, gzip, none, got: zip"),
    ("fleet", {**FLEET, "instances": [WEB, WEB]}, "instances: expected each name once, got web-01 in instances[0] and in instances[1]."),
    ("fleet", {**FLEET, "instances": [{"name": "web-01"}]}, "instances[0].plan: is required, unless id says which existing instance is meant."),
    ("fleet", {**FLEET, "instances": [{**WEB, "colour": "red"}]}, "instances.colour. Supported parameters include: auto_scale, "),
    ("fleet", {**FLEET, "instances": "web-01"}, "dictionary requested, could not parse JSON or key=value"),
    (
        "fleet",
        {**FLEET, "instances": [{**WEB, "plan": "huge"}]},
        "value of plan must be one of: starter, professional, enterprise, got: huge found in ",
    ),
    ("fleet", {**FLEET, "approved_digest": "v1.x"}, "approved_digest: expected the changes_digest of an earlier run or of check mode, as it is."),
    ("fleet", {**FLEET, "max_total": 5}, "name_prefix: is required with max_total: it says which other instances belong to the fleet."),
    ("fleet", {**FLEET, "max_creations": -1}, "max_creations: expected a whole number from 0 to 100000, got -1."),
    ("fleet", {**FLEET, "recreate_for": ["colour"]}, "value of recreate_for must be one or more of: region, image_id, ssh_keys, plan, auto_scale, status."),
    ("fleet", {**FLEET, "protected": [""]}, "protected[0]: expected a text that is not empty."),
    ("fleet", {**FLEET, "require_approval": True}, "approved_digest: is required with require_approval=true, or approved_plan; check mode returns both."),
    ("fleet", {**FLEET, "approved_plan": {"changes": 5}}, "approved_plan: expected the plan of an earlier run or of check mode, as it is."),
    ("fleet", {**FLEET, "approved_plan": "hello"}, "dictionary requested, could not parse JSON or key=value"),
    ("instance", {**WEB, "auto_scale_update": "never"}, "value of auto_scale_update must be one of: on_create, always, got: never"),
    ("health_info", {"api_timeout": 601}, "api_timeout: expected a whole number from 1 to 600, got 601."),
    ("health_info", {"api_retries": -1}, "api_retries: expected a whole number from 0 to 20, got -1."),
    ("health_info", {"api_url": "http://api.cloudnexus.io/v1"}, "api_url: expected https: over http, "),
    ("health_info", {"api_url": "https://me:pa55@127.0.0.1/v1"}, "api_url: expected the API's base URL, such as https://api.cloudnexus.io/v1, without a user"),
    ("health_info", {"api_url": "https://127.0.0.1/v1", "ca_path": "/nowhere.pem"}, "ca_path: expected a readable file of CA certificates in PEM form"),
    ("health_info", {"api_key": ""}, "api_key: expected a credential of printable ASCII characters without white space."),
]


def test_bad_input(in_process: Ansible) -> None:
    tasks = [task(name, **options) for name, options, _message in CASES]
    run = in_process.play(*tasks)
    for (name, options, message), fast, module in zip(CASES, run.results, run_modules(in_process, tasks), strict=True):
        for result in (fast, module):
            assert result["failed"], (name, options)
            assert message in result["msg"], (name, options)
            assert "\n" not in result["msg"]
            assert "pa55" not in result["msg"]
        assert normalized(said(fast)) == normalized(module), (name, options)
    assert "Traceback" not in run.output
    assert not in_process.emulator.requests()

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value means the same however it is written: every option of every role, in every spelling, rendered everywhere."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from .expressions import Expression, as_module_sees, depending, variables
from .rendered import ROLES
from .spellings import KEYS, cases, options

HOSTS = ("k1", "k2", "k3", "k4")
GROUPS = {
    "all": list(HOSTS),
    "etcd": list(HOSTS[:3]),
    "master": list(HOSTS[:3]),
    "lb": list(HOSTS[:2]),
    "node": list(HOSTS),
}
OBSERVED = {"observed": [{"reasons": []}]}
FEATURES = {
    "commands": [], "missing_commands": [], "missing_python": [], "users": [], "os_family": "debian",
    "time_synchronized": True, "nonlocal_bind": True,
}  # fmt: skip
# What tasks have found out when the others are rendered.
FOUND: dict[str, Any] = {
    "_addons_cas": {"content": "YQ=="},
    "_addons_ca_configmaps": {"stdout": ""},
    "_addons_workloads": {"stdout": "Deployment/default/a DaemonSet/b/c"},
    "_admin_pki": {},
    "_ca_pki": {},
    "_certificates_inspection": {},
    "_certificates_report": {"certificates": [], "problems": ["a"], "expiring": ["b"], "metrics": ""},
    "_cluster_preflight": {"ansible_facts": {}},
    "_cluster_running": {"versions": {}, "runs": {}, "masters": {}, "behind": {}, "complete": {}, "etcd_data": [],
                         "problems": []},
    "_host_cached_results": {"cas": {}},
    "_host_identity_problems": [],
    "_host_installed_cas": [],
    "_master_ran": {},
    "_node_pki": OBSERVED,
    "_node_written": {"paths": {}},
    "_verify_cluster": {"nodes": [{"name": "k1", "ready": True}]},
    "_verify_host": {"problems": []},
    "_verify_network": {"probes": 1},
    "ca_rotation_step": "trust",
    "component": {"name": "a", "description": "a", "type": "exec", "after": [], "arguments": {}, "capabilities": "",
                  "protect_system": "full", "stop_timeout": 1},
    "directory": "/d",
    "registry": {"host": "docker.io", "mirrors": []},
}  # fmt: skip
FACTS = {
    "architecture": "x86_64",
    "host_features": FEATURES,
    "interfaces": ["eth0"],
    "eth0": {"device": "eth0", "ipv4": {"address": "192.0.2.11"}},
}


@cache
def inventory() -> dict[str, Any]:
    """Return what every host has without any setting."""
    return {
        **variables(),
        **FOUND,
        "_cluster_catalog": {name: {"default": "1.0.0"} for name in ("etcd", "containerd", "runc", "cni", "flannel")}
        | {"kubernetes": {"default": "1.36.2"}},
        "_cluster_tested_with": {"1.36": {"etcd": "3.6.14", "coredns": "1.14.2", "pause": "3.10.2"}},
        "cluster_api_vip": "192.0.2.100",
        "cluster_pki_dir": "/nonexistent",
        "cluster_mirror_url": "",
        "groups": GROUPS,
        "inventory_dir": "/nonexistent",
        "ansible_facts": FACTS,
        "ansible_play_hosts": list(HOSTS),
        "ansible_play_hosts_all": list(HOSTS),
        "ansible_check_mode": True,
        "ansible_managed": "managed",
        "omit": "Omitted",
    }


def rendered(expression: Expression, name: str, value: Any) -> Any:
    """Return what an expression gives on the first host, where all hosts have one option by this value."""
    given = {**inventory(), name: value}
    hosts = {
        host: {
            name: value,
            "ansible_host": f"192.0.2.1{n}",
            "inventory_hostname": host,
            "ansible_facts": FACTS,
            **FOUND,
        }
        for n, host in enumerate(HOSTS, 1)
    }
    given |= {"hostvars": hosts, "inventory_hostname": "k1", "ansible_host": "192.0.2.11", "group_names": list(GROUPS)}
    given["ansible_search_path"] = [str(ROLES / expression.role)]
    templar = Templar(loader=DataLoader(), variables=given)
    return as_module_sees(expression, templar.template(expression.value))


def shown(expression: Expression, name: str, value: Any, *, is_text: bool) -> str:
    """Return the same as comparable text, or the error."""
    try:
        found = rendered(expression, name, value)
    except AnsibleError as exc:
        return f"{type(exc).__name__}: {exc}"
    # A number in the place of a text is no difference before somebody writes it down as JSON or YAML.
    return json.dumps(_texts(found) if is_text else found, default=str)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return ("" if value is None else str(value)) if not isinstance(value, bool) else str(value).lower()


@pytest.mark.parametrize("name", options())
def test_an_option_means_the_same_in_every_spelling(name: str) -> None:
    option = options()[name]
    differences = []
    for native, spellings in cases(name, option):
        for expression in depending().get(name, ()):
            expected = shown(expression, name, native, is_text=option["type"] == "str")
            if option["type"] not in ("str", "path"):
                assert "Error" not in expected[:40], (expression.role, expression.where, native, expected)
            for spelling in spellings:
                found = shown(expression, name, spelling, is_text=option["type"] == "str")
                if found != expected:
                    differences.append(f"{expression.role}, {expression.where}: {spelling!r}\n  {found}\n  {expected}")
    assert not differences, "\n".join(differences[:8])


def test_every_option_is_used_somewhere() -> None:
    unused = [name for name in options() if name not in depending()]
    # Read by the action plugin that compares the variables of hosts.
    assert unused == ["cluster_ignored_names"]


def test_every_option_that_is_no_text_has_a_sample_of_its_own_type() -> None:
    kinds = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict}
    for name, option in options().items():
        for native, _spellings in cases(name, option):
            assert isinstance(native, kinds.get(option["type"], str)), name
    assert set(KEYS) <= set(options())

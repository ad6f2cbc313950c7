# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every role, a value of its type, and the ways in which users of Ansible write that value."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml

from tests.support.repository import ROLES

# Where a value of the type alone would have no meaning for the role.
SAMPLES: dict[str, Any] = {
    "addons_coredns_resources": {"requests": {"cpu": "1"}},
    "addons_manifests": ["kind: A", "kind: B"],
    "addons_restart_namespaces": ["a", "default"],
    "admin_names": [{"O": "system:masters"}, {"OU": "7"}],
    "backup_push": ["rclone", "copyto", "{archive}", "remote:"],
    "ca_extra": [{"name": "other", "common_name": "other"}],
    "ca_names": [{"O": "example"}],
    "ca_offline": ["ca", "front-proxy-ca"],
    "ca_regenerate": ["encryption.key", "sa"],
    "ca_rotated": ["ca", "sa"],
    "certificates_extra_endpoints": [{"endpoint": "127.0.0.1:1"}],
    "certificates_extra_files": [{"path": "/a"}],
    "cluster_artifact_digests": {"etcd": {"3.6.99": {"amd64": "sha256:0"}}},
    "cluster_component_versions": {"etcd": "3.5.1", "pause": "3.9"},
    "containerd_config": {"debug": {"level": "info"}},
    "containerd_registries": [
        {"host": "docker.io", "skip_verify": False, "mirrors": [{"url": "https://m.example.org", "skip_verify": True}]}
    ],
    "etcd_config": {"wal-dir": "/wal", "log-level": "debug"},
    "etcd_roles": [{"name": "flannel", "permissions": [{"prefix": "/a/"}]}],
    "etcd_users": [{"name": "a", "roles": ["root"]}],
    "flannel_bridge_config": {"mtu": 1400},
    "flannel_network_config": {"Backend": {"VNI": 7}},
    "haproxy_servers": [{"name": "a", "address": "192.0.2.1", "port": 6443}],
    "host_firewall_api_clients": ["192.0.2.7", "192.0.2.0/24"],
    "host_firewall_extra_ports": [{"port": 4240, "from": ["node"]}],
    "host_firewall_node_port_clients": ["192.0.2.7", "192.0.2.0/24"],
    "host_skip_checks": ["disk", "firewall"],
    "host_extra_sysctls": {"vm.swappiness": 1},
    "keepalived_notify_scripts": [{"event": "any", "name": "a", "content": "#!/bin/sh", "mode": "0755"}],
    "master_abac_policy": [
        {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "a"}}
    ],
    "master_admission_configuration": [{"name": "ImagePolicyWebhook", "configuration": {"a": 1}}],
    "master_authorization_config": {
        "authorizers": [{"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}]
    },
    "master_audit_policy": {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]},
    "master_extra_files": [{"name": "a.conf", "content": "b", "mode": "0600", "restart": False}],
    "master_event_rate_limits": [{"type": "Server", "qps": 5, "burst": 6}],
    "master_jwt_authenticators": [{"issuer": {"url": "https://a", "audiences": ["b"]}}],
    "master_static_tokens": [{"token": "a", "user": "b", "uid": "7", "groups": ["c"]}],
    "master_scheduler_config": {"parallelism": 7},
    "node_kube_proxy_config": {"iptables": {"masqueradeAll": True}},
    "node_kubelet_config": {"maxOpenFiles": 7},
    "node_taints": [{"key": "a", "value": "true", "effect": "NoSchedule"}],
}
# A number is none of these, and is refused before any host is touched.
NO_NUMBERS = (
    "cluster_api_former_vip",
    "cluster_api_vip",
    "cluster_dns_address",
    "cluster_node_ip",
    "cluster_pod_cidr",
    "cluster_service_cidr",
    "keepalived_address",
    "keepalived_former_address",
)
KEY = {"algo": "rsa", "size": 3072}
KEYS = ("ca_key", "ca_service_account_key", "cluster_certificate_key")
TRUE = ("yes", "true", "True", "1", 1, "on", "y", "TRUE")
FALSE = ("no", "false", "False", "0", 0, "off", "n", "FALSE")
Case = tuple[Any, list[Any]]


@cache
def options() -> dict[str, dict[str, Any]]:
    """Return the options of all roles by their names."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= entry.get("options") or {}
    return found


def cases(name: str, option: dict[str, Any]) -> list[Case]:
    """Return values of an option as YAML gives them, each with its other spellings."""
    return {
        "bool": lambda: [(True, list(TRUE)), (False, list(FALSE))],
        "int": lambda: [(7, ["7"])],
        "float": lambda: [(0.5, ["0.5"]), (7.0, [7, "7"])],
        "str": lambda: text_cases(name, option),
        "path": lambda: [("/a", [])],
        "list": lambda: list_cases(sample(name, option)),
        "dict": lambda: dict_cases(sample(name, option)),
    }[option["type"]]()


def text_cases(name: str, option: dict[str, Any]) -> list[Case]:
    """Return a text that YAML and INI take for a number, and none where the default is none. Booleans are refused."""
    found: list[Case] = [] if "choices" in option or name in NO_NUMBERS else [("12", [12])]
    return [*found, ("", [None])] if option.get("default") == "" else found


def list_cases(value: list[Any]) -> list[Case]:
    """Return a list as text, and one of one item, and an empty one."""
    written = [json.dumps(value), str(value)]
    if all(isinstance(item, str) for item in value):
        return [(value, [*written, ",".join(value), ", ".join(value)]), (value[:1], [value[0]]), ([], ["", "[]", None])]
    return [(value, written)]


def dict_cases(value: dict[str, Any]) -> list[Case]:
    """Return a mapping as text, and an empty one."""
    written = [json.dumps(value), str(value)]
    if all(isinstance(item, str) for item in value.values()):
        written += [" ".join(f"{key}={item}" for key, item in value.items())]
        written += [",".join(f"{key}={item}" for key, item in value.items())]
    return [(value, written)]


def sample(name: str, option: dict[str, Any]) -> Any:
    """Return a list or mapping that the role can use."""
    if name in SAMPLES or name in KEYS:
        return SAMPLES.get(name, KEY)
    return ["a", "b"] if option["type"] == "list" else {"a": "x", "b-c": "y"}

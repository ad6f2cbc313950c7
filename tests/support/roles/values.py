# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of an inventory with every role."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.support.roles.expressions import variables

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


# The results of tasks that run before the others are rendered.
FOUND: dict[str, Any] = {
    "_addons_cas": {"content": "YQ=="},
    "_addons_ca_configmaps": {"stdout": ""},
    "_addons_workloads": {"stdout": "Deployment/default/a DaemonSet/b/c"},
    "_admin_pki": {},
    "_backup_etcd": {"members": [{"healthy": True}]},
    "_backup_taken": {"archive": "/a.tar.gz", "size": 1, "revision": 1, "keys": 1, "restore_seconds": 1, "seconds": 2},
    "_ca_pki": {},
    "_ca_store_loaded": {"ca_dir": "/d"},
    "_ca_store_read": {"results": []},
    "_ca_store_saved": {"copy_path": "/d/copy", "outdated": []},
    "_ca_store_written": {"results": []},
    "_certificates_inspection": {},
    "_certificates_report": {"certificates": [], "problems": ["a"], "expiring": ["b"], "metrics": ""},
    "_cluster_address_host": "k1",
    "_cluster_preflight": {"ansible_facts": {}},
    "_cluster_running": {"versions": {}, "runs": {}, "masters": {}, "behind": {}, "complete": {}, "etcd_data": [],
                         "problems": []},
    "_host_cached_results": {"cas": {}},
    "_host_identity_problems": [],
    "_host_installed_cas": [],
    "_join_ca_read": {"content": ""},
    "_join_removed": {"removed": []},
    "_join_token": {"token": "a.b", "token_id": "a", "expires": "2026-01-01T00:00:00Z"},
    "_join_tokens": {"table": []},
    "_master_ran": {},
    "_node_pki": OBSERVED,
    "_node_written": {"paths": {}},
    "_status_cluster": {"servers": []},
    "_status_facts": {},
    "_status_host": {"units": []},
    "_status_report": {"severity": "ok", "verdict": "a", "report": {"findings": []}, "metrics": "b", "html": "c"},
    "_verify_cluster": {"nodes": [{"name": "k1", "ready": True}]},
    "_verify_host": {"problems": []},
    "_verify_network": {"probes": 1},
    "user": "alice",
    "user_groups": ["dev"],
    "ca_rotation_step": "trust",
    "component": {"name": "a", "description": "a", "type": "exec", "server": [], "clients": [], "arguments": {},
                  "capabilities": "", "protect_system": "full", "stop_timeout": 1},
    "directory": "/d",
    "registry": {"host": "docker.io", "mirrors": []},
    "words": "run",
}  # fmt: skip


FACTS = {
    "architecture": "x86_64",
    "host_features": FEATURES,
    "interfaces": ["eth0"],
    "eth0": {"device": "eth0", "ipv4": {"address": "192.0.2.11"}},
}


COMPONENTS = ("etcd", "containerd", "runc", "cni", "flannel")


@cache
def inventory() -> dict[str, Any]:
    """Return what every host has without any setting."""
    return {
        **variables(),
        **FOUND,
        "_cluster_catalog": {
            name: {"default": version, "url": "https://example.org/a", "digests": {version: {"amd64": "sha256:00"}}}
            for name, version in {**dict.fromkeys(COMPONENTS, "1.0.0"), "kubernetes": "1.36.2"}.items()
        },
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

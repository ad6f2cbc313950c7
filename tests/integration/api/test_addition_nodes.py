# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of playbook add reads of the nodes, by the real kubectl."""

from __future__ import annotations

import subprocess

from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.addition import Node

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary
from tests.support.roles.node import host
from tests.support.roles.rendered import role_variables


def test_the_columns_of_the_nodes(kubernetes: RealKubernetes) -> None:
    api = kubernetes.api()
    columns = host(**role_variables("cluster")).value("_cluster_add_columns")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    addresses = [{"type": "Hostname", "address": "w7"}, {"type": "InternalIP", "address": "192.0.2.17"}]
    try:
        for name in ("w7", "w8"):
            api.post("/api/v1/nodes", {"metadata": {"name": name}})
        status = {"addresses": addresses, "conditions": [ready], "nodeInfo": {"machineID": "5f4d"}}
        api.patch("/api/v1/nodes/w7/status", {"status": status})
        line = [str(binary("kubectl")), f"--kubeconfig={kubernetes.kubeconfig}", "get", "nodes"]
        done = subprocess.run([*line, f"--output=jsonpath={columns}"], capture_output=True, text=True, check=True)
    finally:
        for name in ("w7", "w8"):
            api.delete(f"/api/v1/nodes/{name}")
    assert [Node.of(text) for text in done.stdout.split()] == [
        Node("w7", "5f4d", "192.0.2.17", "True"),
        Node("w8", "", "", ""),
    ]

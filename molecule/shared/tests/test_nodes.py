# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, tested from outside."""

from __future__ import annotations

import json
import re

import pytest

testinfra_hosts = ["ansible://node"]


@pytest.mark.parametrize("name", ["containerd", "kubelet", "kube-proxy", "flanneld"])
def test_service_runs(host, name):
    unit = host.service(name)
    assert unit.is_running
    assert unit.is_enabled


def test_kubelet_is_healthy(host):
    assert host.check_output("curl -s --max-time 5 http://127.0.0.1:10248/healthz") == "ok"


def test_runtime_responds(host):
    assert re.search(r"^io\.containerd\.grpc\.v1 +cri +.* ok *$", host.check_output("ctr plugins ls"), re.MULTILINE)


def test_kubelet_refuses_anonymous_users(host):
    address = host.ansible.get_variables()["ansible_host"]
    code = host.check_output("curl -sk --max-time 5 -o /dev/null -w '%{http_code}' https://" + address + ":10250/pods")
    assert code in ("401", "403")


def test_kubelet_configuration_is_private(host):
    file = host.file("/var/lib/kubelet/config.yaml")
    assert (file.user, file.mode) == ("root", 0o600)


def test_every_node_is_ready(host):
    if not host.exists("kubectl") or not host.file("/etc/kubernetes/admin.conf").exists:
        assert host.file("/etc/kubernetes/kubelet.conf").exists
        return
    nodes = json.loads(host.check_output("kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o json"))["items"]
    for node in nodes:
        assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True", node["metadata"][
            "name"
        ]


def test_no_bootstrap_token_is_left(host):
    if host.exists("kubectl") and host.file("/etc/kubernetes/admin.conf").exists:
        tokens = "get secrets --all-namespaces --field-selector type=bootstrap.kubernetes.io/token --output name"
        assert host.check_output(f"kubectl --kubeconfig /etc/kubernetes/admin.conf {tokens}") == ""

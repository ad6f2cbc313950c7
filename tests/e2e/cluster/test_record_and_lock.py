# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock and the record of a finished cluster."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.hosts.cluster import Cluster, wait_for

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

NAMESPACE = "--namespace kube-system"
COPY = "/etc/kubernetes/hardway-cluster.json"


def lease(cluster: Cluster) -> str:
    """Return the holder of the lock, nothing if it is free."""
    jsonpath = "jsonpath={.spec.holderIdentity}"
    return cluster.kubectl("n1", f"{NAMESPACE} get lease hardway --ignore-not-found -o {jsonpath}")


def test_the_record_in_the_api_is_that_of_every_master(cluster: Cluster) -> None:
    jsonpath = r"jsonpath='{.data.record\.json}'"
    record = json.loads(cluster.kubectl("n1", f"{NAMESPACE} get configmap hardway-cluster -o {jsonpath}"))
    assert sorted(member["name"] for member in record["etcd"]) == record["masters"] == cluster.hosts()
    for host in cluster.hosts():
        assert json.loads(cluster.exec(host, f"cat {COPY}").stdout) == record
        assert cluster.exec(host, f"stat -c '%a %U' {COPY}").stdout.strip() == "600 root"


def test_a_run_is_refused_while_another_controller_changes_the_cluster(cluster: Cluster) -> None:
    """The other one holds the lock and renews it no more: once it has expired, the next run takes it over."""
    wait_for(lambda: lease(cluster) == "")
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    spec = {"holderIdentity": "bob@ctrl2/22-2", "leaseDurationSeconds": 20, "acquireTime": now, "renewTime": now}
    metadata = {
        "name": "hardway",
        "namespace": "kube-system",
        "annotations": {"hardway.kubernetes/operation": "rotate_ca.yml"},
    }
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    cluster.kubectl("n1", f"create -f - <<'END'\n{json.dumps(body)}\nEND")
    started = time.monotonic()
    refused = cluster.run("--tags", "record")
    if time.monotonic() - started < 20:
        assert refused.status != 0
        assert "locked by bob@ctrl2/22-2, which runs rotate_ca.yml since" in refused.output
        assert refused.changed == {}
    time.sleep(max(0.0, 22 - (time.monotonic() - started)))
    assert cluster.deploy("--tags", "record").changed == {}
    wait_for(lambda: lease(cluster) == "")

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


def hold(cluster: Cluster, verb: str, renewed: float) -> None:
    """Create or replace the lock of another controller, which expires five minutes after this time."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(renewed))
    spec = {"holderIdentity": "bob@ctrl2/22-2", "leaseDurationSeconds": 300, "acquireTime": moment, "renewTime": moment}
    annotations = {"hardway.kubernetes/operation": "rotate_ca.yml"}
    metadata = {"name": "hardway", "namespace": "kube-system", "annotations": annotations}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    cluster.kubectl("n1", f"{verb} -f - <<'END'\n{json.dumps(body)}\nEND")


def test_the_record_in_the_api_is_that_of_every_master(cluster: Cluster) -> None:
    jsonpath = r"jsonpath='{.data.record\.json}'"
    record = json.loads(cluster.kubectl("n1", f"{NAMESPACE} get configmap hardway-cluster -o {jsonpath}"))
    assert sorted(member["name"] for member in record["etcd"]) == record["masters"] == cluster.hosts()
    for host in cluster.hosts():
        assert json.loads(cluster.exec(host, f"cat {COPY}").stdout) == record
        assert cluster.exec(host, f"stat -c '%a %U' {COPY}").stdout.strip() == "600 root"


def test_a_run_is_refused_while_another_controller_changes_the_cluster(cluster: Cluster) -> None:
    """That one has lost its network: once its lock has expired, the next run takes it over."""
    wait_for(lambda: lease(cluster) == "")
    hold(cluster, "create", time.time())
    refused = cluster.run("--tags", "record")
    assert refused.status != 0 and refused.changed == {}
    assert "locked by bob@ctrl2/22-2, which runs rotate_ca.yml since" in refused.output
    hold(cluster, "replace", time.time() - 301)
    assert cluster.deploy("--tags", "record").changed == {}
    wait_for(lambda: lease(cluster) == "")

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters in one inventory, beside groups of the usual names that belong to something else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, Run
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

NAMES = ("etcd", "master", "lb", "node")
# The hosts of each cluster: n3 is a web server in a group called node.
CLUSTERS = {"prod": "n1", "staging": "n2"}


@pytest.fixture
def hosts() -> Iterator[Cluster]:
    """Return clean hosts with both clusters in their inventory."""
    need_cluster()
    groups = [f"{cluster}_{name}={host}" for cluster, host in CLUSTERS.items() for name in ("etcd", "master", "node")]
    empty = [f"{cluster}_lb=" for cluster in CLUSTERS]
    made = Cluster("e2e-two", [*(f"{name}=" for name in ("etcd", "master", "lb")), "node=n3", *groups, *empty])
    with made.standing(3):
        yield made


def run(hosts: Cluster, cluster: str, *arguments: str, playbook: str = "site.yml") -> Run:
    """Run a playbook for one of the clusters and require success."""
    own = {
        "cluster_groups": {name: f"{cluster}_{name}" for name in NAMES},
        "cluster_name": cluster,
        "cluster_pki_dir": str(hosts.pki.parent / cluster),
        "cluster_api_vip": "",
    }
    done = hosts.run("-e", json.dumps(own), *arguments, playbook=playbook)
    assert done.status == 0, done.output[-6000:]
    recap = done.output[done.output.index("PLAY RECAP") :]
    others = {"n1", "n2", "n3"} - {CLUSTERS[cluster]}
    assert not [line for line in recap.splitlines() if line.split(" ")[0] in others], recap
    return done


def test_each_cluster_is_deployed_left_alone_and_verified_by_itself(hosts: Cluster) -> None:
    for cluster in CLUSTERS:
        run(hosts, cluster, "--check")
        run(hosts, cluster)
    starts = hosts.starts()
    for cluster in CLUSTERS:
        assert run(hosts, cluster).changed == {}
        run(hosts, cluster, playbook="playbooks/verify.yml")
        run(hosts, cluster, playbook="playbooks/certificates.yml")
    assert hosts.starts() == starts
    for host in CLUSTERS.values():
        assert hosts.kubectl(host, "get nodes -o name").split() == [f"node/{host}"]
    cas = {hosts.exec(host, "cat /etc/kubernetes/pki/ca.crt").stdout for host in CLUSTERS.values()}
    assert len(cas) == 2, "each has CAs of its own"
    assert hosts.exec("n3", "ls /etc/kubernetes").returncode != 0

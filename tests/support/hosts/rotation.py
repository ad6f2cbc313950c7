# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of a cluster, and what its hosts have then."""

from __future__ import annotations

import json
import os
import random

from tests.support.hosts.cluster import Cluster

SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


CAS = (
    *("/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/front-proxy-ca.crt"),
    *("/etc/etcd/pki/ca.crt", "/etc/etcd/pki/peer-ca.crt"),
)


KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"


def on_hosts(cluster: Cluster, command: str) -> dict[str, str]:
    """Return what a command prints on every host."""
    return {host: cluster.exec(host, command).stdout.strip() for host in cluster.hosts()}


def fingerprints(cluster: Cluster, path: str) -> set[str]:
    """Return the digests of a file on all hosts."""
    return {line.split()[0] for line in on_hosts(cluster, f"sha256sum {path}").values()}


def run(cluster: Cluster, playbook: str, **settings: object) -> None:
    """Run a playbook of the collection with settings, and require success."""
    done = cluster.run("-e", json.dumps(settings), playbook=f"playbooks/{playbook}.yml")
    assert done.status == 0, done.output[-6000:]

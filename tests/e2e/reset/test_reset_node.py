# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is reset after it has left the cluster, and joins again; later while no API server answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster
from tests.support.hosts.reset import (
    ALL,
    CANARIES,
    CONFIRM,
    MOUNTED,
    PLAYBOOK,
    VOLUME,
    is_reset,
    refusal,
    reset,
    reset_cluster,
    shell,
    words,
)
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

NODE = ("-e", "hosts=n2", *CONFIRM)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of a master and a node."""
    need_cluster()
    with reset_cluster("reset-node", 2, ["node=n1,n2"]) as made:
        made.deploy()
        yield made


def test_a_part_of_the_cluster_is_not_reset(cluster: Cluster) -> None:
    assert shell(cluster, "n2", "iptables-save | grep -c KUBE") != "0"
    text = refusal(cluster, *NODE)
    assert "n2: still nodes of the running cluster; drain and delete them first" in text
    assert "hardway.kubernetes.remove_node" in text and "-e hosts=n2 -e confirm=kubernetes" in text
    text = refusal(cluster, "-e", "hosts=n1", *CONFIRM)
    assert "n1: still etcd members of the running cluster" in text and "hardway.kubernetes.remove_member" in text
    assert "n1: all masters, without which the nodes n2 have no cluster" in text
    assert "hosts: not set" in refusal(cluster)
    assert "hosts: n9: no host or group" in refusal(cluster, "-e", "hosts=n9")
    assert "confirm: prod is not the name" in refusal(cluster, "-e", "hosts=all", "-e", "confirm=prod")


def test_a_removed_node_is_reset_and_joins_again(cluster: Cluster, tmp_path: Path) -> None:
    shell(cluster, "n2", f"set -e\n{CANARIES}")
    removed = cluster.run(*NODE, playbook="playbooks/remove_node.yml")
    assert removed.status == 0, removed.output[-4000:]
    # As the operator does after it: the host is in no group of the cluster any more.
    cluster.groups = ["node=n1", "former=n2"]
    cluster.write_inventory()
    plan = tmp_path / "plan.json"
    shown = reset(cluster, "-e", "hosts=n2", "-e", f"plan_file={plan}")
    assert shown.changed == {} and "-e hosts=n2 -e confirm=kubernetes" in words(shown)
    steps = json.loads(plan.read_text())["hosts"]["n2"]["changes"]
    assert f"unmount {VOLUME}" in steps and "delete interface cni0" in steps, steps
    assert reset(cluster, *NODE, "--check", "--diff").changed == {"Reset the host": 1}
    shell(cluster, "n2", f"cd {VOLUME} && setsid sleep 600 >/dev/null 2>&1 </dev/null & sleep 1")
    busy = cluster.run(*NODE, playbook=PLAYBOOK)
    text = words(busy)
    assert busy.status != 0 and f"{VOLUME}: still mounted, used by process" in text and "(sleep)" in text, text[-3000:]
    shell(cluster, "n2", "pkill -x sleep")
    assert reset(cluster, *NODE).changed == {"Reset the host": 1}
    is_reset(cluster, "n2")
    assert shell(cluster, "n2", f"cat {MOUNTED}/file; mount | grep -c {VOLUME} || true") == "data\n0"
    assert reset(cluster, *NODE).changed == {}
    cluster.groups = ["node=n1,n2"]
    cluster.write_inventory()
    cluster.deploy()
    assert cluster.kubectl("n1", "get nodes -o name").split() == ["node/n1", "node/n2"]
    assert cluster.deploy().changed == {}


def test_hosts_are_reset_while_no_api_server_answers(cluster: Cluster) -> None:
    shell(cluster, "n1", "systemctl stop kube-apiserver etcd")
    assert "No API server answers" in words(reset(cluster, *NODE))
    is_reset(cluster, "n2")
    refused = refusal(cluster, "-e", "hosts=n1", "-e", "delete_data=true", *CONFIRM)
    assert "no etcd member answers, so the data there may be the last ones" in refused
    # The runtime cannot free the addresses of pods without the CNI plugins, so their containers end without it.
    shell(cluster, "n1", "test $(ls /run/netns | wc -l) -gt 0 && rm /opt/cni/bin/*")
    assert "StopPodSandbox was refused" in words(reset(cluster, *ALL, "-e", "delete_data=true"))
    is_reset(cluster, "n1")
    assert shell(cluster, "n1", "ls -d /var/lib/etcd* 2>/dev/null || true; id etcd 2>/dev/null || true") == ""

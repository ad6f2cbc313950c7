# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A single-master cluster whose binaries and images come from one archive, on a controller with nothing else."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.tools.lab import kubernetes_version
from tests.support.hosts.cluster import Cluster, mispredicted
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

SOURCES = ("cluster_binary_dir", "cluster_image_archives", "verify_image")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return one host with nothing on it."""
    need_cluster()
    need_versions(kubernetes_version())
    made = Cluster("e2e-bundle", [])
    made.topology = "single-master"
    with made.standing(1):
        yield made


def test_a_cluster_is_deployed_from_the_bundle_alone(cluster: Cluster) -> None:
    path = cluster.directory / "prod.tar"
    for changes in (1, 0):
        done = cluster.run("-e", f"bundle_file={path}", playbook="playbooks/bundle.yml")
        assert done.status == 0 and sum(done.changed.values()) == changes, done.output[-6000:]
    listed = subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True).stdout.split()
    assert listed[0] == "manifest.json" and any(name.endswith("busybox.tar") for name in listed)
    print(f"{path.stat().st_size / 1e6:.0f} MB")
    cluster.forget(*SOURCES)
    cluster.settings = {
        "cluster_bundle": str(path),
        "cluster_bundle_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "cluster_cache_dir": str(cluster.directory / "cache"),
        # Nothing answers there.
        "cluster_mirror_url": "http://127.0.0.1:9",
    }
    cluster.found()
    assert mispredicted(cluster.checked, cluster.first) == {}
    # The image of the network test is on by default.
    assert "probes of pods, service, node ports and DNS" in cluster.first.output
    manifest = json.loads(subprocess.run(["tar", "-xOf", path, listed[0]], capture_output=True, check=True).stdout)
    sums = {entry["sha256"] for entry in manifest["files"]}
    for binary in ("kubelet", "kube-apiserver", "etcd", "containerd", "runc", "flanneld"):
        shown = cluster.exec("n1", f"sha256sum $(readlink -f /usr/local/bin/{binary})").stdout
        assert shown.split()[0] in sums, shown
    ready = "get nodes -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}'"
    assert cluster.kubectl("n1", ready) == "True"


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    before = cluster.starts()
    assert cluster.deploy().changed == {}
    cluster.visit()
    assert cluster.deploy().changed == {}
    assert cluster.starts() == before


def test_a_damaged_bundle_stops_a_run_before_any_host_is_contacted(cluster: Cluster) -> None:
    path = Path(cluster.settings["cluster_bundle"])
    with path.open("r+b") as archive:
        archive.seek(path.stat().st_size // 2)
        archive.write(b"tampered")
    del cluster.settings["cluster_bundle_sha256"]
    done = cluster.run()
    assert done.status != 0 and "in its manifest" in done.output, done.output[-3000:]
    assert not any("Inspect" in task["name"] for task in done.tasks)

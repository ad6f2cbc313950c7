# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the minor before the collection's default keeps it; only the playbook upgrade changes that."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from dev.standins import binaries
from dev.standins import use as rehearsal
from tests.support.hosts.cluster import Cluster, Run
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

ALLOW = ("-e", "cluster_allow_minor_upgrade=true")


def newest() -> dict[str, str]:
    """Return the newest release of each minor by minor."""
    return {version.rpartition(".")[0]: version for version in rehearsal.newest()}


@pytest.fixture
def before() -> str:
    """Return the newest release of the minor before the default's."""
    major, minor = binaries.default_version().split(".")[:2]
    return newest()[f"{major}.{int(minor) - 1}"]


@pytest.fixture
def cluster(before: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Return a single master and a node of that release, whose inventory names no version of Kubernetes."""
    # Real programs of two minors are not available on any machine.
    monkeypatch.setenv("HARDWAY_REHEARSAL", "1")
    monkeypatch.setenv("KUBERNETES_VERSION", before)
    need_cluster()
    made = Cluster("e2e-versions", ["node=n1,n2"])
    made.topology = "single-master"
    with made.standing(2):
        made.deploy()
        made.forget()
        yield made


def run(cluster: Cluster, *arguments: str, version: str = "") -> Run:
    """Run site.yml, with a version where one is given."""
    return cluster.run(*arguments, *(["-e", f"cluster_kubernetes_version={version}"] if version else []))


def refused(cluster: Cluster, words: str, *arguments: str, version: str) -> None:
    """Require that a run ends with these words, and that it has changed nothing and started nothing."""
    starts = cluster.starts()
    done = run(cluster, *arguments, version=version)
    said = re.sub(r"\s+", " ", done.output)
    assert done.status != 0 and words in said, done.output[-6000:]
    assert "Prepare the operating system" not in said
    assert done.changed == {} and cluster.starts() == starts


def versions(cluster: Cluster) -> set[str]:
    """Return the versions of the kubelets and of the API server, as the API has them."""
    nodes = "get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}"
    served = yaml.safe_load(cluster.kubectl("n1", "version -o json"))["serverVersion"]["gitVersion"]
    return {version.lstrip("v") for version in (*cluster.kubectl("n1", nodes).split(), served)}


def test_no_run_of_site_changes_the_version(cluster: Cluster, before: str) -> None:
    default = binaries.default_version()
    starts = cluster.starts()
    assert cluster.deploy().changed == {}
    assert cluster.starts() == starts and versions(cluster) == {before}

    asks = f"the cluster runs {before}, this inventory asks for"
    back = f"or set cluster_kubernetes_version: {before}"
    refused(cluster, f"{asks} {default}: run upgrade.yml -e to={default}, {back}", *ALLOW, version=default)
    older = newest()[".".join([before.split(".")[0], str(int(before.split(".")[1]) - 1)])]
    refused(cluster, f"{asks} {older}, which is older", version=older)
    canary = f"kubelet {default} on n2 would be newer than the API server {before} of n1"
    refused(cluster, canary, "--limit", "n2", version=default)

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of the operator: applied from files, kept, changed, deleted with their file, refused before any host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.hosts.cluster import Cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

# What an operator has in one directory: a kind of its own with an object, a namespace with a workload.
KIND = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""
OBJECTS = """
apiVersion: example.org/v1
kind: Widget
metadata: {name: first, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {color: blue}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {password: correct-horse}\n"


@pytest.fixture
def directory(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """Return a directory of manifests that the cluster uses."""
    if rehearsal.lacking(kubernetes_version()):
        pytest.skip("stand-ins have no custom resources")
    place = tmp_path / "manifests"
    (place / "later").mkdir(parents=True)
    (place / "later" / "kind.yaml").write_text(KIND, encoding="utf-8")
    (place / "objects.yaml").write_text(OBJECTS, encoding="utf-8")
    (place / "secret.yml").write_text(SECRET, encoding="utf-8")
    cluster.settings = {"addons_manifests": [{"path": str(place)}]}
    try:
        yield place
    finally:
        cluster.settings = {"addons_manifests": [""]}
        cluster.deploy("--tags", "addons")
        cluster.kubectl("n1", "delete --ignore-not-found namespace/shop crd/widgets.example.org")
        cluster.settings = {}


def test_files_are_applied_kept_changed_and_deleted(cluster: Cluster, directory: Path) -> None:
    checked = cluster.run("--tags", "addons", "--check", "--diff")
    assert checked.status == 0 and len(checked.changed) == 1, checked.output[-3000:]
    done = cluster.deploy("--tags", "addons", "--diff")
    assert len(done.changed) == 1 and "correct-horse" not in done.output and "Y29ycmVjdC1" not in done.output
    assert cluster.kubectl("n1", "-n shop get widget/first configmap/settings secret/key -o name").split() == [
        "widget.example.org/first",
        "configmap/settings",
        "secret/key",
    ]
    assert cluster.deploy().changed == {}

    (directory / "objects.yaml").write_text(OBJECTS.replace("blue", "green"), encoding="utf-8")
    (directory / "secret.yml").unlink()
    assert len(cluster.deploy("--tags", "addons").changed) == 1
    assert cluster.kubectl("n1", "-n shop get configmap/settings -o jsonpath={.data.color}") == "green"
    assert cluster.kubectl("n1", "-n shop get secret/key --ignore-not-found") == ""

    # Nothing is managed, so nothing is deleted.
    cluster.settings = {"addons_manifests": []}
    assert cluster.deploy("--tags", "addons").changed == {}
    assert cluster.kubectl("n1", "-n shop get configmap/settings -o name") == "configmap/settings"
    cluster.settings = {"addons_manifests": [""]}
    assert len(cluster.deploy("--tags", "addons").changed) == 1
    assert cluster.kubectl("n1", "-n shop get widgets,configmaps -l hardway.kubernetes/applied-from -o name") == ""
    assert cluster.kubectl("n1", "get namespace/shop crd/widgets.example.org -o name").count("\n") == 1


def test_wrong_files_are_refused_before_any_host(cluster: Cluster, directory: Path) -> None:
    (directory / "objects.yaml").write_text("kind: ConfigMap\nmetadata: {name: [a}\n", encoding="utf-8")
    done = cluster.run()
    assert done.status != 0 and done.changed == {}
    text = " ".join(done.output.split())
    assert f"addons_manifests, entry 1: {directory}/objects.yaml, line 2: is no YAML" in text, text[-2000:]
    assert not [task for task in done.tasks if task["play"].startswith("Check the hosts")]
    (directory / "objects.yaml").unlink()

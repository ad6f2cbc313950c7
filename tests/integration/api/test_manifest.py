# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""manifest through a real kubectl: apply, apply again, drift, secrets, prune."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary

Run = Callable[..., dict[str, Any]]
CONFIG = "/api/v1/namespaces/shop/configmaps/settings"
CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.org", "labels": {"part": "kinds"}},
    "spec": {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}
WIDGET = """
apiVersion: example.org/v1
kind: Widget
metadata:
  name: first
  labels: {part: kinds}
"""
BASE = """
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {part: shop}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
  labels: {part: shop}
data:
  color: blue
"""
SECRET = """
---
apiVersion: v1
kind: Secret
metadata:
  name: key
  namespace: shop
  labels: {part: shop}
stringData:
  password: correct-horse
"""
WORKLOAD = """
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {part: shop}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.invalid/web
          ports:
            - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels: {part: shop}
spec:
  type: NodePort
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop
  labels: {part: shop}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get]
"""


@pytest.fixture
def arguments(kubernetes: RealKubernetes) -> Iterator[dict[str, Any]]:
    """Return the arguments for the API; afterwards remove what the tests create."""
    yield {"kubeconfig": str(kubernetes.kubeconfig), "kubectl": str(binary("kubectl"))}
    api = kubernetes.api()
    for path in ("services/web", "configmaps/settings", "secrets/key"):
        api.delete(f"/api/v1/namespaces/shop/{path}")
    api.delete("/apis/apps/v1/namespaces/shop/deployments/web")
    api.delete("/apis/rbac.authorization.k8s.io/v1/clusterroles/shop")


def test_apply_check_apply_check(kubernetes: RealKubernetes, arguments: dict[str, Any], run_module: Run) -> None:
    content = BASE + SECRET + WORKLOAD % 1
    fresh = kubernetes.api().find("/api/v1/namespaces/shop") is None
    predicted = run_module("manifest", check=True, diff=True, **arguments, content=content)
    assert predicted["changed"] and "correct-horse" not in json.dumps(predicted)
    assert not fresh or kubernetes.api().find("/api/v1/namespaces/shop") is None
    made = run_module("manifest", **arguments, content=content, prune_label="part=shop")
    assert made["changed"] and "ConfigMap shop/settings" in made["changed_objects"], made
    assert "correct-horse" not in json.dumps(made)
    assert kubernetes.api().get(CONFIG)["data"] == {"color": "blue"}
    for check in (True, False):
        for label in ({}, {"prune_label": "part=shop"}):
            again = run_module("manifest", check=check, **arguments, content=content, **label)
            assert not again["changed"] and again["calls"] == 2, again
            assert len(again["objects"]) == 6


def test_drift_is_shown_and_corrected(kubernetes: RealKubernetes, arguments: dict[str, Any], run_module: Run) -> None:
    run_module("manifest", **arguments, content=BASE + SECRET)
    api = kubernetes.api()
    api.patch(CONFIG, {"data": {"color": "red", "size": "large"}})
    predicted = run_module("manifest", check=True, **arguments, content=BASE + SECRET)
    assert predicted["changed_objects"] == ["ConfigMap shop/settings"]
    assert '"color": "red"' in predicted["diff"][0]["before"] and '"color": "blue"' in predicted["diff"][0]["after"]
    assert api.get(CONFIG)["data"]["color"] == "red"
    corrected = run_module("manifest", **arguments, content=BASE + SECRET)
    assert corrected["changed"] and corrected["calls"] == 3
    # A field that the manifest does not name belongs to another manager and stays.
    assert api.get(CONFIG)["data"] == {"color": "blue", "size": "large"}
    assert not run_module("manifest", **arguments, content=BASE + SECRET)["changed"]

    other = SECRET.replace("correct-horse", "battery-staple")
    secret = run_module("manifest", **arguments, content=BASE + other)
    assert secret["changed_objects"] == ["Secret shop/key"]
    assert "(hidden, differs)" in secret["diff"][0]["after"] and "YmF0dGVye" not in json.dumps(secret)


def test_entries_of_others_that_contradict_ours_are_removed(
    kubernetes: RealKubernetes, arguments: dict[str, Any], run_module: Run
) -> None:
    """A server-side apply keeps them, and the API refuses both together."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/gate"
    # kubectl prints several replaced objects otherwise than one.
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/gate"
    content = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: gate}
spec: {policyName: absent.example.org, validationActions: [Deny]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gate}
rules: []
"""
    api = kubernetes.api()
    try:
        assert run_module("manifest", **arguments, content=content)["changed"]
        api.patch(path, {"spec": {"validationActions": ["Warn"]}})
        predicted = run_module("manifest", check=True, **arguments, content=content)
        assert predicted["changed"] and api.get(path)["spec"]["validationActions"] == ["Warn"]
        result = run_module("manifest", **arguments, content=content)
        assert result["changed"] and api.get(path)["spec"]["validationActions"] == ["Deny"], result
        assert not run_module("manifest", **arguments, content=content)["changed"]
        # What others add would switch the policy off.
        selector = {"objectSelector": {"matchLabels": {"none": "x"}}}
        for check in (True, False):
            api.patch(path, {"spec": {"matchResources": selector}})
            assert run_module("manifest", check=check, **arguments, content=content)["changed"]
        assert "none" not in str(api.get(path)["spec"])
        assert not run_module("manifest", **arguments, content=content)["changed"]
        # Also beside an object that is missing.
        api.delete(role)
        api.patch(path, {"spec": {"matchResources": selector}})
        assert run_module("manifest", **arguments, content=content)["changed"]
        assert "none" not in str(api.get(path)["spec"])
        assert not run_module("manifest", **arguments, content=content)["changed"]
        if rehearsal.lacking(kubernetes_version()):
            pytest.skip("stand-ins accept a policy binding that the API refuses")
        wrong = run_module("manifest", **arguments, content=content.replace("[Deny]", "[Deny, Warn]"))
        assert "must not contain both" in wrong["msg"]
    finally:
        api.delete(path)
        api.delete(role)


def test_prune_deletes_only_objects_of_the_manifest(
    kubernetes: RealKubernetes, arguments: dict[str, Any], run_module: Run
) -> None:
    api = kubernetes.api()
    run_module("manifest", **arguments, content=BASE + WORKLOAD % 1, prune_label="part=shop")
    foreign = {"metadata": {"name": "foreign", "labels": {"part": "shop"}}, "data": {}}
    api.post("/api/v1/namespaces/shop/configmaps", foreign)
    try:
        predicted = run_module("manifest", check=True, **arguments, content=BASE, prune_label="part=shop")
        gone = {"ClusterRole.rbac.authorization.k8s.io /shop", "Deployment.apps shop/web", "Service shop/web"}
        assert set(predicted["pruned"]) == gone
        assert api.find("/api/v1/namespaces/shop/services/web")
        pruned = run_module("manifest", **arguments, content=BASE, prune_label="part=shop")
        assert pruned["changed"] and set(pruned["pruned"]) == gone and pruned["changed_objects"] == []
        assert api.find("/api/v1/namespaces/shop/services/web") is None
        assert api.find("/api/v1/namespaces/shop/configmaps/foreign")
        assert not run_module("manifest", **arguments, content=BASE, prune_label="part=shop")["changed"]
    finally:
        api.delete("/api/v1/namespaces/shop/configmaps/foreign")
    emptied = run_module("manifest", **arguments, content="", prune_label="part=shop")
    assert emptied["changed"] and emptied["pruned"] == ["ConfigMap shop/settings"], emptied
    assert api.find(CONFIG) is None
    for check in (True, False):
        assert not run_module("manifest", check=check, **arguments, content="", prune_label="part=shop")["changed"]
    refused = run_module("manifest", **arguments, content=BASE, prune_label="part=other")
    assert refused["failed"] and "lacks the label part=other" in refused["msg"]


def test_a_new_kind_and_its_object_are_one_manifest_and_the_kind_is_never_pruned(
    arguments: dict[str, Any], kubernetes: RealKubernetes, run_module: Run
) -> None:
    if rehearsal.lacking(kubernetes_version()):
        pytest.skip("stand-ins have no custom resources")
    both = json.dumps(CRD) + "\n---\n" + WIDGET
    made = run_module("manifest", content=both, prune_label="part=kinds", **arguments)
    assert made["changed"] and len(made["changed_objects"]) == 2, made
    assert not run_module("manifest", content=both, prune_label="part=kinds", **arguments)["changed"]
    pruned = run_module("manifest", content=json.dumps(CRD), prune_label="part=kinds", **arguments)
    assert pruned["pruned"] == [] and not pruned["changed"]
    pruned = run_module("manifest", content=json.dumps(CRD), prune_label="part=kinds", prune_kinds="all", **arguments)
    assert pruned["pruned"] == ["Widget.example.org /first"] and pruned["changed"]
    assert run_module("manifest", content="", prune_label="part=kinds", **arguments)["pruned"] == []
    name = CRD["metadata"]["name"]
    assert kubernetes.api().find(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")


def test_rollout_is_awaited(arguments: dict[str, Any], run_module: Run) -> None:
    content = BASE + WORKLOAD
    none = run_module("manifest", **arguments, content=content % 0, wait=True, timeout=30)
    assert none["changed"] and not none.get("failed"), none
    again = run_module("manifest", **arguments, content=content % 0, wait=True, timeout=30)
    assert not again["changed"] and again["calls"] == 2
    stuck = run_module("manifest", **arguments, content=content % 1, wait=True, timeout=2)
    assert stuck["failed"] and "Deployment.apps shop/web: 0 of 1 are" in stuck["msg"], stuck


def test_errors_and_absent_api(arguments: dict[str, Any], run_module: Run) -> None:
    wrong = run_module("manifest", **arguments, content=BASE.replace("\ndata:", "\ndatas:"))
    assert wrong["failed"] and "datas" in wrong["msg"]
    for absent in ({"kubectl": "/absent/kubectl"}, {"kubeconfig": "/absent/admin.conf"}):
        predicted = run_module("manifest", check=True, **{**arguments, **absent}, content=BASE + SECRET)
        assert predicted["changed"] and "correct-horse" not in predicted["diff"]["after"]
        assert run_module("manifest", **{**arguments, **absent}, content=BASE, timeout=0)["failed"]
        nothing = {"content": "", "prune_label": "part=shop"}
        assert not run_module("manifest", check=True, **{**arguments, **absent}, **nothing)["changed"]

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong file of authorizers or policies is refused with one error that has a remedy, and a right one is not."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.authorization import (
    configuration,
    has_abac,
    policies,
    webhook_files,
)

NODE, RBAC = {"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}
FILE = "/etc/kubernetes/extra/webhook.conf"
WEBHOOK = {
    "timeout": "3s",
    "subjectAccessReviewVersion": "v1",
    "matchConditionSubjectAccessReviewVersion": "v1",
    "failurePolicy": "NoOpinion",
    "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": FILE},
    "matchConditions": [{"expression": "has(request.resourceAttributes)"}],
}
POLICY = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "alice"}}


def config(*more: t.Any) -> dict[str, t.Any]:
    return {"authorizers": [NODE, RBAC, *more]}


def hooked(**changes: t.Any) -> dict[str, t.Any]:
    """Return a configuration whose webhook differs; None leaves a field out."""
    fields = {name: value for name, value in {**copy.deepcopy(WEBHOOK), **changes}.items() if value is not None}
    return config({"type": "Webhook", "name": "hook", "webhook": fields})


def connected(**changes: t.Any) -> dict[str, t.Any]:
    return hooked(connectionInfo={**WEBHOOK["connectionInfo"], **changes})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "value",
    [
        {},
        config(),
        {**config(), "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"},
        {"authorizers": [RBAC, NODE]},
        config({"type": "ABAC", "name": "abac"}),
        hooked(),
        hooked(matchConditions=None, matchConditionSubjectAccessReviewVersion=None),
        hooked(authorizedTTL="5m", unauthorizedTTL="30s", cacheAuthorizedRequests=False),
        connected(kubeConfigFile="/etc/webhook/own.conf"),
    ],
)
def test_valid_configurations_are_accepted(value: dict[str, t.Any]) -> None:
    assert configuration(value) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"authorizers": [NODE]}, "lack RBAC, without which kubelets and components lose their permissions; add"),
        ({"authorizers": [RBAC]}, "lack Node"),
        ({"authorizers": []}, "lack Node and RBAC"),
        ({"apiVersion": "apiserver.config.k8s.io/v1beta1", **config()}, "set it to apiserver.config.k8s.io/v1"),
        ({"kind": "AdmissionConfiguration", **config()}, "set it to AuthorizationConfiguration"),
        ({"authorisers": []}, "'authorisers' is no field here; known are apiVersion, kind, authorizers"),
        ({"authorizers": "Node,RBAC"}, "is not a list of mappings; list each"),
        ({"authorizers": [NODE, RBAC, "Webhook"]}, "is not a list of mappings"),
        (config(RBAC), "have RBAC twice; list it once"),
        (config({"type": "ABAC", "name": "rbac"}), "the name 'rbac' twice; choose another"),
        (config({"type": "AlwaysAllow", "name": "all"}), "type is 'AlwaysAllow'; use one of Node, RBAC, Webhook, ABAC"),
        (config({"type": "ABAC"}), "authorizers[2]: name is None; set it"),
        (config({"type": "ABAC", "name": "A"}), "name is 'A'; set it"),
        (config({"type": "ABAC", "name": "a", "webhook": {}}), "'webhook' is no field here"),
        (config({"type": "Webhook", "name": "a"}), "webhook is missing; describe"),
        (hooked(timeout=None), "timeout is None, not a duration; write"),
        (hooked(timeout="3"), "timeout is '3', not a duration"),
        (hooked(timeout="1d"), "timeout is '1d', not a duration"),
        (hooked(timeout="31s"), "set it to 30s or less"),
        (hooked(authorizedTTL=5), "authorizedTTL is 5, not a duration"),
        (hooked(failurePolicy="Ignore"), "failurePolicy is 'Ignore'; set it to NoOpinion or Deny"),
        (hooked(failurePolicy=None), "failurePolicy is None"),
        (hooked(subjectAccessReviewVersion=None), "subjectAccessReviewVersion is None; set it to v1"),
        (hooked(matchConditionSubjectAccessReviewVersion=None), "matchConditionSubjectAccessReviewVersion is None"),
        (hooked(cacheAuthorizedRequests="yes"), "cacheAuthorizedRequests is 'yes'; set it to true or false"),
        (hooked(url="https://a"), "'url' is no field here"),
        (hooked(connectionInfo=None), "connectionInfo has another type"),
        (connected(type="InClusterConfig"), "connectionInfo has another type"),
        (connected(kubeConfigFile=None), "kubeConfigFile is None, not an absolute path; write"),
        (connected(kubeConfigFile="hook.conf"), "not an absolute path"),
        (connected(kubeConfigFile="/root/hook.conf"), "ProtectHome hides it from the unit; put it below"),
        (hooked(matchConditions="true"), "matchConditions is not a list"),
        (hooked(matchConditions=["true"]), "matchConditions[0] has no expression"),
        (hooked(matchConditions=[{"expression": " "}]), "matchConditions[0] has no expression"),
        (hooked(matchConditions=[{"expression": "true"}] * 2), "matchConditions[1] repeats"),
        (hooked(matchConditions=[{"expression": f"{n} == 1"} for n in range(65)]), "are 65; use 64"),
    ],
)
def test_wrong_configurations_are_refused(value: dict[str, t.Any], words: str) -> None:
    found = configuration(value)
    assert words in found
    assert "; " in found


def test_files_and_authorizers_of_a_configuration() -> None:
    assert webhook_files(hooked()) == [FILE]
    assert webhook_files(config()) == webhook_files(None) == webhook_files({"authorizers": ["a"]}) == []
    assert has_abac(config({"type": "ABAC", "name": "abac"}))
    assert not has_abac(config()) and not has_abac(None)


@pytest.mark.parametrize(
    "spec",
    [
        {"user": "alice", "namespace": "*", "resource": "*", "apiGroup": "*"},
        {"group": "system:authenticated", "readonly": True, "nonResourcePath": "/version"},
    ],
)
def test_valid_policies_are_accepted(spec: dict[str, t.Any]) -> None:
    assert policies([]) == ""
    assert policies([POLICY, {**POLICY, "spec": spec}]) == ""


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("alice", "policy 2: is not a mapping; write"),
        ({"user": "alice"}, "apiVersion is None; set it to abac.authorization.kubernetes.io/v1beta1"),
        ({**POLICY, "kind": "Role"}, "kind is 'Role'; set it to Policy"),
        ({**POLICY, "spec": None}, "has no spec; describe"),
        ({**POLICY, "metadata": {}}, "'metadata' is no field here"),
        ({**POLICY, "spec": {"user": "a", "verbs": []}}, "'verbs' is no field here; known are user, group"),
        ({**POLICY, "spec": {"user": 7}}, "user is 7, not a text of one line; put it in quotes"),
        ({**POLICY, "spec": {"user": "a\nb"}}, "not a text of one line"),
        ({**POLICY, "spec": {"user": "a", "readonly": "yes"}}, "readonly is 'yes'; set it to true or false"),
        ({**POLICY, "spec": {"resource": "pods"}}, "has neither user nor group; name"),
    ],
)
def test_wrong_policies_are_refused(policy: t.Any, words: str) -> None:
    found = policies([POLICY, policy])
    assert found.startswith("policy 2: ") and words in found

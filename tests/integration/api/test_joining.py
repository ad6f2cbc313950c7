# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bootstrap_token and csr_approval against a real API: valid tokens, and CSRs with false claims."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.leases import server_time
from cryptography import x509

from tests.support.api.joining import CLIENT, CSRS, csr, csr_pem, post
from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def test_token_check_apply_check_apply_absent(kubernetes: RealKubernetes, run_module: Run) -> None:
    arguments = {**kubernetes.arguments(), "ttl": "20m", "description": "of a test"}
    predicted = run_module("bootstrap_token", check=True, **arguments)
    assert predicted["changed"] and predicted["token"].startswith("000000.")
    made = run_module("bootstrap_token", **arguments)
    assert made["changed"]
    expires = datetime.datetime.fromisoformat(made["expires"].replace("Z", "+00:00"))
    validity = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=19) < validity <= datetime.timedelta(minutes=20)
    for check in (True, False):
        again = run_module("bootstrap_token", check=check, **arguments)
        assert not again["changed"] and again["token"] == made["token"]
    other = run_module("bootstrap_token", **arguments, groups=["system:bootstrappers:other"])
    assert other["changed"] and other["token"] != made["token"]

    # The API server shows whether the token works, and which user the bearer is.
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = request(
        kubernetes.url + "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        method="POST",
        body=json.dumps(review).encode(),
        headers={"Content-Type": "application/json"},
        tls=Tls(ca=str(kubernetes.ca.ca)),
        token=made["token"],
    )
    user = answer.json()["status"]["userInfo"]
    assert user["username"] == f"system:bootstrap:{made['token_id']}"
    assert {"system:bootstrappers", "system:bootstrappers:hardway:node"} <= set(user["groups"])

    assert run_module("bootstrap_token", check=True, **arguments, state="absent")["changed"]
    gone = run_module("bootstrap_token", **arguments, state="absent")
    assert gone["changed"] and set(gone["removed"]) == {made["token_id"], other["token_id"]}
    assert not run_module("bootstrap_token", **arguments, state="absent")["changed"]


def test_token_without_api(kubernetes: RealKubernetes, run_module: Run) -> None:
    nowhere = {**kubernetes.arguments(), "servers": ["https://127.0.0.1:1"]}
    assert run_module("bootstrap_token", check=True, **nowhere)["changed"]
    failed = run_module("bootstrap_token", **nowhere)
    assert failed["failed"] and "no server is ready" in failed["msg"]
    # The first server need not be the healthy one.
    both = {**kubernetes.arguments(), "servers": ["https://127.0.0.1:1", kubernetes.url]}
    assert not run_module("bootstrap_token", **both, check=True).get("failed")


def test_two_runs_at_a_time_keep_their_tokens(kubernetes: RealKubernetes, run_module: Run) -> None:
    """The first run to finish removes its own token, and the other's is still accepted."""
    arguments = {**kubernetes.arguments(), "reuse": False}
    one, two = (run_module("bootstrap_token", **arguments) for _run in range(2))
    assert one["token"] != two["token"]
    removed = run_module("bootstrap_token", **kubernetes.arguments(), state="absent", token_id=one["token_id"])
    assert removed["changed"] and removed["removed"] == [one["token_id"]]
    answers = [
        request(kubernetes.url + "/version", tls=Tls(ca=str(kubernetes.ca.ca)), token=made["token"]).status
        for made in (one, two)
    ]
    assert answers == [401, 200]
    again = run_module("bootstrap_token", **kubernetes.arguments(), state="absent", token_id=one["token_id"])
    assert not again["changed"]
    run_module("bootstrap_token", **kubernetes.arguments(), state="absent", token_id=two["token_id"])


def test_valid_csr_is_approved_and_issued(kubernetes: RealKubernetes, run_module: Run, token: str) -> None:
    arguments = {**kubernetes.arguments(), "nodes": [{"name": "node1", "addresses": ["192.0.2.21"]}], "timeout": 30}
    post(kubernetes, token, csr("true", csr_pem("system:node:node1")))
    predicted = run_module("csr_approval", check=True, **arguments)
    assert predicted["changed"] and predicted["approved"][0]["node"] == "node1" and not predicted["issued"]
    assert not (kubernetes.api().get(CSRS + "/true").get("status") or {}).get("conditions")
    result = run_module("csr_approval", **arguments)
    assert result["changed"] and result["issued"] == ["node1"] and result["missing"] == []
    status = kubernetes.api().get(CSRS + "/true")["status"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(status["certificate"]))
    assert certificate.subject.rfc4514_string() == "CN=system:node:node1,O=system:nodes"


def test_a_csr_that_another_client_approves_first_is_a_change(
    kubernetes: RealKubernetes, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the controller manager does with those of an administrator, and no other node waits for that."""
    put, names = Api.put, []

    def late(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
        names.append(path)
        put(api, path, body)
        return put(api, path, body)

    monkeypatch.setattr(Api, "put", late)
    nodes = [
        {"name": name, "request": base64.b64decode(csr_pem(f"system:node:{name}")).decode()} for name in ("n1", "n2")
    ]
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, timeout=30)
    assert result["changed"] and result["issued"] == ["n1", "n2"] and len(names) == 2, result
    assert [line["node"] for line in result["approved"]] == ["n1", "n2"]


def test_false_claims_are_denied_with_reason(kubernetes: RealKubernetes, run_module: Run, token: str) -> None:
    post(kubernetes, token, csr("admin", csr_pem("system:node:node1", "system:masters-of-all")))
    post(kubernetes, token, csr("user", csr_pem("kubernetes-admin")))
    post(kubernetes, token, csr("sans", csr_pem("system:node:node1", hosts=["192.0.2.21"])))
    post(kubernetes, token, csr("stranger", csr_pem("system:node:stranger")))
    person = kubernetes.api(kubernetes.ca.issue("person", "person", groups=["people"]))
    person.post(CSRS, csr("person", csr_pem("system:node:node1")))
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=[{"name": "node1"}], timeout=1)
    assert (
        result["failed"] and result["missing"] == ["node1"] and "node node1: no valid CSR within 1 s" in result["msg"]
    )
    assert {line["name"] for line in result["denied"]} == {"admin", "user", "sans"}
    assert {line["name"] for line in result["left"]} == {"stranger", "person"}
    conditions = kubernetes.api().get(CSRS + "/user")["status"]["conditions"]
    assert conditions[0]["type"] == "Denied" and "kubernetes-admin" in conditions[0]["message"]
    assert not (kubernetes.api().get(CSRS + "/person").get("status") or {}).get("conditions")


def test_joined_nodes_are_not_waited_for(kubernetes: RealKubernetes, run_module: Run) -> None:
    api = kubernetes.api()
    api.get("/version")
    now = server_time(api.date).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    spec = {"holderIdentity": "joined", "leaseDurationSeconds": 40, "renewTime": now}
    api.post(NODE_LEASES, {"metadata": {"name": "joined"}, "spec": spec})
    try:
        result = run_module("csr_approval", **kubernetes.arguments(), nodes=[{"name": "joined"}])
        assert not result["changed"] and result["joined"] == ["joined"]
        nothing = run_module("csr_approval", check=True, **kubernetes.arguments(), nodes=[{"name": "joined"}])
        assert not nothing["changed"]
    finally:
        api.delete(NODE_LEASES + "/joined")


def test_serving_certificates(kubernetes: RealKubernetes, run_module: Run) -> None:
    kubelet = kubernetes.api(kubernetes.ca.issue("kubelet", "system:node:node1", groups=["system:nodes"]))
    usages = ["digital signature", "server auth"]
    signer = "kubernetes.io/kubelet-serving"
    kubelet.post(CSRS, csr("good", csr_pem("system:node:node1", hosts=["node1", "192.0.2.21"]), signer, usages))
    kubelet.post(CSRS, csr("alien", csr_pem("system:node:node1", hosts=["192.0.2.99"]), signer, usages))
    result = run_module(
        "csr_approval",
        **kubernetes.arguments(),
        nodes=[{"name": "node1", "addresses": ["192.0.2.21"]}],
        signers=[signer, CLIENT],
        timeout=0,
    )
    assert [line["name"] for line in result["approved"]] == ["good"]
    assert [line["name"] for line in result["denied"]] == ["alien"]
    assert "192.0.2.99" in result["denied"][0]["reason"]


def test_approval_without_api_predicts(kubernetes: RealKubernetes, run_module: Run) -> None:
    nowhere = {**kubernetes.arguments(), "servers": ["https://127.0.0.1:1"], "cert": "/absent", "key": "/absent"}
    predicted = run_module("csr_approval", check=True, **nowhere, nodes=[{"name": "node1"}])
    assert predicted["changed"] and predicted["missing"] == ["node1"]

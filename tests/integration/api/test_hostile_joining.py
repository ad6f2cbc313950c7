# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on joining nodes, against a real API: any user may create CSRs, each node gets only its own key signed."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ApiError
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support.api.joining import CLIENT, CSRS, csr, csr_pem, post
from tests.support.api.kubernetes import RealKubernetes
from tests.support.ca.malformed import MALFORMED

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def hosts(tmp_path: Path, run_module: Run) -> Callable[[str], dict[str, Any]]:
    """Return a function that creates the key of a node on its host, and the entry for joining."""

    def ask(name: str) -> dict[str, Any]:
        made = run_module("kubelet_certificate", node=name, state="requested", directory=str(tmp_path / name))
        assert made["changed"] and "PRIVATE" not in str(made)
        return {"name": name, "request": made["request"]}

    return ask


def conditions(kubernetes: RealKubernetes, name: str) -> dict[str, str]:
    """Return the conditions of a CSR with their messages."""
    found = (kubernetes.api().get(f"{CSRS}/{name}").get("status") or {}).get("conditions") or []
    return {condition["type"]: condition["message"] for condition in found}


def test_a_node_gets_the_certificate_of_its_key(
    kubernetes: RealKubernetes, run_module: Run, token: str, tmp_path: Path, hosts: Callable[[str], dict[str, Any]]
) -> None:
    before = os.umask(0o077)
    try:
        wanted = hosts("n1")
    finally:
        os.umask(before)
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=[wanted], timeout=30)
    assert result["changed"] and result["issued"] == ["n1"] and not result["problems"], result
    place = {"node": "n1", "state": "installed", "directory": str(tmp_path / "n1")}
    installed = run_module("kubelet_certificate", **place, certificate=result["certificates"]["n1"])
    assert not installed.get("failed"), installed
    link = tmp_path / "n1" / "kubelet-client-current.pem"
    # The kubelet rotates only certificates that are links.
    assert link.is_symlink() and os.path.realpath(link) == installed["path"]
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    assert sorted(path.name for path in link.parent.iterdir()) == sorted([link.name, Path(installed["path"]).name])
    tls = Tls(ca=str(kubernetes.ca.ca), cert=str(link), key=str(link))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    api = kubernetes.api()
    api.tls = tls
    user = api.post(path, review)["status"]["userInfo"]
    assert user["username"] == "system:node:n1" and "system:nodes" in user["groups"]


def test_malformed_requests_are_denied_and_the_others_go_on(
    kubernetes: RealKubernetes,
    run_module: Run,
    token: str,
    hosts: Callable[[str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = []
    for name, pem in MALFORMED.items():
        answer = request(
            kubernetes.url + CSRS,
            method="POST",
            body=json.dumps(csr(name, pem)).encode(),
            headers={"Content-Type": "application/json"},
            tls=Tls(ca=str(kubernetes.ca.ca)),
            token=token,
        )
        stored += [name] if answer.status == 201 else []
    # The API server stores what Go can read; some of it the library cryptography cannot, or should not.
    assert {"number-for-a-name", "bits-for-a-name", "teletex", "huge", "control-characters"} <= set(stored), stored
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=[hosts("node1"), hosts("n2")], timeout=30)
    assert result["issued"] == ["n2", "node1"], result
    denied = {line["name"]: line["reason"] for line in result["denied"]}
    left = {line["name"]: line["reason"] for line in result["left"]}
    assert set(denied) | set(left) == set(stored)
    # A name of no node is for the administrator to approve or deny.
    assert set(left) <= {"control-characters", "very-long-name"}
    errors = capsys.readouterr().err
    for name, reason in {**denied, **left}.items():
        assert reason.isprintable() and len(reason) < 400, name
        assert ("Denied" in conditions(kubernetes, name)) is (name in denied)
        assert f"certificate request {name} " in errors


def test_another_key_for_a_joining_node_is_denied(
    kubernetes: RealKubernetes, run_module: Run, token: str, hosts: Callable[[str], dict[str, Any]]
) -> None:
    """Both the bearer of a valid token and a node of the cluster request a certificate for n1."""
    post(kubernetes, token, csr("thief", csr_pem("system:node:n1")))
    node = kubernetes.api(kubernetes.ca.issue("kubelet-n9", "system:node:n9", groups=["system:nodes"]))
    try:
        node.post(CSRS, csr("neighbour", csr_pem("system:node:n1")))
        rivals = {"thief", "neighbour"}
    except ApiError as exc:
        # Newer API servers refuse this themselves.
        assert exc.status == 403 and "can only create a node CSR with CN=system:node:n9" in str(exc)
        rivals = {"thief"}
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=[hosts("n1"), hosts("n2")], timeout=30)
    assert result["issued"] == ["n1", "n2"] and set(result["certificates"]) == {"n1", "n2"}
    assert {line["name"] for line in result["denied"]} == rivals
    assert "not the one on node n1" in conditions(kubernetes, "thief")["Denied"]
    if "neighbour" in rivals:
        assert "requests the identity" in conditions(kubernetes, "neighbour")["Denied"]


def test_a_host_with_a_false_csr_gets_nothing_and_the_others_go_on(
    kubernetes: RealKubernetes, run_module: Run, token: str, tmp_path: Path, hosts: Callable[[str], dict[str, Any]]
) -> None:
    """Of the CSR that a host returns only the key counts: root there may have written it."""
    pem = base64.b64decode
    lies = {
        "n1": pem(csr_pem("system:node:n3")).decode(),
        "n4": pem(csr_pem("system:node:n4", "system:masters")).decode(),
        "n5": pem(csr_pem("system:node:n5", hosts=["kubernetes"])).decode(),
        "n6": pem(MALFORMED["teletex"]).decode(),
        "n7": "no request at all",
    }
    nodes = [hosts("n3"), *({"name": name, "request": text} for name, text in lies.items())]
    before = len(kubernetes.api().get(CSRS)["items"])
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, timeout=30, require="none")
    assert not result.get("failed"), result
    assert result["issued"] == ["n3"] and result["missing"] == sorted(lies)
    assert set(result["problems"]) == set(lies) and "requests the identity system:node:n3" in result["problems"]["n1"]
    assert len(kubernetes.api().get(CSRS)["items"]) == before + 1
    place = {"node": "n1", "state": "installed", "directory": str(tmp_path / "n3")}
    stolen = run_module("kubelet_certificate", **place, certificate="", problem=result["problems"]["n1"])
    assert stolen["failed"] and "requests the identity" in stolen["msg"]
    # Another node's certificate is of no use without that node's key.
    hosts("n1")
    place = {**place, "directory": str(tmp_path / "n1")}
    foreign = run_module("kubelet_certificate", **place, certificate=result["certificates"]["n3"])
    assert foreign["failed"] and "not for the key on this host" in foreign["msg"]
    assert run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, timeout=1)["failed"]


def test_two_keys_for_a_kubelet_that_creates_its_own_csr_are_denied(
    kubernetes: RealKubernetes, run_module: Run, token: str
) -> None:
    """Where no key is known, two CSRs are denied; a single one, by the expected token, is approved."""
    nodes = [{"name": "n1"}]
    post(kubernetes, token, csr("one", csr_pem("system:node:n1")))
    post(kubernetes, token, csr("two", csr_pem("system:node:n1")))
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, timeout=0)
    assert result["failed"] and {line["name"] for line in result["denied"]} == {"one", "two"}
    assert "2 different keys in the CSRs for node n1" in conditions(kubernetes, "one")["Denied"]
    post(kubernetes, token, csr("again", csr_pem("system:node:n1")))
    other = {"requesters": ["system:bootstrap:zzzzzz"], "timeout": 0}
    refused = run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, **other)
    assert refused["failed"] and "not among the expected requesters" in conditions(kubernetes, "again")["Denied"]
    post(kubernetes, token, csr("right", csr_pem("system:node:n1")))
    ours = {"requesters": [f"system:bootstrap:{token.split('.')[0]}"], "timeout": 30}
    assert run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, **ours)["issued"] == ["n1"]


def test_a_flood_of_requests_does_not_keep_nodes_waiting(
    kubernetes: RealKubernetes, run_module: Run, token: str, hosts: Callable[[str], dict[str, Any]]
) -> None:
    pem = csr_pem("system:node:n1")
    for number in range(130):
        post(kubernetes, token, csr(f"flood-{number:03}", pem))
    result = run_module("csr_approval", **kubernetes.arguments(), nodes=[hosts("n1")], timeout=60)
    assert result["issued"] == ["n1"] and len(result["denied"]) >= 100, result["missing"]


def test_a_node_cannot_approve_or_sign(kubernetes: RealKubernetes, token: str) -> None:
    """A node's own certificate may create CSRs, and no more."""
    node = kubernetes.api(kubernetes.ca.issue("kubelet-n9", "system:node:n9", groups=["system:nodes"]))
    made = node.post(CSRS, csr("mine", csr_pem("system:node:n9"), CLIENT))
    approved = {"type": "Approved", "status": "True", "reason": "x", "message": "x"}
    for part in ("approval", "status"):
        with pytest.raises(ApiError) as refused:
            node.put(f"{CSRS}/mine/{part}", {**made, "status": {"conditions": [approved]}})
        assert refused.value.status == 403


def test_the_key_of_a_certificate_is_the_nodes(tmp_path: Path, run_module: Run) -> None:
    """Of two runs the second key counts; a check creates none."""
    place = {"node": "n1", "state": "requested", "directory": str(tmp_path / "pki")}
    predicted = run_module("kubelet_certificate", check=True, **place)
    assert predicted["changed"] and predicted["request"] == ""
    assert not (tmp_path / "pki").exists()
    one, two = (run_module("kubelet_certificate", **place)["request"] for _time in range(2))
    assert one != two
    key = serialization.load_pem_private_key((tmp_path / "pki/kubelet-client.key.tmp").read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_key().public_bytes(*form) == x509.load_pem_x509_csr(two.encode()).public_key().public_bytes(*form)
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700

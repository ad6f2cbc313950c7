# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: requests of modules, roles and kubectl are answered alike by stand-ins and real programs."""

from __future__ import annotations

import base64
import datetime
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError

from tests.support.api.joining import CSRS
from tests.support.api.kinds import ready
from tests.support.api.kubernetes import RealKubernetes, expired
from tests.support.api.programs import Issuer, binary, free_ports
from tests.support.api.requests import APPLY, MAPS, admin, ask, config_map, until

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow]
PODS, SERVICES = (f"/api/v1/namespaces/default/{name}" for name in ("pods", "services"))


@pytest.mark.parametrize(
    ("path", "status"), [("/livez", 200), ("/readyz", 200), ("/version", 401), ("/api", 401), ("/api/v1/nodes", 401)]
)
def test_requests_without_credentials(cluster: RealKubernetes, path: str, status: int) -> None:
    assert ask(cluster, path).status == status


def test_invalid_certificates_are_refused(cluster: RealKubernetes, tmp_path: Path) -> None:
    """An invalid one is refused, even where a client without credentials would be served."""
    other = Issuer(tmp_path, "kubernetes-ca")
    # Many, because what OpenSSL makes of an invalid signature depends on its bytes.
    foreign = [other.issue(f"foreign{number}", "admin", groups=["system:masters"]) for number in range(30)]
    for path in ("/readyz", "/api/v1/nodes"):
        for cert in (*foreign, expired(cluster, "expired")):
            assert ask(cluster, path, cert=cert).status == 401, (path, cert)
    person = cluster.ca.issue("person", "person")
    refused = ask(cluster, "/api/v1/nodes", cert=person)
    assert (refused.status, refused.json()["reason"]) == (403, "Forbidden")
    wanted = 'nodes is forbidden: User "person" cannot list resource "nodes" in API group "" at the cluster scope'
    assert refused.json()["message"] == wanted
    assert ask(cluster, "/version", cert=person).status == 200


@pytest.mark.parametrize(
    ("seconds", "secret", "status"),
    [(600, "0123456789abcdef", 201), (-60, "0123456789abcdef", 401), (600, "0000000000000000", 401)],
)
def test_bootstrap_tokens(cluster: RealKubernetes, seconds: int, secret: str, status: int) -> None:
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    number = f"t{abs(hash((seconds, secret))) % 99999:05}"
    data = {
        "token-id": number,
        "token-secret": "0123456789abcdef",
        "expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": "system:bootstrappers:hardway:node",
    }
    body = {
        "metadata": {"name": f"bootstrap-token-{number}"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data,
    }
    assert admin(cluster, "/api/v1/namespaces/kube-system/secrets", "POST", body).status == 201
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answers = {ask(cluster, path, "POST", review, token=f"{number}.{secret}").status for _ in range(3)}
    assert answers == {status}
    assert ask(cluster, path, "POST", review, token="nonsense").status == 401


def test_refusals_of_objects(cluster: RealKubernetes) -> None:
    made = admin(cluster, MAPS, "POST", config_map("once", a="b"))
    assert made.status == 201
    # Without it pods are refused for another reason.
    assert until(lambda: admin(cluster, "/api/v1/namespaces/default/serviceaccounts/default").status == 200)
    cases: list[tuple[str, str, Any, int, str]] = [
        ("GET", f"{MAPS}/never", None, 404, "NotFound"),
        ("POST", MAPS, config_map("once"), 409, "AlreadyExists"),
        ("POST", MAPS, config_map("Not A Name"), 422, "Invalid"),
        ("POST", MAPS, {**config_map("x"), "kind": "Secret"}, 400, "BadRequest"),
        ("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("x"), 404, "NotFound"),
        ("POST", f"{MAPS}?fieldValidation=Strict", {**config_map("x"), "datas": {}}, 400, "BadRequest"),
        ("POST", SERVICES, {"metadata": {"name": "no-spec"}}, 422, "Invalid"),
        ("POST", SERVICES, {"metadata": {"name": "no-port"}, "spec": {"ports": [{"name": "a"}]}}, 422, "Invalid"),
        ("POST", SERVICES, {"metadata": {"name": "text"}, "spec": "text"}, 400, "BadRequest"),
        ("POST", PODS, {"metadata": {"name": "no-spec"}}, 422, "Invalid"),
        ("POST", CSRS, {"metadata": {"name": "no-spec"}}, 422, "Invalid"),
        ("POST", MAPS, {"metadata": None}, 422, "Invalid"),
        ("POST", MAPS, {"metadata": []}, 400, "BadRequest"),
        ("DELETE", f"{MAPS}/never", None, 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/nonsense", None, 404, "NotFound"),
    ]
    for method, path, body, status, reason in cases:
        answer = admin(cluster, path, method, body)
        assert answer.status == status, (method, path, answer.body)
        if not path.endswith("nonsense"):
            assert answer.json()["reason"] == reason, (method, path, answer.body)
    stale = made.json()
    assert admin(cluster, f"{MAPS}/once", "PUT", {**stale, "data": {"a": "c"}}).status == 200
    late = admin(cluster, f"{MAPS}/once", "PUT", {**stale, "data": {"a": "d"}})
    assert (late.status, late.json()["reason"]) == (409, "Conflict")
    assert admin(cluster, f"{MAPS}/once", "DELETE").status == 200


def test_server_side_apply_owns_fields(cluster: RealKubernetes) -> None:
    path = f"{MAPS}/owned"
    assert admin(cluster, path, "PATCH", config_map("owned", a="1"), kind=APPLY).status in (400, 422)
    first = admin(cluster, f"{path}?fieldManager=one", "PATCH", config_map("owned", a="1", b="1"), kind=APPLY)
    assert first.status == 201
    fields = [(m["manager"], m["operation"], m["fieldsV1"]) for m in first.json()["metadata"]["managedFields"]]
    assert fields == [("one", "Apply", {"f:data": {"f:a": {}, "f:b": {}}})]
    clash = admin(cluster, f"{path}?fieldManager=two", "PATCH", config_map("owned", a="2"), kind=APPLY)
    assert (clash.status, clash.json()["reason"]) == (409, "Conflict")
    forced = admin(cluster, f"{path}?fieldManager=two&force=true", "PATCH", config_map("owned", a="2"), kind=APPLY)
    assert forced.json()["data"] == {"a": "2", "b": "1"}
    owners = {m["manager"]: m["fieldsV1"] for m in forced.json()["metadata"]["managedFields"]}
    assert owners == {"one": {"f:data": {"f:b": {}}}, "two": {"f:data": {"f:a": {}}}}
    # Fields that the first no longer applies are removed, unless another manager owns them.
    less = admin(cluster, f"{path}?fieldManager=one", "PATCH", config_map("owned"), kind=APPLY)
    assert less.json()["data"] == {"a": "2"}
    again = admin(cluster, f"{path}?fieldManager=two&force=true", "PATCH", config_map("owned", a="2"), kind=APPLY)
    assert again.json()["metadata"]["resourceVersion"] == less.json()["metadata"]["resourceVersion"]


def test_a_service_keeps_its_addresses_and_ports(cluster: RealKubernetes) -> None:
    path = "/api/v1/namespaces/default/services/web?fieldManager=one"
    spec: dict[str, Any] = {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "web"}}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    first = admin(cluster, path, "PATCH", body, kind=APPLY).json()["spec"]
    assert first["clusterIP"].startswith("10.96.") and first["ports"][0]["nodePort"] >= 30000
    assert first["ports"][0]["protocol"] == "TCP"
    assert admin(cluster, path, "PATCH", body, kind=APPLY).json()["spec"] == first
    taken = {**body, "metadata": {"name": "other"}, "spec": {**spec, "clusterIP": first["clusterIP"]}}
    assert admin(cluster, "/api/v1/namespaces/default/services", "POST", taken).status == 422


def test_a_node_may_change_only_itself(cluster: RealKubernetes) -> None:
    node = cluster.ca.issue("kubelet", "system:node:n1", groups=["system:nodes"])
    nodes, merge = "/api/v1/nodes", "application/merge-patch+json"
    for name in ("n1", "n2"):
        admin(cluster, nodes, "POST", {"metadata": {"name": name}})
    role = {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}
    own = {"metadata": {"labels": {"zone": "a"}}}
    assert ask(cluster, f"{nodes}/n1", "PATCH", own, cert=node, kind=merge).status == 200
    assert ask(cluster, f"{nodes}/n1", "PATCH", role, cert=node, kind=merge).status == 403
    assert ask(cluster, f"{nodes}/n2", "PATCH", own, cert=node, kind=merge).status == 403
    for path in ("/api/v1/namespaces/kube-system/secrets", "/api/v1/namespaces/default/secrets/none"):
        assert ask(cluster, path, cert=node).status == 403


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("tier in (a, b)", "ab"),
        ("tier notin (a,b),chosen", "cd"),
        ("tier,chosen", "abc"),
        ("!tier,chosen", "d"),
        ("tier==a", "a"),
        ("chosen,tier!=a", "bcd"),
        ("tier in (b),chosen=yes", "b"),
        ("tier in (b", None),
        ("=a", None),
    ],
)
def test_selectors(cluster: RealKubernetes, selector: str, wanted: str | None) -> None:
    for name, tier in zip("abcd", ({"tier": "a"}, {"tier": "b"}, {"tier": "c"}, {})):
        labels = {"chosen": "yes", **tier}
        admin(cluster, MAPS, "POST", {"metadata": {"name": f"selected-{name}", "labels": labels}})
    answer = admin(cluster, f"{MAPS}?{urlencode({'labelSelector': selector})}")
    if wanted is None:
        assert (answer.status, answer.json()["reason"]) == (400, "BadRequest")
    else:
        assert "".join(item["metadata"]["name"][-1] for item in answer.json()["items"]) == wanted


def test_a_watch_returns_events(cluster: RealKubernetes) -> None:
    begin = admin(cluster, MAPS).json()["metadata"]["resourceVersion"]
    admin(cluster, MAPS, "POST", config_map("seen"))
    admin(cluster, f"{MAPS}/seen", "DELETE")
    query = f"watch=true&resourceVersion={begin}&timeoutSeconds=2&fieldSelector=metadata.name%3Dseen"
    lines = admin(cluster, f"{MAPS}?{query}").body.decode().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["ADDED", "DELETED"]


def test_an_object_is_deleted_with_its_last_finalizer(cluster: RealKubernetes) -> None:
    path = f"{MAPS}/held"
    made = {**config_map("held"), "metadata": {"name": "held", "finalizers": ["example.org/one", "example.org/two"]}}
    assert admin(cluster, MAPS, "POST", made).status == 201
    assert admin(cluster, path, "DELETE").json()["metadata"]["deletionTimestamp"]
    for left, status in ((["example.org/two"], 200), ([], 404)):
        patch = {"metadata": {"finalizers": left}}
        assert admin(cluster, path, "PATCH", patch, kind="application/merge-patch+json").status == 200
        assert admin(cluster, path).status == status


def test_service_account_tokens(cluster: RealKubernetes) -> None:
    path = "/api/v1/namespaces/kube-system/serviceaccounts"
    assert admin(cluster, path, "POST", {"metadata": {"name": "robot"}}).status == 201
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    status = admin(cluster, f"{path}/robot/token", "POST", asked).json()["status"]
    token = status["token"]
    refused = ask(cluster, "/api/v1/nodes", token=token)
    assert refused.status == 403
    assert 'User "system:serviceaccount:kube-system:robot"' in refused.json()["message"]
    assert ask(cluster, "/api/v1/nodes", token=token[:-8] + "AAAAAAAA").status == 401
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == "system:serviceaccount:kube-system:robot"
    # The real one gives the end to the second, like the claim.
    end = datetime.datetime.fromtimestamp(claims["exp"], datetime.timezone.utc)
    assert status["expirationTimestamp"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_kubectl_reads_and_writes(cluster: RealKubernetes) -> None:
    def run(*words: str) -> str:
        command = [str(cluster.binary("kubectl")), f"--kubeconfig={cluster.kubeconfig}", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("get", "--raw", "/readyz") == "ok"
    run("create", "namespace", "k")
    run("-n", "k", "create", "secret", "generic", "s", "--from-literal=a=b")
    assert run("-n", "k", "get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    run("-n", "k", "label", "secret", "s", "x=y")
    assert "secret/s" in run("-n", "k", "get", "secrets", "-l", "x=y", "-o", "name")
    assert run("auth", "can-i", "delete", "nodes").strip() == "yes"
    run("delete", "namespace", "k", "--timeout=50s")


@pytest.mark.parametrize("program", ["kubectl", "debian/kubectl"])
def test_kubectl_changes_nodes(cluster: RealKubernetes, program: str) -> None:
    """By merge patch, strategic merge patch and apply, as administrators do before maintenance."""
    kubectl = binary(program, ready()) or cluster.binary("kubectl")
    name = program.replace("/", "-")

    def run(*words: str, text: str = "") -> str:
        command = [str(kubectl), f"--kubeconfig={cluster.kubeconfig}", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, input=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    admin(cluster, "/api/v1/nodes", "POST", {"metadata": {"name": name}})
    for words in (
        "label {} a=b", "annotate {} c=d", "taint {} x=y:NoSchedule", "taint {} z=:NoExecute",
        "taint {} x-", "cordon {}",
        'patch {} -p {{"metadata":{{"labels":{{"e":"f"}}}}}}', "label {} a-",
    ):  # fmt: skip
        verb, *rest = words.format(name).split()
        run(verb, *([] if verb == "cordon" else ["node"]), *rest)
    found = admin(cluster, f"/api/v1/nodes/{name}").json()
    assert found["spec"]["unschedulable"] is True
    own = [(t["key"], t["effect"]) for t in found["spec"]["taints"] if not t["key"].startswith("node.kubernetes.io")]
    assert own == [("z", "NoExecute")]
    labels, annotations = found["metadata"]["labels"], found["metadata"]["annotations"]
    assert ("a" in labels, labels["e"], annotations["c"]) == (False, "f", "d")
    for port in (80, 81):
        ports = [{"name": "web", "port": port}, {"name": "fixed", "port": 443}]
        item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}}
        run("apply", "-f", "-", text=json.dumps(item))
    made = admin(cluster, f"{SERVICES}/{name}").json()
    assert sorted(port["port"] for port in made["spec"]["ports"]) == [81, 443]


def test_the_audit_log_contains_the_request_bodies(cluster: RealKubernetes) -> None:
    """By the role's policy, whatever format the request has: kubectl sends protobuf, users write YAML."""
    command = [str(cluster.binary("kubectl")), f"--kubeconfig={cluster.kubeconfig}", "create", "namespace", "noted"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "noted", "annotations": {"on": "x"}}}
    path = "/api/v1/namespaces/noted/serviceaccounts"
    assert ask(cluster, path, "POST", made, cert=cluster.admin, kind="application/yaml").status == 201
    assert admin(cluster, "/api/v1/namespaces/noted/secrets", "POST", {"metadata": {"name": "hidden"}}).status == 201
    events = [json.loads(line) for line in (cluster.directory / "audit.log").read_text().splitlines()]
    created = {(e["objectRef"]["resource"], e["objectRef"].get("name")): e for e in events if e["verb"] == "create"}
    for about in (("namespaces", "noted"), ("serviceaccounts", "noted")):
        assert created[about]["requestObject"]["metadata"]["name"] == "noted"
    assert "requestObject" not in created["secrets", "hidden"]


def test_the_kubernetes_service_has_the_running_servers(cluster: RealKubernetes) -> None:
    """A second server joins the first, and leaves again."""
    place = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"

    def endpoints() -> tuple[list[str], int]:
        """Return the addresses, none while both kinds of objects differ, and the port."""
        found = admin(cluster, place).json()
        assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "kubernetes"
        addresses = [a for one in found["endpoints"] for a in one["addresses"]]
        subsets = admin(cluster, "/api/v1/namespaces/default/endpoints/kubernetes").json()["subsets"]
        same = sorted(a["ip"] for a in subsets[0]["addresses"]) == sorted(addresses)
        return sorted(addresses) if same else [], found["ports"][0]["port"]

    assert until(lambda: admin(cluster, place).status == 200 and endpoints()[0] != [])
    first, port = endpoints()
    assert len(first) == 1 and port == cluster.port
    second = [f"--secure-port={free_ports(1)[0]}", "--advertise-address=192.0.2.99"]
    cluster.programs.start("second", [*cluster._apiserver(), *second])
    try:
        cluster.programs.wait_until("second", lambda: endpoints()[0] == sorted([*first, "192.0.2.99"]))
    finally:
        cluster.programs.stop("second")
    assert until(lambda: endpoints()[0] == first, 30)


def test_an_etcd_that_is_down_is_reported(cluster: RealKubernetes) -> None:
    """The last test of the file: nothing is read or written without etcd, and all is as before when it is back."""
    cluster.etcd.programs.stop("m1")
    for method, path, body in (("GET", f"{MAPS}/once", None), ("POST", MAPS, config_map("lost"))):
        try:
            assert admin(cluster, path, method, body).status >= 500
        except HttpError as exc:
            assert exc.kind == "timeout"
    cluster.etcd.start("m1")
    assert until(lambda: admin(cluster, f"{MAPS}/lost").status in (200, 404))
    cluster.restart_manager()

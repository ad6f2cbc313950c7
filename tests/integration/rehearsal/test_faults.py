# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliberate faults in what role master makes: each is caught in the rehearsal as by the real programs.

Stand-ins are tried always; the real programs, slower, with HARDWAY_FAULTS=real.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kube import Api, ApiError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from integration.api import programs
from integration.api.programs import Authority
from integration.master import control_plane
from integration.master.control_plane import COMPONENTS, ControlPlane
from integration.rehearsal.conftest import directory

from tools.lab import kubernetes_version

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow]
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PATIENCE = 25


@pytest.fixture(params=["stand-in", *(["real"] if os.environ.get("HARDWAY_FAULTS") == "real" else [])])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let control planes be made of one kind of programs."""
    place = directory(request.param)
    monkeypatch.setattr(programs, "BINARIES", place)
    monkeypatch.setattr(control_plane, "BINARIES", place)
    if programs.binary("etcd") is None:
        pytest.skip("no etcd at hand, and none to be had from Debian")
    yield request.param


def until(truth: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Say whether something becomes true; errors on the way are no truth."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if truth():
                return True
        except (HttpError, ApiError):
            pass
        time.sleep(0.2)
    return False


def inspect(plane: ControlPlane) -> str:
    """Start all and look at everything that a deployment relies on; return the first finding, or nothing."""
    plane.etcd.start("m1")
    plane.launch("kube-apiserver")
    server = plane.programs.running["kube-apiserver"]
    until(lambda: server.poll() is not None or plane.answers(plane.url + "/readyz"))
    if server.poll() is not None:
        return "kube-apiserver ends"
    if not plane.answers(plane.url + "/readyz"):
        return "kube-apiserver is not ready for a client that verifies it"
    for look in (admin, strangers, secrets, tokens, nodes):
        if finding := look(plane):
            return finding
    return managers(plane)


def admin(plane: ControlPlane) -> str:
    """Look with the administrator's certificate."""
    works = until(lambda: plane.api().get("/api/v1/namespaces/kube-system"), 10)
    return "" if works else "the administrator is refused"


def strangers(plane: ControlPlane) -> str:
    """Look without any."""
    return "" if plane.ask(plane.url + "/version").status == 401 else "strangers see more than health"


def secrets(plane: ControlPlane) -> str:
    """Look past the API for a Secret."""
    body = {"metadata": {"name": "probe"}, "stringData": {"word": "plain"}}
    plane.api().post("/api/v1/namespaces/default/secrets", body)
    stored = plane.etcd_value("/registry/secrets/default/probe")
    return "" if stored.startswith(b"k8s:enc:") else "Secrets lie unencrypted"


def tokens(plane: ControlPlane) -> str:
    """Ask as one who wants to join."""
    data = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    body = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    plane.api().post(SECRETS, body)
    tls = Tls(ca=str(plane.config / "pki/ca.crt"))
    path = plane.url + "/api/v1/nodes"
    joined = until(lambda: request(path, tls=tls, token="abcdef.0123456789abcdef").status != 401, 5)
    return "" if joined else "bootstrap tokens are not accepted"


def nodes(plane: ControlPlane) -> str:
    """Ask as one node for another's sake."""
    api = plane.api()
    for name in ("n1", "n2"):
        api.post("/api/v1/nodes", {"metadata": {"name": name}})
    prefix = plane.authorities["ca"].issue("node", "system:node:n1", groups=["system:nodes"])
    node = Api([plane.url], Tls(ca=str(plane.config / "pki/ca.crt"), cert=f"{prefix}.crt", key=f"{prefix}.key"))
    try:
        node.patch("/api/v1/nodes/n2", {"metadata": {"labels": {"a": "b"}}})
    except ApiError as exc:
        return "" if exc.status == 403 else str(exc)
    return "a node changes another"


def managers(plane: ControlPlane) -> str:
    """Start the others and see them lead and work."""
    for component in COMPONENTS[1:]:
        plane.launch(component)
    api = plane.api()
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
    for component in COMPONENTS[1:]:
        running = plane.programs.running[component]
        held = until(lambda name=component, p=running: p.poll() is not None or api.find(lease + name))
        if running.poll() is not None or not held:
            return f"{component} does not lead"
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
                         x509.NameAttribute(NameOID.COMMON_NAME, "system:node:n1")])  # fmt: skip
    pem = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    spec = {
        "request": base64.b64encode(pem.public_bytes(serialization.Encoding.PEM)).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
        "usages": ["digital signature", "client auth"],
    }
    csr = api.post(CSRS, {"metadata": {"name": "probe"}, "spec": spec})
    csr["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "Test", "message": "test"}]}
    api.put(f"{CSRS}/probe/approval", csr)
    if not until(lambda: (api.get(f"{CSRS}/probe").get("status") or {}).get("certificate")):
        return "approved requests are not signed"
    if not until(lambda: api.get("/api/v1/nodes/n1")["spec"].get("podCIDR")):
        return "nodes get no pod range"
    ca = (plane.config / "pki/ca.crt").read_text()
    maps = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"
    return "" if until(lambda: api.get(maps)["data"]["ca.crt"] == ca) else "pods would trust another authority"


def replace(name: str, other: str) -> Callable[[ControlPlane], None]:
    """Return a fault that puts one file in another's place."""
    return lambda plane: shutil.copy(plane.config / "pki" / other, plane.config / "pki" / name) and None


def wrong_names(plane: ControlPlane) -> None:
    """Give the API server a certificate for another host."""
    made = plane.authorities["ca"].issue("elsewhere", "kube-apiserver", hosts=["192.0.2.99"])
    for suffix in (".crt", ".key"):
        shutil.copy(f"{made}{suffix}", plane.config / f"pki/apiserver{suffix}")


def foreign_authority(plane: ControlPlane) -> None:
    """Publish an authority that did not sign the API server's certificate."""
    made = Authority(plane.directory / "foreign", "kubernetes-ca")
    path = plane.config / "pki/foreign.crt"
    shutil.copy(made.ca, path)
    arguments = plane.host.arguments

    def changed(component: str) -> list[str]:
        """Return the arguments with the other authority."""
        return [f"--root-ca-file={path}" if a.startswith("--root-ca-file=") else a for a in arguments(component)]

    plane.host.arguments = changed  # type: ignore[method-assign]


Fault = tuple[dict[str, Any], Callable[[ControlPlane], Any] | None, str]
FAULTS: dict[str, Fault] = {
    "a misspelt flag": ({"apiserver": {"authorisation-mode": "RBAC"}}, None, "kube-apiserver ends"),
    "no service account issuer": ({"apiserver": {"service-account-issuer": None}}, None, "kube-apiserver ends"),
    "no client authority": ({"apiserver": {"client-ca-file": None}}, None, "refused"),
    "no encryption": ({"apiserver": {"encryption-provider-config": None,
                                     "encryption-provider-config-automatic-reload": None}}, None, "unencrypted"),
    "no bootstrap tokens": ({"apiserver": {"enable-bootstrap-token-auth": None}}, None, "tokens"),
    "nodes unrestricted": ({"apiserver": {"authorization-mode": "AlwaysAllow", "enable-admission-plugins": None}},
                           None, "a node changes another"),
    "another host's names": ({}, wrong_names, "verifies it"),
    "etcd's authority for clients": ({}, replace("etcd/ca.crt", "ca.crt"), "kube-apiserver"),
    "another's key": ({}, replace("apiserver.key", "admin.key"), "kube-apiserver ends"),
    "a signing key that does not fit": ({}, replace("ca.key", "sa.key"), "controller-manager"),
    "a foreign authority for pods": ({}, foreign_authority, "another authority"),
    "an unknown field": ({"master_scheduler_config": {"noSuchField": 1}}, None, "kube-scheduler does not lead"),
}  # fmt: skip


def test_without_a_fault_there_is_no_finding(kind: str, tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path, kubernetes_version())
    try:
        assert inspect(plane) == "", kind
    finally:
        plane.stop()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(kind: str, name: str, tmp_path: Path) -> None:
    settings, change, finding = FAULTS[name]
    plane = ControlPlane(tmp_path, kubernetes_version(), **settings)
    try:
        if change:
            change(plane)
        found = inspect(plane)
        assert found and finding in found, kind
    finally:
        plane.stop()

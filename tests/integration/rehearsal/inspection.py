# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a control plane as a deployment relies on it, one thing after the other."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kube import Api, ApiError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from integration.master.control_plane import COMPONENTS, ControlPlane

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PATIENCE = 25


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

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspect a control plane as a deployment relies on it, one thing after the other."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.api.control_plane import COMPONENTS, ControlPlane
from tests.support.api.joining import CSRS

SECRETS = "/api/v1/namespaces/kube-system/secrets"
# Generous: an inspection ends as soon as a cause is seen.
PATIENCE = 90


def until(truth: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first non-empty answer, or nothing; errors in between are no answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(HttpError, ApiError):
            if found := truth():
                return found
        time.sleep(0.2)
    return None


def ended(plane: ControlPlane, component: str) -> str:
    """Return the log of a program that has ended; nothing for one that runs."""
    running = plane.programs.running[component].poll() is None
    return "" if running else f"{component} ends: {plane.log(component)}"


def inspect(plane: ControlPlane) -> str:
    """Start all and inspect everything that a deployment relies on; return the first finding, or nothing."""
    plane.etcd.start("m1")
    plane.launch("kube-apiserver")
    for check in (server, admin, strangers, secrets, tokens, nodes, managers):
        if finding := check(plane):
            return finding
    return ""


def server(plane: ControlPlane) -> str:
    """Check whether the server is ready for a client that verifies it."""

    def state() -> str:
        try:
            return "ready" if plane.ask(plane.url + "/readyz").status == 200 else ""
        except HttpError as exc:
            return f"kube-apiserver is not trusted: {exc}" if exc.kind == "tls" else ""

    found = until(lambda: ended(plane, "kube-apiserver") or state())
    return "" if found == "ready" else found or f"kube-apiserver is not ready: {plane.log('kube-apiserver')}"


def admin(plane: ControlPlane) -> str:
    """Check with the administrator's certificate."""

    def state() -> str:
        try:
            return "works" if plane.api().get("/api/v1/namespaces/kube-system") else ""
        except ApiError as exc:
            # The real server accepts no certificate for health, either, where it knows no CA of clients.
            return f"the administrator is refused: {exc}" if "401" in f"{exc.status} {exc}" else ""

    found = until(state)
    return "" if found == "works" else found or "the administrator gets no answer"


def strangers(plane: ControlPlane) -> str:
    """Check without a certificate."""
    return "" if plane.ask(plane.url + "/version").status == 401 else "strangers see more than health"


def secrets(plane: ControlPlane) -> str:
    """Read a Secret without the API."""
    body = {"metadata": {"name": "probe"}, "stringData": {"word": "plain"}}
    plane.api().post("/api/v1/namespaces/default/secrets", body)
    stored = plane.etcd_value("/registry/secrets/default/probe")
    return "" if stored.startswith(b"k8s:enc:") else "Secrets lie unencrypted"


def tokens(plane: ControlPlane) -> str:
    """Send a request with a bootstrap token."""
    data = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    body = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    plane.api().post(SECRETS, body)
    tls = Tls(ca=str(plane.config / "pki/ca.crt"))
    path = plane.url + "/api/v1/nodes"
    # The server needs a moment to read a new token; that it accepts none shows only by waiting.
    if until(lambda: request(path, tls=tls, token="abcdef.0123456789abcdef").status != 401, 10):
        return ""
    return f"bootstrap tokens are not accepted: {plane.log('kube-apiserver')}"


def nodes(plane: ControlPlane) -> str:
    """Change one node as another."""
    api = plane.api()
    for name in ("n1", "n2"):
        api.post("/api/v1/nodes", {"metadata": {"name": name}})
    prefix = plane.cas["ca"].issue("node", "system:node:n1", groups=["system:nodes"])
    node = Api([plane.url], Tls(ca=str(plane.config / "pki/ca.crt"), cert=f"{prefix}.crt", key=f"{prefix}.key"))
    try:
        node.patch("/api/v1/nodes/n2", {"metadata": {"labels": {"a": "b"}}})
    except ApiError as exc:
        return "" if exc.status == 403 else str(exc)
    return "a node changes another"


def managers(plane: ControlPlane) -> str:
    """Start the others and check that they lead and work."""
    for component in COMPONENTS[1:]:
        plane.launch(component)
    api = plane.api()
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
    for component in COMPONENTS[1:]:
        held = until(lambda name=component: ended(plane, name) or api.find(lease + name))
        if not held or ended(plane, component):
            return f"{component} does not lead: {plane.log(component)}"
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
    manager = "kube-controller-manager"
    signed = until(lambda: ended(plane, manager) or (api.get(f"{CSRS}/probe").get("status") or {}).get("certificate"))
    if not signed or ended(plane, manager):
        return f"approved requests are not signed: {plane.log(manager)}"
    if not until(lambda: api.get("/api/v1/nodes/n1")["spec"].get("podCIDR")):
        return f"nodes get no pod range: {plane.log(manager)}"
    published = until(lambda: api.find("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")) or {"data": {}}
    expected = (plane.config / "pki/ca.crt").read_text()
    return "" if published["data"].get("ca.crt") == expected else f"pods would trust {published['data'].get('ca.crt')}"

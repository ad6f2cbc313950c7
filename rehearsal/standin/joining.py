# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a kubelet joins: with a token it asks for a certificate, waits for approval, and is its node from then on."""

from __future__ import annotations

import base64
import datetime
import json
import os
import time
from pathlib import Path
from typing import Any

from . import x509
from .client import ApiError, Connection, current, from_kubeconfig
from .flags import Refusal
from .server import log

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def joined(name: str, path: str, first: str, directory: Path) -> Connection:
    """Return the API by a node's own kubeconfig, made by means of the first one where it is no use yet."""
    if not _usable(path):
        if not first or not Path(first).is_file():
            problem = f"unable to load bootstrap kubeconfig: stat {first}: no such file or directory"
            raise Refusal(f"failed to run Kubelet: {problem}")
        _bootstrap(name, first, path, directory)
    return from_kubeconfig(path, "kubelet")


def _usable(path: str) -> bool:
    """Say whether a kubeconfig has a client certificate that is good now."""
    try:
        certificate = x509.certificates(from_kubeconfig(path, "kubelet").files.cert)[0]
    except Refusal:
        return False
    return bool(certificate.not_valid_after > x509.now())


def _bootstrap(node: str, first: str, path: str, directory: Path) -> None:
    """Write the kubeconfig, as the kubelet does first, ask for its client certificate and wait for it."""
    link = directory / "kubelet-client-current.pem"
    _write(Path(path), json.dumps(own_kubeconfig(first, str(link))).encode())
    api = from_kubeconfig(first, "kubelet")
    key, request = x509.request(f"system:node:{node}", "system:nodes")
    asked = {"request": base64.b64encode(request).decode(), "signerName": x509.CLIENT}
    spec = {**asked, "usages": ["digital signature", "client auth"]}
    head = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    body = {**head, "metadata": {"generateName": "node-csr-"}, "spec": spec}
    name = _until(lambda: api.send("POST", CSRS, body))["metadata"]["name"]
    pem = _until(lambda: _issued(api.send("GET", f"{CSRS}/{name}")))
    made = directory / f"kubelet-client-{datetime.datetime.now():%Y-%m-%d-%H-%M-%S}.pem"
    _write(made, pem + key)
    link.unlink(missing_ok=True)
    link.symlink_to(made)


def own_kubeconfig(first: str, pair: str) -> dict[str, Any]:
    """Return the kubeconfig that takes the place of the first one: the same cluster, but our own certificate."""
    cluster, _user = current(first)
    names = ("server", "certificate-authority", "certificate-authority-data")
    entry = {name: cluster[name] for name in names if name in cluster}
    context = {"cluster": "default-cluster", "namespace": "default", "user": "default-auth"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": entry}],
        "contexts": [{"name": "default-context", "context": context}],
        "current-context": "default-context",
        "users": [{"name": "default-auth", "user": {"client-certificate": pair, "client-key": pair}}],
    }


def _issued(csr: dict[str, Any]) -> bytes:
    """Return the certificate of a request; nothing yet, or Refusal when it was denied."""
    status = csr.get("status") or {}
    if any(condition["type"] == "Denied" for condition in status.get("conditions") or []):
        raise Refusal("failed to run Kubelet: cannot create certificate signing request: denied")
    return base64.b64decode(status.get("certificate") or "")


def _until(ask: Any) -> Any:
    """Return the first answer that is something; the API may be away, and approval takes its time."""
    while True:
        try:
            if answer := ask():
                return answer
        except ApiError as exc:
            log("E", f'"Failed while requesting a signed certificate from the control plane" err="{exc}"')
        time.sleep(1)


def _write(path: Path, content: bytes) -> None:
    """Write a private file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:  # noqa: PTH123
        stream.write(content)

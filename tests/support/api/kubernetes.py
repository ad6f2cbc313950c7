# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server with a signing controller-manager, on loopback."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.api.programs import BINARIES, Issuer, Programs, RealEtcd, binary, free_ports, pem_key
from tests.support.roles.master import single

AUTHENTICATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": p} for p in ("/livez", "/readyz", "/healthz")]},
}


class RealKubernetes:
    """One apiserver, one etcd member, one controller-manager."""

    def __init__(self, directory: Path, binaries: Path = BINARIES) -> None:
        """Create certificates, keys and configuration."""
        self.directory, self.binaries = directory, binaries
        self.etcd = RealEtcd(directory, size=1, binaries=binaries)
        self.programs = Programs(directory)
        self.ca = Issuer(directory / "pki", "kubernetes-ca")
        hosts = ["127.0.0.1", "localhost", "kubernetes", "10.96.0.1"]
        self.serving = self.ca.issue("apiserver", "kube-apiserver", hosts=hosts)
        self.admin = self.ca.issue("admin", "admin", groups=["system:masters"])
        self.manager = self.ca.issue("controller-manager", "system:kube-controller-manager")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (directory / "sa.key").write_bytes(pem_key(key))
        (directory / "sa.pub").write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        (directory / "authentication.json").write_text(json.dumps(AUTHENTICATION))
        (directory / "audit-policy.yaml").write_text(single().file("audit-policy.yaml"))
        self.port, self.manager_port = free_ports(2)
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = self.write_kubeconfig("admin", self.admin)
        self.manager_kubeconfig = self.write_kubeconfig("manager", self.manager)

    def binary(self, name: str) -> Path:
        """Return the path of one of its programs."""
        return binary(name, self.binaries) or Path(name)

    def arguments(self) -> dict[str, Any]:
        """Return the module arguments for this API."""
        return {
            "servers": [self.url],
            "ca": str(self.ca.ca),
            "cert": f"{self.admin}.crt",
            "key": f"{self.admin}.key",
        }

    def api(self, prefix: Path | None = None) -> Api:
        """Return a client with the administrator's certificate, or another one."""
        prefix = prefix or self.admin
        return Api([self.url], Tls(ca=str(self.ca.ca), cert=f"{prefix}.crt", key=f"{prefix}.key"))

    def write_kubeconfig(self, name: str, prefix: Path) -> Path:
        """Write a kubeconfig with embedded credentials."""

        def data(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        path = self.directory / f"{name}.conf"
        user = {
            "client-certificate-data": data(prefix.with_suffix(".crt")),
            "client-key-data": data(prefix.with_suffix(".key")),
        }
        cluster = {"server": self.url, "certificate-authority-data": data(self.ca.ca)}
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "real", "cluster": cluster}],
                    "users": [{"name": name, "user": user}],
                    "contexts": [{"name": name, "context": {"cluster": "real", "user": name}}],
                    "current-context": name,
                }
            )
        )
        path.chmod(0o600)
        return path

    def start(self) -> None:
        """Start all programs and wait until the API is ready."""
        self.etcd.start(self.etcd.names[0])
        self.programs.start("kube-apiserver", self._apiserver())
        self.programs.wait_until("kube-apiserver", self.ready)
        self.start_manager()

    def start_manager(self) -> None:
        """Start the controller-manager: it signs approved CSRs and holds its lease."""
        self.programs.start("kube-controller-manager", self._manager())

    def restart_manager(self) -> None:
        """Start the controller-manager again: it ends when it cannot renew its lease."""
        self.programs.stop("kube-controller-manager")
        self.start_manager()

    def stop(self) -> None:
        """End all programs."""
        self.programs.stop_all()
        self.etcd.programs.stop_all()

    def ready(self) -> bool:
        """Return whether the API reports ready."""
        try:
            return request(self.url + "/readyz", tls=Tls(ca=str(self.ca.ca))).status == 200
        except HttpError:
            return False

    def _apiserver(self) -> list[str | Path]:
        """Return the command line, as close to the role's as loopback allows."""
        return [
            self.binary("kube-apiserver"),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--etcd-servers={self.etcd.endpoints[0]}",
            f"--etcd-cafile={self.etcd.ca.ca}",
            f"--etcd-certfile={self.etcd.client}.crt",
            f"--etcd-keyfile={self.etcd.client}.key",
            f"--tls-cert-file={self.serving}.crt",
            f"--tls-private-key-file={self.serving}.key",
            f"--client-ca-file={self.ca.ca}",
            f"--authentication-config={self.directory / 'authentication.json'}",
            f"--audit-policy-file={self.directory / 'audit-policy.yaml'}",
            f"--audit-log-path={self.directory / 'audit.log'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--enable-bootstrap-token-auth=true",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.directory / 'sa.pub'}",
            f"--service-account-signing-key-file={self.directory / 'sa.key'}",
        ]

    def _manager(self) -> list[str | Path]:
        """Return the command line of a controller-manager that renews its lease often."""
        return [
            self.binary("kube-controller-manager"),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.manager_port}",
            f"--kubeconfig={self.manager_kubeconfig}",
            f"--cluster-signing-cert-file={self.ca.ca}",
            f"--cluster-signing-key-file={self.ca.ca_key}",
            f"--root-ca-file={self.ca.ca}",
            f"--service-account-private-key-file={self.directory / 'sa.key'}",
            "--use-service-account-credentials=true",
        ]


def expired(cluster: RealKubernetes, prefix: str) -> Path:
    """Write an administrator's certificate that has expired."""
    path = cluster.ca.issue(prefix, "admin", groups=["system:masters"])
    expire(cluster, path)
    return path


def expire(cluster: RealKubernetes, path: Path) -> None:
    """Replace a certificate by one that has expired."""
    old = x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
    builder = builder.not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(
        now - datetime.timedelta(days=1)
    )
    made = builder.sign(cluster.ca.key, hashes.SHA256())
    path.with_suffix(".crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))

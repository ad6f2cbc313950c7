# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA below ca signs for kubelets in a real controller-manager; a real API server accepts it, and both CAs."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import split, trusted
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.api.joining import CSRS
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import need_programs, pem_key

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"


class WithIntermediate(RealKubernetes):
    """The masters have kubelet-ca with its key, and of ca only the certificates."""

    def __init__(self, directory: Path) -> None:
        """Create ca as the role does, in the middle of a rotation, and kubelet-ca below it."""
        super().__init__(directory)
        ensure = Reconciler(Store(str(directory / "own")), None, False, 0.3, False)
        ensure.ca({"name": "ca"})
        Rotation(ensure).advance("trust", [{"name": "ca"}], [])
        ensure.ca({"name": "kubelet-ca", "signed_by": "ca", "usages": ["client auth"], "path_length": 0})
        self.root, self.signer = directory / "own/ca.crt", directory / "own/kubelet-ca"
        # The program's own administrator is of the test's CA.
        parts = [self.ca.ca, self.root, self.signer.with_suffix(".crt")]
        self.client_ca = directory / "client-ca.crt"
        self.client_ca.write_bytes(trusted(b"".join(path.read_bytes() for path in parts)))

    def _apiserver(self) -> list[str | Path]:
        """Return the command line with the clients' CAs in a file of their own."""
        return [*super()._apiserver(), f"--client-ca-file={self.client_ca}"]

    def _manager(self) -> list[str | Path]:
        """Return the command line with a signer for kubelets and no other."""
        line = [item for item in super()._manager() if "cluster-signing" not in str(item)]
        flag = "--cluster-signing-kubelet-client"
        return [*line, f"{flag}-cert-file={self.signer}.crt", f"{flag}-key-file={self.signer}.key"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithIntermediate]:
    """Return the running programs."""
    need_programs("etcd", "kube-apiserver", "kube-controller-manager")
    made = WithIntermediate(tmp_path_factory.mktemp("intermediate"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def requested(cluster: WithIntermediate, signer: str, usages: list[str]) -> tuple[str, ec.EllipticCurvePrivateKey]:
    """Request a kubelet's certificate, approve it, and return the CSR's path and the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = ((NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node:n1"))
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    spec = {"request": base64.b64encode(pem).decode(), "signerName": signer, "usages": usages}
    api = cluster.api()
    made: dict[str, Any] = api.post(CSRS, {"metadata": {"generateName": "test-"}, "spec": spec})
    made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}
    path = f"{CSRS}/{made['metadata']['name']}"
    api.put(f"{path}/approval", made)
    return path, key


def test_a_kubelet_gets_a_certificate_that_the_api_server_accepts(cluster: WithIntermediate, tmp_path: Path) -> None:
    path, key = requested(cluster, SIGNER, ["digital signature", "client auth"])
    issued, found = wait_until(lambda: cluster.api().get(path), lambda it: "certificate" in it["status"], timeout=60)
    assert issued, found
    prefix = tmp_path / "kubelet"
    prefix.with_suffix(".crt").write_bytes(base64.b64decode(found["status"]["certificate"]))
    prefix.with_suffix(".key").write_bytes(pem_key(key))
    who = cluster.api(prefix).post(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    assert who["status"]["userInfo"]["username"] == "system:node:n1"
    # openssl agrees, for clients and for nothing else.
    verify = ["openssl", "verify", "-CAfile", str(cluster.root), "-untrusted", f"{cluster.signer}.crt", "-purpose"]
    codes = [
        subprocess.run([*verify, purpose, f"{prefix}.crt"], capture_output=True, check=False).returncode
        for purpose in ("sslclient", "sslserver")
    ]
    assert codes[0] == 0 and codes[1] != 0


def test_nothing_else_is_signed(cluster: WithIntermediate) -> None:
    """A client that is no kubelet gets no certificate: the controller-manager has no key for it."""
    path, _key = requested(cluster, "kubernetes.io/kube-apiserver-client", ["digital signature", "client auth"])
    issued, _found = wait_until(lambda: cluster.api().get(path), lambda it: "certificate" in it["status"], timeout=5)
    assert not issued
    assert len(split(cluster.root.read_bytes())) == 2

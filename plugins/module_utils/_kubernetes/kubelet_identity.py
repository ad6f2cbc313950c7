# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubelet's first client certificate, in the files that the kubelet uses and rotates."""

from __future__ import annotations

import os
from datetime import datetime, timezone

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key, same_public_key

# Where a kubelet that does not rotate its certificate keeps the key of a request, too.
PENDING = "kubelet-client.key.tmp"
CURRENT = "kubelet-client-current.pem"


def request(directory: str, node: str) -> str:
    """Generate a pending key, and return its CSR (PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    _ensure_directory(directory)
    key = new_key(KeySpec("ecdsa", 256))
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node}"),
    ]
    try:
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    except ValueError as exc:
        raise HardwayError(f"node {node}: no certificate can have this name: {exc}; choose a shorter one") from exc
    atomic_files.write(os.path.join(directory, PENDING), key_pem(key), mode=0o600)
    return str(request.public_bytes(serialization.Encoding.PEM).decode())


def install(directory: str, certificate: str, node: str, now: datetime | None = None) -> str:
    """Install a certificate with the pending key where the kubelet expects them; return the path."""
    from cryptography.hazmat.primitives import serialization

    pending = os.path.join(directory, PENDING)
    data = atomic_files.read(pending)
    if data is None:
        raise HardwayError(f"{pending}: the key of the certificate is missing; run again")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as exc:
        raise HardwayError(f"{pending}: the key of the certificate cannot be read; run again") from exc
    what = f"certificate of node {node}"
    issued = load_certificate(certificate.encode(), what)
    if not same_public_key(issued.public_key(), key.public_key()):
        raise HardwayError(f"{what}: it is not for the key on this host; run again")
    stamp = (now or datetime.now(timezone.utc)).strftime("%Y-%m-%d-%H-%M-%S")
    pair = os.path.join(directory, f"kubelet-client-{stamp}.pem")
    atomic_files.write(pair, certificate.strip().encode() + b"\n" + data, mode=0o600)
    _point(os.path.join(directory, CURRENT), pair)
    atomic_files.forget(pending)
    return pair


def _ensure_directory(directory: str) -> None:
    """Ensure the kubelet's directory with mode 0700."""
    try:
        if not os.path.isdir(directory):
            os.makedirs(directory, exist_ok=True)
            os.chmod(directory, 0o700)
    except OSError as exc:
        raise HardwayError(f"{directory}: cannot be created: {exc.strerror}; inspect what is in its place") from exc


def _point(link: str, target: str) -> None:
    """Point the link at the target atomically; the kubelet requires a link."""
    temporary = f"{link}.hardway"
    atomic_files.forget(temporary)
    try:
        os.symlink(target, temporary)
        os.replace(temporary, link)
    except OSError as exc:
        raise HardwayError(f"{link}: cannot be created: {exc.strerror}; inspect what is in its place") from exc
    atomic_files.sync_directory(os.path.dirname(link))

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each signer of the controller-manager signs, and in which words it refuses the rest. Pure."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
ANY_CLIENT = "kubernetes.io/kube-apiserver-client"
# The flags of a signer begin with cluster-signing and this.
SIGNERS = {CLIENT: "kubelet-client", SERVING: "kubelet-serving", ANY_CLIENT: "kube-apiserver-client"}
OPTIONAL = {"digital signature", "key encipherment"}
KINDS = {"DNS": x509.DNSName, "IP": x509.IPAddress, "Email": x509.RFC822Name, "URI": x509.UniformResourceIdentifier}


def problem(signer: str, pem: bytes, usages: list[str]) -> str:
    """Return why a signer does not sign a request; nothing when it does."""
    if signer == ANY_CLIENT:
        wrong = [usage for usage in usages if usage not in {*OPTIONAL, "client auth"}]
        if wrong:
            return f"invalid usage for client certificate: {wrong[0]}"
        return "" if "client auth" in usages else "missing required usage for client certificate: client auth"
    return _of_kubelet(signer, x509.load_pem_x509_csr(pem), usages)


def _of_kubelet(signer: str, request: Any, usages: list[str]) -> str:
    """Return why a request is none of a kubelet, for its own client or its own server."""
    serving, names = signer == SERVING, _names(request)
    texts = {oid: [str(a.value) for a in request.subject.get_attributes_for_oid(oid)] for oid in
             (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)}  # fmt: skip
    if texts[NameOID.ORGANIZATION_NAME] != ["system:nodes"]:
        return "subject organization is not system:nodes"
    if not "".join(texts[NameOID.COMMON_NAME]).startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    if serving and not {"DNS", "IP"} & names:
        return "DNS or IP subjectAltName is required"
    if wrong := [kind for kind in KINDS if kind in names and not (serving and kind in ("DNS", "IP"))]:
        return f"{wrong[0]} subjectAltNames are not allowed"
    wanted = {"digital signature", "server auth" if serving else "client auth"}
    if {*usages} - {"key encipherment"} != wanted:
        return f"usages did not match [{' '.join(sorted({*wanted, *OPTIONAL}))}]"
    return ""


def _names(request: Any) -> set[str]:
    """Return the kinds of alternative names in a request."""
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {kind for kind, known in KINDS.items() if any(isinstance(name, known) for name in found)}

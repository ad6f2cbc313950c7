# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate requests of nodes are true, which lie, and which are none of our business; no I/O."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
BOOTSTRAPPER = re.compile(r"system:bootstrap:[a-z0-9]{6}")
NODE = "system:node:"
USAGES = {
    CLIENT: {"digital signature", "client auth"},
    SERVING: {"digital signature", "server auth"},
}


@dataclass(frozen=True)
class Decision:
    """What to do with one request: approve, deny or leave; for whom, and why."""

    verdict: str
    node: str
    reason: str


@dataclass(frozen=True)
class Claims:
    """What a certificate request says of its maker."""

    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    other_attributes: int = 0
    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    other_names: int = 0
    errors: tuple[str, ...] = field(default=())


def claims_of(request: str) -> Claims:
    """Return the claims of spec.request (base64 of PEM); what cannot be read is an error among them."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        parsed = x509.load_pem_x509_csr(base64.b64decode(request))
        if not parsed.is_signature_valid:
            return Claims(errors=("its signature is not by its own key",))
        names = _alternative_names(x509, parsed)
    except Exception as exc:
        # Hostile input: whatever the parser raises means that the request is not to be signed.
        return Claims(errors=(f"it cannot be read: {type(exc).__name__}",))
    subject = list(parsed.subject)
    common = tuple(str(a.value) for a in subject if a.oid == NameOID.COMMON_NAME)
    organizations = tuple(str(a.value) for a in subject if a.oid == NameOID.ORGANIZATION_NAME)
    dns = tuple(n.value for n in names if isinstance(n, x509.DNSName))
    addresses = tuple(str(n.value) for n in names if isinstance(n, x509.IPAddress))
    return Claims(
        common_names=common,
        organizations=organizations,
        other_attributes=len(subject) - len(common) - len(organizations),
        dns=dns,
        addresses=addresses,
        other_names=len(names) - len(dns) - len(addresses),
    )


def _alternative_names(x509: Any, parsed: Any) -> list[Any]:
    """Return the subject alternative names of the request."""
    try:
        return list(parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def decide(
    csr: Mapping[str, Any],
    nodes: Mapping[str, Sequence[str]],
    signers: Sequence[str] = (CLIENT, SERVING),
    claims: Optional[Claims] = None,
) -> Decision:
    """Return the decision on a pending request; ``nodes`` maps each expected name to its names and addresses."""
    spec = csr["spec"]
    signer = spec.get("signerName", "")
    requester = spec.get("username", "")
    if signer not in signers or signer not in USAGES:
        return Decision("leave", "", f"signer {signer} is not ours")
    origin = _origin(requester, spec.get("groups") or [])
    if not origin:
        return Decision("leave", "", f"requested by {requester}, neither a bootstrap token nor a node")
    told = claims if claims is not None else claims_of(spec.get("request", ""))
    node = told.common_names[0][len(NODE) :] if told.common_names and told.common_names[0].startswith(NODE) else ""
    lies = list(told.errors) or _lies(signer, requester, origin, set(spec.get("usages") or []), told)
    if lies:
        return Decision("deny", node, "; ".join(lies))
    if node not in nodes:
        return Decision("leave", node, f"node {node} is not expected; add it to the inventory, or deny the request")
    foreign = _foreign_names(told, node, nodes[node]) if signer == SERVING else []
    if foreign:
        return Decision("deny", node, f"{', '.join(foreign)} is no name or address of node {node}")
    return Decision("approve", node, f"true to the inventory, requested by {requester}")


def _origin(requester: str, groups: Sequence[str]) -> str:
    """Return 'bootstrapper' or 'node' for identities that may ask for node certificates, else nothing."""
    if BOOTSTRAPPER.fullmatch(requester) and "system:bootstrappers" in groups:
        return "bootstrapper"
    return "node" if requester.startswith(NODE) and "system:nodes" in groups else ""


def _lies(signer: str, requester: str, origin: str, usages: set[str], told: Claims) -> list[str]:
    """Return every claim that is false or that the signer does not allow."""
    lies = []
    common = told.common_names[0] if len(told.common_names) == 1 else ""
    if not common.startswith(NODE) or common == NODE:
        lies.append(f"its common name is '{', '.join(told.common_names)}', not system:node:<name>")
    elif origin == "node" and common != requester:
        lies.append(f"{requester} asks for the identity {common}")
    if told.organizations != ("system:nodes",):
        lies.append(f"its organization is '{', '.join(told.organizations)}', not system:nodes")
    if told.other_attributes:
        lies.append("its subject has attributes beside common name and organization")
    if usages - {"key encipherment"} != USAGES[signer]:
        lies.append(f"its usages are {', '.join(sorted(usages)) or 'none'}, not {', '.join(sorted(USAGES[signer]))}")
    return lies + _misplaced_names(signer, origin, told)


def _misplaced_names(signer: str, origin: str, told: Claims) -> list[str]:
    """Return what is wrong with the presence of alternative names, and with who asks for them."""
    present = bool(told.dns or told.addresses)
    if signer == CLIENT:
        return ["a client certificate has no alternative names"] if present or told.other_names else []
    lies = []
    if origin != "node":
        lies.append("only the node itself may ask for its serving certificate")
    if not present:
        lies.append("it names neither a DNS name nor an address")
    if told.other_names:
        lies.append("it has alternative names that are neither DNS names nor addresses")
    return lies


def _foreign_names(told: Claims, node: str, allowed: Sequence[str]) -> list[str]:
    """Return the alternative names that are not the node's."""
    own = {_normal(name) for name in (node, *allowed)}
    return [name for name in (*told.dns, *told.addresses) if _normal(name) not in own]


def _normal(name: str) -> str:
    """Return a name or address in the one form in which it is compared."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()

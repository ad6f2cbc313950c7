# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which CSRs of nodes to approve, deny or leave. No I/O.

Any client that may create CSRs writes them, so every byte of one is hostile input: whatever a parser does with it, the
outcome is a reason to deny that one request.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import readable
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_digest

CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
BOOTSTRAPPER = re.compile(r"system:bootstrap:[a-z0-9]{6}")
NODE = "system:node:"
USAGES = {
    CLIENT: {"digital signature", "client auth"},
    SERVING: {"digital signature", "server auth"},
}
# A kubelet's CSR has about 500 bytes; SANs of a serving certificate add some.
LARGEST = 64 * 1024
# Limits of untrusted text in messages.
SHOWN = 100


@dataclass(frozen=True)
class Decision:
    """What to do with one request: approve, deny or leave; for whom, and why."""

    verdict: str
    node: str
    reason: str
    # Digest of the key of what is approved.
    key: str = ""


@dataclass(frozen=True)
class Claims:
    """The claims in a CSR."""

    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    other_attributes: int = 0
    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    other_names: int = 0
    errors: tuple[str, ...] = field(default=())
    # SHA-256 of the public key, in hexadecimal digits.
    key: str = ""


def claims_of(request: str) -> Claims:
    """Return the claims of spec.request (base64 of PEM); what cannot be read is an error among them."""
    if len(request) > LARGEST:
        return Claims(errors=(f"it has {len(request)} characters, more than {LARGEST}",))
    try:
        # What Request.parse does not read may fail, too, and make the library warn on standard error.
        with readable("it cannot be read"):
            return _claims(Request.parse(base64.b64decode(request), "it", "").content)
    except HardwayError as exc:
        return Claims(errors=(str(exc).rstrip("; "),))


def _claims(parsed: Any) -> Claims:
    """Return the claims of a validated CSR."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    names = list(extension_of(parsed, "SubjectAlternativeName") or [])
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
        key=key_digest(parsed.public_key()),
    )


def shown(text: str) -> str:
    """Return untrusted text for display: shortened, on one line, without control characters."""
    safe = "".join(letter if letter.isprintable() else "?" for letter in text[: SHOWN + 1])
    return safe if len(safe) <= SHOWN else f"{safe[:SHOWN]}..."


def decide(
    csr: Mapping[str, Any],
    nodes: Mapping[str, Sequence[str]],
    signers: Sequence[str] = (CLIENT, SERVING),
    claims: Optional[Claims] = None,
    *,
    keys: Optional[Mapping[str, str]] = None,
    requesters: Sequence[str] = (),
) -> Decision:
    """Return the decision on a pending request.

    ``nodes`` maps each expected node to its names and addresses, ``keys`` those whose key is known to its digest.
    Where ``requesters`` are given, no other bootstrap token is good for a client certificate.
    """
    spec = csr["spec"]
    signer = spec.get("signerName", "")
    requester = spec.get("username", "")
    if signer not in signers or signer not in USAGES:
        return Decision("leave", "", f"signer {signer} is not ours")
    origin = _origin(requester, spec.get("groups") or [])
    if not origin:
        return Decision("leave", "", f"requested by {shown(requester)}, neither a bootstrap token nor a node")
    stated = claims if claims is not None else claims_of(spec.get("request", ""))
    node = (
        stated.common_names[0][len(NODE) :] if stated.common_names and stated.common_names[0].startswith(NODE) else ""
    )
    wrong = list(stated.errors) or _wrong_claims(signer, requester, origin, set(spec.get("usages") or []), stated)
    if wrong:
        return Decision("deny", shown(node), "; ".join(wrong))
    if node not in nodes:
        reason = f"node {shown(node)} is not expected; add it to the inventory, or deny the request"
        return Decision("leave", shown(node), reason)
    if signer == SERVING:
        foreign = _foreign_names(stated, node, nodes[node])
        if foreign:
            return Decision("deny", node, f"{shown(', '.join(foreign))} is not a name or address of node {node}")
    elif origin == "node" and keys and node in keys and stated.key != keys[node]:
        return Decision("leave", node, "a renewal by the node itself, which kube-controller-manager approves")
    elif origin == "bootstrapper":
        strange = _why_foreign(node, requester, stated.key, keys or {}, requesters)
        if strange:
            return Decision("deny", node, strange)
    return Decision("approve", node, f"matches the inventory, requested by {requester}", stated.key)


def _why_foreign(
    node: str, requester: str, key: str, keys: Mapping[str, str], requesters: Sequence[str]
) -> Optional[str]:
    """Return why the user of a bootstrap token is not the claimed node, as far as that is known."""
    if node in keys and key != keys[node]:
        return f"its key is not the one on node {node}"
    if requesters and requester not in requesters:
        return f"requested by {requester}, which is not among the expected requesters"
    return None


def one_key_each(decided: Mapping[str, Decision], given: Mapping[str, str]) -> dict[str, Decision]:
    """Return the decisions so that no node gets certificates for two keys; ``given`` has earlier keys.

    Of several keys for one node at most one is the node's own, and it is unknown which: none of them is approved.
    """
    asked: dict[str, set[str]] = {}
    for decision in decided.values():
        if decision.verdict == "approve" and decision.key:
            asked.setdefault(decision.node, set()).add(decision.key)
    found = dict(decided)
    for name, decision in decided.items():
        node = decision.node
        if decision.verdict != "approve" or not decision.key:
            continue
        if given.get(node, decision.key) != decision.key:
            found[name] = Decision("deny", node, f"node {node} has a certificate for another key from this run")
        elif node not in given and len(asked[node]) > 1:
            found[name] = Decision("deny", node, f"{len(asked[node])} different keys in the CSRs for node {node}")
    return found


def problems_of(request: str, node: str) -> tuple[list[str], str]:
    """Return the problems of a CSR (PEM) from a node's host, and the digest of its key."""
    stated = claims_of(base64.b64encode(request.encode()).decode())
    wanted = f"{NODE}{node}"
    wrong = list(stated.errors) or _wrong_claims(CLIENT, wanted, "node", USAGES[CLIENT], stated)
    return wrong, stated.key


def _origin(requester: str, groups: Sequence[str]) -> str:
    """Return 'bootstrapper' or 'node' for identities that may ask for node certificates, else nothing."""
    if BOOTSTRAPPER.fullmatch(requester) and "system:bootstrappers" in groups:
        return "bootstrapper"
    return "node" if requester.startswith(NODE) and "system:nodes" in groups else ""


def _wrong_claims(signer: str, requester: str, origin: str, usages: set[str], stated: Claims) -> list[str]:
    """Return all claims that are wrong or that the signer does not allow."""
    wrong = []
    common = stated.common_names[0] if len(stated.common_names) == 1 else ""
    if not common.startswith(NODE) or common == NODE:
        wrong.append(f"its common name is '{shown(', '.join(stated.common_names))}', not system:node:<name>")
    elif origin == "node" and common != requester:
        wrong.append(f"{shown(requester)} requests the identity {shown(common)}")
    if stated.organizations != ("system:nodes",):
        wrong.append(f"its organization is '{shown(', '.join(stated.organizations))}', not system:nodes")
    if stated.other_attributes:
        wrong.append("its subject has attributes beside common name and organization")
    if usages - {"key encipherment"} != USAGES[signer]:
        wrong.append(
            f"its usages are {shown(', '.join(sorted(usages))) or 'none'}, not {', '.join(sorted(USAGES[signer]))}"
        )
    return wrong + _misplaced_names(signer, origin, stated)


def _misplaced_names(signer: str, origin: str, stated: Claims) -> list[str]:
    """Return SANs that must not exist or are missing, and whether this user may request them."""
    present = bool(stated.dns or stated.addresses)
    if signer == CLIENT:
        return ["a client certificate must not have SANs"] if present or stated.other_names else []
    wrong = []
    if origin != "node":
        wrong.append("only the node itself may request its serving certificate")
    if not present:
        wrong.append("it has neither a DNS name nor an address as SAN")
    if stated.other_names:
        wrong.append("it has SANs that are neither DNS names nor addresses")
    return wrong


def _foreign_names(stated: Claims, node: str, allowed: Sequence[str]) -> list[str]:
    """Return the SANs that do not belong to the node."""
    own = {_normal(name) for name in (node, *allowed)}
    return [name for name in (*stated.dns, *stated.addresses) if _normal(name) not in own]


def _normal(name: str) -> str:
    """Return a name or address in the one form in which it is compared."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()

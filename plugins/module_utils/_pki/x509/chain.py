# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and verifies the chain from a certificate to a root CA, as `cfssl bundle` does. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import SubjectAltName
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import signed_by, validity
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.constraints import san_violation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import flat_name, sans_of

_ANY = "2.5.29.37.0"

Path = tuple[Any, ...]


def chain_to_root(what: str, leaf: Any, above: Sequence[Any], roots: Sequence[Any], now: datetime) -> list[Any]:
    """Return the certificates from leaf to a root: the shortest chain, and of several that which is valid longest.

    ``what`` names the leaf in the error with the reason why there is no such chain.
    """
    why: list[str] = []
    _note(why, _why_not_valid(leaf, now))
    paths: list[Path] = [] if why else [(leaf,)]
    while paths:
        complete = [path for path in paths if path[-1] in roots]
        if complete:
            best = max(complete, key=end_of)
            return list(best)
        paths = [longer for path in paths for longer in _longer(path, [*roots, *above], now, why)]
    raise HardwayError(f"{what}: no chain leads from it to a root: {'; '.join(why)}; add the certificates between")


def end_of(path: Sequence[Any]) -> datetime:
    """Return when the first certificate of a chain expires."""
    return min(validity(certificate)[1] for certificate in path)


def _longer(path: Path, known: Sequence[Any], now: datetime, why: list[str]) -> list[Path]:
    """Return the path extended by each certificate that signed its last one; note why others did not."""
    last = path[-1]
    signers = [item for item in dict.fromkeys(known) if item not in path and signed_by(last, item)]
    if not signers:
        _note(why, f"none of the given certificates signed {_name(last.subject)} of {_name(last.issuer)}")
    found = []
    for signer in signers:
        reason = _why_not_valid(signer, now) or _why_not_signer(signer, path)
        _note(why, reason)
        if not reason:
            found.append((*path, signer))
    return found


def _why_not_valid(certificate: Any, now: datetime) -> str:
    """Return why a certificate is not valid now."""
    begin, end = validity(certificate)
    if end <= now:
        return f"{_name(certificate.subject)} expired at {stamp(end)}"
    return f"{_name(certificate.subject)} is not valid before {stamp(begin)}" if begin > now else ""


def _why_not_signer(signer: Any, below: Path) -> str:
    """Return why a CA may not sign the chain below it."""
    name, constraints = _name(signer.subject), extension_of(signer, "BasicConstraints")
    usage = extension_of(signer, "KeyUsage")
    if not (constraints and constraints.ca) or (usage and not usage.key_cert_sign):
        return f"{name} is not a CA that may sign certificates"
    # Self-issued certificates do not count.
    depth = sum(item.issuer != item.subject for item in below[1:])
    if constraints.path_length is not None and depth > constraints.path_length:
        return f"{name} allows {constraints.path_length} CAs below it, not {depth}"
    if not _purposes((*below, signer)):
        return f"{name} is for other purposes than the certificate it signed"
    for item in below:
        sans = [SubjectAltName(kind, value) for kind, _colon, value in (san.partition(":") for san in sans_of(item))]
        if reason := san_violation(sans, signer):
            return f"{name}: {reason}"
    return ""


def _purposes(path: Path) -> bool:
    """Return whether all certificates of a path have a common purpose; without extended usages all are allowed."""
    found = [extension_of(item, "ExtendedKeyUsage") for item in path]
    named = [{oid.dotted_string for oid in purposes} for purposes in found if purposes]
    limits = [purposes for purposes in named if _ANY not in purposes]
    return not limits or bool(set.intersection(*limits))


def _name(name: Any) -> str:
    return ",".join(flat_name(name)) or "(no name)"


def _note(why: list[str], reason: str) -> None:
    if reason and reason not in why:
        why.append(reason)

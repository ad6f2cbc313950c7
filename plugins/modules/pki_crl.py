#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_crl."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_crl
short_description: Manage the certificate revocation list (CRL) of a CA
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Issues the CRL of a CA, as C(cfssl gencrl) does, and reissues it when the revoked certificates, the CA or its key
    differ, or when it expires soon.
  - Kubernetes itself does not use CRLs. etcd (C(--client-crl-file), C(--peer-crl-file)) and haproxy do.
  - Existing entries keep their revocation time. The CRL number increases with each issue.
  - Run it where the CAs are stored, usually the controller.
requirements:
  - python3-cryptography 3.4 or newer
attributes:
  check_mode:
    support: full
    description: Predicts whether a CRL would be issued.
  diff_mode:
    support: full
    description: Shows why a CRL is issued.
options:
  ca_dir:
    description: Directory of the CAs, see M(hardway.kubernetes.pki_ca).
    type: path
    required: true
  passphrase:
    description: Passphrase of the CA's key.
    type: str
    default: ""
  ca:
    description: Name of the CA.
    type: str
    required: true
  path:
    description: Path of the CRL (PEM). The default is C(CA.crl) next to the certificate of the CA.
    type: path
  revoked:
    description: Certificates to revoke, each given by either O(revoked[].serial) or O(revoked[].certificate).
    type: list
    elements: dict
    default: []
    suboptions:
      serial:
        description: Serial number (hexadecimal), as in C(issued.jsonl) and shown by openssl.
        type: str
      certificate:
        description: Path of the certificate.
        type: path
      reason:
        description: Reason for the revocation.
        type: str
        choices:
          - unspecified
          - key_compromise
          - ca_compromise
          - affiliation_changed
          - superseded
          - cessation_of_operation
          - certificate_hold
          - privilege_withdrawn
        default: unspecified
  serials_file:
    description: File with decimal serial numbers to revoke as well, one per line, as for C(cfssl gencrl).
    type: path
  expiry:
    description: Validity period of the CRL, for example V(168h) or V(30d).
    type: str
    default: 168h
  renew_before:
    description: Fraction of the validity period, from 0 to 1, at which renewal is due.
    type: float
    default: 0.333
"""

EXAMPLES = r"""
- name: Revoke the certificate of a lost machine
  hardway.kubernetes.pki_crl:
    ca_dir: "{{ cluster_pki_dir }}"
    ca: etcd-ca
    expiry: 30d
    revoked:
      - {serial: 153b0723c47e81, reason: key_compromise}
"""

RETURN = r"""
path:
  description: Path of the CRL.
  returned: success
  type: str
  sample: /home/ops/cluster/pki/etcd/ca.crl
reasons:
  description: Why the CRL was issued.
  returned: success
  type: list
  elements: str
  sample: ["revoked: 153b0723c47e81 key_compromise instead of valid"]
not_after:
  description: When the CRL expires. Empty in check mode if it would be issued.
  returned: success
  type: str
  sample: "2026-11-28T00:55:00Z"
"""

from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import crl
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_REVOKED: dict[str, Any] = {
    "serial": {"type": "str"},
    "certificate": {"type": "path"},
    "reason": {"type": "str", "choices": list(crl.REASONS), "default": "unspecified"},
}
SPEC: dict[str, Any] = {
    "ca_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "ca": {"type": "str", "required": True},
    "path": {"type": "path"},
    "revoked": {"type": "list", "elements": "dict", "options": _REVOKED, "default": []},
    "serials_file": {"type": "path"},
    "expiry": {"type": "str", "default": "168h"},
    "renew_before": {"type": "float", "default": 0.333},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_crl")
    store = Store(params["ca_dir"])
    expiry = parse(params["expiry"], "pki_crl: expiry")
    path = params["path"] or store.stem(params["ca"]) + ".crl"
    with nullcontext() if check else store.locked():
        ca = Issuer.load(store, params["ca"], params["passphrase"] or None)
        ca.check_may_revoke()
        asked = crl.wanted(params["revoked"], _lines(store, params["serials_file"]), store, ca.certificate)
        found = crl.load(store.read(path), ca.certificate)
        reasons = crl.differences(asked, found, datetime.now(timezone.utc), params["renew_before"])
        if reasons and not check:
            data = crl.make(asked, found, ca.certificate, ca.signing_key(), expiry)
            atomic_files.write(path, data, mode=0o644)
            found = crl.load(data, ca.certificate)
    after = "".join(f"{reason}\n" for reason in reasons)
    diff = {"before_header": path, "after_header": path, "before": "", "after": after}
    end = stamp(found.ends) if found and not (reasons and check) else ""
    return {"changed": bool(reasons), "path": path, "reasons": reasons, "not_after": end, "diff": diff}


def _lines(store: Store, path: str | None) -> str:
    """Return the text of the file with serial numbers."""
    data = store.read(path) if path else b""
    if data is None:
        raise HardwayError(f"serials_file {path}: does not exist; give the path of a file with decimal serial numbers")
    return data.decode("utf-8", "replace")


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_sign."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_sign
short_description: Sign CSRs of other programs
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Signs CSRs of programs, appliances or CAs that Ansible does not manage, as C(cfssl sign) does. For hosts of the
    inventory use M(hardway.kubernetes.pki_certificate).
  - Run it where the CAs are stored, usually the controller, or the machine with the key of an offline CA.
  - An existing certificate is kept if it matches the options.
  - Subject and SANs are taken from the CSR unless the task sets them. Usages, validity period and the CA flag come
    only from the profile.
requirements:
  - python3-cryptography 3.4 or newer
attributes:
  check_mode:
    support: full
    description: Predicts what would be signed.
  diff_mode:
    support: full
    description: Shows the fields of certificates.
options:
  ca_dir:
    description: Directory of the CAs, see M(hardway.kubernetes.pki_ca).
    type: path
    required: true
  passphrase:
    description: Passphrase of the CAs' keys.
    type: str
    default: ""
  config:
    description: A C(ca-config.json) of cfssl, absolute path or content.
    type: raw
  profiles:
    description: Custom profiles, as in M(hardway.kubernetes.pki_certificate).
    type: dict
    default: {}
  certificates:
    description: Certificates to issue.
    type: list
    elements: dict
    default: []
    suboptions:
      request:
        description: The CSR, as a path or PEM text.
        type: str
        required: true
      path:
        description: Path of the certificate.
        type: path
        required: true
      ca:
        description: Name of the issuing CA.
        type: str
        required: true
      profile:
        description:
          - V(server), V(client), V(peer) (both), or a profile of O(config) or O(profiles).
          - A profile with C(is_ca) in C(ca_constraint) issues a CA.
        type: str
        default: default
      common_name:
        description: Common name. With this option or O(certificates[].names), the subject of the CSR is ignored.
        type: str
        default: ""
      names:
        description: Other subject fields, as in cfssl.
        type: list
        elements: dict
        default: []
      sans:
        description: SANs instead of those in the CSR.
        type: list
        elements: str
        default: []
      expiry:
        description: Validity period, for example V(2160h) or V(90d). The default is that of the profile, else V(8760h).
        type: str
      chain:
        description: Appends the intermediate CAs, without the root CA, to the certificate.
        type: bool
        default: false
  renew_before:
    description: Fraction of the validity period, from 0 to 1, at which renewal is due.
    type: float
    default: 0.333
  force:
    description: Signs every CSR again.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Sign the CSR of an appliance
  hardway.kubernetes.pki_sign:
    ca_dir: "{{ cluster_pki_dir }}"
    certificates:
      - request: /srv/requests/appliance.csr
        path: /srv/requests/appliance.crt
        ca: ca
        profile: server

- name: Sign a CA of another team
  hardway.kubernetes.pki_sign:
    ca_dir: /media/offline/pki
    config: /media/offline/ca-config.json
    certificates:
      - {request: /media/usb/team.csr, path: /media/usb/team.crt, ca: ca, profile: intermediate}
"""

RETURN = r"""
certificates:
  description: State of each certificate after the task.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: Path., type: str, returned: success, sample: /srv/requests/appliance.crt}
    changed: {description: Whether it was issued., type: bool, returned: success, sample: true}
    reasons: {description: Why., type: list, elements: str, returned: success, sample: ["force: reissue requested"]}
    not_after: {description: End of its validity period., type: str, returned: success, sample: "2027-11-21T00:55:00Z"}
    serial: {description: Serial number (hexadecimal)., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 fingerprint., type: str, returned: success, sample: 90f33d04}
"""

import json
from contextlib import nullcontext
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sign import Sign
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import all_profiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_CERTIFICATE: dict[str, Any] = {
    "request": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "ca": {"type": "str", "required": True},
    "profile": {"type": "str", "default": "default"},
    "common_name": {"type": "str", "default": ""},
    "names": {"type": "list", "elements": "dict", "default": []},
    "sans": {"type": "list", "elements": "str", "default": []},
    "expiry": {"type": "str"},
    "chain": {"type": "bool", "default": False},
}
SPEC: dict[str, Any] = {
    "ca_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "config": {"type": "raw"},
    "profiles": {"type": "dict", "default": {}},
    "certificates": {"type": "list", "elements": "dict", "options": _CERTIFICATE, "default": []},
    "renew_before": {"type": "float", "default": 0.333},
    "force": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_sign")
    store, passphrase = Store(params["ca_dir"]), params["passphrase"] or None
    sign = Sign(store, passphrase, all_profiles(params), params["renew_before"], params["force"], check)
    with nullcontext() if check else store.locked():
        found = [sign.certificate(item) for item in params["certificates"]]
    diff = []
    for item in found:
        texts = {side: json.dumps(text, indent=2) + "\n" for side, text in item.pop("diff").items()}
        if item["changed"]:
            diff.append({"before_header": item["path"], "after_header": item["path"], **texts})
    return {"changed": bool(diff), "certificates": found, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

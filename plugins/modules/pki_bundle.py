#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_bundle
short_description: Build the chain from a certificate to a root CA
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Appends the CAs between a certificate and a root CA to the certificate, as C(cfssl bundle) does, for certificates
    of any origin. For certificates that this collection issues, use
    O(hardway.kubernetes.pki_certificate#module:certificates[].chain).
  - Each step is verified for signature, validity period, CA flag, path length, purposes and name constraints. Of
    several chains the shortest is used, and of equally short ones the one that is valid longest.
  - Writes no file; the result contains the chain.
requirements:
  - python3-cryptography 3.4 or newer, on the host
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  certificate:
    description:
      - The certificate, as a path on the host or PEM text. Further certificates in the same text are used as
        O(intermediates).
    type: str
    required: true
  intermediates:
    description: Intermediate CAs that may be used, each as a path of a PEM file or as PEM text.
    type: list
    elements: str
    default: []
  roots:
    description: Root CAs at which the chain may end, each as a path of a PEM file or as PEM text.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Build the chain that a server must serve
  hardway.kubernetes.pki_bundle:
    certificate: /srv/registry/server.crt
    intermediates: [/srv/company/intermediates.pem]
    roots: [/etc/ssl/certs/ca-certificates.crt]
  register: found

- name: Write it to a file
  hardway.kubernetes.files:
    files:
      - path: /srv/registry/chain.crt
        content: "{{ found.bundle }}"
        mode: "0644"
"""

RETURN = r"""
bundle:
  description: The certificate and its intermediate CAs (PEM), without the root CA.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----…"
root:
  description: The root CA (PEM).
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----…"
not_after:
  description: When the first certificate of the chain expires.
  returned: success
  type: str
  sample: "2027-11-21T00:50:00Z"
certificates:
  description: All certificates of the chain, from the certificate to the root CA.
  returned: success
  type: list
  elements: dict
  contains:
    subject: {description: Subject., type: list, elements: str, returned: success, sample: ["CN=registry"]}
    serial: {description: Serial number (hexadecimal)., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 fingerprint., type: str, returned: success, sample: 90f33d04}
    not_after: {description: End of its validity period., type: str, returned: success, sample: "2027-11-21T00:50:00Z"}
"""

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import unanchored
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    certificates_in,
    require_cryptography,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.chain import chain_to_root, end_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import read

SPEC: dict[str, Any] = {
    "certificate": {"type": "str", "required": True},
    "intermediates": {"type": "list", "elements": "str", "default": []},
    "roots": {"type": "list", "elements": "str", "required": True},
}


def certificates(value: str, what: str) -> tuple[str, list[Any]]:
    """Return the name for errors and the certificates of a file or a PEM text; raise without any."""
    path = os.path.abspath(value)
    text = "-----BEGIN" in value
    data, name = (value.encode(), what) if text else (read(path), path)
    if data is None:
        raise HardwayError(f"{what}: {path} does not exist; give the path of a PEM file or PEM text")
    found = certificates_in(unanchored(data), name)
    if not found:
        raise HardwayError(f"{name}: contains no PEM certificate; give another file or text")
    return name, found


def run(params: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_bundle")
    name, (leaf, *following) = certificates(params["certificate"], "certificate")
    above = [item for value in params["intermediates"] for item in certificates(value, "intermediates")[1]]
    roots = [item for value in params["roots"] for item in certificates(value, "roots")[1]]
    chain = chain_to_root(name, leaf, [*following, *above], roots, datetime.now(timezone.utc))
    pems = [certificate_pem(item).decode() for item in chain]
    facts = [facts_of(item) for item in chain]
    return {
        "changed": False,
        "bundle": "".join(pems[:-1] or pems),
        "root": pems[-1],
        "not_after": stamp(end_of(chain)),
        "certificates": [
            {
                "subject": list(item.subject),
                "serial": item.serial,
                "fingerprint": item.fingerprint,
                "not_after": stamp(item.not_after),
            }
            for item in facts
        ],
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_info
short_description: Report certificates in files, in kubeconfigs and at live endpoints
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reads PEM files, kubeconfigs and directories on the host, and the certificates that listeners serve, including
    their intermediate CAs (except for listeners that support only TLS 1.3).
  - Returns what C(cfssl certinfo) prints, the days left, who uses the certificate, and whether it matches its key.
  - Needs no client certificate, because a listener serves its certificate before it requests one.
  - Can compare a served certificate with a file, which detects services that were not restarted after a renewal.
  - Problems never fail the module, so that a play can collect those of all hosts. Needs one round trip.
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
  files:
    description: Files and directories to read on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - A PEM file with one or more certificates or CSRs, a kubeconfig, or a directory.
          - In a directory, all such files are read recursively, except hidden ones.
          - From a kubeconfig, the embedded certificates and the referenced files are read.
        type: path
        required: true
      required:
        description: Whether a missing file is a problem.
        type: bool
        default: true
      used_by:
        description: Programs that use it, for the report. Several entries for the same file are merged.
        type: list
        elements: str
        default: []
  endpoints:
    description: Listeners whose certificates to read.
    type: list
    elements: dict
    default: []
    suboptions:
      endpoint:
        description: Address or name, and port, for example V(192.0.2.11:6443) or V([2001:db8::1]:6443).
        type: str
        required: true
      server_name:
        description: Server name (SNI). The default is the name in O(endpoints[].endpoint).
        type: str
      path:
        description: File on the host with the certificate that must be served. Any other one is a problem.
        type: path
      shared:
        description:
          - Several hosts serve this endpoint, such as a virtual IP. O(endpoints[].path) of this host is not compared.
          - M(hardway.kubernetes.certificate_report) compares it with that file of every host.
        type: bool
        default: false
      used_by:
        description: Programs that serve it, for the report.
        type: list
        elements: str
        default: []
  warning_days:
    description: With fewer days left, a certificate is in state V(warning).
    type: float
    default: 30
  critical_days:
    description: With fewer days left, a certificate is in state V(critical), which is a problem.
    type: float
    default: 7
  timeout:
    description: Timeout of an endpoint in seconds.
    type: float
    default: 5
  pem:
    description: Whether to return the certificates themselves too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Inspect the certificates of a master
  hardway.kubernetes.pki_info:
    files:
      - path: /etc/kubernetes
    endpoints:
      - endpoint: 192.0.2.11:6443
        path: /etc/kubernetes/pki/apiserver.crt
        used_by: [kube-apiserver]
  register: inspected

- name: Fail with all problems
  ansible.builtin.assert:
    that: inspected.problems | length == 0
    fail_msg: "{{ inspected.problems | join('\n') }}"
"""

RETURN = r"""
certificates:
  description: Certificates found, files first, in the order of the options.
  returned: success
  type: list
  elements: dict
  contains:
    where: {description: Location for display., type: str, returned: success, sample: /etc/kubernetes/pki/ca.crt}
    kind: {description: "V(file), V(kubeconfig) or V(endpoint).", type: str, returned: success, sample: file}
    path:
      description: "The file; for an endpoint, the one it must serve."
      type: str
      returned: success
      sample: /p/ca.crt
    entry: {description: Entry in the kubeconfig., type: str, returned: success, sample: client-certificate-data}
    index:
      description: "Position among the certificates of the file or endpoint, from 0."
      type: int
      returned: success
      sample: 0
    endpoint: {description: The listener., type: str, returned: success, sample: "192.0.2.11:6443"}
    used_by: {description: Its users., type: list, elements: str, returned: success, sample: [kube-apiserver]}
    subject:
      description: Subject.
      type: list
      elements: str
      returned: success
      sample: ["CN=admin", "O=ops"]
    issuer:
      description: Issuer.
      type: list
      elements: str
      returned: success
      sample: ["CN=kubernetes"]
    sans:
      description: SANs.
      type: list
      elements: str
      returned: success
      sample: ["dns:master1", "ip:192.0.2.11"]
    usages:
      description: Usages, named as in cfssl.
      type: list
      elements: str
      returned: success
      sample: [digital signature, server auth]
    is_ca: {description: Whether it is a CA., type: bool, returned: success, sample: false}
    max_path_len: {description: Path length of a CA., type: int, returned: success, sample: 0}
    key: {description: Type of its key., type: str, returned: success, sample: ecdsa 256}
    signature:
      description: "Signature algorithm, named as in openssl."
      type: str
      returned: success
      sample: ecdsa-with-SHA256
    serial: {description: Serial number (hexadecimal)., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 fingerprint., type: str, returned: success, sample: 90f33d04}
    subject_key_id: {description: Subject key identifier., type: str, returned: success, sample: 36969d50}
    authority_key_id: {description: Authority key identifier., type: str, returned: success, sample: 27da7799}
    not_before: {description: Start of validity., type: str, returned: success, sample: "2026-11-21T00:50:00Z"}
    not_after: {description: End of validity., type: str, returned: success, sample: "2027-11-21T00:50:00Z"}
    days_left: {description: "Days until expiry, negative afterwards.", type: float, returned: success, sample: 364.9}
    state:
      description: "V(ok), V(warning), V(critical), V(expired), V(future)."
      type: str
      returned: success
      sample: ok
    key_matches:
      description: Whether the private key in or next to the file matches. Null if no key is readable.
      type: bool
      returned: success
      sample: true
    served_matches:
      description: Whether an endpoint serves the certificate in its file. Null if there is no file to compare.
      type: bool
      returned: success
      sample: true
    pem:
      description: The certificate.
      type: str
      returned: when O(pem) is true
      sample: "-----BEGIN CERTIFICATE-----…"
requests:
  description: CSRs found, as reported by C(cfssl certinfo -csr).
  returned: success
  type: list
  elements: dict
  contains:
    where: {description: Location for display., type: str, returned: success, sample: /srv/requests/a.csr}
    path: {description: The file., type: str, returned: success, sample: /srv/requests/a.csr}
    index: {description: "Position among the CSRs of the file, from 0.", type: int, returned: success, sample: 0}
    subject: {description: Subject., type: list, elements: str, returned: success, sample: ["CN=a"]}
    sans: {description: SANs., type: list, elements: str, returned: success, sample: ["dns:a"]}
    usages: {description: Usages as in cfssl., type: list, elements: str, returned: success, sample: [server auth]}
    is_ca: {description: Whether it requests a CA., type: bool, returned: success, sample: false}
    max_path_len: {description: Path length of a CA., type: int, returned: success, sample: 0}
    key: {description: Type of its key., type: str, returned: success, sample: ecdsa 256}
    signature:
      description: "Signature algorithm, named as in openssl."
      type: str
      returned: success
      sample: ecdsa-with-SHA256
    key_matches:
      description: Whether the private key in or next to the file matches. Null if no key is readable.
      type: bool
      returned: success
      sample: true
    pem: {description: The CSR., type: str, returned: when O(pem) is true, sample: "-----BEGIN CERTIFICATE…"}
problems:
  description: All problems, each with location, reason and remedy.
  returned: success
  type: list
  elements: str
  sample: ["/etc/kubernetes/pki/apiserver.crt: expired 3d ago; renew it"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.scan import Scan
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_USERS = {"type": "list", "elements": "str", "default": []}
_FILE = {
    "path": {"type": "path", "required": True},
    "required": {"type": "bool", "default": True},
    "used_by": _USERS,
}
_ENDPOINT = {
    "endpoint": {"type": "str", "required": True},
    "server_name": {"type": "str"},
    "path": {"type": "path"},
    "shared": {"type": "bool", "default": False},
    "used_by": _USERS,
}
SPEC: dict[str, Any] = {
    "files": {"type": "list", "elements": "dict", "options": _FILE, "default": []},
    "endpoints": {"type": "list", "elements": "dict", "options": _ENDPOINT, "default": []},
    "warning_days": {"type": "float", "default": 30},
    "critical_days": {"type": "float", "default": 7},
    "timeout": {"type": "float", "default": 5},
    "pem": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        require_cryptography("pki_info")
        result = Scan(module.params).run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_info
short_description: Tell what certificates say, in files, kubeconfigs and at live endpoints
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reads PEM files, kubeconfigs and whole directories on the host, and takes the certificates that listeners show,
    with those of their signers that come along. Of a listener that speaks TLS 1.3 alone these are not seen.
    What C(cfssl certinfo) prints is in the result, and how many days are left, who uses it, and whether it fits
    its key.
  - A listener that wants a client certificate shows its own first, so none is needed here.
  - The certificate that is served can be compared with a file; a service that was not restarted since a renewal shows.
  - Problems never fail the module, so that a play can collect them from all hosts first. Everything is one round trip.
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
    description: What to read on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - A PEM file with one or more certificates or signing requests, a kubeconfig, or a directory.
          - Of a directory, everything below it that is one of these is read; hidden files are not.
          - Of a kubeconfig, the embedded certificates are read, and the files that it names.
        type: path
        required: true
      required:
        description: Whether it is a problem when it does not exist.
        type: bool
        default: true
      used_by:
        description: Who uses it, for the reader. What several entries say of the same file is put together.
        type: list
        elements: str
        default: []
  endpoints:
    description: Listeners to take the certificate of.
    type: list
    elements: dict
    default: []
    suboptions:
      endpoint:
        description: Address or name, and port, as V(192.0.2.11:6443), V([2001:db8::1]:6443).
        type: str
        required: true
      server_name:
        description: Name to ask for (SNI), that of O(endpoints[].endpoint) where it is not given.
        type: str
      path:
        description: File on the host with the certificate that should be shown. Any other is a problem.
        type: path
      shared:
        description:
          - Several hosts answer here, as at a virtual address, so O(endpoints[].path) on this host is not compared.
          - M(hardway.kubernetes.certificate_report) compares with that file of every host.
        type: bool
        default: false
      used_by:
        description: Who listens.
        type: list
        elements: str
        default: []
  warning_days:
    description: With fewer days left, the state of a certificate is V(warning).
    type: float
    default: 30
  critical_days:
    description: With fewer days left, the state is V(critical), which is a problem.
    type: float
    default: 7
  timeout:
    description: Seconds that an endpoint may take.
    type: float
    default: 5
  pem:
    description: Returns the certificates themselves, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the certificates of a master
  hardway.kubernetes.pki_info:
    files:
      - path: /etc/kubernetes
    endpoints:
      - endpoint: 192.0.2.11:6443
        path: /etc/kubernetes/pki/apiserver.crt
        used_by: [kube-apiserver]
  register: looked

- name: Fail with everything that is wrong
  ansible.builtin.assert:
    that: looked.problems | length == 0
    fail_msg: "{{ looked.problems | join('\n') }}"
"""

RETURN = r"""
certificates:
  description: What was found, files first, in the order in which they were asked for.
  returned: success
  type: list
  elements: dict
  contains:
    where: {description: The place for people., type: str, returned: success, sample: /etc/kubernetes/pki/ca.crt}
    kind: {description: "V(file), V(kubeconfig) or V(endpoint).", type: str, returned: success, sample: file}
    path:
      description: "The file; of an endpoint, the one it should show."
      type: str
      returned: success
      sample: /p/ca.crt
    entry: {description: Entry of the kubeconfig., type: str, returned: success, sample: client-certificate-data}
    index:
      description: "Place among the certificates of a file, or among those that an endpoint shows, from 0."
      type: int
      returned: success
      sample: 0
    endpoint: {description: The listener., type: str, returned: success, sample: "192.0.2.11:6443"}
    used_by: {description: Who uses it., type: list, elements: str, returned: success, sample: [kube-apiserver]}
    subject:
      description: Parts of its name.
      type: list
      elements: str
      returned: success
      sample: ["CN=admin", "O=ops"]
    issuer:
      description: Parts of its signer's name.
      type: list
      elements: str
      returned: success
      sample: ["CN=kubernetes"]
    hosts:
      description: Alternative names.
      type: list
      elements: str
      returned: success
      sample: ["dns:master1", "ip:192.0.2.11"]
    usages:
      description: In cfssl's words.
      type: list
      elements: str
      returned: success
      sample: [digital signature, server auth]
    is_ca: {description: Whether it is a CA., type: bool, returned: success, sample: false}
    max_path_len: {description: How many CAs may follow below., type: int, returned: success, sample: 0}
    key: {description: Kind of its key., type: str, returned: success, sample: ecdsa 256}
    signature:
      description: "How it is signed, as openssl names it."
      type: str
      returned: success
      sample: ecdsa-with-SHA256
    serial: {description: Serial number in hexadecimal digits., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 of it., type: str, returned: success, sample: 90f33d04}
    subject_key_id: {description: Identifier of its key., type: str, returned: success, sample: 36969d50}
    authority_key_id: {description: Identifier of its signer's key., type: str, returned: success, sample: 27da7799}
    not_before: {description: Begin of its life., type: str, returned: success, sample: "2026-11-21T00:50:00Z"}
    not_after: {description: End of its life., type: str, returned: success, sample: "2027-11-21T00:50:00Z"}
    days_left: {description: "Days until then, negative after it.", type: float, returned: success, sample: 364.9}
    state:
      description: "V(ok), V(warning), V(critical), V(expired), V(future)."
      type: str
      returned: success
      sample: ok
    key_matches:
      description: Whether the private key in or beside the file belongs to it. Nothing where none can be read.
      type: bool
      returned: success
      sample: true
    served_matches:
      description: Whether an endpoint shows the certificate of its file. Nothing where that was not asked.
      type: bool
      returned: success
      sample: true
    pem:
      description: The certificate.
      type: str
      returned: when O(pem) is true
      sample: "-----BEGIN CERTIFICATE-----…"
requests:
  description: The signing requests that were found, as C(cfssl certinfo -csr) tells of them.
  returned: success
  type: list
  elements: dict
  contains:
    where: {description: The place for people., type: str, returned: success, sample: /srv/requests/a.csr}
    path: {description: The file., type: str, returned: success, sample: /srv/requests/a.csr}
    index: {description: "Place among the requests of a file, from 0.", type: int, returned: success, sample: 0}
    subject: {description: Parts of its name., type: list, elements: str, returned: success, sample: ["CN=a"]}
    hosts: {description: Alternative names., type: list, elements: str, returned: success, sample: ["dns:a"]}
    usages: {description: In cfssl's words., type: list, elements: str, returned: success, sample: [server auth]}
    is_ca: {description: Whether it asks for a CA., type: bool, returned: success, sample: false}
    max_path_len: {description: How many CAs may follow below., type: int, returned: success, sample: 0}
    key: {description: Kind of its key., type: str, returned: success, sample: ecdsa 256}
    signature:
      description: "How it is signed, as openssl names it."
      type: str
      returned: success
      sample: ecdsa-with-SHA256
    key_matches:
      description: Whether the private key in or beside the file belongs to it. Nothing where none can be read.
      type: bool
      returned: success
      sample: true
    pem: {description: The request., type: str, returned: when O(pem) is true, sample: "-----BEGIN CERTIFICATE…"}
problems:
  description: Everything that is wrong, each with the place, the reason and the remedy.
  returned: success
  type: list
  elements: str
  sample: ["/etc/kubernetes/pki/apiserver.crt: expired 3d ago; renew it"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.scan import Look
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
        result = Look(module.params).run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

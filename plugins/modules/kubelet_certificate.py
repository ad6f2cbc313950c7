#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module kubelet_certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubelet_certificate
short_description: Request and install a kubelet's first client certificate
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Provides the client certificate with which a kubelet starts, without a bootstrap token. The kubelet rotates it
    itself later.
  - V(requested) generates the key on the host and returns a CSR, to be signed by M(hardway.kubernetes.csr_approval).
  - V(installed) installs the certificate and its key where the kubelet expects them.
  - The key never leaves the host, and no other key can get a certificate of this node this way.
requirements:
  - cryptography >= 3.4
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Predicts a change. Generates no key and returns no CSR.
  diff_mode:
    support: none
options:
  node:
    description: Node name.
    type: str
    required: true
  state:
    description: Step to perform. Both always report a change, so call them only for hosts that are about to join.
    type: str
    choices: [requested, installed]
    required: true
  certificate:
    description: Signed certificate (PEM), for O(state=installed).
    type: str
    default: ""
  problem:
    description: Why there is no certificate. If O(certificate) is empty, the module fails with this reason.
    type: str
    default: ""
  directory:
    description: Certificate directory of the kubelet.
    type: path
    default: /var/lib/kubelet/pki
"""

EXAMPLES = r"""
- name: Generate the kubelet's key
  hardway.kubernetes.kubelet_certificate:
    node: node1
    state: requested
  register: csr

- name: Sign its CSR
  hardway.kubernetes.csr_approval:
    servers: ["https://192.0.2.11:6443"]
    nodes:
      - name: node1
        request: "{{ csr.request }}"
  delegate_to: master1
  register: approval

- name: Install the certificate
  hardway.kubernetes.kubelet_certificate:
    node: node1
    state: installed
    certificate: "{{ approval.certificates['node1'] }}"
"""

RETURN = r"""
request:
  description: CSR (PEM). Empty in check mode.
  returned: when O(state=requested)
  type: str
  sample: "-----BEGIN CERTIFICATE REQUEST-----..."
path:
  description: File with certificate and key. Empty in check mode.
  returned: when O(state=installed)
  type: str
  sample: /var/lib/kubelet/pki/kubelet-client-2026-01-01-12-00-00.pem
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import kubelet_identity
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

SPEC = {
    "node": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["requested", "installed"], "required": True},
    "certificate": {"type": "str", "default": ""},
    "problem": {"type": "str", "default": ""},
    "directory": {"type": "path", "default": "/var/lib/kubelet/pki"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    node, directory, certificate = (module.params[name] for name in ("node", "directory", "certificate"))
    name = "request" if module.params["state"] == "requested" else "path"
    if module.check_mode:
        module.exit_json(changed=True, **{name: ""})
    try:
        require_cryptography("kubelet_certificate")
        if name == "request":
            module.exit_json(changed=True, request=kubelet_identity.request(directory, node))
        if not certificate:
            raise HardwayError(f"node {node}: {module.params['problem'] or 'no certificate was issued; run again'}")
        module.exit_json(changed=True, path=kubelet_identity.install(directory, certificate, node))
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()

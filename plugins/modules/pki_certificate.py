#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_certificate
short_description: Keep the keys and certificates of a host as asked
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares each certificate with what is asked, subject, alternative names, usages, issuer, key, life, and makes
    again what differs or ends soon. With nothing to do it is one round trip, whatever the number of certificates.
  - On the controller itself, without another user or Python, no module is started at all.
  - A private key is made on its host and never leaves it. The host sends a signing request and the controller signs
    what the task asks for, whatever the request says.
  - A renewed certificate keeps its key unless O(renew_key) is set or another kind of key is asked for.
    Key and certificate change by one rename, so a pair in use belongs together wherever a run is cut off. The next one
    completes it.
  - Files are C(PATH.crt) with mode V(0644) and C(PATH.key) with mode V(0600). Missing directories are made.
requirements:
  - python3-cryptography 3.4 or newer, on the host and on the controller
attributes:
  check_mode:
    support: full
    description: Predicts what would be made, also where CA, user or directory do not exist yet.
  diff_mode:
    support: full
    description: Shows what the certificates say, never their keys.
options:
  ca_dir:
    description: Directory of the CAs on the controller, see M(hardway.kubernetes.pki_ca).
    type: str
    required: true
  passphrase:
    description: Passphrase of the CAs' keys. It stays on the controller.
    type: str
    default: ""
  trust:
    description: Certificates of CAs to have on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      ca:
        description: Name of the CA.
        type: str
        required: true
      path:
        description: Where its certificate belongs.
        type: path
        required: true
      also:
        description: Names of further CAs whose certificates belong in the same file.
        type: list
        elements: str
        default: []
      signer:
        description: Only the certificate that signs now, without others trusted beside it during a rotation.
        type: bool
        default: false
      anchor:
        description:
          - Writes a CA that is no root in a form of OpenSSL's own, C(TRUSTED CERTIFICATE), that lets it end the
            chain of a server's certificate. Nothing but OpenSSL reads it; programs of Go need no such thing.
        type: bool
        default: false
      key_path:
        description:
          - Where its key belongs, plain and with mode V(0600), on a host where something must sign.
          - The key travels only when the host has not got it.
        type: path
      owner: &owner
        description: Owner of the files, the user who runs the task where it is not given.
        type: str
      group: &group
        description: Group of the files.
        type: str
  certificates:
    description: Certificates to have on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the files without C(.crt) and C(.key).
        type: path
        required: true
      ca:
        description: Name of the CA that signs. Not with O(certificates[].self_signed).
        type: str
      self_signed:
        description:
          - Signs the certificate with its own key, on the host, as C(cfssl selfsign) does.
          - The controller takes no part, so that it is not in C(issued.jsonl).
        type: bool
        default: false
      chain:
        description:
          - Puts the intermediate CAs, from the one that signs up to the root and without that, behind the
            certificate in the same file, as C(cfssl bundle) does and servers show it.
        type: bool
        default: false
      profile:
        description:
          - V(server), V(client), V(peer) (both), or one of O(config) and O(profiles).
          - Without it C(signing.default) of O(config).
        type: str
        default: default
      csr:
        description:
          - A C(*-csr.json) of cfssl, as its path on the controller or its content.
          - It says what the other options leave open, O(certificates[].common_name), O(certificates[].names),
            O(certificates[].hosts) and O(certificates[].key).
        type: raw
      common_name:
        description: Common name of the subject.
        type: str
        default: ""
      names:
        description: "Further parts of the subject as cfssl has them, for example V({O: system:masters})."
        type: list
        elements: dict
        default: []
      hosts:
        description: Alternative names. Addresses, DNS names, URIs and email addresses are told apart as by cfssl.
        type: list
        elements: str
        default: []
      key:
        description: Kind of key. Without it V(ecdsa).
        type: dict
        suboptions:
          algo:
            description: Algorithm.
            type: str
            choices: [ecdsa, rsa, ed25519]
            default: ecdsa
          size:
            description: Size in bits. Without it 256 for V(ecdsa) and 2048 for V(rsa).
            type: int
      expiry:
        description: Life, as Go writes durations, or in days. Without it the profile's, else V(8760h).
        type: str
      owner: *owner
      group: *group
  config:
    description:
      - A C(ca-config.json) of cfssl, as its path on the controller or its content.
      - Its profiles are known by their names, C(signing.default) as V(default).
    type: raw
  observe:
    description: Certificates of the host that somebody else makes, to judge whether they are still of use.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: File with certificate and key, as the kubelet keeps its own.
        type: path
        required: true
      ca:
        description: Name of the CA that should have signed it.
        type: str
        required: true
  profiles:
    description:
      - Profiles of your own, instead of ours and those of O(config), as in a C(ca-config.json) of cfssl.
      - Each has V(usages), a list in cfssl's words, and optionally V(expiry), V(backdate), V(crl_url), V(ocsp_url),
        V(issuer_urls), V(ocsp_no_check).
    type: dict
    default: {}
  renew_before:
    description: Part of the life, from 0 to 1, that must be left. Less is renewed.
    type: float
    default: 0.333
  renew:
    description: Makes again what one of these patterns fits, by its path or the path's last part. V(*) fits all.
    type: list
    elements: str
    default: []
  renew_only:
    description:
      - Limits O(renew_before) to what one of these patterns fits, which may be an entry of O(observe), too. All else is
        made again only when it differs from what is asked or has expired.
    type: list
    elements: str
    default: []
  renew_key:
    description: Makes a new key whenever a certificate is made.
    type: bool
    default: false
  force:
    description: Makes every certificate again, whatever there is.
    type: bool
    default: false
  requests_only:
    description:
      - Makes keys and lays down requests for what must be signed elsewhere, see M(hardway.kubernetes.pki_ca), and
        nothing else. It does not stop there, so one run can lay down the requests of all hosts.
      - A certificate that is beside its request already is judged, but not taken up.
    type: bool
    default: false
  _exchange:
    description: Internal, from the action plugin. Certificates of CAs by name, signed certificates by index.
    type: dict
  _ca_keys:
    description: Internal, from the action plugin. Keys of CAs that the host needs, by name.
    type: dict
  _cached_result:
    description: Internal. Under which name the host remembers that all is right; M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Keep the certificates of an etcd member
  hardway.kubernetes.pki_certificate:
    ca_dir: "{{ cluster_pki_dir }}"
    trust:
      - {ca: etcd-ca, path: /etc/etcd/pki/ca.crt, owner: etcd, group: etcd}
    certificates:
      - path: /etc/etcd/pki/server
        ca: etcd-ca
        profile: peer
        common_name: etcd-1
        hosts: [etcd-1, 192.0.2.11, 127.0.0.1]
        owner: etcd
        group: etcd

- name: Keep a certificate that the files of a guide for cfssl describe
  hardway.kubernetes.pki_certificate:
    ca_dir: "{{ cluster_pki_dir }}"
    config: guide/ca-config.json
    certificates:
      - path: /etc/kubernetes/pki/apiserver
        ca: ca
        profile: kubernetes
        csr: guide/kubernetes-csr.json
"""

RETURN = r"""
certificates:
  description: What is true of each certificate after the task.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: Its path without suffix., type: str, returned: success, sample: /etc/etcd/pki/server}
    changed: {description: Whether its files were changed., type: bool, returned: success, sample: true}
    reasons: {description: Why., type: list, elements: str, returned: success, sample: ["hosts: without ip:192.0.2.10"]}
    not_after: {description: End of its life., type: str, returned: success, sample: "2027-11-21T00:55:00Z"}
    serial: {description: Serial number in hexadecimal digits., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 of the certificate., type: str, returned: success, sample: 90f33d04}
trust:
  description: What became of each entry of trust.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/etcd/pki/ca.crt, changed: false, reasons: []}]
requests:
  description: The requests that wait for a signature.
  returned: when O(requests_only) is true
  type: list
  elements: dict
  sample: [{path: /home/ops/pki/requests/ca/n1/etc-etcd-pki-a.csr, ca: ca, usages: [client auth]}]
observed:
  description: What is wrong with each entry of observe. No reasons mean that it is of use.
  returned: success
  type: list
  elements: dict
  sample: [{path: /var/lib/kubelet/pki/kubelet-client-current.pem, reasons: ["expiry: expired 3h ago"]}]
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import Host
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.options import SPEC
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        require_cryptography("pki_certificate")
        if module.params["_exchange"] is None:
            raise HardwayError("pki_certificate: its action plugin did not run; call it as a task of a play")
        result = Host(module.params, module.check_mode, module._diff).run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_certificate
short_description: Manage the keys and certificates of a host
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares subject, SANs, usages, issuer, key and validity period of each certificate with the options, and reissues
    those that differ or expire soon. Without changes it needs one round trip for any number of certificates.
  - On the controller itself, with the same user and Python, no module process is started.
  - A private key is generated on its host and never leaves it. The host sends a CSR, and the controller issues the
    certificate from the task's options, regardless of the CSR's content.
  - A renewed certificate keeps its key unless O(renew_key) is set or the type of the key changes. Key and certificate
    are replaced by one rename, so that they always match, even if a run is interrupted. The next run completes it.
  - Files are C(PATH.crt) with mode V(0644) and C(PATH.key) with mode V(0600). Missing directories are created.
requirements:
  - python3-cryptography 3.4 or newer, on the host and on the controller
attributes:
  check_mode:
    support: full
    description: Predicts what would be issued, also before the CA exists.
  diff_mode:
    support: full
    description: Shows the fields of certificates, never their keys.
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
    description: Certificates of CAs to install on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      ca:
        description: Name of the CA.
        type: str
        required: true
      path:
        description: Path of its certificate on the host.
        type: path
        required: true
      also:
        description: Names of additional CAs whose certificates go into the same file.
        type: list
        elements: str
        default: []
      signer:
        description: Installs only the CA that signs now, without those that are also trusted during a rotation.
        type: bool
        default: false
      anchor:
        description:
          - Writes an intermediate CA in OpenSSL's format C(TRUSTED CERTIFICATE), which makes it a trust anchor for
            server certificates. Only OpenSSL reads it. Go programs do not need it.
        type: bool
        default: false
      key_path:
        description:
          - Path of its key, unencrypted and with mode V(0600), on a host that must sign certificates.
          - The key is transferred only when the host does not have it.
        type: path
      owner: &owner
        description: Owner of the files. The default is the user that runs the task.
        type: str
      group: &group
        description: Group of the files.
        type: str
  certificates:
    description: Certificates to manage on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the files, without C(.crt) and C(.key).
        type: path
        required: true
      ca:
        description: Name of the issuing CA. Set exactly one of O(certificates[].ca) and O(certificates[].self_signed).
        type: str
      self_signed:
        description:
          - Signs the certificate with its own key, on the host, as C(cfssl selfsign) does.
          - The controller is not involved, so the certificate is not recorded in C(issued.jsonl).
        type: bool
        default: false
      chain:
        description:
          - Appends the intermediate CAs, from the issuer up to but not including the root CA, to the
            certificate in the same file, as C(cfssl bundle) does and servers need.
        type: bool
        default: false
      profile:
        description:
          - V(server), V(client), V(peer) (both), or a profile of O(config) or O(profiles).
          - The default is C(signing.default) of O(config).
        type: str
        default: default
      csr:
        description:
          - A C(*-csr.json) of cfssl, path on the controller or content.
          - It provides defaults for O(certificates[].common_name), O(certificates[].names),
            O(certificates[].sans) and O(certificates[].key).
        type: raw
      common_name:
        description: Common name of the subject.
        type: str
        default: ""
      names:
        description: "Other subject fields, as in cfssl, for example V({O: system:masters})."
        type: list
        elements: dict
        default: []
      sans:
        description: SANs. IP addresses, DNS names, URIs and email addresses are recognized as in cfssl.
        type: list
        elements: str
        default: []
      key:
        description: Type of the key. The default is V(ecdsa).
        type: dict
        suboptions:
          algo:
            description: Algorithm.
            type: str
            choices: [ecdsa, rsa, ed25519]
            default: ecdsa
          size:
            description: Size in bits. The default is 256 for V(ecdsa) and 2048 for V(rsa).
            type: int
      expiry:
        description: Validity period, for example V(2160h) or V(90d). The default is that of the profile, else V(8760h).
        type: str
      owner: *owner
      group: *group
  config:
    description:
      - A C(ca-config.json) of cfssl, path on the controller or content.
      - Its profiles are available by name, C(signing.default) as V(default).
    type: raw
  observe:
    description: Certificates of the host that other programs manage, to validate only; see RV(observed).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: File with certificate and key, such as the kubelet's.
        type: path
        required: true
      ca:
        description: Name of the CA that must have issued it.
        type: str
        required: true
  profiles:
    description:
      - Custom profiles, as in a C(ca-config.json) of cfssl. They override built-in profiles and those of O(config).
      - Each has V(usages), named as in cfssl, and optionally V(expiry), V(backdate), V(crl_url), V(ocsp_url),
        V(issuer_urls), V(ocsp_no_check).
    type: dict
    default: {}
  renew_before:
    description: Fraction of the validity period, from 0 to 1, at which renewal is due.
    type: float
    default: 0.333
  renew:
    description: Renews certificates whose path, or last part of it, matches one of these patterns. V(*) matches all.
    type: list
    elements: str
    default: []
  renew_only:
    description:
      - Limits O(renew_before) to certificates that match one of these patterns, including entries of O(observe). Others
        are reissued only when they differ from the options or have expired.
    type: list
    elements: str
    default: []
  renew_key:
    description: Generates a new key whenever a certificate is issued.
    type: bool
    default: false
  force:
    description: Reissues every certificate.
    type: bool
    default: false
  requests_only:
    description:
      - Only generates keys and writes CSRs for offline CAs, see M(hardway.kubernetes.pki_ca). It does not fail because
        of them, so one run can write the CSRs of all hosts.
      - A signed certificate next to its CSR is validated, but not installed.
    type: bool
    default: false
  _exchange:
    description: Internal, from the action plugin. Certificates of CAs by name, signed certificates by index.
    type: dict
  _ca_keys:
    description: Internal, from the action plugin. Keys of CAs that the host needs, by name.
    type: dict
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Manage the certificates of an etcd member
  hardway.kubernetes.pki_certificate:
    ca_dir: "{{ cluster_pki_dir }}"
    trust:
      - {ca: etcd-ca, path: /etc/etcd/pki/ca.crt, owner: etcd, group: etcd}
    certificates:
      - path: /etc/etcd/pki/server
        ca: etcd-ca
        profile: peer
        common_name: etcd-1
        sans: [etcd-1, 192.0.2.11, 127.0.0.1]
        owner: etcd
        group: etcd

- name: Manage a certificate from a CSR file of cfssl
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
  description: State of each certificate after the task.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: Path without suffix., type: str, returned: success, sample: /etc/etcd/pki/server}
    changed: {description: Whether its files were changed., type: bool, returned: success, sample: true}
    reasons: {description: Why., type: list, elements: str, returned: success, sample: ["sans: without ip:192.0.2.10"]}
    not_after: {description: End of its validity period., type: str, returned: success, sample: "2027-11-21T00:55:00Z"}
    serial: {description: Serial number (hexadecimal)., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 fingerprint., type: str, returned: success, sample: 90f33d04}
trust:
  description: Result for each entry of O(trust).
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/etcd/pki/ca.crt, changed: false, reasons: []}]
requests:
  description: CSRs that wait for a signature.
  returned: when O(requests_only) is true
  type: list
  elements: dict
  sample: [{path: /home/ops/pki/requests/ca/n1/etc-etcd-pki-a.csr, ca: ca, usages: [client auth]}]
observed:
  description: Problems of each entry of O(observe). Without reasons it is valid.
  returned: success
  type: list
  elements: dict
  sample: [{path: /var/lib/kubelet/pki/kubelet-client-current.pem, reasons: ["expiry: expired 3h ago"]}]
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import HostCertificates
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.options import SPEC
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        require_cryptography("pki_certificate")
        if module.params["_exchange"] is None:
            raise HardwayError("pki_certificate: its action plugin did not run; call it as a task of a play")
        result = HostCertificates(module.params, module.check_mode, module._diff).run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

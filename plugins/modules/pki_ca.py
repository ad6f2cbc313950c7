#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_ca."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_ca
short_description: Manage the CAs, key pairs and shared secrets of a cluster
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Creates CAs, self-signed or signed by one another, key pairs and shared random secrets in one private directory.
    Existing ones are kept.
  - Run it where the CAs are stored, usually the controller. A CA's key leaves that directory only for hosts that must
    sign, see O(hardway.kubernetes.pki_certificate#module:trust).
  - Existing files are validated first. A file that is damaged, expired without O(renew), not a CA, or a key that does
    not match its certificate is an error. No file is changed then.
  - An offline CA has no key in the directory, for example because it is in a security module. CSRs for it are written
    to C(requests). The task, like those of M(hardway.kubernetes.pki_certificate), then fails and lists them. Sign them
    with M(hardway.kubernetes.pki_sign), cfssl or openssl, put each certificate next to its CSR as C(.crt), and run
    again.
  - C(contents.json) in the directory lists all files it has ever contained. If some are missing, the task fails with
    a list of them, what each loss means and the remedies. New entries, as after an update of this collection, are
    created.
  - Every issued certificate is recorded in C(issued.jsonl) in the directory. Concurrent runs wait for each other.
requirements:
  - python3-cryptography 3.4 or newer
attributes:
  check_mode:
    support: full
    description: Predicts what would be created, also in a new directory.
  diff_mode:
    support: full
    description: Shows the new state of each object, never its content.
options:
  ca_dir:
    description:
      - Directory of the CAs. It is created with mode V(0700) and its own C(.gitignore).
      - Files of a CA are C(NAME.crt) and C(NAME.key); of V(etcd-ca) C(etcd/ca.crt) and C(etcd/ca.key), as in kubeadm.
    type: path
    required: true
  passphrase:
    description:
      - Encrypts the keys of CAs on disk. Existing plain keys are encrypted too.
      - Key pairs and secrets are not encrypted, because they are copied to hosts.
    type: str
    default: ""
  config:
    description: A C(ca-config.json) of cfssl, absolute path or content, with the profiles for O(cas[].profile).
    type: raw
  import_dir:
    description:
      - Directory with existing CAs and key pairs to import, as far as O(ca_dir) does not have them yet.
      - Its layout is that of kubeadm (C(ca.crt), C(ca.key), C(etcd/ca.crt), C(sa.key) …) or cfssl (C(ca.pem),
        C(ca-key.pem), C(etcd-ca.pem) …). Missing ones are created, but it must contain at least one of O(cas).
      - It can be deleted once all of O(cas) are imported. Files in it must be the imported ones, even if rotated since.
    type: path
  cas:
    description: CAs to manage. A CA that signs another one comes first.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "Name, also of the files.", type: str, required: true}
      common_name: {description: "Common name of the subject. The default is O(cas[].name).", type: str}
      csr:
        description:
          - A C(*-csr.json) of cfssl, absolute path or content. It provides defaults for the other options.
          - With O(cas[].signed_by) and O(cas[].profile), its expiry, path length and URLs are not used.
        type: raw
      signed_by:
        description: Name of the CA that signs this one. When unset, the CA is self-signed.
        type: str
      split_from:
        description:
          - Name of the CA whose certificates this one takes over. List this one before it.
          - If that CA exists already, or is imported, this one starts as a copy with the same key, so that a
            running cluster is not affected. Rotating it with M(hardway.kubernetes.pki_rotation) gives it a key
            of its own. Until then the task warns. If neither exists, it is created with its own key.
        type: str
      profile:
        description: Profile of O(config) with C(is_ca), for usages, expiry and path length.
        type: str
      usages:
        description:
          - Usages, named as in cfssl. With extended usages, such as V([server auth]), the CA can sign only for these.
          - The default key usages are V([signing, cert sign, crl sign]), for RSA also V(key encipherment).
        type: list
        elements: str
        default: []
      path_length:
        description: How many levels of CAs may follow below it. Unlimited when unset.
        type: int
      names:
        description: "Other subject fields, as in cfssl, for example V({O: Example, C: DE})."
        type: list
        elements: dict
        default: []
      key:
        description: Type of the key of a new CA. The default is V(ecdsa).
        type: dict
        suboptions: &key
          algo:
            description: Algorithm.
            type: str
            choices: [ecdsa, rsa, ed25519]
            default: ecdsa
          size:
            description: Size in bits. The default is 256 for V(ecdsa) and 2048 for V(rsa).
            type: int
      expiry:
        description:
          - Validity period, for example V(43800h) or V(365d).
          - The default is V(87600h). With O(cas[].signed_by) it is V(43800h), but not longer than the signer is valid.
        type: str
      import_certificate:
        description: Certificate of an existing CA to import once, optionally with its chain.
        type: path
      import_key:
        description: Key of O(cas[].import_certificate). Without it the CA is an offline CA, for which CSRs are written.
        type: path
      import_passphrase:
        description: Passphrase of O(cas[].import_key), if it differs from O(passphrase).
        type: str
  key_pairs:
    description: Key pairs to manage, C(NAME.key) and C(NAME.pub), for example for service account tokens.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "Name, also of the files.", type: str, required: true}
      key:
        description: Type of the key of a new pair.
        type: dict
        default: {}
        suboptions: *key
      accepted:
        description:
          - Further public keys, as PEM, whose signatures are accepted.
          - They are appended to C(NAME.pub).
        type: list
        elements: str
        default: []
  secrets:
    description: Random secrets to manage, C(secrets/NAME).
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the file., type: str, required: true}
      bytes: {description: Number of random bytes., type: int, default: 32}
      encoding:
        description: Encoding of the bytes in the file.
        type: str
        choices: [base64, base64url]
        default: base64
  renew:
    description:
      - Renews a CA when less than O(renew_before) of its validity period is left and its signer's key is available.
      - The CA keeps its name and key, so that certificates it has issued stay valid.
    type: bool
    default: false
  renew_before:
    description: Fraction of the validity period, from 0 to 1, at which renewal is due.
    type: float
    default: 0.333
  offline:
    description:
      - Names of O(cas) whose keys were moved offline. Otherwise a key that was in the directory once
        and is missing is an error.
    type: list
    elements: str
    default: []
  regenerate:
    description:
      - Lost files to replace permanently by new ones, for example V([encryption.key]), V([sa.key]) or V([etcd-ca.crt]).
        Otherwise a file that was in the directory once and is missing is an error, because it cannot be restored.
      - Existing files are not affected. Remaining files of a replaced CA are moved to C(retired/lost).
    type: list
    elements: str
    default: []
  allow_pending_csrs:
    description: Does not fail when CSRs wait for an offline CA, so that one run can write all CSRs.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Create the CAs of a cluster
  hardway.kubernetes.pki_ca:
    ca_dir: ~/cluster/pki
    cas:
      - name: ca
        common_name: kubernetes
      - name: etcd-ca
        key: {algo: rsa, size: 4096}
        expiry: 43800h
      - name: kubelet-ca
        signed_by: ca
        usages: [client auth]
        path_length: 0
    key_pairs:
      - name: sa
    secrets:
      - name: encryption.key
      - name: keepalived.password
        bytes: 6
        encoding: base64url

- name: Create a CA from a CSR file of cfssl
  hardway.kubernetes.pki_ca:
    ca_dir: ~/cluster/pki
    cas:
      - {name: ca, csr: /srv/guide/ca-csr.json}

- name: Import the CAs of a kubeadm cluster
  hardway.kubernetes.pki_ca:
    ca_dir: ~/cluster/pki
    import_dir: /srv/master-1/etc/kubernetes/pki
    cas:
      - {name: ca}
      - {name: etcd-ca}
      - {name: front-proxy-ca}
    key_pairs:
      - {name: sa}
"""

RETURN = r"""
ca_dir: {description: "Absolute path of the directory.", returned: success, type: str, sample: /home/ops/pki}
cas:
  description: State of each CA.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name., type: str, returned: success, sample: ca}
    path: {description: Path of its certificate., type: str, returned: success, sample: /home/ops/cluster/pki/ca.crt}
    state: {description: "created, copied, imported, renewed, kept …", type: str, returned: success, sample: kept}
    has_key: {description: Whether its key is available., type: bool, returned: success, sample: true}
    not_after: {description: End of its validity period., type: str, returned: success, sample: "2036-11-18T00:55:00Z"}
    fingerprint: {description: SHA-256 fingerprint., type: str, returned: success, sample: 3b1f…}
requests:
  description: "CSRs that wait for a signature, as returned by M(hardway.kubernetes.pki_certificate)."
  returned: success
  type: list
  elements: dict
  sample: [{path: /home/ops/cluster/pki/requests/ca/cas/sub.csr, ca: ca, usages: [cert sign]}]
key_pairs:
  description: State of each key pair.
  returned: success
  type: list
  elements: dict
  sample: [{name: sa, path: /home/ops/cluster/pki/sa.key, state: created}]
secrets:
  description: State of each secret, never its value.
  returned: success
  type: list
  elements: dict
  sample: [{name: encryption.key, path: /home/ops/cluster/pki/secrets/encryption.key, state: kept}]
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import (
    JOURNAL,
    Asked,
    Contents,
    problem,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.import_ca import check_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline_csrs import waiting
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.separate_ca import shared
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import (
    CA_OPTIONS,
    KEY_PAIR_OPTIONS,
    SECRET_OPTIONS,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import all_profiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_KEY_PAIR_OPTIONS = {**KEY_PAIR_OPTIONS, "accepted": {"type": "list", "elements": "str", "default": []}}
SPEC: dict[str, Any] = {
    "ca_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "config": {"type": "raw"},
    "import_dir": {"type": "path"},
    "cas": {"type": "list", "elements": "dict", "options": CA_OPTIONS, "default": []},
    "key_pairs": {"type": "list", "elements": "dict", "options": _KEY_PAIR_OPTIONS, "default": [], "no_log": False},
    "secrets": {"type": "list", "elements": "dict", "options": SECRET_OPTIONS, "default": [], "no_log": False},
    "renew": {"type": "bool", "default": False},
    "renew_before": {"type": "float", "default": 0.333},
    "offline": {"type": "list", "elements": "str", "default": []},
    "regenerate": {"type": "list", "elements": "str", "default": []},
    "allow_pending_csrs": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_ca")
    if not 0 <= params["renew_before"] < 1:
        raise HardwayError(f"renew_before {params['renew_before']}: must be between 0 and 1")
    store = Store(params["ca_dir"])
    done = store.prepare(check)
    passphrase, profiles = params["passphrase"] or None, all_profiles(params)
    reconciler = Reconciler(
        store, passphrase, params["renew"], params["renew_before"], check, profiles, params["import_dir"]
    )
    check_directory(params["import_dir"], params["cas"], store)
    with nullcontext() if check else store.locked(), guarded(reconciler, params) as (reconciler, gone):
        done += [f"{os.path.join(store.directory, path)}: replaced" for path in gone]
        kinds = {
            "cas": [reconciler.ca(item) for item in params["cas"]],
            "key_pairs": [reconciler.key_pair(item) for item in params["key_pairs"]],
            "secrets": [reconciler.secret(item) for item in params["secrets"]],
        }
    if not params["allow_pending_csrs"]:
        reconciler.offline.stop()
    reconciler.offline.done()
    # A CSR that has been waiting since an earlier run is not a change.
    same = {"kept"} if reconciler.offline.written else {"kept", "requested"}
    states = {item["path"]: item["state"] for items in kinds.values() for item in items if item["state"] not in same}
    after = "".join(f"{line}\n" for line in [*done, *(f"{path}: {state}" for path, state in states.items())])
    reported = {
        "ca_dir": store.directory,
        "requests": waiting(reconciler.offline),
        "diff": {"before": "", "after": after},
    }
    return {"changed": bool(after), **reported, **kinds}


def warnings(params: dict[str, Any]) -> list[str]:
    """Return one line for each CA that still shares the key of the CA it is split from."""
    store = Store(params["ca_dir"])
    return [line for item in params["cas"] if (line := shared(store, item["name"], item["split_from"]))]


@contextmanager
def guarded(reconciler: Reconciler, params: dict[str, Any]) -> Iterator[tuple[Reconciler, list[str]]]:
    """Refuse to work when files are lost, and update the list of files afterwards, even after a failure.

    Yields the reconciler and the lost files to replace.
    """
    store = reconciler.store
    contents, asked = Contents.load(store), Asked.of(store, params)
    replaced = asked.named(params["regenerate"], "regenerate")
    elsewhere = asked.named([f"{name}.key" for name in params["offline"]], "offline") & asked.ca_keys
    lost = contents.lost(asked)
    if remaining := [path for path in lost if path not in replaced | elsewhere]:
        raise HardwayError(problem(store, asked, remaining))
    gone = [path for path in lost if path in replaced]
    reconciler = replace(reconciler, regenerate=frozenset(gone))
    if reconciler.check:
        yield reconciler, gone
        return
    contents.begin()
    reconciler.move_certificates_aside()
    if JOURNAL in gone and not os.path.exists(os.path.join(store.directory, JOURNAL)):
        store.write(os.path.join(store.directory, JOURNAL), b"")
    done = False
    try:
        yield reconciler, gone
        done = True
    finally:
        contents.note(asked, lost, counted=done)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
        for line in warnings(module.params):
            module.warn(line)
        module.exit_json(**result)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_ca."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_ca
short_description: Make the CAs and shared secrets of a cluster
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Makes CAs, self-signed or signed by one another, key pairs and shared random secrets in one private
    directory. Those that exist are kept.
  - Run it where the CAs live, usually the controller. Their keys leave that directory only for hosts where
    something must sign, see O(hardway.kubernetes.pki_certificate#module:trust).
  - What exists is checked first. Anything damaged, expired and not to be renewed, not a CA, or a key that
    belongs to another certificate is one error, and the files stay as they are.
  - A CA may be without its key, when that is kept offline or in a security module. What it must sign is then
    laid down in C(requests), and the task, like those of M(hardway.kubernetes.pki_certificate), stops and names it.
    Sign it there, by M(hardway.kubernetes.pki_sign), cfssl or openssl, put each certificate beside its request
    as C(.crt), and run again.
  - C(contents.json) in the directory lists what it once had. What is missing of that is an error that names all lost
    files, what each loss means and the ways out. What it never had, as after an update of this collection, is made.
  - Every signed certificate is recorded in C(issued.jsonl) in the directory. Concurrent runs wait for each other.
requirements:
  - python3-cryptography 3.4 or newer
attributes:
  check_mode:
    support: full
    description: Predicts what would be made, also where nothing exists yet.
  diff_mode:
    support: full
    description: Shows what becomes of each object, never its content.
options:
  directory:
    description:
      - Directory of the CAs. It is made with mode V(0700) and its own C(.gitignore).
      - A CA is C(NAME.crt) and C(NAME.key), V(etcd-ca) C(etcd/ca.crt) and C(etcd/ca.key) as kubeadm has it.
    type: path
    required: true
  passphrase:
    description:
      - Encrypts the keys of CAs on disk. Plain keys that exist are encrypted, too.
      - Key pairs and secrets stay plain, for they are copied to hosts as they are.
    type: str
    default: ""
  config:
    description: A C(ca-config.json) of cfssl, absolute path or content, with the profiles that CAs name.
    type: raw
  import_dir:
    description:
      - A directory with CAs and key pairs made elsewhere, to take over those that are not here yet.
      - It is laid out by kubeadm (C(ca.crt), C(ca.key), C(etcd/ca.crt), C(sa.key) …) or by cfssl (C(ca.pem),
        C(ca-key.pem), C(etcd-ca.pem) …). What it lacks is made new, but one of the CAs must be there.
      - It may go when all of O(cas) are here. What it still has must be the same, or what was replaced since.
    type: path
  cas:
    description: CAs to have, those that sign others first.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "Name, also of the files.", type: str, required: true}
      common_name: {description: "Common name of the subject, the name where it is not given.", type: str}
      csr:
        description:
          - A C(*-csr.json) of cfssl, absolute path or content. It says what the other options leave open.
          - With O(cas[].signed_by) and O(cas[].profile) it does not decide life, depth and pointers.
        type: raw
      signed_by:
        description: Name of the CA that signs this one. Without it, it signs itself.
        type: str
      split_from:
        description:
          - Name of the CA whose certificates this one takes over. List this one before it.
          - Where that CA is here already, or is imported, this one begins as a copy with the same key, so that a
            running cluster notices nothing. Rotating it with M(hardway.kubernetes.pki_rotation) gives it a key
            of its own; until then the task warns. Where neither exists, it is made with a key of its own.
        type: str
      profile:
        description: Profile of O(config) with C(is_ca), for its usages, expiry and path length.
        type: str
      usages:
        description:
          - Usages in cfssl's words. With purposes, for example V([server auth]), it can sign for these only.
          - Without usages of the key they are V([signing, cert sign, crl sign]), for RSA also V(key encipherment).
        type: list
        elements: str
        default: []
      path_length:
        description: How many CAs may follow below it. Without it any number.
        type: int
      names:
        description: "Further parts of the subject as cfssl has them, for example V({O: Example, C: DE})."
        type: list
        elements: dict
        default: []
      key:
        description: Kind of key that a new CA gets. Without it V(ecdsa).
        type: dict
        suboptions: &key
          algo:
            description: Algorithm.
            type: str
            choices: [ecdsa, rsa, ed25519]
            default: ecdsa
          size:
            description: Size in bits. Without it 256 for V(ecdsa) and 2048 for V(rsa).
            type: int
      expiry:
        description: Life, in Go's words or days. Else V(87600h), below another V(43800h) or what that has left.
        type: str
      import_certificate:
        description: Certificate of a CA made elsewhere, perhaps with its chain, to take over once.
        type: path
      import_key:
        description: Its key. Without it the CA is trusted, and what it must sign is laid down as requests.
        type: path
      import_passphrase:
        description: Passphrase of that key, where it is not O(passphrase).
        type: str
  key_pairs:
    description: Key pairs to have, C(NAME.key) and C(NAME.pub), for example of service accounts.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "Name, also of the files.", type: str, required: true}
      key:
        description: Kind of key that a new pair gets.
        type: dict
        default: {}
        suboptions: *key
  secrets:
    description: Random secrets to have, C(secrets/NAME).
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the file., type: str, required: true}
      bytes: {description: Number of random bytes., type: int, default: 32}
      encoding:
        description: How the bytes are written.
        type: str
        choices: [base64, base64url]
        default: base64
  renew:
    description:
      - Renews a CA when less than O(renew_before) of its life is left, or none, and its signer's key is here.
      - It keeps its name and key, so that certificates it signed stay valid.
    type: bool
    default: false
  renew_before:
    description: Part of the life, from 0 to 1, that must be left.
    type: float
    default: 0.333
  offline:
    description:
      - Names of O(cas) whose keys were here and are kept elsewhere since. Without it a key that was here once
        and is missing is an error.
    type: list
    elements: str
    default: []
  regenerate:
    description:
      - Lost files to have others made for, for good, for example V([encryption.key]), V([sa.key]) or V([etcd-ca.crt]).
        Without it, what was here once and is missing is an error, for it cannot be made again.
      - It does nothing to files that are here. What is left of a CA that is made again goes to C(retired/lost).
    type: list
    elements: str
    default: []
  may_wait:
    description: Goes on where something must be signed elsewhere, so that one run can lay down all requests.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make the CAs of a cluster
  hardway.kubernetes.pki_ca:
    directory: ~/cluster/pki
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

- name: Make a CA from the files of a guide for cfssl
  hardway.kubernetes.pki_ca:
    directory: ~/cluster/pki
    cas:
      - {name: ca, csr: /srv/guide/ca-csr.json}

- name: Take over the CAs of a cluster that kubeadm made
  hardway.kubernetes.pki_ca:
    directory: ~/cluster/pki
    import_dir: /srv/master-1/etc/kubernetes/pki
    cas:
      - {name: ca}
      - {name: etcd-ca}
      - {name: front-proxy-ca}
    key_pairs:
      - {name: sa}
"""

RETURN = r"""
directory: {description: "The directory, as an absolute path.", returned: success, type: str, sample: /home/ops/pki}
cas:
  description: What became of each CA.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str, returned: success, sample: ca}
    path: {description: Its certificate., type: str, returned: success, sample: /home/ops/cluster/pki/ca.crt}
    state: {description: "created, copied, imported, renewed, kept …", type: str, returned: success, sample: kept}
    has_key: {description: Whether it can sign., type: bool, returned: success, sample: true}
    not_after: {description: End of its life., type: str, returned: success, sample: "2036-11-18T00:55:00Z"}
    fingerprint: {description: SHA-256 of the certificate., type: str, returned: success, sample: 3b1f…}
requests:
  description: "The requests that wait for a signature, as M(hardway.kubernetes.pki_certificate) tells of them."
  returned: success
  type: list
  elements: dict
  sample: [{path: /home/ops/cluster/pki/requests/ca/cas/sub.csr, ca: ca, usages: [cert sign]}]
key_pairs:
  description: What became of each key pair.
  returned: success
  type: list
  elements: dict
  sample: [{name: sa, path: /home/ops/cluster/pki/sa.key, state: created}]
secrets:
  description: What became of each secret. Never its value.
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
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.split import shared
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import (
    CA_OPTIONS,
    KEY_PAIR_OPTIONS,
    SECRET_OPTIONS,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import all_profiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "config": {"type": "raw"},
    "import_dir": {"type": "path"},
    "cas": {"type": "list", "elements": "dict", "options": CA_OPTIONS, "default": []},
    "key_pairs": {"type": "list", "elements": "dict", "options": KEY_PAIR_OPTIONS, "default": [], "no_log": False},
    "secrets": {"type": "list", "elements": "dict", "options": SECRET_OPTIONS, "default": [], "no_log": False},
    "renew": {"type": "bool", "default": False},
    "renew_before": {"type": "float", "default": 0.333},
    "offline": {"type": "list", "elements": "str", "default": []},
    "regenerate": {"type": "list", "elements": "str", "default": []},
    "may_wait": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_ca")
    if not 0 <= params["renew_before"] < 1:
        raise HardwayError(f"renew_before {params['renew_before']}: is no part of a life; give 0 to 1")
    store = Store(params["directory"])
    done = store.prepare(check)
    passphrase, profiles = params["passphrase"] or None, all_profiles(params)
    ensure = Ensure(store, passphrase, params["renew"], params["renew_before"], check, profiles, params["import_dir"])
    check_directory(params["import_dir"], params["cas"], store)
    with nullcontext() if check else store.locked(), whole(ensure, params) as (ensure, gone):
        done += [f"{os.path.join(store.directory, path)}: given up" for path in gone]
        kinds = {
            "cas": [ensure.ca(item) for item in params["cas"]],
            "key_pairs": [ensure.key_pair(item) for item in params["key_pairs"]],
            "secrets": [ensure.secret(item) for item in params["secrets"]],
        }
    if not params["may_wait"]:
        ensure.offline.stop()
    ensure.offline.done()
    # A request that waits since an earlier run is no change.
    same = {"kept"} if ensure.offline.written else {"kept", "requested"}
    states = {item["path"]: item["state"] for items in kinds.values() for item in items if item["state"] not in same}
    after = "".join(f"{line}\n" for line in [*done, *(f"{path}: {state}" for path, state in states.items())])
    told = {"directory": store.directory, "requests": waiting(ensure.offline), "diff": {"before": "", "after": after}}
    return {"changed": bool(after), **told, **kinds}


def warnings(params: dict[str, Any]) -> list[str]:
    """Return one line for each CA that still has a key of the CA it is to be apart from."""
    store = Store(params["directory"])
    return [line for item in params["cas"] if (line := shared(store, item["name"], item["split_from"]))]


@contextmanager
def whole(ensure: Ensure, params: dict[str, Any]) -> Iterator[tuple[Ensure, list[str]]]:
    """Refuse to work where something is lost, and list what is here afterwards, also where the work fails.

    Gives what does the work, and the lost files that are given up.
    """
    store = ensure.store
    contents, asked = Contents.load(store), Asked.of(store, params)
    replaced = asked.named(params["regenerate"], "regenerate")
    elsewhere = asked.named([f"{name}.key" for name in params["offline"]], "offline") & asked.ca_keys
    lost = contents.lost(asked)
    if remaining := [path for path in lost if path not in replaced | elsewhere]:
        raise HardwayError(problem(store, asked, remaining))
    gone = [path for path in lost if path in replaced]
    ensure = replace(ensure, regenerate=frozenset(gone))
    if ensure.check:
        yield ensure, gone
        return
    contents.begin()
    ensure.put_halves_aside()
    if JOURNAL in gone:
        store.write(os.path.join(store.directory, JOURNAL), b"")
    try:
        yield ensure, gone
    finally:
        contents.note(asked, lost)


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

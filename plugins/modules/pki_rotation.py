#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_rotation
short_description: Put new CAs and token keys in the place of old ones, step by step
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Changes the files of CAs and key pairs on the controller, see M(hardway.kubernetes.pki_ca), by one step.
    Between two steps all hosts are to be brought along, see C(playbooks/rotate_ca.yml).
  - V(trust) makes the new one, trusted beside the old one, which still signs. V(issue) lets the new one sign, with the
    old one still trusted. V(settle) notes that all hosts have come along, no more. V(drop) ends the trust in the old
    one. V(done) closes the rotation, so that the next V(trust) begins another one.
  - How far each is, and since when, stands in C(rotation.json) in the directory. A step that is done already changes
    nothing, one that was cut off is completed, and none can be left out.
  - What was replaced is kept in C(retired). Delete the key there when nobody needs to go back. By the certificate later
    runs know what was replaced.
  - A CA whose key is kept elsewhere is not rotated, for the new key would be here. Bring the key back first.
    One that a CA elsewhere has signed is rotated with a successor from O(import_dir).
requirements:
  - python3-cryptography 3.4 or newer
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the steps, never the content of files.
options:
  directory:
    description: Directory of the CAs.
    type: path
    required: true
  passphrase:
    description: Encrypts the keys of new CAs, as of M(hardway.kubernetes.pki_ca).
    type: str
    default: ""
  import_dir:
    description:
      - Directory with CAs made elsewhere, and their keys, that take the place of all in O(cas), laid
        out as for M(hardway.kubernetes.pki_ca). Without it new ones are made.
    type: path
  step:
    description: How far to go. More than one step ahead is refused.
    type: str
    choices: [trust, issue, settle, drop, done]
    required: true
  min_age:
    description:
      - How long after V(settle) the V(drop) of a key pair is refused, as Go writes durations.
      - Pods have tokens of the old key until the kubelet replaces them, within an hour.
    type: str
    default: 1h
  cas:
    description: CAs to rotate, and what the new ones are like.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the CA that is there.
        type: str
        required: true
      common_name:
        description: Common name of the new one, the name where it is not given.
        type: str
      names:
        description: Further parts of its subject.
        type: list
        elements: dict
        default: []
      key: &key
        description: Kind of its key.
        type: dict
        default: {}
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
        description: Its life. Without it as of M(hardway.kubernetes.pki_ca).
        type: str
      signed_by:
        description: Name of the CA that signs it, where that is another one. Its key must be here.
        type: str
      split_from:
        description: As of M(hardway.kubernetes.pki_ca). Of no effect here, where a new one has a key of its own.
        type: str
      usages:
        description: What it can sign for, as of M(hardway.kubernetes.pki_ca).
        type: list
        elements: str
        default: []
      path_length:
        description: How many CAs may follow below it. Without it any number.
        type: int
  key_pairs:
    description: Key pairs to rotate, those of service accounts.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the pair that is there.
        type: str
        required: true
      key: *key
seealso:
  - module: hardway.kubernetes.pki_ca
"""

EXAMPLES = r"""
- name: Have a new CA of etcd trusted beside the old one
  hardway.kubernetes.pki_rotation:
    directory: ~/cluster/pki
    cas:
      - name: etcd-ca
    step: trust
"""

RETURN = r"""
rotations:
  description: How far each of those named is, V(none) where nothing is under way.
  returned: success
  type: list
  elements: dict
  sample: [{name: etcd-ca, step: trust, changed: true}]
under_way:
  description: Steps of all that are under way in the directory, by name.
  returned: success
  type: dict
  sample: {etcd-ca: trust}
"""

from contextlib import nullcontext
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import STEPS, Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import (
    CA_OPTIONS,
    KEY_OPTIONS,
    KEY_PAIR_OPTIONS,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_CA = {
    "name": {"type": "str", "required": True},
    "common_name": {"type": "str"},
    "names": {"type": "list", "elements": "dict", "default": []},
    "key": {"type": "dict", "options": KEY_OPTIONS, "default": {}, "no_log": False},
    **{name: CA_OPTIONS[name] for name in ("expiry", "signed_by", "split_from", "usages", "path_length")},
}
SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "import_dir": {"type": "path"},
    "step": {"type": "str", "choices": list(STEPS), "required": True},
    "min_age": {"type": "str", "default": "1h"},
    "cas": {"type": "list", "elements": "dict", "options": _CA, "default": []},
    "key_pairs": {"type": "list", "elements": "dict", "options": KEY_PAIR_OPTIONS, "default": [], "no_log": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_rotation")
    store, step = Store(params["directory"]), params["step"]
    with nullcontext() if check else store.locked():
        ensure = Ensure(store, params["passphrase"] or None, False, 0.0, check, import_dir=params["import_dir"] or None)
        rotation = Rotation(ensure, min_age=parse(params["min_age"], "pki_rotation: min_age"))
        before = lines(rotation.under_way)
        rotations = rotation.take(step, params["cas"], params["key_pairs"])
    done = {item["name"]: {"step": item["step"]} for item in rotations if item["step"] not in ("none", "done")}
    return {
        "changed": any(item["changed"] for item in rotations),
        "rotations": rotations,
        "under_way": {name: state["step"] for name, state in rotation.under_way.items()},
        "diff": {"before": before, "after": lines({**rotation.under_way, **done})},
    }


def lines(under_way: dict[str, dict[str, Any]]) -> str:
    """Return the state of all rotations for a diff."""
    return "".join(f"{name}: {state['step']}\n" for name, state in sorted(under_way.items()))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_rotation
short_description: Rotate CAs and service account keys step by step
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Advances the rotation of CAs and key pairs on the controller by one step; see M(hardway.kubernetes.pki_ca). All
    hosts must be updated between two steps; see C(playbooks/rotate_ca.yml).
  - V(trust) creates the new CA. Both are trusted, the old one still signs.
  - V(issue) lets the new CA sign. Both are trusted.
  - V(updated) records that all hosts are updated. Nothing else changes.
  - V(drop) removes the trust in the old CA.
  - V(done) completes the rotation, so that the next V(trust) starts another one.
  - C(rotation.json) in the directory records the step of each rotation and its time. Repeating a step changes nothing,
    an interrupted step is completed, and no step can be skipped.
  - Replaced files are moved to C(retired). Delete the keys there when they are no longer needed for a rollback. Keep
    the certificates, by which later runs recognize replaced CAs.
  - An offline CA cannot be rotated, because the new key would be on the controller. Restore the key first. A CA that
    an offline CA has signed is rotated with a successor from O(import_dir).
requirements:
  - python3-cryptography 3.4 or newer
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the steps, never file contents.
options:
  ca_dir:
    description: Directory of the CAs.
    type: path
    required: true
  passphrase:
    description: Encrypts the keys of new CAs, as in M(hardway.kubernetes.pki_ca).
    type: str
    default: ""
  import_dir:
    description:
      - Directory with existing CAs and their keys to use as successors of all in O(cas), laid
        out as for M(hardway.kubernetes.pki_ca). When unset, new CAs are created.
    type: path
  step:
    description: Step to perform. Skipping a step is an error.
    type: str
    choices: [trust, issue, updated, drop, done]
    required: true
  min_age:
    description:
      - Minimum time between V(updated) and V(drop) of a key pair, for example V(1h).
      - Pods have tokens signed by the old key until the kubelet replaces them, within an hour.
    type: str
    default: 1h
  left_out:
    description: Hosts that do not take part, because they are down. C(rotation.json) lists them with the step.
    type: list
    elements: str
    default: []
  cas:
    description: CAs to rotate, with the options of the new ones.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the existing CA.
        type: str
        required: true
      common_name:
        description: Common name of the new CA. The default is O(cas[].name).
        type: str
      names:
        description: Other subject fields.
        type: list
        elements: dict
        default: []
      key: &key
        description: Type of its key.
        type: dict
        default: {}
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
        description: Its validity period. The default is that of M(hardway.kubernetes.pki_ca).
        type: str
      signed_by:
        description: Name of the CA that signs it, unless self-signed. The key of that CA must be available.
        type: str
      split_from:
        description: As in M(hardway.kubernetes.pki_ca). Ignored here, because the new CA has its own key.
        type: str
      usages:
        description: Usages, as in M(hardway.kubernetes.pki_ca).
        type: list
        elements: str
        default: []
      path_length:
        description: How many levels of CAs may follow below it. Unlimited when unset.
        type: int
  key_pairs:
    description: Key pairs to rotate, such as that for service account tokens.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the existing key pair.
        type: str
        required: true
      key: *key
seealso:
  - module: hardway.kubernetes.pki_ca
"""

EXAMPLES = r"""
- name: Create a new etcd CA and trust it along with the old one
  hardway.kubernetes.pki_rotation:
    ca_dir: ~/cluster/pki
    cas:
      - name: etcd-ca
    step: trust
"""

RETURN = r"""
rotations:
  description: Step of each CA and key pair of the task, V(none) without a rotation.
  returned: success
  type: list
  elements: dict
  sample: [{name: etcd-ca, step: trust, changed: true}]
under_way:
  description: Steps of all unfinished rotations in the directory, by name.
  returned: success
  type: dict
  sample: {etcd-ca: trust}
"""

from contextlib import nullcontext
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import STEPS
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
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
    "ca_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "import_dir": {"type": "path"},
    "step": {"type": "str", "choices": list(STEPS), "required": True},
    "min_age": {"type": "str", "default": "1h"},
    "left_out": {"type": "list", "elements": "str", "default": []},
    "cas": {"type": "list", "elements": "dict", "options": _CA, "default": []},
    "key_pairs": {"type": "list", "elements": "dict", "options": KEY_PAIR_OPTIONS, "default": [], "no_log": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_rotation")
    store, step = Store(params["ca_dir"]), params["step"]
    with nullcontext() if check else store.locked():
        reconciler = Reconciler(
            store, params["passphrase"] or None, False, 0.0, check, import_dir=params["import_dir"] or None
        )
        min_age = parse(params["min_age"], "pki_rotation: min_age")
        rotation = Rotation(reconciler, min_age=min_age, left_out=params["left_out"])
        before = lines(rotation.under_way)
        rotations = rotation.advance(step, params["cas"], params["key_pairs"])
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

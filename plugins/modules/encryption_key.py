#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module encryption_key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encryption_key
short_description: Create a new encryption key for etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Replaces the keys in C(secrets/encryption.key) of a PKI directory on the controller by a new one with a new name.
    The replaced ones move to C(retired), because objects in etcd, and backups, are encrypted by them.
  - Each run creates a key. C(rotate_encryption_key.yml) runs it only if all masters have completed the last rotation.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the names, never the keys.
options:
  ca_dir:
    description: PKI directory, C(cluster_pki_dir).
    type: path
    required: true
  accepted:
    description: Names of keys that must be able to decrypt. The retired ones are added behind those in use.
    type: list
    elements: str
seealso:
  - module: hardway.kubernetes.pki_ca
  - module: hardway.kubernetes.etcd_encryption
"""

EXAMPLES = r"""
- name: Create a new encryption key
  hardway.kubernetes.encryption_key:
    ca_dir: ~/cluster/pki
"""

RETURN = r"""
name:
  description: Name of the new key.
  returned: without O(accepted)
  type: str
  sample: key2
retired:
  description: Names of the replaced keys.
  returned: without O(accepted)
  type: list
  elements: str
  sample: [key1]
added:
  description: Names of the retired keys that were added.
  returned: with O(accepted)
  type: list
  elements: str
  sample: [key1]
"""

from contextlib import nullcontext
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import encryption_keys
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

SPEC: dict[str, Any] = {
    "ca_dir": {"type": "path", "required": True},
    "accepted": {"type": "list", "elements": "str"},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    store = Store(params["ca_dir"])
    header = store.secret("encryption.key")
    with nullcontext() if check else store.locked():
        if params["accepted"] is not None:
            before = "".join(f"{key.name}\n" for key in encryption_keys.current(store))
            added = encryption_keys.accept(store, params["accepted"], check)
            diff = {"before_header": header, "after_header": header, "before": before}
            return {
                "changed": bool(added),
                "added": added,
                "diff": {**diff, "after": before + "".join(f"{a}\n" for a in added)},
            }
        name, retired = encryption_keys.rotate(store, check)
    diff = {"before_header": header, "after_header": header}
    diff.update(before="".join(f"{old}\n" for old in retired), after=f"{name}\n")
    return {"changed": True, "name": name, "retired": retired, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

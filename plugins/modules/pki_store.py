#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_store
short_description: Synchronise the PKI directory with its copies
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the directory of the CAs with its encrypted copies on hosts, which
    M(hardway.kubernetes.pki_store_copy) reads and writes. Runs on the controller.
  - A copy of a newer generation replaces the directory. A directory that has changed becomes a new generation. Where
    both have changed, the task fails.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    description:
      - Nothing is written to O(ca_dir).
      - A newer copy is unpacked to a private directory, see RV(ca_dir).
      - This directory is removed at the end.
  diff_mode:
    support: full
options:
  ca_dir:
    description: Directory of the CAs, see M(hardway.kubernetes.pki_ca).
    type: path
    required: true
  passphrase:
    description: Passphrase of the copies.
    type: str
    required: true
  copies:
    description: What M(hardway.kubernetes.pki_store_copy) has returned, by host.
    type: dict
    required: true
  discard:
    description: Generation that the directory replaces, although the changes of that generation are not in it.
    type: int
    default: 0
  expect_change:
    description: In check mode, whether earlier tasks would have changed the directory.
    type: bool
    default: false
  state:
    description:
      - V(loaded) replaces the directory if a copy is newer.
      - V(saved) encrypts the directory, as a new generation if it has changed.
    type: str
    choices: [loaded, saved]
    required: true
seealso:
  - module: hardway.kubernetes.pki_store_copy
"""

EXAMPLES = r"""
- name: Load the newest copy into the PKI directory
  hardway.kubernetes.pki_store:
    ca_dir: "{{ cluster_pki_dir }}"
    passphrase: "{{ cluster_pki_store_passphrase }}"
    copies: "{{ {'m1': copy_of_m1} }}"
    state: loaded
"""

RETURN = r"""
ca_dir:
  description: Directory with the files after the task, in check mode also a temporary one.
  returned: when O(state=loaded)
  type: str
  sample: /srv/inventory/.pki
generation:
  description: Generation of the directory.
  returned: when O(state=saved)
  type: int
  sample: 4
copy_path:
  description: Path of the encrypted copy.
  returned: when O(state=saved)
  type: str
  sample: /srv/inventory/.pki/.store/copy
outdated:
  description: Available hosts that do not have this generation.
  returned: when O(state=saved)
  type: list
  elements: str
  sample: [m2]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sync import Synchronised
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

SPEC: dict[str, Any] = {
    "ca_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "required": True, "no_log": True},
    "copies": {"type": "dict", "required": True},
    "discard": {"type": "int", "default": 0},
    "expect_change": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["loaded", "saved"], "required": True},
}


def run(params: dict[str, Any], check: bool, preview: str = "") -> dict[str, Any]:
    """Return the result of one task; a check unpacks a newer copy into the directory preview."""
    require_cryptography("pki_store")
    directory = Synchronised(params["ca_dir"], params["passphrase"], check)
    if params["state"] == "loaded":
        return directory.load(params["copies"], params["discard"], preview)
    return directory.save(params["copies"], params["discard"], params["expect_change"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    for line in result.pop("warnings"):
        module.warn(line)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_encryption."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_encryption
short_description: Count values in etcd by encryption key
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Counts by which keys of an EncryptionConfiguration the values in etcd are encrypted. Read-only.
  - Reads all of etcd in pages of about 4 MiB. Only numbers are returned, and in an error the names of some objects.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing changes.
options:
  absent:
    description: Names of keys, of any provider. Fails if a value is encrypted by one of them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Prove that nothing needs key1 any more
  hardway.kubernetes.etcd_encryption:
    endpoints: [https://127.0.0.1:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/healthcheck-client.crt
    key: /etc/etcd/pki/healthcheck-client.key
    absent: [key1]
"""

RETURN = r"""
encrypted:
  description: Number of values by provider and key.
  returned: success
  type: dict
  sample: {"secretbox:key2": 12}
plain:
  description: Number of values that are not encrypted.
  returned: success
  type: int
  sample: 345
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import encryption
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "absent": {"type": "list", "elements": "str", "default": [], "no_log": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    return {"changed": False, **encryption.count(Etcdctl(params).run, params["absent"])}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_key
short_description: Set the value of a key in etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes a key of etcd if its value differs. The value is not treated as secret, the diff shows it.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  path:
    description: The key.
    type: str
    required: true
  value:
    description: Value of the key.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Configure the network of flannel
  hardway.kubernetes.etcd_key:
    endpoints: [https://127.0.0.1:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/root.crt
    key: /etc/etcd/pki/root.key
    path: /coreos.com/network/config
    value: '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}'
"""

RETURN = r"""
path:
  description: The key.
  returned: always
  type: str
  sample: /coreos.com/network/config
"""

import base64
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "path": {"type": "str", "required": True},
    "value": {"type": "str", "required": True},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    etcd, name, value = Etcdctl(params), params["path"], params["value"]
    found = [] if check and etcd.absent() else etcd.json("get", name).get("kvs") or []
    before = base64.b64decode(found[0].get("value", "")).decode("utf-8", "replace") if found else None
    if before != value and not check:
        # By standard input: arguments have a size limit and other users can read them.
        etcd.run(["put", name], stdin=value)
    diff = {"before_header": name, "after_header": name, "before": before or "", "after": value}
    return {"changed": before != value, "path": name, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

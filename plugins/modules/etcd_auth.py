#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_auth."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_auth
short_description: Configure users, roles and authentication of etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Configures roles and users of etcd, then enables or disables authentication.
  - Users have no password. The user name is the common name of a client certificate.
  - The HTTPS gateway of etcd rejects such certificates while authentication is enabled.
  - The user C(root) with the role C(root) always exists. Roles and users that are not listed are left alone.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  roles:
    description: Roles, each with all its permissions. Other permissions are revoked.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the role.
        type: str
        required: true
      permissions:
        description: Permissions of the role.
        type: list
        elements: dict
        default: []
        suboptions:
          prefix:
            description: Prefix of the keys. It should end with a slash.
            type: str
            required: true
          mode:
            description: Access to these keys.
            type: str
            choices: [read, write, readwrite]
            default: readwrite
  users:
    description: Users, each with all its roles. Other roles are revoked.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Common name of the client certificate.
        type: str
        required: true
      roles:
        description: Names of its roles.
        type: list
        elements: str
        default: []
  enabled:
    description: Whether etcd requires authentication.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Limit flannel to its own keys
  hardway.kubernetes.etcd_auth:
    endpoints: [https://127.0.0.1:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/root.crt
    key: /etc/etcd/pki/root.key
    roles:
      - name: flannel
        permissions: [{prefix: /coreos.com/network/}]
    users:
      - name: flannel
        roles: [flannel]
      - name: kube-apiserver-etcd-client
        roles: [root]
"""

RETURN = r"""
commands:
  description: The C(etcdctl) commands that were run (or would be).
  returned: always
  type: list
  elements: str
  sample: [user add flannel --no-password, user grant-role flannel flannel]
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import auth
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.auth import Access
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl

PERMISSION = {
    "prefix": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": list(auth.MODES), "default": "readwrite"},
}
ROLE = {
    "name": {"type": "str", "required": True},
    "permissions": {"type": "list", "elements": "dict", "options": PERMISSION, "default": []},
}
USER = {"name": {"type": "str", "required": True}, "roles": {"type": "list", "elements": "str", "default": []}}
SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "roles": {"type": "list", "elements": "dict", "options": ROLE, "default": []},
    "users": {"type": "list", "elements": "dict", "options": USER, "default": []},
    "enabled": {"type": "bool", "default": True},
}


def inspect(etcd: Etcdctl, want: Access) -> Access:
    """Return the current state of the wanted roles and users."""
    roles = set(etcd.json("role", "list").get("roles") or []) & set(want.roles)
    users = set(etcd.json("user", "list").get("users") or []) & set(want.users)
    return Access(
        roles={name: auth.permissions_of(etcd.json("role", "get", name)) for name in roles},
        users={name: set(etcd.json("user", "get", name).get("roles") or []) for name in users},
        enabled=bool(etcd.json("auth", "status").get("enabled")),
    )


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    etcd = Etcdctl(params)
    want = auth.wanted(params["roles"], params["users"], params["enabled"])
    found = Access() if check and etcd.absent() else inspect(etcd, want)
    steps = auth.commands(found, want)
    if not check:
        for step in steps:
            etcd.run(step)
    lines = [" ".join(step) for step in steps]
    after = "".join(f"{line}\n" for line in lines)
    return {"changed": bool(steps), "commands": lines, "diff": {"before": "", "after": after}}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

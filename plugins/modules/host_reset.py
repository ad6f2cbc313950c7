#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module host_reset."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_reset
short_description: Remove from a host what the collection deployed
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Stops units, ends pods through the container runtime, unmounts what is
    mounted below the directories, removes interfaces, routes, chains, tables
    and the rules of M(hardway.kubernetes.host_firewall), deletes files, and sets
    sysctls, kernel modules, swap and users back to what
    M(hardway.kubernetes.host_settings) recorded before its first change.
  - Mounts are unmounted deepest first and never lazily. One that is still
    mounted fails the task. Mounts in C(/etc/fstab) stay, with their content.
  - Deleting never leaves the mount of a directory and never follows a link. A
    directory that is a mount point, or reached by a link, is emptied and stays.
  - If containerd has containers or images in other namespaces than C(k8s.io),
    it stays with its files, and only the pods end.
  - A host with neither C(/var/lib/hardway) nor C(/opt/hardway) is not changed.
  - The same task finishes what an interrupted one has begun.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: A stopped containerd shows only running containers of others.
  diff_mode:
    support: full
    details: Shows the steps.
options:
  parts:
    description: Parts of a cluster that the host may have.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the part.
        type: str
        required: true
      expected:
        description: Whether the host is in the group of the part. Otherwise,
          the part is reset only if one of its units was started by the
          collection.
        type: bool
        default: false
      units:
        description: Units, in the order in which they stop.
        type: list
        elements: str
        default: []
      directories:
        description: Directories to delete. Those of containerd begin with its
          root and its state.
        type: list
        elements: path
        default: []
      files:
        description: Files to delete; names with C(*) are patterns.
        type: list
        elements: path
        default: []
      marked_files:
        description: Files to delete if they are those of the collection.
        type: list
        elements: path
        default: []
      data:
        description: Directories and files that are moved aside, to
          C(PATH.removed-YYYYMMDDTHHMMSSZ).
        type: list
        elements: path
        default: []
      if_empty:
        description: Directories to delete if they are empty at the end.
        type: list
        elements: path
        default: []
  pods:
    description: What the pod network has on the host.
    type: dict
    default: {}
    suboptions:
      interfaces:
        description: Interfaces to delete.
        type: list
        elements: str
        default: []
      networks:
        description: Networks of the pods, for routes to those of other nodes.
        type: list
        elements: str
        default: []
      cni:
        description: Name of the CNI network.
        type: str
        default: flannel
  socket:
    description: Socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
  users:
    description: Users to remove if they did not exist before, and nothing of
      theirs is left.
    type: list
    elements: str
    default: []
  delete_data:
    description: Whether the data of the parts are deleted instead of moved
      aside.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove the kubelet from the host
  hardway.kubernetes.host_reset:
    parts:
      - name: node
        units: [kubelet.service]
        directories: [/var/lib/kubelet]
"""

RETURN = r"""
changes:
  description: The steps, in their order.
  returned: always
  type: list
  elements: str
  sample: [stop kubelet.service, unmount /var/lib/kubelet/pods/x, delete /var/lib/kubelet]
notes:
  description: What stays, and why.
  returned: always
  type: list
  elements: str
  sample: ["module overlay stays loaded until the next boot: in use"]
moved:
  description: Where data are now, by their former place.
  returned: always
  type: dict
  sample: {/var/lib/etcd: /var/lib/etcd.removed-20260102T030405Z}
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import call
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.reset import Reset

PATHS: dict[str, Any] = {"type": "list", "elements": "path", "default": []}
NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
PART: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "expected": {"type": "bool", "default": False},
    "units": NAMES,
    "directories": PATHS,
    "files": PATHS,
    "marked_files": PATHS,
    "data": PATHS,
    "if_empty": PATHS,
}
SPEC: dict[str, Any] = {
    "parts": {"type": "list", "elements": "dict", "required": True, "options": PART},
    "pods": {
        "type": "dict",
        "default": {},
        "options": {"interfaces": NAMES, "networks": NAMES, "cni": {"type": "str", "default": "flannel"}},
    },
    "socket": {"type": "path", "default": "/run/containerd/containerd.sock"},
    "users": NAMES,
    "delete_data": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    reset = Reset(params, call)
    changes = reset.plan()
    if changes and not check:
        reset.run()
    return {
        "changed": bool(changes),
        "changes": changes,
        "notes": reset.notes(),
        "moved": reset.moved,
        "diff": {"before": "".join(f"{line}\n" for line in changes), "after": ""},
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

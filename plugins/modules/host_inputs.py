#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin host_inputs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_inputs
short_description: Digest what decides the tasks of hosts
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns a digest by host of everything that decides what a run of the
    playbook site does there. It has the options of all roles as the host has
    them, its groups and facts, values that all hosts share, the code of this
    collection, the CAs, keys and shared secrets on the controller, and size
    and time of the files in C(cluster_binary_dir) and
    C(cluster_image_archives), and of C(cluster_bundle).
  - Compares it with the mark of M(hardway.kubernetes.up_to_date), which
    M(hardway.kubernetes.host_preflight) has read.
  - Hosts of the groups C(etcd), C(master) and C(lb) are up to date together, or
    not at all, because their roles compare them with each other.
  - A host has no digest if one of its options cannot be resolved, or if there
    is no service account key yet, with which digests are keyed.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  hosts:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
  groups:
    description: Hosts by group.
    type: dict
    required: true
  shared:
    description: Values that all hosts share, and that no option has.
    type: dict
    default: {}
  pki_dir:
    description: Directory on the controller with the CAs.
    type: path
    required: true
  preflight:
    description: Name of the variable with the result of
      M(hardway.kubernetes.host_preflight).
    type: str
    default: _cluster_preflight
"""

EXAMPLES = r"""
- name: Find the hosts on which nothing is to be done
  hardway.kubernetes.host_inputs:
    hosts: "{{ ansible_play_hosts }}"
    groups: "{{ groups }}"
    pki_dir: .pki
  run_once: true
"""

RETURN = r"""
inputs:
  description: Digest by host.
  returned: always
  type: dict
  sample: {"n1": "5f4dcc3b5aa765d61d8327deb882cf99"}
up_to_date:
  description: The hosts on which nothing is to be done.
  returned: always
  type: list
  elements: str
  sample: [n1]
"""

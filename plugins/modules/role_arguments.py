#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin role_arguments."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_arguments
short_description: Validate the variables of hosts before any role runs
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Validates variables from inventory and command line against the argument specifications of all roles of this
    collection, and against rules for values such as durations, ports and versions.
  - Reports misspelled variables and groups, cluster-wide options that differ between hosts, and conflicting values,
    such as two programs on one port or a pod range that is too small for the nodes.
  - Roles validate their own variables too, but only when they start, in the middle of a run.
  - Values that need facts or role defaults are skipped; others that cannot be resolved are reported. Runs on the
    controller and contacts no host.
  - Warns about hosts that are in none of the groups C(etcd), C(master), C(lb) and C(node).
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
    description: Names of the hosts whose values to validate. Names and cluster-wide options are checked for all hosts.
    type: list
    elements: str
    required: true
  groups:
    description: Names of the inventory groups by C(etcd), C(master), C(lb) and C(node).
    type: dict
    default: {etcd: etcd, master: master, lb: lb, node: node}
  endpoints:
    description:
      - Name of the variable with what listens on hosts, in the format of the filter
        P(hardway.kubernetes.endpoints#filter). It is evaluated when all variables are right.
    type: str
"""

EXAMPLES = r"""
- name: Validate the variables of all hosts
  hardway.kubernetes.role_arguments:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
problems:
  description: One line per problem, with variable, reason, remedy and hosts.
  returned: always
  type: list
  elements: str
  sample:
    - "flannel_backend: value of flannel_backend must be one of: vxlan, host-gw, wireguard, got: vxlann (role flannel);
      set it right for node1"
"""

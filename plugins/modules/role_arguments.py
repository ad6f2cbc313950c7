#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin role_arguments."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_arguments
short_description: Check the variables of hosts before any role runs
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Validates what inventory and command line give against the argument specifications of all roles here, types and
    choices, and against rules of single values such as durations, ports and versions.
  - Reports variables and groups whose names are nearly ours, options of the whole cluster that differ between hosts,
    and values that contradict each other, such as two programs on one port or a pod range too small for the nodes.
  - A role validates its own variables too, but only when its turn comes, with half of the work done.
  - Values that need facts or defaults of roles are passed over. Runs on the controller and contacts no host.
  - Hosts that are in none of the groups C(etcd), C(master), C(lb) and C(node) are named in a warning.
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
    description: Names of the hosts whose values are validated. Names and agreement concern all hosts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check the variables of all hosts
  hardway.kubernetes.role_arguments:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
problems:
  description: One line per problem, with the variable, the reason, the remedy and the hosts.
  returned: always
  type: list
  elements: str
  sample:
    - "flannel_backend: value of flannel_backend must be one of: vxlan, host-gw, wireguard, got: vxlann (role flannel);
      set it right for node1"
"""

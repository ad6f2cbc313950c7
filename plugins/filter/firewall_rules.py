# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(firewall_rules)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: firewall_rules
short_description: Return what the firewall of a host has to let in
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the options of M(hardway.kubernetes.host_firewall) for the groups of a host.
positional: _input, groups, names, host
options:
  _input:
    description:
      - Endpoints in the format of C(_cluster_endpoints) of role cluster. Those without C(from) are for the host itself.
        C(from) has groups of hosts, names of networks, addresses and networks. One without C(group) is of all hosts.
    type: list
    elements: dict
    required: true
  groups:
    description: Groups of the host.
    type: list
    elements: str
    required: true
  names:
    description: What the names in the endpoints stand for, in the format of C(_cluster_firewall_names) of role cluster.
    type: dict
    required: true
  host:
    description: Name of the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show that the kubelet is open for 192.0.2.11
  ansible.builtin.debug:
    msg: "{{ endpoints | hardway.kubernetes.firewall_rules(['node'], names, 'n1') }}"
  vars:
    endpoints: [{unit: kubelet, group: node, port: kubelet, from: [master]}]
    names:
      ports: {kubelet: 10250}
      absent: []
      groups: {master: [{host: m1, address: 192.0.2.11}], node: []}
      networks: {pods: [10.244.0.0/16], node_port_clients: []}
      forwards: true
"""

RETURN = r"""
_value:
  description: The options C(openings) and C(forwards) of M(hardway.kubernetes.host_firewall).
  type: dict
"""


def firewall_rules(items: t.Any, groups: t.Any, names: t.Any, host: str) -> t.Any:
    """Return the options of module host_firewall."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import openings

    return openings.rules(items, groups, names, host)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"firewall_rules": firewall_rules}

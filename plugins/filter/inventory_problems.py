# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(inventory_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: inventory_problems
short_description: What is wrong with an inventory
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Checks groups, node names, addresses, ranges, the endpoint and the version against each other.
  - No host is contacted.
options:
  _input:
    description:
      - C(etcd), C(masters), C(nodes), C(lb) as the filter P(hardway.kubernetes.members#filter) gives them,
        and C(pod_cidr), C(service_cidr), C(dns_address), C(node_port_range), C(api_port), C(api_vip), C(api_endpoint),
        C(api_endpoint_given), C(pki_dir), C(kubernetes_version) and C(supported_minors).
      - C(unsettled) names hosts whose address may be unknown, for they are still to be asked or did not answer.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See roles/cluster/tasks/inventory.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ _cluster_plan | hardway.kubernetes.inventory_problems }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with the variable or host, the value and the remedy; empty when all is well.
  type: list
  elements: str
"""


def inventory_problems(cluster: t.Any) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: whoever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import directories, inventory

    return [*inventory.inventory_problems(cluster), *directories.directory_problems(cluster)]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"inventory_problems": inventory_problems}

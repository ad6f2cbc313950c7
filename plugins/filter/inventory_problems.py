# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(inventory_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: inventory_problems
short_description: Report the problems of an inventory
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Validates groups, node names, addresses, ranges, endpoint and version.
  - No host is contacted. On the controller, only the file system of C(pki_dir) is inspected.
options:
  _input:
    description:
      - C(etcd), C(masters), C(nodes), C(lb) as returned by the filter P(hardway.kubernetes.host_addresses#filter),
        and C(pod_cidr), C(service_cidr), C(dns_address), C(node_port_range), C(api_port), C(api_vip), C(api_endpoint),
        C(api_endpoint_given), C(pki_dir), C(kubernetes_version) and C(supported_minors).
      - C(unsettled) lists hosts whose address may be unknown, because they were not queried yet or did not answer.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report the problems of the inventory
  ansible.builtin.debug:
    msg: "{{ _cluster_plan | hardway.kubernetes.inventory_problems }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with variable or host, value and remedy. Empty without problems.
  type: list
  elements: str
"""


def inventory_problems(cluster: t.Any) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import (
        directories,
        inventory,
        pki_places,
    )

    if cluster.get("pki_store") == "none" and not cluster.get("pki_store_given"):
        cluster = {**cluster, "pki_ephemeral": pki_places.ephemeral(str(cluster["pki_dir"]))}
    return [*inventory.inventory_problems(cluster), *directories.directory_problems(cluster)]


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"inventory_problems": inventory_problems}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(join_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: join_problems
short_description: Report why a host cannot join by hand
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Validates name and address of the host and the validity period of its token, and whether the cluster can sign all
    certificates that the host needs.
options:
  _input:
    description:
      - The host, with keys C(node), C(address), C(lifetime), C(lifetime_max), C(architecture), C(hosts) (of the
        cluster, from P(hardway.kubernetes.host_addresses#filter)), C(ranges) (networks by variable),
        C(kubelet_intermediate) and C(flannel_store).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report problems
  ansible.builtin.debug:
    msg: "{{ asked | hardway.kubernetes.join_problems }}"
  vars:
    asked:
      node: w9
      address: 192.0.2.29
      lifetime: 2h
      lifetime_max: 24h
      architecture: amd64
      hosts: [{host: m1, name: m1, address: 192.0.2.11}]
      ranges: {cluster_pod_cidr: 10.244.0.0/16}
      kubelet_intermediate: false
      flannel_store: kubernetes
"""

RETURN = r"""
_value:
  description: One line per problem, with reason and remedy. Empty without problems.
  type: list
  elements: str
"""


def join_problems(asked: t.Any) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import joining

    return joining.problems(asked)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"join_problems": join_problems}

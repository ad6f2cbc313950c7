# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(foreign_cas)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: foreign_cas
short_description: Report hosts that trust other CAs than those on the controller
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the CAs that hosts trust with those in a directory on the controller, by their public keys.
  - CAs in C(retired), which were replaced by a rotation, count as known.
positional: _input, names, ca_dir, etcd_data
options:
  _input:
    description: C(cas) from M(hardway.kubernetes.cached_results), by host.
    type: dict
    required: true
  names:
    description: Names of the CAs by path.
    type: dict
    required: true
  ca_dir:
    description: Directory of the CAs, C(cluster_pki_dir).
    type: path
    required: true
  etcd_data:
    description: Hosts with etcd data. If there are any, the CAs cannot be replaced.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Report hosts of another cluster
  ansible.builtin.debug:
    msg: "{{ reported | hardway.kubernetes.foreign_cas({'/etc/kubernetes/pki/ca.crt': 'ca'}, cluster_pki_dir) }}"
"""

RETURN = r"""
_value:
  description: One line per unknown CA, with hosts and remedy. Empty without problems.
  type: list
  elements: str
"""


def foreign_cas(reported: t.Any, names: t.Any, ca_dir: str, etcd_data: t.Any = ()) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import trusted_cas

    return trusted_cas.foreign_cas(reported, names, ca_dir, etcd_data)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"foreign_cas": foreign_cas}

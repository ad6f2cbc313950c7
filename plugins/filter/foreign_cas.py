# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(foreign_cas)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: foreign_cas
short_description: Which hosts trust other CAs than those on the controller
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the CAs that hosts trust with those in a directory on the controller, by their public keys.
  - CAs that were replaced by a rotation, and are kept in C(retired), count as known.
positional: _input, names, directory, etcd_data
options:
  _input:
    description: What the hosts have, as C(cas) of M(hardway.kubernetes.cached_results), by the name of the host.
    type: dict
    required: true
  names:
    description: Which CA belongs at each path.
    type: dict
    required: true
  directory:
    description: The directory of the CAs, C(cluster_pki_dir).
    type: path
    required: true
  etcd_data:
    description: Hosts on which etcd has data. As long as there are some, the CAs cannot be replaced.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See roles/host/tasks/main.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ told | hardway.kubernetes.foreign_cas({'/etc/kubernetes/pki/ca.crt': 'ca'}, cluster_pki_dir) }}"
"""

RETURN = r"""
_value:
  description: One line for each CA that is not ours, with the hosts and the remedy; empty when all is well.
  type: list
  elements: str
"""


def foreign_cas(told: t.Any, names: t.Any, directory: str, etcd_data: t.Any = ()) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: whoever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import trusted_cas

    return trusted_cas.foreign_cas(told, names, directory, etcd_data)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"foreign_cas": foreign_cas}

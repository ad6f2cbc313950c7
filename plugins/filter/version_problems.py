# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(version_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: version_problems
short_description: Why a running cluster may not go to the versions that an inventory asks for
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Refuses other minors, unless they are allowed and none is skipped, older versions, and kubelets newer than an API
    server.
positional: _input, wanted, allow_minor, supported, nodes
options:
  _input:
    description: What the filter P(hardway.kubernetes.running_cluster#filter) returns.
    type: dict
    required: true
  wanted:
    description: Versions by component.
    type: dict
    required: true
  allow_minor:
    description: Whether a component may go to the next minor.
    type: bool
    default: false
  supported:
    description: Minors of Kubernetes that the collection knows.
    type: list
    elements: str
    default: []
  nodes:
    description: Hosts of the play that get a kubelet.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See roles/cluster/tasks/hosts.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ _cluster_running | hardway.kubernetes.version_problems(cluster_versions) }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with what runs, what is asked for and the remedy; empty when all is well.
  type: list
  elements: str
"""


def version_problems(
    cluster: t.Any, wanted: t.Any, allow_minor: bool = False, supported: t.Any = (), nodes: t.Any = ()
) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: whoever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import pin

    return pin.problems(cluster, wanted, allow_minor=allow_minor, supported=supported, nodes=nodes)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"version_problems": version_problems}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(version_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: version_problems
short_description: Report why a running cluster cannot change to the versions of an inventory
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Rejects other minors, unless allowed and none is skipped, older versions, and kubelets newer than an API
    server.
positional: _input, wanted, allow_minor, supported, nodes, upgrade, rollback, node_version
options:
  _input:
    description: Result of the filter P(hardway.kubernetes.running_cluster#filter).
    type: dict
    required: true
  wanted:
    description: Wanted versions by component.
    type: dict
    required: true
  allow_minor:
    description: Whether a component other than Kubernetes may be upgraded to the next minor.
    type: bool
    default: false
  supported:
    description: Minors of Kubernetes that the collection supports.
    type: list
    elements: str
    default: []
  nodes:
    description: Hosts of the play with a kubelet.
    type: list
    elements: str
    default: []
  upgrade:
    description: Whether Kubernetes may be upgraded to the next minor.
    type: bool
    default: false
  rollback:
    description: Whether Kubernetes may go back to the minor that the API servers emulate.
    type: bool
    default: false
  node_version:
    description: Version of the nodes, if it is not that of the API servers.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Report versions that the cluster cannot change to
  ansible.builtin.debug:
    msg: "{{ _cluster_running | hardway.kubernetes.version_problems(cluster_versions) }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with running version, wanted version and remedy. Empty without problems.
  type: list
  elements: str
"""


def version_problems(
    cluster: t.Any,
    wanted: t.Any,
    allow_minor: bool = False,
    supported: t.Any = (),
    nodes: t.Any = (),
    upgrade: bool = False,
    rollback: bool = False,
    node_version: str = "",
) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import versions

    return versions.problems(
        cluster,
        wanted,
        allow_minor=allow_minor,
        upgrade=upgrade,
        rollback=rollback,
        supported=supported,
        nodes=nodes,
        node_version=node_version,
    )


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"version_problems": version_problems}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(workload_restarts)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: workload_restarts
short_description: Return manifests that restart workloads
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns a manifest for each workload, with annotations of its pod template. A changed annotation makes Kubernetes
    restart the workload.
positional: _input, namespaces, annotations
options:
  _input:
    description: Workloads of API group C(apps), as C(Kind/namespace/name).
    type: list
    elements: str
    required: true
  namespaces:
    description: Namespaces whose workloads to restart. V(*) means all.
    type: list
    elements: str
    required: true
  annotations:
    description: Annotations of the pod template.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the manifests
  ansible.builtin.debug:
    msg: "{{ ['Deployment/web/nginx'] | hardway.kubernetes.workload_restarts(['*'], {'example.com/cas': 'ab12'}) }}"
"""

RETURN = r"""
_value:
  description: The manifests.
  type: list
  elements: dict
"""


def workload_restarts(names: t.Any, namespaces: t.Any, annotations: t.Any) -> list[dict[str, t.Any]]:
    """Return the manifests."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import workload_restarts as restarts

    return restarts.workload_restarts(names, namespaces, annotations)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"workload_restarts": workload_restarts}

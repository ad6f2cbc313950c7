# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(endpoints)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: endpoints
short_description: Format endpoints of a host for other modules
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Selects the endpoints of the groups of a host, and returns them in the format that a module expects.
positional: _input, form, groups, names, host
options:
  _input:
    description: Endpoints in the format of C(_cluster_endpoints) of role cluster.
    type: list
    elements: dict
    required: true
  form:
    description:
      - V(listeners) for O(hardway.kubernetes.host_preflight#module:ports).
      - V(health) for option C(health) of units, by unit.
      - V(served) for O(hardway.kubernetes.host_health#module:served).
      - V(certificates) for O(hardway.kubernetes.pki_info#module:endpoints).
    type: str
    choices: [listeners, health, served, certificates]
    required: true
  groups:
    description: Groups of the host.
    type: list
    elements: str
    required: true
  names:
    description:
      - What the names in the endpoints stand for, in the format of C(_cluster_endpoint_names) of role cluster.
      - C(ports) and C(directories) by name; C(clients) by name, each with the files C(ca), C(cert) and C(key) for
        health checks; C(node) and C(vip), the addresses.
    type: dict
    required: true
  host:
    description: Name of the host.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the certificate that kubelet serves
  ansible.builtin.debug:
    msg: "{{ endpoints | hardway.kubernetes.endpoints('certificates', ['node'], names) }}"
  vars:
    endpoints:
      - {unit: kubelet, group: node, port: kubelet, addresses: [node], certificate: pki/kubelet.crt}
    names: {ports: {kubelet: 10250}, directories: {pki: /etc/kubernetes/pki}, node: 192.0.2.21}
"""

RETURN = r"""
_value:
  description: The endpoints in the format; for V(health) a mapping by unit.
  type: raw
"""


def endpoints(items: t.Any, form: str, groups: t.Any, names: t.Any, host: str = "") -> t.Any:
    """Return the endpoints in a format."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import endpoints as layout

    own = layout.of_groups(items, groups, names.get("absent", ()))
    if form == "listeners":
        return layout.listeners(own, names)
    if form == "health":
        return layout.health_checks(own, names)
    if form == "served":
        return layout.served_certificates(own, names, host)
    return layout.certificate_endpoints(own, names)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"endpoints": endpoints}

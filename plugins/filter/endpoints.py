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
positional: _input, form, groups, address, host, clients
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
  address:
    description: Node address of the host.
    type: str
    default: ""
  host:
    description: Name of the host.
    type: str
    default: ""
  clients:
    description: Files C(ca), C(cert) and C(key) of the clients of health checks, by the names that endpoints refer to.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the certificate that kubelet serves
  ansible.builtin.debug:
    msg: "{{ endpoints | hardway.kubernetes.endpoints('certificates', ['node'], '192.0.2.21') }}"
  vars:
    endpoints:
      - unit: kubelet
        group: node
        port: 10250
        addresses: [node]
        certificate: /etc/kubernetes/pki/kubelet.crt
"""

RETURN = r"""
_value:
  description: The endpoints in the format; for V(health) a mapping by unit.
  type: raw
"""


def endpoints(
    items: t.Any, form: str, groups: t.Any, address: str = "", host: str = "", clients: t.Any = None
) -> t.Any:
    """Return the endpoints in a format."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import endpoints as layout

    own = layout.of_groups(items, groups)
    forms: dict[str, t.Callable[[], t.Any]] = {
        "listeners": lambda: layout.listeners(own),
        "health": lambda: layout.health_checks(own, address, clients or {}),
        "served": lambda: layout.served_certificates(own, host, address),
        "certificates": lambda: layout.certificate_endpoints(own, address),
    }
    return forms[form]()


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"endpoints": endpoints}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(pending_csrs)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: pending_csrs
short_description: Return the CSRs that wait for a signature
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the CSRs that M(hardway.kubernetes.pki_ca) and
    M(hardway.kubernetes.pki_certificate) have written for offline CAs.
positional: _input, hostvars, variables
options:
  _input:
    description: Inventory names.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
  variables:
    description: Names of the variables with registered results.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the CSRs
  ansible.builtin.debug:
    msg: "{{ groups['all'] | hardway.kubernetes.pending_csrs(hostvars, ['result']) }}"
"""

RETURN = r"""
_value:
  description: Path and key usages of each CSR, sorted by path.
  type: list
  elements: list
"""


def pending_csrs(hosts: t.Any, hostvars: t.Any, variables: t.Any) -> list[tuple[str, str]]:
    """Return path and usages of each CSR."""
    results = [hostvars[host].get(name) or {} for host in hosts for name in variables]
    requests = [request for result in results for request in result.get("requests", ())]
    return sorted({str(request["path"]): ", ".join(request["usages"]) for request in requests}.items())


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"pending_csrs": pending_csrs}

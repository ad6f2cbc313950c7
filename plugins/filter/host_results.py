# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(host_results)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: host_results
short_description: Return registered results of several hosts
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns by host the first registered result that has an attribute. Hosts without such a result are left out, because
    the task was skipped there, failed, or has not run.
positional: _input, hostvars, variables, attribute
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
    description: Names of registered variables. The first one with the attribute is used.
    type: list
    elements: str
    required: true
  attribute:
    description: Attribute that the result must have, for example V(units) of M(hardway.kubernetes.unit).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the hosts whose units run
  ansible.builtin.debug:
    msg: "{{ groups['node'] | hardway.kubernetes.host_results(hostvars, ['ran'], 'units') | list }}"
"""

RETURN = r"""
_value:
  description: The results by host, in the order of the hosts.
  type: dict
"""


def host_results(hosts: t.Any, hostvars: t.Any, variables: t.Any, attribute: str) -> dict[str, t.Any]:
    """Return the results as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_results as found

    return dict(found.host_results(hosts, hostvars, variables, attribute))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_results": host_results}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(unchecked_hosts)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: unchecked_hosts
short_description: Report hosts without a health check
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one problem for each host that M(hardway.kubernetes.host_health) did not check.
options:
  _input:
    description: Results of M(hardway.kubernetes.host_health) by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the hosts that were not checked
  ansible.builtin.debug:
    msg: "{{ {'n1': {'unreachable': true}} | hardway.kubernetes.unchecked_hosts }}"
"""

RETURN = r"""
_value:
  description: One problem for each host, with its remedy.
  type: list
  elements: str
"""


def unchecked_hosts(results: t.Any) -> list[str]:
    """Return the problems."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_results

    return host_results.unchecked_hosts(results)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"unchecked_hosts": unchecked_hosts}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter reset_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: reset_plan
short_description: Decide whether hosts may be reset
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Refuses hosts that are still nodes or etcd members of a running cluster that keeps other hosts.
positional: _input, asked
options:
  _input:
    description: Hosts with their C(host) and C(name).
    type: list
    elements: dict
    required: true
  asked:
    description:
      - C(cluster), C(groups) and C(group_names) of the inventory, C(delete_data), C(confirmed), the C(command) that
        goes on, and C(playbook), the pattern of commands to run first.
      - C(states) are results of M(hardway.kubernetes.cluster_status), C(results) those of
        M(hardway.kubernetes.host_reset) in check mode, by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ (hosts | hardway.kubernetes.reset_plan(asked)).text }}"
"""

RETURN = r"""
_value:
  description: The plan, with C(refusals), C(hosts) and C(text), for display.
  type: dict
"""


def reset_plan(hosts: t.Any, asked: t.Any) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import reset_plan as found

    return found.plan(hosts, asked)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"reset_plan": reset_plan}

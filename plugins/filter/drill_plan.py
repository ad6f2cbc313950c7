# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(drill_plan)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: drill_plan
short_description: Plan which parts of a cluster a drill stops
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one step for each part of a cluster that another one can replace, with its host.
positional: _input, inventory, settings
options:
  _input:
    description: Result of M(hardway.kubernetes.cluster_status).
    type: dict
    required: true
  inventory:
    description:
      - C(addresses) (virtual IPs), C(urls) of the API servers, and the hosts C(etcd), C(masters), C(nodes), C(lb).
    type: dict
    required: true
  settings:
    description:
      - C(only) (names of steps, empty for all), C(holder) (host with the virtual IP), C(seconds), C(node_seconds).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what a drill would stop
  ansible.builtin.debug:
    msg: "{{ (state | hardway.kubernetes.drill_plan(inventory, settings)).text }}"
"""

RETURN = r"""
_value:
  description: C(steps), C(refusals) (why there can be no drill), and C(text), for display.
  type: dict
"""


def drill_plan(state: t.Any, inventory: t.Any, settings: t.Any) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import drill

    return drill.plan(state, inventory, settings)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"drill_plan": drill_plan}

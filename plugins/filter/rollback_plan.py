# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter upgrade_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: rollback_plan
short_description: Plan the way back from an upgrade of Kubernetes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides which ways back to the former minor are open, and what stands in their way.
positional: _input, masters, drains, forced, flags
options:
  _input:
    description: Result of M(hardway.kubernetes.upgrade_info).
    type: dict
    required: true
  masters:
    description: Inventory names by URL of the API server.
    type: dict
    required: true
  drains:
    description: Results of M(hardway.kubernetes.node_drain) in check mode for all nodes, in a loop over the nodes.
    type: list
    elements: dict
    default: []
  forced:
    description: What is not refused, V(webhooks).
    type: list
    elements: str
    default: []
  flags:
    description:
      - Results of P(hardway.kubernetes.operator_flags#filter), each with what M(hardway.kubernetes.flag_check) reports
        about it.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the ways back
  ansible.builtin.debug:
    msg: "{{ found | hardway.kubernetes.rollback_plan({'https://192.0.2.11:6443': 'k1'}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(to) is the version to go back to, C(version) that of the API servers.
    - C(nodes) and C(masters) are whether these go back, C(state) the state of the upgrade with which that begins.
    - C(refusals) has what stands in the way, C(then) what to know afterwards, C(text) all for display.
  type: dict
"""


def rollback_plan(
    found: t.Mapping[str, t.Any],
    masters: t.Mapping[str, str],
    drains: t.Iterable[t.Mapping[str, t.Any]] = (),
    forced: t.Sequence[str] = (),
    flags: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import rollback, upgrade

    return rollback.plan(upgrade.facts_of({**found, "deprecated": []}, masters, drains, forced=forced, flags=flags))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"rollback_plan": rollback_plan}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter upgrade_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: upgrade_plan
short_description: Plan an upgrade of Kubernetes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides by which versions an upgrade goes, one minor at a time, and what stands in its way.
positional: _input, asked, known, masters, drains, forced, flags, wish
options:
  _input:
    description: Result of M(hardway.kubernetes.upgrade_info).
    type: dict
    required: true
  asked:
    description: The version to go to; before it, versions of the minors on the way.
    type: list
    elements: str
    required: true
  known:
    description: Known releases of Kubernetes, from which the newest of each minor on the way is chosen.
    type: list
    elements: str
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
    description: What is not refused, V(apis) and V(webhooks).
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
  wish:
    description: What is asked with booleans, C(soak), C(finish), and C(masters_only) for nodes that stay as they are.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ found | hardway.kubernetes.upgrade_plan(['1.36.2'], [], {'https://192.0.2.11:6443': 'k1'}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(hops) has the versions one after the other, none if everything runs the last one.
    - C(refusals) has the reasons to refuse the upgrade, C(warnings) what should be known before, C(text) the steps for
      display.
    - C(states) has the state of the upgrade with which each hop begins, for M(hardway.kubernetes.cluster_record), and
      C(back) the ways back afterwards.
  type: dict
"""


def upgrade_plan(
    found: t.Mapping[str, t.Any],
    asked: t.Sequence[str],
    known: t.Sequence[str],
    masters: t.Mapping[str, str],
    drains: t.Iterable[t.Mapping[str, t.Any]] = (),
    forced: t.Sequence[str] = (),
    flags: t.Sequence[t.Mapping[str, t.Any]] = (),
    wish: t.Optional[t.Mapping[str, bool]] = None,
) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import upgrade

    return upgrade.plan(
        upgrade.facts_of(found, masters, drains, asked=asked, known=known, forced=forced, flags=flags, **(wish or {}))
    )


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"upgrade_plan": upgrade_plan}

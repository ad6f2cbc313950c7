# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(drill_report)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: drill_report
short_description: Report the results of a drill
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns what was stopped, how long it took until it was replaced, what a client saw, and the verdict.
positional: _input, planned, results, max_gap
options:
  _input:
    description: C(cluster), C(began), C(ended), C(kubernetes), C(operator) and C(endpoint), for display.
    type: dict
    required: true
  planned:
    description: Steps of the filter P(hardway.kubernetes.drill_plan#filter).
    type: list
    elements: dict
    required: true
  results:
    description:
      - One for each finished step, with C(step), C(outage) (of M(hardway.kubernetes.unit_outage)), C(client) (of
        M(hardway.kubernetes.drill_client)), and C(holder), the host with the virtual IP afterwards.
    type: list
    elements: dict
    required: true
  max_gap:
    description: Seconds without an answer from which a step has failed.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ (facts | hardway.kubernetes.drill_report(plan.steps, results, 15)).markdown }}"
"""

RETURN = r"""
_value:
  description: C(verdict) (V(passed), V(failed) or V(incomplete)), C(steps), C(left_out), C(not_done), and C(markdown).
  type: dict
"""


def drill_report(facts: t.Any, planned: t.Any, results: t.Any, max_gap: float) -> dict[str, t.Any]:
    """Return the report."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import drill

    return drill.report(facts, planned, results, max_gap)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"drill_report": drill_report}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(confirm_problem)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: confirm_problem
short_description: Check how an operation was confirmed
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns why an operation cannot go on with these values of C(confirm) and C(force), with the remedy.
options:
  _input:
    description: The value of C(confirm), empty where only the plan is to be shown.
    type: str
    required: true
  cluster_name:
    description: Name of the cluster, which confirms.
    type: str
    required: true
  forced:
    description: The words of C(force).
    type: list
    elements: str
    default: []
  forces:
    description: The words that the operation knows.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check the confirmation
  ansible.builtin.assert:
    that: problem == ''
    fail_msg: "{{ problem }}"
  vars:
    problem: "{{ confirm | default('') | hardway.kubernetes.confirm_problem('prod', ['pdb'], ['pdb', 'room']) }}"
"""

RETURN = r"""
_value:
  description: One line, empty when there is no problem.
  type: str
"""


def confirm_problem(
    confirm: object, cluster_name: str, forced: t.Sequence[str] = (), forces: t.Sequence[str] = ()
) -> str:
    """Return the first problem."""
    unknown = [word for word in forced if word not in forces]
    if unknown:
        return f"force: {', '.join(unknown)}: unknown; use some of {', '.join(forces)}"
    if str(confirm) not in ("", cluster_name):
        return f"confirm: {confirm} is not the name of this cluster; give -e confirm={cluster_name}"
    return ""


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"confirm_problem": confirm_problem}

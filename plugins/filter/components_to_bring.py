# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(components_to_bring)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: components_to_bring
short_description: Components of which some host of the play lacks a binary
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - What all hosts have needs no download, so a version whose digest is no longer known can stay.
positional: _input, complete
options:
  _input:
    description: Components as M(hardway.kubernetes.artifact) takes them.
    type: list
    elements: dict
    required: true
  complete:
    description: C(complete) of what the filter P(hardway.kubernetes.running_cluster#filter) returns.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See roles/cluster/tasks/hosts.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ _cluster_components | hardway.kubernetes.components_to_bring(_cluster_running.complete) }}"
"""

RETURN = r"""
_value:
  description: Those of the components that have to be on the controller.
  type: list
  elements: dict
"""


def components_to_bring(components: t.Any, complete: t.Any) -> list[t.Any]:
    """Return those that some host lacks."""
    # Not before it is used: whoever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import pin

    return list(pin.to_bring(components, complete))


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"components_to_bring": components_to_bring}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(restore_plan)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: restore_plan
short_description: Plan a restore of etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns what playbook C(restore) does, and the reasons if it does nothing.
positional: _input, asked, now
options:
  _input:
    description: Results of M(hardway.kubernetes.etcd_restore_info) by host, of every etcd host.
    type: dict
    required: true
  asked:
    description:
      - C(kind) is V(archive), V(undo) or V(lost_quorum).
      - For an archive, C(title), C(inspection), C(foreign) and C(again); for a lost quorum, C(quorum).
    type: dict
    required: true
  now:
    description: The time, as V(20260102T030405Z).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Plan the undo of the last restore
  ansible.builtin.debug:
    msg: "{{ reported | hardway.kubernetes.restore_plan({'kind': 'undo'}, '20260102T030405Z') }}"
"""

RETURN = r"""
_value:
  description:
    - C(refusals) and C(text), lists of lines.
    - C(done) says that there is nothing to do.
    - C(id), C(kind), C(title), C(digest) and C(bump), for M(hardway.kubernetes.etcd_restore).
    - C(source), the host and path of the data to restore, unless it is an archive.
    - C(continued) says that an interrupted restore goes on.
  type: dict
"""


def restore_plan(reported: t.Any, asked: t.Any, now: str) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import restore_plan as decisions

    return decisions.plan(reported, asked, now)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"restore_plan": restore_plan}

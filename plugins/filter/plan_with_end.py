# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(plan_with_end)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: plan_with_end
short_description: End the text of a plan with what happens next
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Appends a line to the text of a plan. It says that the plan is refused, that nothing is to be done, that the plan
    was confirmed, or which command goes on.
options:
  _input:
    description:
      - The plan with its C(text). C(refusals) are what stands in the way; C(empty) is whether nothing is to be done;
        C(confirmed) is whether the operation goes on, with the name C(cluster); C(command) goes on otherwise.
      - Without C(command), only a refusal is appended.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ (plan | hardway.kubernetes.plan_with_end).text }}"
  vars:
    plan: {cluster: prod, confirmed: false, command: ansible-playbook stop.yml -e confirm=prod, text: [Stop etcd]}
"""

RETURN = r"""
_value:
  description: The plan with the longer C(text), and with C(refusals) also where there are none.
  type: dict
"""


def plan_with_end(plan: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the plan with the last line of its text, and with refusals."""
    end, refusals = "", list(plan.get("refusals") or [])
    if refusals:
        end = "Refused: the error that follows says what stands in the way."
    elif plan.get("command"):
        if plan.get("empty"):
            end = "Nothing is to be done."
        elif plan["confirmed"]:
            end = f"Confirmed with confirm={plan['cluster']}"
        else:
            end = f"Nothing was changed. To go on: {plan['command']}"
    return {**plan, "refusals": refusals, "text": [*plan["text"], *([end] if end else [])]}


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"plan_with_end": plan_with_end}

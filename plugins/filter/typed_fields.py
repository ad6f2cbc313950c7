# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(typed_fields)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: typed_fields
short_description: Convert values in some fields of a mapping to text
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns a mapping in which some fields, themselves mappings, have only texts as values. Fields that are missing
    are left out.
positional: _input, fields
options:
  _input:
    description: Mapping.
    type: dict
    required: true
  fields:
    description: Names of the fields.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show {'kubeReserved':{'cpu':'1'}}
  ansible.builtin.debug:
    msg: "{{ {'kubeReserved': {'cpu': 1}} | hardway.kubernetes.typed_fields(['kubeReserved']) }}"
"""

RETURN = r"""
_value:
  description: The mapping.
  type: dict
"""


def typed_fields(values: t.Any, fields: t.Any) -> dict[str, t.Any]:
    """Return a mapping with converted fields."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted

    return {name: converted(value, "dict", "str") if name in fields else value for name, value in values.items()}


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"typed_fields": typed_fields}

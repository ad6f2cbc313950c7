# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(typed)."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import options
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

DOCUMENTATION = r"""
name: typed
short_description: A variable's value by its type, however it was written
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - INI inventories, C(-e key=value), environment variables and vaults give text. This is what that text spells.
  - Lists may be written with commas or as JSON, mappings as C(key=value) pairs or as JSON. No value is an empty one.
positional: _input, type, elements
options:
  _input:
    description: The value, of any type.
    type: raw
    required: true
  type:
    description: The type, as argument specifications name it.
    type: str
    choices: [bool, int, float, str, path, list, dict]
    required: true
  elements:
    description: The type of the values of a mapping. Items of a list that are no lists or mappings are text.
    type: str
"""

EXAMPLES = r"""
- name: Show false, 7 and ['a', 'b']
  ansible.builtin.debug:
    msg:
      - "{{ 'no' | hardway.kubernetes.typed('bool') }}"
      - "{{ '7' | hardway.kubernetes.typed('int') }}"
      - "{{ 'a,b' | hardway.kubernetes.typed('list') }}"
- name: Show {'zone':'1'}
  ansible.builtin.debug:
    msg: "{{ {'zone': 1} | hardway.kubernetes.typed('dict', 'str') }}"
"""

RETURN = r"""
_value:
  description: The value, of the type that was asked for.
  type: raw
"""


def typed(value: t.Any, type: str, elements: str | None = None) -> t.Any:
    """Return a value by its type."""
    try:
        return options.converted(value, type, elements)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"typed": typed}

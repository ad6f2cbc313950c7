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
short_description: Convert a variable to its type
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Values from INI inventories, C(-e key=value), environment variables and vaults are strings. This filter parses them.
  - Lists may be separated by commas or JSON, mappings may be C(key=value) pairs or JSON. Null becomes an empty value.
positional: _input, type, elements
options:
  _input:
    description: Value of any type.
    type: raw
    required: true
  type:
    description: Type, as in argument specifications.
    type: str
    choices: [bool, int, float, str, path, list, dict]
    required: true
  elements:
    description: Type of the values of a mapping. Scalar items of a list become strings.
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
  description: The converted value.
  type: raw
"""


def typed(value: t.Any, type: str, elements: str | None = None) -> t.Any:
    """Return a value converted to its type."""
    try:
        return options.converted(value, type, elements)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"typed": typed}

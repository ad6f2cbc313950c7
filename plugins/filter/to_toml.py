# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(to_toml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import toml
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

DOCUMENTATION = r"""
name: to_toml
short_description: Convert a mapping to TOML
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes nested mappings as tables, in their order. Keys with the value null are omitted.
options:
  _input:
    description: Mapping of strings, numbers, booleans, lists and mappings.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show a configuration
  ansible.builtin.debug:
    msg: "{{ {'version': 3, 'metrics': {'address': '127.0.0.1:1338'}} | hardway.kubernetes.to_toml }}"
"""

RETURN = r"""
_value:
  description: The TOML document.
  type: str
"""


def to_toml(data: Mapping[str, Any]) -> str:
    """Return the TOML document of a mapping."""
    if not isinstance(data, Mapping):
        raise AnsibleFilterError(f"to_toml needs a mapping, not {type(data).__name__}")
    try:
        return toml.to_toml(data)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"to_toml": to_toml}

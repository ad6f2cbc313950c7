# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(nth_address)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.addresses import nth_address

DOCUMENTATION = r"""
name: nth_address
short_description: Return the n-th address of a range
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the n-th address of a range, counted from its network address, or an empty string if there is none.
positional: _input, number
options:
  _input:
    description: Range, for example V(10.96.0.0/16).
    type: str
    required: true
  number:
    description: Position. V(1) is the first address after the network address.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show 10.96.0.10
  ansible.builtin.debug:
    msg: "{{ '10.96.0.0/16' | hardway.kubernetes.nth_address(10) }}"
"""

RETURN = r"""
_value:
  description: The address.
  type: str
"""


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"nth_address": nth_address}

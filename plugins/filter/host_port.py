# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(host_port)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.addresses import host_port

DOCUMENTATION = r"""
name: host_port
short_description: A host and a port as one string
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Joins a host and a port, with brackets around an IPv6 address; a host that already names a port is left as it is.
positional: _input, port
options:
  _input:
    description: A name or an address.
    type: str
    required: true
  port:
    description: The port.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ 'fd00::1' | hardway.kubernetes.host_port(6443) }}"
"""

RETURN = r"""
_value:
  description: The pair, or an empty string for an empty host.
  type: str
"""


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_port": host_port}

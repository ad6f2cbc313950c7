# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(host_port)."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import addresses, options
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

DOCUMENTATION = r"""
name: host_port
short_description: Join a host and a port
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Joins a host and a port, with brackets around an IPv6 address. A host that already has a port is not changed.
positional: _input, port
options:
  _input:
    description: Name or address.
    type: str
    required: true
  port:
    description: Port.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show [fd00::1]:6443
  ansible.builtin.debug:
    msg: "{{ 'fd00::1' | hardway.kubernetes.host_port(6443) }}"
"""

RETURN = r"""
_value:
  description: C(host:port), or an empty string for an empty host.
  type: str
"""


def host_port(host: str, port: t.Any) -> str:
    """Return a host with a port, which may be written as a text."""
    try:
        return addresses.host_port(host, options.converted(port, "int"))
    except HardwayError as exc:
        raise AnsibleFilterError(f"port {exc}") from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_port": host_port}

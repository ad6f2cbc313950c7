# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(registry_credentials)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: registry_credentials
short_description: Return the credentials of registries
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns C(configs) of containerd's plugin C(images), by the host that containerd connects to.
options:
  _input:
    description: Registries, as in C(containerd_registries) of role containerd.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ containerd_registries | hardway.kubernetes.registry_credentials }}"
"""

RETURN = r"""
_value:
  description: Credentials by host.
  type: dict
"""


def registry_credentials(items: t.Any) -> dict[str, t.Any]:
    """Return them as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._host import registries

    return registries.registry_credentials(items)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"registry_credentials": registry_credentials}

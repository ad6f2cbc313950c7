# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(registry_files)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: registry_files
short_description: Return the files of registries
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the entries of O(hardway.kubernetes.files#module:files) for containerd's registry configuration.
positional: _input, directory
options:
  _input:
    description: Registries, as in C(containerd_registries) of role containerd.
    type: list
    elements: dict
    required: true
  directory:
    description: Directory with one directory for each registry.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ containerd_registries | hardway.kubernetes.registry_files('/etc/containerd/certs.d') }}"
"""

RETURN = r"""
_value:
  description: The entries.
  type: list
  elements: dict
"""


def registry_files(items: t.Any, directory: str) -> list[dict[str, t.Any]]:
    """Return them as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._host import registries

    return registries.registry_files(items, directory)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"registry_files": registry_files}

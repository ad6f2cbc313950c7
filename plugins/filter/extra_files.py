# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(extra_files)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: extra_files
short_description: Return extra files as entries of module files, or as inputs of a unit
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the entries of O(hardway.kubernetes.files#module:files) for files of operators, and as the last entry that
    for their directory, from which files that are not listed are removed. All of them count as secrets.
  - With O(inputs), returns only the paths of the files whose change causes a restart.
positional: _input, directory, inputs, mode
options:
  _input:
    description: Files, as in C(master_extra_files) of role master.
    type: list
    elements: dict
    required: true
  directory:
    description: Directory of the files that have a name only.
    type: path
    required: true
  inputs:
    description: Whether to return inputs instead of entries.
    type: bool
    default: false
  mode:
    description: Mode of files that have none.
    type: str
    default: "0600"
"""

EXAMPLES = r"""
- name: Show the paths of the files whose change causes a restart
  ansible.builtin.debug:
    msg: "{{ master_extra_files | hardway.kubernetes.extra_files('/etc/kubernetes/extra', inputs=true) }}"
"""

RETURN = r"""
_value:
  description: The entries, or the paths.
  type: list
  elements: raw
"""


def extra_files(files: t.Any, directory: str, inputs: bool = False, mode: str = "0600") -> list[t.Any]:
    """Return them as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._host import extra_files as files_of_operators

    if inputs:
        return list(files_of_operators.inputs(files, directory))
    return list(files_of_operators.entries(files, directory, mode))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"extra_files": extra_files}

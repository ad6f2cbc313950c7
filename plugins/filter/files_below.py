# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(files_below)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: files_below
short_description: Move files of a host below a directory of the controller
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Puts a directory before the path of each file, for a copy of the files of a host on the controller.
  - Leaves out directories, absent files and C(validate), which is a program of the host. The mode is V(0600).
positional: _input, directory
options:
  _input:
    description: Files, as for M(hardway.kubernetes.files).
    type: list
    elements: dict
    required: true
  directory:
    description: Absolute path of the directory.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Write the files of a host to a directory of the controller
  hardway.kubernetes.files:
    files: "{{ files | hardway.kubernetes.files_below('/home/ops/w9') }}"
  delegate_to: localhost
  vars:
    files:
      - path: /etc/containerd/config.toml
        content: "version = 3\n"
        validate: containerd --config %s config dump
"""

RETURN = r"""
_value:
  description: Files, as for M(hardway.kubernetes.files).
  type: list
  elements: dict
"""


def files_below(entries: t.Any, directory: t.Any) -> list[dict[str, t.Any]]:
    """Return the files below a directory."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import joining

    return joining.files_below(entries, str(directory))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"files_below": files_below}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(components_to_download)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: components_to_download
short_description: Select components that some host of the play lacks
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Components that all hosts have need no download, so their versions can stay even if their digests are unknown.
positional: _input, complete
options:
  _input:
    description: Components, as for M(hardway.kubernetes.artifact).
    type: list
    elements: dict
    required: true
  complete:
    description: C(complete) from the filter P(hardway.kubernetes.running_cluster#filter).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Select the components to download
  ansible.builtin.debug:
    msg: "{{ _cluster_components | hardway.kubernetes.components_to_download(_cluster_running.complete) }}"
"""

RETURN = r"""
_value:
  description: Components that must be available on the controller.
  type: list
  elements: dict
"""


def components_to_download(components: t.Any, complete: t.Any) -> list[t.Any]:
    """Return the components that some host lacks."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import versions

    return list(versions.to_download(components, complete))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"components_to_download": components_to_download}

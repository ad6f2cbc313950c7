# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(join_downloads)."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: join_downloads
short_description: Return where a host without Ansible gets its binaries
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns URL and digest of each download. Binaries in C(binary_dir) of the source are returned with their path on
    the controller instead. A binary that cannot be verified is an error.
positional: _input, source
options:
  _input:
    description: Components, as for M(hardway.kubernetes.artifact).
    type: list
    elements: dict
    required: true
  source:
    description: Where binaries come from, as for M(hardway.kubernetes.artifact).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the downloads
  ansible.builtin.debug:
    msg: "{{ _cluster_components | hardway.kubernetes.join_downloads(cluster_artifacts) }}"
"""

RETURN = r"""
_value:
  description:
    - One entry per component, with C(component), C(version), C(dest), C(url), C(algorithm), C(digest), C(members)
      (paths in the archive by binary, empty if the download is the binary itself) and C(local) (C(path) and C(sha256)
      by binary on the controller).
  type: list
  elements: dict
"""


def join_downloads(components: t.Any, source: t.Any) -> list[dict[str, t.Any]]:
    """Return one entry per component."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import joining

    try:
        return joining.downloads(components, source)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"join_downloads": join_downloads}

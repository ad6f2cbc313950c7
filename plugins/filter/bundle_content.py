# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter bundle_content."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: bundle_content
short_description: Return what a bundle contains
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reads the manifest of a bundle on the controller. M(hardway.kubernetes.bundle_unpack) verifies and unpacks it.
positional: _input, cache_dir
options:
  _input:
    description: Path of the bundle.
    type: path
    required: true
  cache_dir:
    description: The directory below which it is unpacked.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show the image archives of the bundle
  ansible.builtin.debug:
    msg: "{{ (cluster_bundle | hardway.kubernetes.bundle_content(cluster_cache_dir)).image_archives }}"
"""

RETURN = r"""
_value:
  description:
    - C(directory) of the unpacked bundle, C(image_archives) in it, and C(verify_image), the image of the network test.
  type: dict
"""


def bundle_content(path: t.Any, cache_dir: t.Any) -> dict[str, t.Any]:
    """Return what the manifest says."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

    try:
        return bundle.content(bundle.absolute(str(path)), bundle.absolute(str(cache_dir)))
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"bundle_content": bundle_content}

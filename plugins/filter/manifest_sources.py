# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter manifest_sources."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: manifest_sources
short_description: Read manifests from texts, files, directories and downloads
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one manifest with the objects of all entries, for M(hardway.kubernetes.manifest). Namespaces and custom
    resource definitions come first.
  - Files are those of the controller. Downloads are verified and kept in the cache.
  - Fails for an entry that cannot be read, is no YAML, or has an object without kind or name.
positional: _input, cache_dir, label
options:
  _input:
    description: Entries as for option C(addons_manifests) of role addons.
    type: list
    elements: raw
    required: true
  cache_dir:
    description: Directory of the controller for downloads.
    type: path
    required: true
  label:
    description: C(name=value) of the label that every object gets.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Apply the manifests of a directory
  hardway.kubernetes.manifest:
    content: "{{ sources | hardway.kubernetes.manifest_sources('/var/cache/hardway', 'example.org/from=site') }}"
    prune_label: example.org/from=site
  vars:
    sources:
      - path: "{{ inventory_dir }}/manifests"
"""

RETURN = r"""
_value:
  description: The manifest.
  type: str
"""


def manifest_sources(entries: t.Iterable[t.Any], cache_dir: str, label: str) -> str:
    """Return the manifest."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _manifest_sources

    try:
        return _manifest_sources.manifest_of(_manifest_sources.objects_of(entries, str(cache_dir), str(label)))
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"manifest_sources": manifest_sources}

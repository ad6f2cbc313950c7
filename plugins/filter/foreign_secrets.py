# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(foreign_secrets)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: foreign_secrets
short_description: Report masters with secrets that the controller lacks
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the encryption keys of etcd, and the key for service account tokens, with those in a
    directory on the controller, by digest.
  - Keys in C(retired), which were replaced by a rotation, count as known.
positional: _input, ca_dir
options:
  _input:
    description: Results of M(hardway.kubernetes.cached_results) by host.
    type: dict
    required: true
  ca_dir:
    description: PKI directory, C(cluster_pki_dir).
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Report secrets that would be lost
  ansible.builtin.debug:
    msg: "{{ reported | hardway.kubernetes.foreign_secrets(cluster_pki_dir) }}"
"""

RETURN = r"""
_value:
  description: One line per secret that would be lost, with hosts and remedy. Empty without problems.
  type: list
  elements: str
"""


def foreign_secrets(reported: t.Any, ca_dir: str) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import secrets

    try:
        return secrets.foreign_secrets(reported, ca_dir)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"foreign_secrets": foreign_secrets}

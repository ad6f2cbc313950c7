# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(foreign_secrets)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: foreign_secrets
short_description: Which masters have secrets that the directory on the controller does not have
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the keys that encrypt in etcd, and the key that signs the tokens of service accounts, with those in a
    directory on the controller, by digests.
  - Keys that were replaced by a rotation, and are kept in C(retired), count as known.
positional: _input, directory
options:
  _input:
    description: What M(hardway.kubernetes.cached_results) returned, by the name of the host.
    type: dict
    required: true
  directory:
    description: The PKI directory, C(cluster_pki_dir).
    type: path
    required: true
"""

EXAMPLES = r"""
- name: See roles/host/tasks/main.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ told | hardway.kubernetes.foreign_secrets(cluster_pki_dir) }}"
"""

RETURN = r"""
_value:
  description: One line for each secret that would be lost, with the hosts and the remedy; empty when all is well.
  type: list
  elements: str
"""


def foreign_secrets(told: t.Any, directory: str) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: using one filter loads the files of all, in each of Ansible's workers.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import secrets

    try:
        return secrets.foreign_secrets(told, directory)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"foreign_secrets": foreign_secrets}

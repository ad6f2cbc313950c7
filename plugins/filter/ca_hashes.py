# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(ca_hashes)."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: ca_hashes
short_description: Return the hashes of the public keys of CAs
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns what C(kubeadm join) takes as C(--discovery-token-ca-cert-hash), the SHA-256 of the SubjectPublicKeyInfo.
  - While a CA is rotated, hosts trust two, and each has a hash.
options:
  _input:
    description: The certificates (PEM).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the hash of the CA
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', cluster_pki_dir ~ '/ca.crt') | hardway.kubernetes.ca_hashes }}"
"""

RETURN = r"""
_value:
  description: One hash per key, each beginning with C(sha256:).
  type: list
  elements: str
"""


def ca_hashes(text: str) -> list[str]:
    """Return the hashes."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import bundle

    try:
        return list(dict.fromkeys(f"sha256:{bundle.key_digest_of(one)}" for one in bundle.split(str(text).encode())))
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"ca_hashes": ca_hashes}

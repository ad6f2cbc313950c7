# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(encryption_keys)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: encryption_keys
short_description: Read encryption keys by name
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the keys of one configuration of P(hardway.kubernetes.encryption_plan#filter), for a template.
positional: _input, files, placeholder
options:
  _input:
    description: Names of keys.
    type: list
    elements: str
    required: true
  files:
    description: Files of the keys on the controller, by name.
    type: dict
    required: true
  placeholder:
    description: Secret of keys that do not exist yet, in check mode. When empty, a missing key is an error.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show how many keys are in use
  ansible.builtin.debug:
    msg: "{{ plan.key_names.now | hardway.kubernetes.encryption_keys(plan.key_files) | length }}"
"""

RETURN = r"""
_value:
  description: Name and secret of each key, in the same order.
  type: list
  elements: dict
"""


def encryption_keys(names: t.Any, files: t.Any, placeholder: str = "") -> list[dict[str, str]]:
    """Return the keys as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.encryption_keys import secret_of

    found = []
    try:
        for name in map(str, names or ["key1"]):
            secret = (secret_of(name, str(files[name])) if name in files else "") or placeholder
            if not secret:
                raise AnsibleFilterError(
                    f"encryption key {name}: is not in cluster_pki_dir; create secrets/encryption.key by role ca"
                )
            found.append({"name": name, "secret": secret})
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc
    return found


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"encryption_keys": encryption_keys}

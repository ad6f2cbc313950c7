# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(encryption_plan)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: encryption_plan
short_description: Plan a change of encryption in etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the sequence of configurations with which every API server can always read what any other one writes.
positional: _input, reported, masters, ca_dir
options:
  _input:
    description: The resources to encrypt.
    type: list
    elements: str
    required: true
  reported:
    description: Results of M(hardway.kubernetes.cached_results) by master.
    type: dict
    required: true
  masters:
    description: Names of all masters. A change needs results of all of them.
    type: list
    elements: str
    required: true
  ca_dir:
    description: PKI directory. Fails if masters have secrets that it lacks. When empty, this is not checked.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Plan the encryption of Secrets
  ansible.builtin.debug:
    msg: "{{ ['secrets'] | hardway.kubernetes.encryption_plan(reported, groups['master']) }}"
"""

RETURN = r"""
_value:
  description:
    - C(now), C(next) and C(final) are configurations. Each entry has C(resources), and whether to C(write) encrypted.
    - C(rewrite) has the resources to rewrite between the last two, C(pending) those not rewritten yet.
    - C(moving) says whether there is anything to change.
  type: dict
  sample: {now: [{resources: [secrets], write: true}], rewrite: [], moving: false}
"""

CONFIGURATION = "/etc/kubernetes/encryption.yaml"
PENDING = "/etc/kubernetes/encryption.pending"
# A master with this file has been deployed before.
RAN = "/etc/kubernetes/pki/sa.key"


def encryption_plan(asked: t.Any, reported: t.Any, masters: t.Any, ca_dir: str = "") -> dict[str, t.Any]:
    """Return the plan as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    import yaml
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import encryption
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import secrets

    def parsed(text: str) -> t.Any:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return None

    if ca_dir and (problems := secrets.foreign_secrets(reported, ca_dir)):
        raise AnsibleFilterError("; ".join(problems))
    files = [result.get("secrets") or {} for result in reported.values()]
    ran = [found for found in files if RAN in found or CONFIGURATION in found]
    states = [encryption.Found.of(parsed(found[CONFIGURATION])) if CONFIGURATION in found else None for found in ran]
    pending = [line for found in ran for line in str(found.get(PENDING, "")).split()]
    plan = encryption.plan([str(item) for item in asked], states, pending)
    if plan.moving and (missing := [host for host in masters if host not in reported]):
        raise AnsibleFilterError(
            f"master_encryption_resources: to encrypt {', '.join(asked) or 'nothing'} in etcd in place of"
            f" {encryption.words(states)} takes all masters, and {', '.join(missing)} are not in this run; run without"
            " --limit when all of them are up, or restore the previous value"
        )
    return plan.as_dict()


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"encryption_plan": encryption_plan}

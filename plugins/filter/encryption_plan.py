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
  - Returns the sequence of configurations with which every API server can always read what any other one writes, for a
    change of the encrypted resources, of the keys, or of both.
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
    description:
      - PKI directory, with the keys in C(secrets/encryption.key), the first of which encrypts. Replaced ones in
        C(retired) decrypt until nothing is stored under them.
      - Fails if masters have secrets that it lacks, other than keys that only decrypt.
    type: str
    required: true
  replace:
    description: Whether to ignore secrets of masters that O(ca_dir) lacks.
    type: bool
    default: false
  new_key:
    description: Name of a key that check mode did not create.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Plan the encryption of Secrets
  ansible.builtin.debug:
    msg: "{{ ['secrets'] | hardway.kubernetes.encryption_plan(reported, groups['master'], cluster_pki_dir) }}"
"""

RETURN = r"""
_value:
  description:
    - C(now), C(next) and C(final) are configurations. Each entry has C(resources), and whether to C(write) encrypted.
    - C(rewrite) has the resources to rewrite between the last two, C(pending) those not rewritten yet.
    - C(moving) says whether there is anything to change, C(rotating) whether a change of keys or an interrupted change
      is not complete on all masters.
    - C(key_names) has the keys of each configuration, C(drop) those to remove at the end, C(key_files) their files.
    - C(lost) has keys that only masters have. They only decrypt, and leave the masters first, if nothing needs them.
  type: dict
  sample: {now: [{resources: [secrets], write: true}], key_names: {now: [key1]}, rewrite: [], moving: false}
"""

CONFIGURATION = "/etc/kubernetes/encryption.yaml"
PENDING = "/etc/kubernetes/encryption.pending"
# A master with this file has been deployed before.
RAN = "/etc/kubernetes/pki/sa.key"


def encryption_plan(
    asked: t.Any, reported: t.Any, masters: t.Any, ca_dir: str, replace: bool = False, new_key: str = ""
) -> dict[str, t.Any]:
    """Return the plan as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import digest
    from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import encryption
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import encryption_keys
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import secrets

    try:
        if not replace and (problems := secrets.foreign_secrets(reported, ca_dir)):
            raise AnsibleFilterError("; ".join(problems))
        store = Store(ca_dir)
        available, names = encryption_keys.available(store), [key.name for key in encryption_keys.current(store)]
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc
    if new_key and new_key not in names:
        names = [new_key]
    files = [(result.get("secrets") or {}, str(result.get("nonce", ""))) for result in reported.values()]
    ran = [(found, nonce) for found, nonce in files if RAN in found or CONFIGURATION in found]
    # The current keys first: they alone count for their names.
    sources = {key.name: key.path for key in reversed(available) if key.name in names}
    states: list[t.Any] = []
    lost: dict[str, None] = {}
    for found, nonce in ran:
        content = _parsed(found.get(CONFIGURATION, ""))
        here = {(key.name, digest(key.secret, nonce)): key.path for key in available}
        theirs = _keys(content)
        sources = {**{name: here[name, secret] for name, secret in theirs if (name, secret) in here}, **sources}
        lost |= dict.fromkeys(name for name, secret in theirs if (name, secret) not in here and not replace)
        known = [name for name, secret in theirs if (name, secret) in here]
        states.append(encryption.Found.of(content, known) if CONFIGURATION in found else None)
    pending = [line for found, _nonce in ran for line in str(found.get(PENDING, "")).split()]
    plan = encryption.plan([str(item) for item in asked], states, pending, names)
    if (plan.moving or lost) and (missing := [host for host in masters if host not in reported]):
        raise AnsibleFilterError(
            f"master_encryption_resources: to encrypt {encryption.words(asked, names)} in etcd in place of"
            f" {encryption.words(*encryption.known(states))} takes all masters, and {', '.join(missing)} are not in"
            " this run; run without --limit when all of them are up, or restore the previous value"
        )
    rotating = plan.rotating or bool(lost)
    return {**plan.as_dict(), "key_files": sources, "lost": list(lost), "rotating": rotating}


def _parsed(text: str) -> t.Any:
    """Return the content of a file; nothing where it is damaged."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _keys(content: t.Any) -> list[tuple[str, str]]:
    """Return names and digests of the keys of an EncryptionConfiguration, in the order in which they are tried."""
    groups = content.get("resources") if isinstance(content, t.Mapping) else None
    found: dict[tuple[str, str], None] = {}
    for group in groups or []:
        for provider in group.get("providers") or []:
            for settings in provider.values():
                for key in (settings or {}).get("keys") or []:
                    found[str(key.get("name")), str(key.get("secret"))] = None
    return list(found)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"encryption_plan": encryption_plan}

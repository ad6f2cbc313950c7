#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites all objects of some resources in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: storage_migration
short_description: Rewrite stored objects after a change of encryption
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Makes the API servers rewrite existing objects, after their EncryptionConfiguration was changed. Otherwise an
    object is encrypted with the new configuration only when it is written next time.
  - Sends an empty patch for each object. An object that is up to date is not written, so the task can be repeated. No
    content of an object leaves the API server.
  - All API servers must have loaded the configuration before, or they write objects with the previous one.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Counts the objects.
  diff_mode:
    support: none
    details: No object changes.
options:
  resources:
    description:
      - Resources, named as in an EncryptionConfiguration, for example V(secrets), V(deployments.apps),
        V(*.example.org), V(*.*).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Encrypt all existing Secrets
  hardway.kubernetes.storage_migration:
    servers: ["https://192.0.2.11:6443"]
    resources: [secrets]
"""

RETURN = r"""
objects:
  description: Number of objects by resource.
  returned: always
  type: dict
  sample: {secrets: 12}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import storage_migration
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api

SPEC: dict[str, Any] = {**ARGUMENTS, "resources": {"type": "list", "elements": "str", "required": True}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        api = Api.of(module.params)
        found = {
            resource.name: storage_migration.objects(api, resource)
            for resource in storage_migration.stored(api, module.params["resources"])
        }
        paths = [path for listed in found.values() for path in listed]
        if not module.check_mode:
            storage_migration.rewrite(api, paths)
        module.exit_json(changed=bool(paths), objects={name: len(listed) for name, listed in found.items()})
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()

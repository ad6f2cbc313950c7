#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists bootstrap tokens without their secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: bootstrap_token_info
short_description: List bootstrap tokens
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Lists the bootstrap tokens of the cluster, those of other programs included. Never returns their secrets.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
"""

EXAMPLES = r"""
- name: List the bootstrap tokens
  hardway.kubernetes.bootstrap_token_info:
    servers: ["https://192.0.2.11:6443"]
  register: found
"""

RETURN = r"""
tokens:
  description: The tokens, those that expire first first.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: ID of the token, which is public.
      type: str
      sample: abcdef
    description:
      description: Purpose of the token.
      type: str
      sample: "join_info w9"
    expires:
      description: Time at which the token expires. Empty if it never does.
      type: str
      sample: "2026-05-01T12:00:00Z"
    groups:
      description: Extra groups besides C(system:bootstrappers).
      type: list
      elements: str
      sample: ["system:bootstrappers:hardway:node"]
    ours:
      description: Whether M(hardway.kubernetes.bootstrap_token) created and can remove it.
      type: bool
      sample: true
    state:
      description: V(valid), V(expired) or V(unusable). The last one does not authenticate.
      type: str
      sample: valid
table:
  description: The same as lines of a table, the first being its heading.
  returned: always
  type: list
  elements: str
  sample: ["ID      EXPIRES               STATE  DESCRIPTION", "abcdef  2026-05-01T12:00:00Z  valid  join_info w9"]
"""

import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import bootstrap_tokens
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, query

SECRETS = "/api/v1/namespaces/kube-system/secrets"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    try:
        listed = Api.of(module.params).get(query(SECRETS, fieldSelector=f"type={bootstrap_tokens.TYPE}"))
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    parsed = [bootstrap_tokens.parse(secret) for secret in listed.get("items") or []]
    tokens = bootstrap_tokens.shown(parsed, datetime.datetime.now(datetime.timezone.utc))
    module.exit_json(changed=False, tokens=tokens, table=bootstrap_tokens.table(tokens))


if __name__ == "__main__":
    main()

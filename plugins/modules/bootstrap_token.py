#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates and removes bootstrap tokens."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: bootstrap_token
short_description: Manage bootstrap tokens for joining nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Ensures a token with which kubelets may request their first certificate. Every token expires.
  - A token that this module created earlier with the same description and groups is returned while it is valid long
    enough. Call the module only when a host is about to join, because it replaces an expired token by a new one.
  - Set C(no_log) on the task that registers the result, because the result contains the token.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Without an API server, returns a placeholder token.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(present) ensures a token. V(absent) removes tokens that this module created, the one with O(token_id) or all
        with O(description). Expired ones are removed too.
    type: str
    choices: [present, absent]
    default: present
  ttl:
    description: Validity period of a new token, for example V(90m) or V(1h30m).
    type: str
    default: 1h
  min_ttl:
    description: An existing token is reused only when it stays valid for at least this long.
    type: str
    default: 10m
  description:
    description:
      - Purpose of the token. It distinguishes the tokens of this module.
      - Two concurrent runs with the same description share a token. To avoid that, put the run's name in it, or set
        O(reuse=false) and remove the token by its O(token_id).
    type: str
    default: hardway.kubernetes nodes
  groups:
    description: Extra groups besides C(system:bootstrappers). Each must begin with C(system:bootstrappers:).
    type: list
    elements: str
    default: ["system:bootstrappers:hardway:node"]
  token_id:
    description: ID of the token to remove, RV(token_id) of the task that created it. No other token is removed.
    type: str
  signing:
    description: Also allows the token to sign the C(cluster-info) ConfigMap, as C(kubeadm join) requires.
    type: bool
    default: false
  reuse:
    description: Whether to return a suitable existing token.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Ensure a token for joining nodes
  hardway.kubernetes.bootstrap_token:
    servers: ["https://192.0.2.11:6443"]
    ttl: 1h
    reuse: false
  register: token
  no_log: true

- name: Remove it when all nodes have joined
  hardway.kubernetes.bootstrap_token:
    servers: ["https://192.0.2.11:6443"]
    state: absent
    token_id: "{{ token.token_id }}"
"""

RETURN = r"""
token:
  description: The token. It is secret.
  returned: when O(state=present)
  type: str
  sample: "abcdef.0123456789abcdef"
token_id:
  description: The token's ID, which is public.
  returned: when O(state=present)
  type: str
  sample: abcdef
expires:
  description: Time at which the token expires.
  returned: when O(state=present)
  type: str
  sample: "2026-05-01T12:00:00Z"
removed:
  description: IDs of the removed tokens.
  returned: when O(state=absent)
  type: list
  elements: str
  sample: [abcdef]
"""

import datetime
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import durations
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import bootstrap_tokens
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import (
    ARGUMENTS,
    Api,
    ApiError,
    query,
)

SECRETS = "/api/v1/namespaces/kube-system/secrets"
SPEC = {
    **ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "ttl": {"type": "str", "default": "1h"},
    "min_ttl": {"type": "str", "default": "10m", "no_log": False},
    "description": {"type": "str", "default": "hardway.kubernetes nodes"},
    "groups": {"type": "list", "elements": "str", "default": ["system:bootstrappers:hardway:node"]},
    "token_id": {"type": "str", "no_log": False},
    "signing": {"type": "bool", "default": False},
    "reuse": {"type": "bool", "default": True},
}


def existing(api: Api) -> list[dict[str, Any]]:
    """Return the tokens that exist in the cluster."""
    listed = api.get(query(SECRETS, fieldSelector=f"type={bootstrap_tokens.TYPE}"))
    return [bootstrap_tokens.parse(secret) for secret in listed.get("items") or []]


def existing_if_reachable(api: Api, check_mode: bool) -> Optional[list[dict[str, Any]]]:
    """Return the tokens, or None when no API server answers in check mode."""
    try:
        return existing(api)
    except ApiError as exc:
        if check_mode and exc.status == 0:
            return None
        raise


def ensure(api: Api, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of `state=present`; create the token if needed."""
    bootstrap_tokens.check_groups(params["groups"])
    validity = durations.parse(params["ttl"], "ttl")
    least = durations.parse(params["min_ttl"], "min_ttl", zero=True)
    if validity < least:
        raise HardwayError(f"ttl: {params['ttl']} is shorter than min_ttl {params['min_ttl']}; increase ttl")
    now = datetime.datetime.now(datetime.timezone.utc)
    tokens = existing_if_reachable(api, check_mode) or []
    if params["reuse"]:
        found = bootstrap_tokens.serving(
            tokens,
            description=params["description"],
            groups=params["groups"],
            now=now,
            at_least=int(least.total_seconds()),
        )
        if found:
            return result(f"{found['id']}.{found['secret']}", found["expires"], False)
    expires = now + validity
    token = bootstrap_tokens.PLACEHOLDER if check_mode else bootstrap_tokens.new_token()
    if not check_mode:
        secret = bootstrap_tokens.secret_for(
            token,
            description=params["description"],
            groups=params["groups"],
            expires=expires,
            signing=params["signing"],
        )
        api.post(SECRETS, secret)
    return result(token, expires, True)


def result(token: str, expires: datetime.datetime, changed: bool) -> dict[str, Any]:
    """Return the module result for a present token."""
    number = token.split(".")[0]
    after = f"token {number} until {stamp(expires)}\n" if changed else ""
    return {
        "changed": changed,
        "token": token,
        "token_id": number,
        "expires": stamp(expires),
        "diff": {"before": "", "after": after},
    }


def remove(api: Api, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of `state=absent`; remove the tokens."""
    tokens = existing_if_reachable(api, check_mode) or []
    now = datetime.datetime.now(datetime.timezone.utc)
    doomed = bootstrap_tokens.to_remove(tokens, description=params["description"], number=params["token_id"], now=now)
    if not check_mode:
        for number in doomed:
            api.delete(f"{SECRETS}/bootstrap-token-{number}")
    before = "".join(f"token {number}\n" for number in doomed)
    return {"changed": bool(doomed), "removed": doomed, "diff": {"before": before, "after": ""}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    operation = ensure if module.params["state"] == "present" else remove
    try:
        outcome = operation(Api.of(module.params), module.params, module.check_mode)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()

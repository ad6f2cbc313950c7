#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module upgrade_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_info
short_description: Report what an upgrade must know
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Queries each API server for its version and for the deprecated APIs that
    clients have used since it started.
  - Reads the state of the last upgrade from the cluster record.
  - Queries the API for the nodes, and for webhooks that refuse requests because
    their Service has no endpoint.
  - A server that does not answer is an error, since its version is unknown,
    unless it is not O(required).
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  batch_by:
    description: Label of the nodes that names their failure domain.
    type: str
    default: ""
  required:
    description: Whether all API servers must answer. Otherwise one is enough,
      and the version of one that does not is an empty string.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Report versions, webhooks and deprecated APIs
  hardway.kubernetes.upgrade_info:
    servers: [https://192.0.2.11:6443]
  register: upgrade
"""

RETURN = r"""
servers:
  description: Versions by URL of the API server.
  returned: success
  type: dict
  sample: {"https://192.0.2.11:6443": 1.35.6}
emulates:
  description: Minors that API servers emulate, by their URL. Only those that
    emulate another minor than their own.
  returned: success
  type: dict
  sample: {"https://192.0.2.11:6443": "1.35"}
state:
  description: State of the last upgrade in the cluster record. Empty if there
    is none.
  returned: success
  type: dict
  sample: {former: 1.35.6, emulated: "1.35", nodes: 1.35.6}
nodes:
  description: The nodes.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
      sample: k4
    version:
      description: Version of its kubelet.
      type: str
      sample: 1.35.6
    ready:
      description: Whether it is Ready.
      type: bool
      sample: true
    cordoned_by:
      description: Who has cordoned it, V(hardway) or V(operator); empty if it
        is schedulable. V(hardway) also if an interrupted run has uncordoned it
        and not ended the steps that follow.
      type: str
      sample: ""
    zone:
      description: Value of the label O(batch_by); empty without it.
      type: str
      sample: zone-a
deprecated:
  description: Deprecated APIs that clients have used, with the release that
    removes each.
  returned: success
  type: list
  elements: dict
  sample: [{api: policy/v1beta1/podsecuritypolicies, removed: "1.25"}]
webhooks:
  description: Webhooks that refuse requests because they have no endpoint.
  returned: success
  type: list
  elements: str
  sample: ["policy (check.example.org, Service policy/webhook)"]
"""

from functools import partial
from itertools import chain
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import record, upgrade, upgrade_state
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, retried
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "batch_by": {"type": "str", "default": ""},
    "required": {"type": "bool", "default": True},
}
RECORD = f"{record.PATH}/{record.NAME}"
NODES = "/api/v1/nodes"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
WEBHOOKS = [f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations" for kind in ("validating", "mutating")]


def of_server(params: dict[str, Any], server: str) -> tuple[str, str, list[dict[str, str]]]:
    """Return an API server's version, the minor that it emulates, and the deprecated APIs that clients have used."""
    api = Api.of({**params, "servers": [server]})
    try:
        version = retried(lambda: api.get("/version"))
        apis = upgrade.deprecated(retried(lambda: api.text("/metrics")))
    except HardwayError:
        if params["required"]:
            raise
        return "", "", []
    return str(version["gitVersion"]).lstrip("v"), upgrade_state.emulated(version), apis


def run(params: dict[str, Any], _check: bool) -> dict[str, Any]:
    """Return the module's result."""
    api, servers = Api.of(params), params["servers"]
    found = map_concurrently(lambda server: of_server(params, server), servers)
    used = {one["api"]: one for _version, _emulated, apis in found for one in apis}
    nodes, slices, *hooks = (retried(partial(api.items, path)) for path in (NODES, SLICES, *WEBHOOKS))
    return {
        "changed": False,
        "servers": {server: version for server, (version, _emulated, _apis) in zip(servers, found)},
        "emulates": {server: emulated for server, (_version, emulated, _apis) in zip(servers, found) if emulated},
        "state": upgrade_state.valid(record.parsed(retried(partial(api.find, RECORD))).get("upgrade")),
        "nodes": [
            {
                "name": node["metadata"]["name"],
                "version": drain.kubelet_version(node),
                "ready": is_ready(node),
                "cordoned_by": drain.held_by(node),
                "zone": (node["metadata"].get("labels") or {}).get(params["batch_by"], ""),
            }
            for node in nodes
        ],
        "deprecated": [used[name] for name in sorted(used)],
        "webhooks": upgrade.broken_webhooks(chain(*hooks), upgrade.ready_services(slices)),
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the cluster record."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_record
short_description: Record what a cluster is in the cluster itself
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Creates or updates the ConfigMap C(hardway-cluster) in namespace
    C(kube-system). It has the cluster's name and ID, versions, networks,
    masters and etcd members.
  - The ID is created once and never changes.
  - Fields that other operations add stay as they are.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Without an API server, a new record is predicted.
  diff_mode:
    support: full
options:
  name:
    description: Name of the cluster. The record of another cluster is an error.
    type: str
    required: true
  versions:
    description: Versions of the components. Without it, they stay.
    type: dict
  networks:
    description:
      - Ranges of pods and services, the cluster domain, and which pod network
        it is. Without it, they stay.
    type: dict
  masters:
    description: Node names of the masters. Without it, they stay.
    type: list
    elements: str
  collection:
    description: Version of the collection. Without it, it stays.
    type: str
  nodes:
    description:
      - What a run has done about nodes. Without it, the recorded nodes that
        were left out stay.
    type: dict
    suboptions:
      all:
        description: Names of all nodes. Others are not recorded any more.
        type: list
        elements: str
        required: true
      left_out:
        description:
          - Names of nodes that the run has left out. They stay recorded, with
            the time since when, until a run has updated them.
        type: list
        elements: str
        default: []
      updated:
        description: Names of nodes that the run has updated, or found up to date.
        type: list
        elements: str
        default: []
  upgrade:
    description:
      - State of an upgrade of Kubernetes. C(former) is the version before it,
        C(emulated) the minor that the control plane emulates, C(nodes) the
        version at which the nodes stay.
      - Without it, the state stays until all of O(versions) is of the former
        minor.
    type: dict
  etcd:
    description: How to reach etcd, for the IDs of its members.
    type: dict
    suboptions:
      endpoints:
        description: Client URLs of the members.
        type: list
        elements: str
        required: true
      ca:
        description: CA of the members.
        type: path
        required: true
      cert:
        description: Client certificate.
        type: path
        required: true
      key:
        description: Private key of the client certificate.
        type: path
        required: true
"""

EXAMPLES = r"""
- name: Record the cluster
  hardway.kubernetes.cluster_record:
    servers: ["https://192.0.2.11:6443"]
    name: kubernetes
    versions: {kubernetes: 1.36.2}
"""

RETURN = r"""
record:
  description: The record.
  returned: always
  type: dict
  sample: {"id": "7b0c…", "name": "kubernetes", "versions": {"kubernetes": "1.36.2"}}
text:
  description: The record as JSON text, for a copy on the masters.
  returned: always
  type: str
"""

import uuid
from datetime import datetime, timezone
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import left_out, record
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS as ETCD_ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import Etcd
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, ApiError

SPEC = {
    **ARGUMENTS,
    "name": {"type": "str", "required": True},
    "versions": {"type": "dict"},
    "networks": {"type": "dict"},
    "masters": {"type": "list", "elements": "str"},
    "collection": {"type": "str"},
    "upgrade": {"type": "dict"},
    "nodes": {
        "type": "dict",
        "options": {
            "all": {"type": "list", "elements": "str", "required": True},
            "left_out": {"type": "list", "elements": "str", "default": []},
            "updated": {"type": "list", "elements": "str", "default": []},
        },
    },
    "etcd": {
        "type": "dict",
        "options": ETCD_ARGUMENTS,
    },
}
PATH = f"{record.PATH}/{record.NAME}"


def members(etcd: Optional[dict[str, Any]]) -> Optional[list[dict[str, Any]]]:
    """Return the etcd members; None if etcd does not answer."""
    if not etcd:
        return None
    state = Etcd(etcd["endpoints"], Tls(ca=etcd["ca"], cert=etcd["cert"], key=etcd["key"])).state()
    return [one for one in state["members"] if one["name"] and one["id"]] if state["listed"] else None


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Write the record if it differs; return it."""
    api = Api.of(params)
    try:
        existing = api.find(PATH)
    except ApiError as exc:
        if exc.status or not check_mode:
            raise
        existing = None
    before = record.parsed(existing)
    if reason := record.problem(before, params["name"]):
        raise HardwayError(reason)
    versions, masters, nodes = params["versions"], params["masters"], params["nodes"]
    now = stamp(datetime.now(timezone.utc))
    given = {
        "name": params["name"],
        "collection": params["collection"],
        "versions": None if versions is None else {name: str(version) for name, version in versions.items()},
        "networks": params["networks"],
        "masters": None if masters is None else sorted(masters),
        "upgrade": params["upgrade"],
        "left_out": nodes
        and left_out.recorded(before.get("left_out"), nodes["left_out"], now, nodes["all"], nodes["updated"]),
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    # A stand-in for the ID in check mode, because the real one is random.
    new_id = "created at the first run" if check_mode else str(uuid.uuid4())
    after = record.updated(before, wanted, members(params["etcd"]), new_id)
    changed = not existing or after != before
    if changed and not check_mode:
        body = record.config_map(after, existing["metadata"]["resourceVersion"] if existing else None)
        api.put(PATH, body) if existing else api.post(record.PATH, body)
    text = record.text(after)
    diff = {"before": record.text(before) if existing else "", "after": text}
    return {"changed": changed, "record": after, "text": text, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

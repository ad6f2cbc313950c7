#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a client of the API sees while a part of the cluster is stopped."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill_client
short_description: Measure what a client sees during an outage
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Sends requests through O(endpoint), ten reads and five writes per second, until O(seconds) have passed and
    everything is healthy again. The writes count in a ConfigMap of C(kube-system) with label C(hardway/drill), which is
    removed at the end, so a write that was acknowledged and is lost is noticed.
  - Like common clients, it keeps its connections, and sends a request without an answer once more, at once.
  - Watches O(subject), and returns when its state changed.
  - Fails if something is not healthy before it begins. Run it asynchronously, and stop the part of the cluster once
    O(marker) exists.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.api
attributes:
  check_mode:
    support: full
    details: Nothing is measured.
  diff_mode:
    support: none
    details: Nothing but its own ConfigMap is changed.
options:
  endpoint:
    description: URL by which clients reach the API.
    type: str
    required: true
  etcd:
    description: How to reach etcd.
    type: dict
    suboptions:
      endpoints:
        description: Client URLs of all members.
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
  watch:
    description: What to watch, the holder of a lease, etcd's leader, an API server, the O(endpoint), or a node.
    type: str
    choices: [lease, etcd, server, endpoint, node]
    required: true
  subject:
    description: Name of the lease in C(kube-system), URL of the API server, or name of the node.
    type: str
    default: ""
  seconds:
    description: Seconds to measure at least.
    type: float
    required: true
  timeout:
    description: Seconds after which it ends, although something is not healthy.
    type: float
    default: 300
  marker:
    description: File that exists while it measures.
    type: path
    required: true
seealso:
  - module: hardway.kubernetes.unit_outage
"""

EXAMPLES = r"""
- name: Measure for half a minute
  hardway.kubernetes.drill_client:
    servers: ["https://192.0.2.11:6443", "https://192.0.2.12:6443"]
    endpoint: https://192.0.2.10:6443
    watch: lease
    subject: kube-scheduler
    seconds: 30
    marker: /run/drill-client
  async: 400
  poll: 0
"""

RETURN = r"""
began:
  description: When the measurement began, in seconds since 1970.
  returned: success, unless in check mode
  type: float
  sample: 1795921965.1
client:
  description:
    - Requests, those without an answer after the second try (C(failures), with their C(reasons)), those answered on the
      second (C(retried)), the longest time without an answer (C(gap), seconds, since C(gap_at)), acknowledged C(writes)
      and those of them that were C(lost).
  returned: success, unless in check mode
  type: dict
  sample: {requests: 420, failures: 0, retried: 2, reasons: {}, gap: 0.4, gap_at: 1795921970.2, writes: 140, lost: 0}
changes:
  description: States of O(subject) with the time of each change, the first one from before the outage.
  returned: success, unless in check mode
  type: list
  elements: dict
  sample: [{at: 1795921965.1, state: m1_5e6c}, {at: 1795921967.9, state: m2_0c4d}]
recovered_at:
  description: When everything was healthy again. V(0) if it was not before O(timeout).
  returned: success, unless in check mode
  type: float
  sample: 1795921999.3
problems:
  description: What was not healthy at the end.
  returned: success, unless in check mode
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.drill_client import Drill
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS as ETCD_ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "endpoint": {"type": "str", "required": True},
    "etcd": {"type": "dict", "options": ETCD_ARGUMENTS},
    "watch": {"type": "str", "choices": ["lease", "etcd", "server", "endpoint", "node"], "required": True},
    "subject": {"type": "str", "default": ""},
    "seconds": {"type": "float", "required": True},
    "timeout": {"type": "float", "default": 300},
    "marker": {"type": "path", "required": True},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return what the client saw."""
    return {"changed": False, **({} if check else Drill(params).run())}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks a cluster for one run."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_lock
short_description: Lock a cluster for one run
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Locks a cluster, so that no two runs change it at the same time, whichever
    users and controllers start them.
  - The lock is the Lease C(hardway) in namespace C(kube-system). It is renewed
    until the run ends, and then released. If the controller is lost, it expires.
  - A second run on the same controller is refused even while no API server
    responds.
  - The run is ended when another one takes its lock over.
  - In check mode nothing is locked. The lock is never reported as a change.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: partial
    details: Nothing is locked.
  diff_mode:
    support: none
    details: The lock is not part of the cluster's configuration.
options:
  operation:
    description: Playbook that runs. The default is the name of the playbook.
    type: str
    default: ""
  take_over:
    description: Holder from which to take the lock over before it expires.
    type: str
    default: ""
  duration:
    description: Seconds after which the lock expires when it is not renewed.
    type: int
    default: 60
  holder:
    description: Name of this run. The default is C(user@controller/process).
    type: str
    default: ""
  state:
    description: V(present) locks the cluster or renews the lock, V(absent) releases it.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Lock the cluster until the end of this run
  hardway.kubernetes.cluster_lock:
    servers: ["https://192.0.2.11:6443"]
"""

RETURN = r"""
lock:
  description:
    - V(held) or V(released). V(none) if no API server keeps it; this is no error.
  returned: always
  type: str
  sample: held
reason:
  description: Why there is no lock, for example because no API server is ready.
  returned: when RV(lock=none)
  type: str
  sample: "kube-apiserver is not deployed on this host"
holder:
  description: Holder of the lock.
  returned: when RV(lock=held), or if another run holds it
  type: str
  sample: alice@ctrl1/4711-881234
"""

import os
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import lock
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, ApiError

SPEC = {
    **ARGUMENTS,
    "operation": {"type": "str", "default": ""},
    "take_over": {"type": "str", "default": ""},
    "duration": {"type": "int", "default": 60},
    "holder": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
PATH = f"{lock.PATH}/{lock.NAME}"


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Lock, renew or release; return the result."""
    missing = next((params[name] for name in ("ca", "cert", "key") if not os.path.exists(params[name])), None)
    if missing or not params["servers"]:
        reason = f"{missing} does not exist" if missing else "no API server is given"
        return {"changed": False, "lock": "none", "reason": reason}
    api = Api.of(params)
    try:
        if params["state"] == "absent":
            return release(api, params["holder"], check_mode)
        # A run locks from several masters at once, as one holder.
        for attempt in (1, 2, 3):
            try:
                return acquire(api, params, check_mode)
            except ApiError as exc:
                if exc.status != 409 or attempt == 3:
                    raise
    except (ApiError, HttpError) as exc:
        # A broken cluster must not be locked against its repair, for example one whose certificates have expired, or
        # whose API servers respond with nothing because etcd has lost its quorum.
        return {"changed": False, "lock": "none", "reason": str(exc)}
    raise AssertionError("unreachable")


def acquire(api: Api, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Lock the cluster or renew the lock; fail if another run has it."""
    lease = api.find(PATH)
    now = leases.server_time(api.date)
    if refused := lock.refusal(lease, params["holder"], now, params["take_over"]):
        found = lock.holder(lease, now)
        return {"failed": True, "msg": refused, "holder": found.name if found else "", "lock": "none"}
    body = lock.taken(lease, params["holder"], params["operation"], params["duration"], now)
    if not check_mode:
        api.put(PATH, body) if lease else api.post(lock.PATH, body)
    return {"changed": False, "lock": "held", "holder": params["holder"]}


def release(api: Api, holder: str, check_mode: bool) -> dict[str, Any]:
    """Remove the lock if this run holds it."""
    lease = api.find(PATH)
    if lease and (lease.get("spec") or {}).get("holderIdentity") == holder and not check_mode:
        version = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        try:
            api.delete(PATH, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": version})
        except ApiError as exc:
            # Another run has it by now.
            if exc.status != 409:
                raise
    return {"changed": False, "lock": "released"}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

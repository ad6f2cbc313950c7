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
  - The lock is the key C(/hardway/lock) in etcd and the Lease C(hardway) in
    namespace C(kube-system), with the same content. A run takes both, the key
    first. Where etcd or the API does not answer, the other one is sufficient.
  - It is renewed until the run ends, and then released. If the controller is
    lost, it expires.
  - A second run on the same controller is refused even while neither etcd nor
    an API server responds.
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
  etcd:
    description: How to reach etcd. Without it, the lock is in the API only.
    type: dict
    suboptions:
      endpoints:
        description: Client URLs of the members. The first one that responds is
          used.
        type: list
        elements: str
        required: true
      ca:
        description: CA of the members' serving certificates.
        type: path
        required: true
      cert:
        description: Client certificate. If authentication is enabled, that of a
          user with the role C(root).
        type: path
        required: true
      key:
        description: Private key of the client certificate.
        type: path
        required: true
      etcdctl:
        description: Path of the C(etcdctl) command, which is used where
          authentication of etcd is enabled.
        type: path
        default: /usr/local/bin/etcdctl
  operation:
    description: Playbook that runs. The default is the name of the playbook.
    type: str
    default: ""
  step:
    description: Task that runs now, for those who find the lock. The default
      is what callback plugin P(hardway.kubernetes.progress#callback) has noted.
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
    etcd:
      endpoints: ["https://192.0.2.11:2379"]
      ca: /etc/kubernetes/pki/etcd/ca.crt
      cert: /etc/kubernetes/pki/apiserver-etcd-client.crt
      key: /etc/kubernetes/pki/apiserver-etcd-client.key
"""

RETURN = r"""
lock:
  description: V(held) or V(released). V(none) if neither etcd nor an API server keeps it; this is no error.
  returned: always
  type: str
  sample: held
places:
  description: Where the lock is, C(etcd) and C(api).
  returned: always
  type: list
  elements: str
  sample: [etcd, api]
reason:
  description: Why the lock is not in both places, for example because no API server is ready.
  returned: when it is not
  type: str
  sample: "no API server is given"
holder:
  description: Holder of the lock.
  returned: when RV(lock=held), or if another run holds it
  type: str
  sample: alice@ctrl1/4711-881234
"""

import os
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.lock_places import (
    InApi,
    InEtcd,
    Place,
    Refused,
    acquire,
    release,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS as ETCD_ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS

SPEC = {
    **ARGUMENTS,
    "etcd": {"type": "dict", "options": ETCD_ARGUMENTS},
    "operation": {"type": "str", "default": ""},
    "step": {"type": "str", "default": ""},
    "take_over": {"type": "str", "default": ""},
    "duration": {"type": "int", "default": 60},
    "holder": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Lock, renew or release; return the result."""
    places, reasons = reachable(params)
    if params["state"] == "absent":
        _done, failed = in_each(places, lambda place: release(place, params["holder"], check_mode))
        # What another host can still release.
        result: dict[str, Any] = {"lock": "none", "reason": "; ".join(failed)} if failed else {"lock": "released"}
        return {"changed": False, "places": [], **result}
    try:
        held, failed = in_each(places, lambda place: acquire(place, params, check_mode))
    except Refused as exc:
        # The key that was taken before the Lease was refused.
        in_each(places, lambda place: release(place, params["holder"], check_mode))
        return {"failed": True, "msg": str(exc), "holder": exc.holder, "lock": "none", "places": []}
    result = {"lock": "held", "holder": params["holder"]} if held else {"lock": "none"}
    if reasons + failed:
        result["reason"] = "; ".join(reasons + failed)
    return {"changed": False, "places": [place.name for place in held], **result}


def reachable(params: dict[str, Any]) -> tuple[list[Place], list[str]]:
    """Return the places for which this host has certificates, in the order in which to lock, and why not the others."""
    places: list[Place] = []
    reasons = []
    etcd = params["etcd"] or {}
    if reason := missing(etcd, "etcd member", etcd.get("endpoints") or []):
        reasons.append(reason)
    else:
        places.append(InEtcd(etcd))
    if reason := missing(params, "API server", params["servers"]):
        reasons.append(reason)
    else:
        places.append(InApi(params))
    return places, reasons


def missing(params: Mapping[str, Any], what: str, urls: list[str]) -> str:
    """Return why this host cannot query what has these URLs; empty if it can."""
    if not urls:
        return f"no {what} is given"
    absent = next((params[name] for name in ("ca", "cert", "key") if not os.path.exists(params[name])), None)
    return f"{absent} does not exist" if absent else ""


def in_each(places: list[Place], work: Callable[[Place], None]) -> tuple[list[Place], list[str]]:
    """Do the work in each place; return the places where it succeeded, and the errors of the others.

    A broken cluster must not be locked against its repair, for example one whose certificates have expired, or whose
    API servers respond with nothing because etcd has lost its quorum.
    """
    done, errors = [], []
    for place in places:
        try:
            work(place)
            done.append(place)
        except Refused:
            raise
        except HardwayError as exc:
            errors.append(str(exc))
    return done, errors


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

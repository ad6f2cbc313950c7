#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module node_drain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Drain or uncordon nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - With O(state=drained), cordons a node, evicts its pods through the eviction API, and waits until they and the
    VolumeAttachments of the node are gone. Pods of DaemonSets, static pods and finished pods are left alone.
  - Before any change, the drain is refused for pods without a controller, pods that may not be evicted now, and pods
    that fit on no other node, unless options allow it.
  - A drain that is not done within O(timeout) fails and leaves the node cordoned. The same task continues a drain that
    failed or was killed. It then waits for budgets that allow nothing instead of refusing, because its own evictions
    may be why.
  - The annotation C(hardway.kubernetes/cordoned-by) of the node says who has cordoned it, V(hardway) or V(operator).
    With O(state=uncordoned), a node that the operator had cordoned stays cordoned.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Needs an API server, and returns the same plan.
  diff_mode:
    support: full
    details: Shows the cordon and the evicted pods.
options:
  node:
    description: Name of the node. Either this or O(nodes) is required.
    type: str
  nodes:
    description: Names of several nodes, for all of which the same is done at the same time. One for which it fails
      does not make the task fail, see RV(problems).
    type: list
    elements: str
  state:
    description:
      - V(drained) cordons the node and evicts its pods.
      - V(uncordoned) lifts the cordon if V(drained) has set it, see O(keep_cordoned), and removes the annotation.
    type: str
    choices: [drained, uncordoned]
    default: drained
  timeout:
    description: Seconds for the whole drain.
    type: int
    default: 300
  grace_period:
    description: Seconds that each pod has to end. With V(-1), those that the pod specifies.
    type: int
    default: -1
  force_pdb:
    description:
      - Whether pods that may not be evicted when the task begins are deleted, if they still may not when it is their
        turn. Their workloads then have fewer running pods than their PodDisruptionBudget demands, which may mean an
        outage or the loss of a quorum.
      - Pods that may be evicted when the task begins always wait for their budget, unless they fit on no other node.
    type: bool
    default: false
  wait_for_pdb:
    description:
      - Whether a pod that may not be evicted when the task begins is waited for, if its budget would allow it with all
        of its pods healthy. For several nodes that are drained at the same time. Such a pod is not deleted with
        O(force_pdb).
      - Without effect in check mode, whose plan is made before any drain begins.
    type: bool
    default: false
  force_room:
    description: Whether to evict pods that fit on no other node. They stay pending until there is room.
    type: bool
    default: false
  delete_bare:
    description: Whether to evict pods without a controller. No controller starts them again, so they are lost.
    type: bool
    default: false
  keep_cordoned:
    description: Whether a cordon of the operator is kept with O(state=uncordoned). With V(false), any cordon is lifted.
    type: bool
    default: true
  keep_annotation:
    description: Whether the annotation stays with O(state=uncordoned), so that an interrupted run is noticed while
      steps follow. The same task without this option then removes it.
    type: bool
    default: false
  resumed_nodes_return:
    description: Whether other nodes that this module has cordoned count as room, because an interrupted run will
      bring them back before it drains this one. For plans.
    type: bool
    default: false
  kubelet_version:
    description: With O(state=uncordoned), wait until the node is Ready with a kubelet of this version, at most for
      O(timeout). When empty, it is not waited for.
    type: str
    default: ""
  boot_id:
    description: With O(state=uncordoned), wait until the node is Ready since this boot of its host, see
      M(hardway.kubernetes.boot_info), at most for O(timeout). When empty, it is not waited for.
    type: str
    default: ""
  required:
    description: Whether a node that does not exist is an error. With V(false), nothing is to be done for it.
    type: bool
    default: true
notes:
  - Whether pods fit on other nodes is decided from their requests, taints and tolerations, node selectors and required
    node affinity. Affinity between pods, topology spread, host ports and volumes that are bound to a node are ignored.
"""

EXAMPLES = r"""
- name: Drain a node for maintenance
  hardway.kubernetes.node_drain:
    servers: [https://192.0.2.11:6443]
    node: k4
    timeout: 600

- name: Drain two nodes at the same time
  hardway.kubernetes.node_drain:
    servers: [https://192.0.2.11:6443]
    nodes: [k4, k5]
    wait_for_pdb: true
  register: drained
  failed_when: drained.problems | length > 0

- name: Uncordon it, unless it was cordoned before
  hardway.kubernetes.node_drain:
    servers: [https://192.0.2.11:6443]
    node: k4
    state: uncordoned
"""

RETURN = r"""
plan:
  description: What the drain does, decided before the first change. Also returned when the drain is refused or fails.
  returned: with O(state=drained)
  type: dict
  contains:
    node:
      description: Name of the node.
      type: str
      returned: always
      sample: k4
    cordoned_by:
      description: Who had cordoned the node, V(hardway) or V(operator); empty if it was schedulable.
      type: str
      returned: always
      sample: ""
    resumed:
      description: Whether an earlier run has begun to drain the node.
      type: bool
      returned: always
      sample: false
    evict:
      description: Pods that are evicted, with the owner that starts them elsewhere.
      type: list
      elements: dict
      returned: always
      sample: [{namespace: shop, name: web-5d9c-x2x4s, owner: ReplicaSet web-5d9c}]
    lost:
      description: Pods without a controller.
      type: list
      elements: dict
      returned: always
      sample: [{namespace: default, name: debug}]
    leaving:
      description: Pods that are terminating already.
      type: list
      elements: dict
      returned: always
      sample: []
    left:
      description: Pods that are left alone, and why.
      type: list
      elements: dict
      returned: always
      sample: [{namespace: kube-system, name: kube-flannel-ds-8v2lq, reason: DaemonSet}]
    empty_dirs:
      description: emptyDir volumes whose content is lost. RV(ignore:bytes) is null if the kubelet does not report it.
      type: list
      elements: dict
      returned: always
      sample: [{namespace: shop, name: web-5d9c-x2x4s, volume: cache, medium: "", size_limit: 1Gi, bytes: 40960}]
    blocked:
      description: Pods that may not be evicted now, with their budget if there is one, the API's reason, and whether
        the drain waits for them, see O(wait_for_pdb).
      type: list
      elements: dict
      returned: always
      sample:
        - namespace: shop
          name: web-5d9c-x2x4s
          budget: shop/web
          reason: The disruption budget web needs 2 healthy pods and has 2 currently
          waited_for: false
    unplaceable:
      description: Pods that fit on no other node, and why.
      type: list
      elements: dict
      returned: always
      sample: [{namespace: shop, name: db-0, reason: too little memory on k5}]
evicted:
  description: Pods that were evicted or deleted (or would be).
  returned: always
  type: list
  elements: str
  sample: [shop/web-5d9c-x2x4s]
cordoned_by:
  description: Who has cordoned the node after the run, V(hardway) or V(operator); empty if it is schedulable.
  returned: success with O(node)
  type: str
  sample: hardway
plans:
  description: The plan of each node, see RV(plan), by its name.
  returned: with O(state=drained) and O(nodes)
  type: dict
  sample: {"k4": {"node": "k4", "evict": [], "lost": []}}
problems:
  description: Why it failed, by the name of the node.
  returned: with O(nodes)
  type: dict
  sample: {"k4": "node k4: there is no such node; check the name"}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.node_drain import Drain, drain_all

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "node": {"type": "str"},
    "nodes": {"type": "list", "elements": "str"},
    "state": {"type": "str", "choices": ["drained", "uncordoned"], "default": "drained"},
    "timeout": {"type": "int", "default": 300},
    "grace_period": {"type": "int", "default": -1},
    "force_pdb": {"type": "bool", "default": False},
    "wait_for_pdb": {"type": "bool", "default": False},
    "force_room": {"type": "bool", "default": False},
    "delete_bare": {"type": "bool", "default": False},
    "keep_cordoned": {"type": "bool", "default": True},
    "keep_annotation": {"type": "bool", "default": False},
    "resumed_nodes_return": {"type": "bool", "default": False},
    "kubelet_version": {"type": "str", "default": ""},
    "boot_id": {"type": "str", "default": ""},
    "required": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    one_of = [("node", "nodes")]
    module = AnsibleModule(
        argument_spec=SPEC, mutually_exclusive=one_of, required_one_of=one_of, supports_check_mode=True
    )
    if module.params["nodes"] is not None:
        module.exit_json(**drain_all(module.params, module.check_mode))
    work = Drain(module.params, module.check_mode)
    try:
        work.run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc), **work.results())
    module.exit_json(**work.results())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module node_drain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Drain or uncordon a node
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
    description: Name of the node.
    type: str
    required: true
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
  returned: success
  type: str
  sample: hardway
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain, drain_room
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import (
    ARGUMENTS,
    Api,
    ApiError,
    is_transient,
    retried,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.eviction import NODES, NodePods

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "node": {"type": "str", "required": True},
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
# Evictions at a time.
LIMIT = 10
Object = drain.Object


class Drain:
    """One run: the plan, the cordon, the evictions, the waiting."""

    def __init__(self, params: dict[str, Any], check: bool) -> None:
        """Start the clock of the whole drain; nothing is sent yet."""
        self.deadline = time.monotonic() + params["timeout"]
        self.params, self.check, self.name = params, check, params["node"]
        self.api = Api.of(params)
        self.pods = NodePods(self.api, self.name, params["grace_period"])
        self.before: dict[str, Any] = {}
        self.node: dict[str, Any] = {}
        self.plan: dict[str, Any] = {}
        self.evicted: list[str] = []
        # By UID: why the last eviction was refused, and which pods were blocked when the run began.
        self.refusals: dict[str, drain.Refusal] = {}
        self.blocked: set[str] = set()

    def run(self) -> None:
        """Do what is asked; results() is complete also when this fails."""
        if not self.params["required"] and self.api.find(f"{NODES}/{self.name}") is None:
            return
        self.before = self.node = self.read()
        if self.params["state"] == "uncordoned":
            if (self.params["kubelet_version"] or self.params["boot_id"]) and not self.check:
                self.wait_for_kubelet(self.params["kubelet_version"], self.params["boot_id"])
            keeps = (self.params["keep_cordoned"], self.params["keep_annotation"])
            self.patch(lambda node: drain.uncordon_patch(node, *keeps))
            return
        self.plan = self.make_plan()
        objection = drain.objection(self.plan, self.params)
        if objection:
            raise HardwayError(objection)
        self.patch(drain.cordon_patch)
        if self.check:
            self.evicted = drain.going(self.plan)
        else:
            self.wait()

    def results(self) -> dict[str, Any]:
        """Return the module's result."""
        evicted = sorted(set(self.evicted))
        found: dict[str, Any] = {"changed": bool(evicted), "evicted": evicted}
        if self.before:
            there = {*drain.going(self.plan), *evicted}
            before = drain.state_lines(self.before, there)
            after = drain.state_lines(self.node, there - set(evicted))
            found.update(changed=before != after, cordoned_by=drain.cordoned_by(self.node))
            found["diff"] = {"before": before, "after": after}
        return {**found, "plan": self.plan} if self.plan else found

    def read(self) -> dict[str, Any]:
        """Return the node."""
        found = self.api.find(f"{NODES}/{self.name}")
        if found is None:
            raise HardwayError(f"node {self.name}: there is no such node; check the name with kubectl get nodes")
        return found

    def patch(self, patch_of: Callable[[Object], Optional[dict[str, Any]]]) -> None:
        """Bring the node to what the patch wants, if it is not there."""

        def attempt() -> None:
            self.node = self.read()
            wanted = patch_of(self.node)
            if wanted and self.check:
                self.node = drain.patched(self.node, wanted)
            elif wanted:
                self.node = self.api.patch(f"{NODES}/{self.name}", wanted)

        # A conflict is temporary: the kubelet and controllers update nodes frequently.
        retried(attempt)

    def make_plan(self) -> dict[str, Any]:
        """Return the plan; nothing is changed."""
        pods = retried(self.pods.all)
        going, moving = drain.of_fate(pods, "evict", "lost"), drain.of_fate(pods, "evict")
        answers = map_concurrently(self.pods.try_eviction, going, LIMIT)
        refusals = {pod["metadata"]["uid"]: answer for pod, answer in zip(going, answers) if answer}
        waited_for = self.waited_for(refusals)
        self.blocked = set(refusals) - waited_for
        unplaceable = []
        if moving:
            nodes = [node for node in retried(lambda: self.api.items(NODES)) if node["metadata"]["name"] != self.name]
            if self.params["resumed_nodes_return"]:
                nodes = [drain.returned(node) if drain.cordoned_by(node) == drain.OURS else node for node in nodes]
            unplaceable = drain_room.unplaceable(moving, nodes, retried(self.pods.running_elsewhere))
        # Their budgets never allow more, because their successors do not start.
        self.blocked |= {pod["metadata"]["uid"] for pod, _reason in unplaceable}
        used = self.pods.used_bytes() if drain.empty_dirs(going) else {}
        return drain.plan(self.node, pods, refusals=refusals, used=used, unplaceable=unplaceable, waited_for=waited_for)

    def waited_for(self, refusals: Mapping[str, drain.Refusal]) -> set[str]:
        """Return the UIDs of pods whose budgets allow nothing only until others of their pods are back."""
        if self.check or not self.params["wait_for_pdb"]:
            return set()
        found: dict[str, bool] = {}
        for name in sorted({refused.budget for refused in refusals.values() if refused.budget}):
            found[name] = drain.allows_with_all_pods(retried(partial(self.pods.budget, name)))
        return {uid for uid, refused in refusals.items() if found.get(refused.budget)}

    def wait_for_kubelet(self, version: str, boot: str) -> None:
        """Wait until the node is Ready with a kubelet of this version, and since this boot."""

        def seen() -> str:
            try:
                return drain.kubelet_state(self.read(), version, boot)
            except (ApiError, HttpError) as exc:
                if not is_transient(exc):
                    raise
                return str(exc)

        _done, state = wait_until(seen, lambda found: not found, timeout=self.params["timeout"], interval=1)
        if state:
            raise HardwayError(
                f"node {self.name}: {state} after {self.params['timeout']} s, and it stays cordoned; check the log of "
                "its kubelet (journalctl -u kubelet)"
            )

    def wait(self) -> None:
        """Evict pods until none is left, and wait for the VolumeAttachments to go."""
        _done, (pods, others) = wait_until(
            self.remaining, lambda found: not any(found), timeout=self.deadline - time.monotonic(), interval=1
        )
        if pods or others:
            raise HardwayError(drain.overdue(self.name, self.params["timeout"], pods, self.refusals, others))

    def remaining(self) -> tuple[list[Object], list[str]]:
        """Evict what may be evicted now; return the pods that were there, and what else the drain waits for."""
        try:
            pods = self.pods.all()
            lost, going = drain.of_fate(pods, "lost"), drain.of_fate(pods, "evict", "lost")
            if lost and not self.params["delete_bare"]:
                raise HardwayError(drain.arrived(self.name, lost))
            map_concurrently(self.evict, going, LIMIT)
            there = drain.of_fate(pods, "evict", "lost", "leaving")
            if there:
                return there, []
            return [], [f"VolumeAttachment {name}" for name in self.pods.attachments(self.pods.volumes_of(pods))]
        except (ApiError, HttpError) as exc:
            if not is_transient(exc):
                raise
            return [], [str(exc)]

    def evict(self, pod: Object) -> None:
        """Evict a pod, and note why that is refused."""
        uid = pod["metadata"]["uid"]
        if time.monotonic() >= self.deadline:
            self.refusals.setdefault(uid, drain.Refusal("", "there was no time left to evict it"))
            return
        try:
            answer = self.pods.evict(pod)
            if isinstance(answer, drain.Refusal) and self.params["force_pdb"] and uid in self.blocked:
                answer = self.pods.delete(pod)
        except (ApiError, HttpError) as exc:
            answer = drain.Refusal("", str(exc))
        if isinstance(answer, drain.Refusal):
            self.refusals[uid] = answer
            return
        self.refusals.pop(uid, None)
        if answer:
            self.evicted.append(drain.full_name(pod))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    work = Drain(module.params, module.check_mode)
    try:
        work.run()
    except HardwayError as exc:
        module.fail_json(msg=str(exc), **work.results())
    module.exit_json(**work.results())


if __name__ == "__main__":
    main()

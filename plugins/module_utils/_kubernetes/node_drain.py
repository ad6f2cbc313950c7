# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains nodes: the plan, the cordon, the evictions and the waiting of module node_drain."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain, drain_room
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import (
    Api,
    ApiError,
    is_transient,
    retried,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.eviction import (
    NODES,
    Everything,
    KnownNodePods,
    NodePods,
)

# Evictions at a time.
LIMIT = 10
# Plans at a time: each reads all pods of the cluster.
_PLANS = threading.Semaphore(2)
Object = drain.Object


class Drain:
    """One run: the plan, the cordon, the evictions, the waiting."""

    def __init__(self, params: dict[str, Any], check: bool, everything: Optional[Everything] = None) -> None:
        """Start the clock of the whole drain; nothing is sent yet.

        everything is what was read for many drains together, whose plans alone are asked for.
        """
        self.deadline = time.monotonic() + params["timeout"]
        self.params, self.check, self.name = params, check, params["node"]
        self.api = Api.of(params)
        self.pods = (
            KnownNodePods(self.api, self.name, everything)
            if everything
            else NodePods(self.api, self.name, params["grace_period"])
        )
        self.before: dict[str, Any] = {}
        self.node: dict[str, Any] = {}
        self.plan: dict[str, Any] = {}
        self.evicted: list[str] = []
        # By UID: why the last eviction was refused, and which pods were blocked when the run began.
        self.refusals: dict[str, drain.Refusal] = {}
        self.blocked: set[str] = set()

    def run(self) -> None:
        """Do what is asked; results() is complete also when this fails."""
        if not self.params["required"] and self.pods.node_of() is None:
            return
        self.before = self.node = self.read()
        if self.params["state"] == "uncordoned":
            if (self.params["kubelet_version"] or self.params["boot_id"]) and not self.check:
                self.wait_for_kubelet(self.params["kubelet_version"], self.params["boot_id"])
            keeps = (self.params["keep_cordoned"], self.params["keep_annotation"])
            self.patch(lambda node: drain.uncordon_patch(node, *keeps))
            return
        with _PLANS:
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
        found = self.pods.node_of()
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
            nodes = retried(self.pods.other_nodes)
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


def drain_all(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Drain several nodes at the same time; return the module's result. A node that fails is among the problems."""

    def drain_one(name: str) -> tuple[dict[str, Any], str]:
        work = Drain({**params, "node": name}, check)
        try:
            work.run()
        except HardwayError as exc:
            return work.results(), str(exc)
        return work.results(), ""

    names: list[str] = params["nodes"]
    # All at once, because the timeout of each begins now.
    answers = dict(zip(names, map_concurrently(drain_one, names, len(names))))
    found = [result for result, _problem in answers.values()]
    diffs = [result["diff"] for result in found if "diff" in result]
    return {
        "changed": any(result["changed"] for result in found),
        "evicted": sorted({pod for result in found for pod in result["evicted"]}),
        "plans": {name: result["plan"] for name, (result, _problem) in answers.items() if "plan" in result},
        "problems": {name: problem for name, (_result, problem) in answers.items() if problem},
        "diff": {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")},
    }

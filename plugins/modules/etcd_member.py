#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_member."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: Add, promote, update or remove an etcd member
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - V(present) adds a learner. Then start etcd on its host, with C(--initial-cluster-state existing). Then V(promoted)
    waits until the learner has the data, and makes it a voter. Add one member at a time, as etcd accepts one learner.
  - Members are found by exact peer URL, name or ID, never by a part of it.
  - Before and after each change, a quorum of voters must be healthy and a write must succeed. Learners do not count.
  - Refuses what would leave the cluster without a quorum, and to remove the last voter.
  - V(updated) announces another peer URL. Then restart etcd on its host with that address.
  - An interrupted call can be repeated.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
    details: Refuses what would be refused.
  diff_mode:
    support: full
    details: Shows the member list.
options:
  name:
    description: Name of the member.
    type: str
    default: ""
  peer_url:
    description: Peer URL of the member, for example V(https://192.0.2.13:2380). Required unless O(state=absent).
    type: str
    default: ""
  id:
    description: ID of the member, as C(etcdctl member list) prints it. Only with O(state=absent).
    type: str
    default: ""
  state:
    description:
      - V(present) adds the member as a learner. A voter stays as it is.
      - V(promoted) waits until the learner is in sync, and promotes it. If it has not started within O(timeout), it is
        removed again.
      - V(absent) removes the member, alive or dead. If it is the leader, another voter becomes the leader first.
        Stop etcd on its host afterwards.
      - V(updated) sets the peer URL of the member with this name. The other members can reach it again once it was
        restarted with that URL, so they must have a quorum without it, unless it is the only voter. If it is the
        leader, another voter becomes the leader first.
    type: str
    choices: [present, promoted, absent, updated]
    default: present
  unit:
    description:
      - Unit of the member on this host. With O(state=promoted), waiting ends early when the unit has failed or keeps
        failing, and the error contains its last log lines.
    type: str
  timeout:
    description: Seconds to wait until etcd accepts the change, and until a learner is in sync.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Add a learner
  hardway.kubernetes.etcd_member: &member
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/healthcheck-client.crt
    key: /etc/etcd/pki/healthcheck-client.key
    name: master3
    peer_url: https://192.0.2.13:2380

- name: Start etcd
  hardway.kubernetes.unit:
    units: [{name: etcd, wait_on_start: false}]

- name: Promote the learner
  hardway.kubernetes.etcd_member:
    <<: *member
    state: promoted
    unit: etcd
"""

RETURN = r"""
member:
  description: The member that was found or added, or removed. Empty if there is none.
  returned: always
  type: dict
  contains:
    id:
      description: Member ID, as printed by C(etcdctl).
      type: str
      sample: 8e9e05c52164694d
    name:
      description: Name. Empty if it has not started yet.
      type: str
      sample: master3
    peer_urls:
      description: Its peer URLs.
      type: list
      elements: str
      sample: ["https://192.0.2.13:2380"]
    learner:
      description: Whether it is a learner, without a vote.
      type: bool
      sample: true
    started:
      description: Whether it has ever been part of the cluster.
      type: bool
      sample: false
    healthy:
      description: Whether it was healthy before the change.
      type: bool
      sample: false
leader_moved_to:
  description: The voter that was made the leader. Empty if the leader stays.
  returned: always
  type: str
  sample: ""
counted:
  description: How many voters were healthy before the change, and which were not.
  returned: when a cluster was queried
  type: str
  sample: 3 of 3 voters are healthy
members:
  description: All members before the change, each as RV(member).
  returned: when a cluster was queried
  type: list
  elements: dict
"""

import time
from collections.abc import Sequence
from typing import Any, Callable, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import membership
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.cluster import Cluster, Refused
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.membership import Member
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.failure import Watch

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "name": {"type": "str", "default": ""},
    "peer_url": {"type": "str", "default": ""},
    "id": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "promoted", "absent", "updated"], "default": "present"},
    "unit": {"type": "str"},
    "timeout": {"type": "int", "default": 60},
}
NOT_IN_SYNC = "in sync with leader"


class Change:
    """One change of the member list."""

    def __init__(self, params: dict[str, Any], check: bool, hopeless: Callable[[], str]) -> None:
        """Take the parameters, and what reports why waiting for the member is useless."""
        self.cluster, self.check, self.hopeless = Cluster(params), check, hopeless
        self.name, self.peer_url, self.number = params["name"], params["peer_url"], params["id"]
        self.timeout = params["timeout"]
        self.title = f"etcd member {self.name or self.peer_url or self.number}"
        self.leader_moved_to = ""

    def run(self, state: str) -> dict[str, Any]:
        """Return the result."""
        before = self.cluster.retried(self.cluster.read)
        find = self.find_by_name if state == "updated" else self.find
        changes = {"present": self.add, "promoted": self.promote, "absent": self.remove, "updated": self.update}
        found = find(before)
        after = changes[state](before, found)
        member = find(after) or found
        return {
            "changed": listing(before) != listing(after) or (self.check and self.predicted(state, found)),
            "member": described(member) if member else {},
            "leader_moved_to": self.leader_moved_to,
            "counted": membership.counted(before),
            "members": [described(one) for one in before],
            "diff": {"before": listing(before), "after": listing(after)},
        }

    def predicted(self, state: str, found: Optional[Member]) -> bool:
        """Return whether there is something to change."""
        if state in ("present", "updated"):
            return found is None or (state == "updated" and found.peer_urls != (self.peer_url,))
        return (found is None or found.learner) if state == "promoted" else found is not None

    def find(self, members: Sequence[Member]) -> Optional[Member]:
        """Return this member."""
        return membership.find(members, name=self.name, peer_url=self.peer_url, number=self.number)

    def find_by_name(self, members: Sequence[Member]) -> Optional[Member]:
        """Return this member, whose peer URL may be another one; raise if another member has this peer URL."""
        member = membership.find(members, name=self.name)
        other = membership.find(members, peer_url=self.peer_url)
        if member and other and other.id != member.id:
            raise HardwayError(f"{self.title}: not updated: {self.peer_url} is member {other}; correct the address")
        return member

    def require(self, why_not: Callable[[Sequence[Member]], str], deed: str) -> list[Member]:
        """Return the members once the change is safe and a write succeeds; raise at the end of the timeout."""

        def check() -> list[Member]:
            members = self.cluster.read()
            if reason := why_not(members):
                raise Refused(f"{self.title}: not {deed}: {reason}")
            return members

        members = self.cluster.retried(check)
        if not self.check:
            self.cluster.prove()
        return members

    def add(self, before: list[Member], found: Optional[Member]) -> list[Member]:
        """Add the learner unless it is a member."""
        if found:
            return before
        if other := membership.other_learner(before):
            raise HardwayError(f"{self.title}: not added: {other} is still a learner; promote or remove it first")
        self.require(membership.why_not_add, "added")
        if self.check:
            return before
        self.repeat(
            lambda members: self.find(members) is not None,
            ["member", "add", self.name, "--learner", f"--peer-urls={self.peer_url}"],
        )
        self.cluster.prove()
        return self.cluster.read()

    def promote(self, before: list[Member], found: Optional[Member]) -> list[Member]:
        """Promote the learner once it has started and is in sync."""
        if self.check or (found and not found.learner):
            return before
        if found is None:
            raise HardwayError(f"{self.title}: not a member; add it with state present first")
        started = self.wait_until_started(found)
        self.require(membership.why_not_add, "promoted")

        def attempt() -> None:
            members = self.cluster.read()
            now = self.find(members)
            if now is not None and now.learner:
                self.cluster.etcdctl().run(["member", "promote", now.id])

        while True:
            try:
                self.cluster.retried(attempt)
                break
            except HardwayError as exc:
                reason = self.hopeless()
                if reason or NOT_IN_SYNC not in str(exc) or self.late():
                    raise HardwayError(
                        f"{self.title}: not promoted within {self.timeout} s: {reason or exc}; it stays a learner, "
                        "repeat this when it has received the data"
                    ) from exc
                time.sleep(0.5)
        self.cluster.prove()

        def voting(members: list[Member]) -> bool:
            return any(each.id == started.id and each.healthy and not each.learner for each in members)

        left = max(5.0, self.cluster.deadline - time.monotonic())
        healthy, members = wait_until(lambda: self.cluster.retried(self.cluster.read), voting, timeout=left)
        if not healthy:
            raise HardwayError(f"{self.title}: promoted, but not healthy; see its journal (journalctl -u etcd)")
        return members

    def wait_until_started(self, learner: Member) -> Member:
        """Return the learner once it takes part; remove it again if it never does. Before, a promotion would hang."""
        reason = ""
        while not learner.started:
            reason = self.hopeless()
            if reason or self.late():
                self.cluster.etcdctl().run(["member", "remove", learner.id])
                raise HardwayError(
                    f"{self.title}: removed again, as it has not started"
                    + (f": {reason}" if reason else f" within {self.timeout} s; see its journal (journalctl -u etcd)")
                )
            time.sleep(0.5)
            now = self.find(self.cluster.retried(self.cluster.read))
            if now is None:
                raise HardwayError(f"{self.title}: another run has removed it; repeat this")
            learner = now
        return learner

    def remove(self, before: list[Member], found: Optional[Member]) -> list[Member]:
        """Remove the member, after another one leads."""
        if found is None:
            return before
        target = found
        members = self.require(lambda now: membership.why_not_remove(now, target), "removed")
        if self.check:
            self.move_leader(members, target)
            return before
        self.cluster.retried(lambda: self.move_leader(self.cluster.read(), target))
        self.repeat(
            lambda now: all(each.id != target.id for each in now), ["member", "remove", target.id], without=target.id
        )
        self.cluster.prove()
        return [member for member in self.cluster.read() if member.id != target.id]

    def update(self, before: list[Member], found: Optional[Member]) -> list[Member]:
        """Announce another peer URL."""
        if found is None:
            raise HardwayError(f"{self.title}: not a member; add it with state present first")
        target = found
        if target.peer_urls == (self.peer_url,):
            return before
        members = self.require(lambda now: membership.why_not_update(now, target), "updated")
        if self.check:
            self.move_leader(members, target)
            return before
        self.cluster.retried(lambda: self.move_leader(self.cluster.read(), target))
        self.repeat(
            lambda now: any(each.id == target.id and each.peer_urls == (self.peer_url,) for each in now),
            ["member", "update", target.id, f"--peer-urls={self.peer_url}"],
        )
        self.cluster.prove()
        return self.cluster.read()

    def move_leader(self, members: Sequence[Member], leaving: Member) -> None:
        """Let another voter lead if this one does."""
        successor = membership.next_leader(members, leaving)
        if successor is None or self.cluster.leader() != leaving.id:
            return
        if not self.check:
            # Only the leader accepts it.
            endpoint = next(member.endpoint for member in members if member.id == leaving.id)
            self.cluster.etcdctl([endpoint]).run(["move-leader", successor.id])
        self.leader_moved_to = successor.name

    def repeat(self, done: Callable[[Sequence[Member]], bool], command: list[str], without: str = "") -> None:
        """Run a command until it is done; after an error, the command may still have been carried out."""

        def attempt() -> None:
            if not done(self.cluster.read()):
                self.cluster.etcdctl(self.cluster.healthy_voters(without)).run(command)

        self.cluster.retried(attempt)

    def late(self) -> bool:
        """Return whether the timeout is over."""
        return time.monotonic() >= self.cluster.deadline


def described(member: Member) -> dict[str, Any]:
    """Return the member for the result."""
    return {
        "id": member.id,
        "name": member.name,
        "peer_urls": list(member.peer_urls),
        "learner": member.learner,
        "started": member.started,
        "healthy": member.healthy,
    }


def listing(members: Sequence[Member]) -> str:
    """Return one line a member for the diff."""
    kinds = {True: "learner", False: "voter"}
    lines = sorted(f"{m.name or '(not started)'} {' '.join(m.peer_urls)} {kinds[m.learner]}\n" for m in members)
    return "".join(lines)


def problem(params: dict[str, Any]) -> str:
    """Return what is wrong with the combination of parameters."""
    if params["state"] == "absent":
        return "" if params["name"] or params["peer_url"] or params["id"] else "name, peer_url or id is required"
    if params["id"]:
        return "id is for state absent only; give name and peer_url"
    return "" if params["name"] and params["peer_url"] else "name and peer_url are required"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params, check = module.params, module.check_mode
    if wrong := problem(params):
        module.fail_json(msg=f"etcd_member: {wrong}")
    if check and Etcdctl(params).absent():
        module.exit_json(changed=params["state"] != "absent", member={}, leader_moved_to="")
    watch = Watch(module.run_command, params["unit"]) if params["unit"] and not check else None
    try:
        result = Change(params, check, watch.reason if watch else str).run(params["state"])
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

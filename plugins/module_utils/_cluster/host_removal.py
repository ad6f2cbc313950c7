# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the removal of hosts from every role that they have. No I/O."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.membership import Member, quorum, why_not_remove

Result = t.Mapping[str, t.Any]
# Of these groups, one host must stay.
ROLES = ("etcd", "master", "lb")


def plan(hosts: t.Sequence[Result], cluster: Result) -> dict[str, t.Any]:
    """Return the steps, the refusals, the warnings and what is due afterwards.

    hosts: the leaving ones, with host, name, address, groups, lost, reached, and the results of checks: etcd (of
    module etcd_member), drain (of node_drain), node (of node_removal, of lost ones). cluster: groups, the names by
    which the inventory calls them, the hosts that respond, ready masters, working load balancers, the API endpoint's
    host, answers of lost hosts, and the CA whose key the masters have.
    """
    names = [one["host"] for one in hosts]
    left = {group: [host for host in found if host not in names] for group, found in cluster["groups"].items()}
    return {
        "hosts": [_described(one) for one in hosts],
        "refusals": [*_roles_left(hosts, cluster, left), *_unreachable(hosts, cluster, left), *_checks(hosts)],
        "warnings": _warnings(hosts, cluster, left),
        "due": _due(hosts, cluster),
        "etcd_left": left["etcd"],
    }


def _described(one: Result) -> dict[str, t.Any]:
    """Return a host for the plan."""
    steps = _steps(one)
    text = f"{one['host']}: {'; '.join(steps)}"
    return {"host": one["host"], "groups": one["groups"], "lost": one["lost"], "steps": steps, "text": text}


def _with(hosts: t.Sequence[Result], group: str) -> list[str]:
    return [one["host"] for one in hosts if group in one["groups"]]


def _roles_left(hosts: t.Sequence[Result], cluster: Result, left: Result) -> t.Iterator[str]:
    """Yield the roles that would not be left, or not in working order."""
    working = {"master": ("ready API server", cluster["ready"]), "lb": ("working haproxy", cluster["balancing"])}
    for group in ROLES:
        leaving = _with(hosts, group)
        if not leaving:
            continue
        title = f"group {cluster['names'][group]}"
        if not left[group]:
            yield f"{title}: {', '.join(leaving)} would be removed, and no other host is in it; add one with site first"
        elif group in working and not set(left[group]) & set(working[group][1]):
            yield f"{title}: none of {', '.join(left[group])} has a {working[group][0]}; fix that first"
    for one in hosts:
        if cluster["endpoint"] and cluster["endpoint"] in (one["host"], one["name"], one["address"]):
            yield (
                f"cluster_api_endpoint: {cluster['endpoint']} is {one['host']}, so nodes reach the API there; set "
                "cluster_api_vip, or another cluster_api_endpoint, and run site first"
            )


def _unreachable(hosts: t.Sequence[Result], cluster: Result, left: Result) -> t.Iterator[str]:
    """Yield the hosts that do not respond, and lost ones that do."""
    for one in hosts:
        if not one["lost"] and one["host"] not in cluster["responding"]:
            yield (
                f"{one['host']}: unreachable; bring it back, or, if it is gone for good, declare it lost with "
                f"-e lost={one['host']}"
            )
    others = dict.fromkeys(host for group in ROLES for host in left[group])
    for host in others:
        if host not in cluster["responding"]:
            yield f"{host}: unreachable, and it stays; bring it back first, or remove it, too, as lost"
    for answer in cluster["answers"]:
        yield (
            f"lost: {answer['address']} answers on port {answer['port']}, so this host is not lost; switch it off for "
            "good, or leave out lost"
        )


def _checks(hosts: t.Sequence[Result]) -> t.Iterator[str]:
    """Yield what the checks of etcd and of nodes refuse."""
    refused = [str(one["etcd"]["msg"]) for one in hosts if "msg" in one["etcd"]]
    yield from refused or _one_after_the_other(hosts)
    for one in hosts:
        for part in ("drain", "node"):
            if "msg" in one[part]:
                yield str(one[part]["msg"])


def _one_after_the_other(hosts: t.Sequence[Result]) -> t.Iterator[str]:
    """Yield why etcd would not allow all removals: each of them alone is safe, or refused already."""
    results = [one["etcd"] for one in hosts if one["etcd"].get("member")]
    if not results:
        return
    members = [_member(one) for one in results[0]["members"]]
    for result in results:
        target = _member(result["member"])
        if reason := why_not_remove(members, target):
            yield f"etcd member {target.name}: not removed after the others: {reason}"
            return
        members = [one for one in members if one.id != target.id]


def _member(found: Result) -> Member:
    return Member(
        id=found["id"],
        name=found["name"],
        peer_urls=tuple(found["peer_urls"]),
        learner=found["learner"],
        healthy=found["healthy"],
    )


def _steps(one: Result) -> list[str]:
    """Return what is done with a host, in this order."""
    stop = "" if one["lost"] else "stop and disable "
    found = []
    if one["lost"]:
        found.append("it is lost and never contacted: it must stay off")
    if "node" in one["groups"]:
        found += _node_steps(one)
    if "master" in one["groups"] or "etcd" in one["groups"]:
        found.append("the other API servers and load balancers no longer use it")
    if "lb" in one["groups"] and stop:
        found.append(f"{stop}keepalived, which gives up the virtual address, then haproxy")
    if "master" in one["groups"] and stop:
        found.append(f"{stop}kube-scheduler, kube-controller-manager, kube-apiserver")
    if "etcd" in one["groups"]:
        found += _etcd_steps(one, stop)
    return found


def _node_steps(one: Result) -> list[str]:
    if one["lost"]:
        return ["delete the Node and its pods"]
    plan = one["drain"].get("plan") or {}
    pods = [f"{pod['namespace']}/{pod['name']}" for kind in ("evict", "lost") for pod in plan.get(kind, ())]
    volumes = [f"{each['volume']} of {each['namespace']}/{each['name']}" for each in plan.get("empty_dirs", ())]
    return [
        *([f"evict {', '.join(pods)}"] if pods else []),
        *([f"lose what is in emptyDir {', '.join(volumes)}"] if volumes else []),
        "stop and disable kubelet, kube-proxy, flanneld and containerd; delete the Node",
    ]


def _etcd_steps(one: Result, stop: str) -> list[str]:
    result = one["etcd"]
    member = result.get("member")
    if not member:
        return [] if "msg" in result else ["no etcd member any more"]
    leader = f"{result['leader_moved_to']} leads etcd; " if result.get("leader_moved_to") else ""
    kind = f"{'healthy' if member['healthy'] else 'dead'} {'learner' if member['learner'] else 'voter'}"
    aside = f"; {stop}etcd, move its data aside" if stop else ""
    return [f"{leader}remove the {kind} {member['id']}{aside} (now {result['counted']})"]


def _warnings(hosts: t.Sequence[Result], cluster: Result, left: Result) -> list[str]:
    """Return what the operator should know before."""
    found = []
    count = len(left["etcd"])
    if _with(hosts, "etcd") and count:
        spare = count - quorum(count)
        if spare == 0:
            found.append(f"etcd: {count} of {count} members must stay healthy; no further loss is tolerated")
        if count % 2 == 0:
            found.append(
                f"etcd: {count} is an even number of members, with which site refuses to run; add a host to group "
                f"{cluster['names']['etcd']}, or remove one more member with remove_member"
            )
    for group in ("master", "lb"):
        if _with(hosts, group) and len(left[group]) == 1:
            found.append(f"group {cluster['names'][group]}: only {left[group][0]} stays")
    return found


def _due(hosts: t.Sequence[Result], cluster: Result) -> list[str]:
    """Return what must follow unless the machines are destroyed: they had keys of the cluster."""
    found = []
    if masters := _with(hosts, "master"):
        rotation = f'rotate_ca -e \'{{"ca_rotated": ["{cluster["signer"]}"]}}\''
        found.append(
            f"{', '.join(masters)}: had the keys of CA {cluster['signer']}, of service accounts and of encryption; "
            f"unless the disk is destroyed, run {rotation}, rotate_service_account_key and rotate_encryption_key"
        )
    if members := [host for host in _with(hosts, "etcd") if host not in masters]:
        found.append(f"{', '.join(members)}: had the data of etcd; destroy the disk before it leaves your hands")
    return found

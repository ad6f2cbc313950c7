# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans an upgrade of Kubernetes: its hops, what stands in its way, and which nodes are upgraded together. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import VERSION, minor, order
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import OURS

Object = Mapping[str, Any]
_SERIES = re.compile(r"apiserver_requested_deprecated_apis\{(?P<labels>[^}]*)\} (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


# --- The hops.


def _number(version: str) -> int:
    """Return the minor number of a version."""
    return minor(version)[1]


def targets(
    asked: Sequence[str], servers: Mapping[str, str], kubelets: Mapping[str, str], known: Iterable[str]
) -> list[str]:
    """Return the version of each hop, one minor at a time; none if everything runs the last of ``asked``.

    servers and kubelets are versions by host and node. An upgrade that was interrupted between masters and nodes begins
    with the version of its masters.
    """
    for version in asked:
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise HardwayError(f"to: {version} is not a version such as 1.36.2; correct it")
    running = sorted({*servers.values(), *kubelets.values()}, key=order)
    if not servers or not all(VERSION.fullmatch(version) for version in running):
        raise HardwayError("the versions of the cluster are unknown; check its API servers with verify")
    oldest, newest, final = running[0], max(servers.values(), key=order), asked[-1]
    if order(final) < order(newest):
        raise HardwayError(f"to: the API servers run {newest}, and {final} is older; a downgrade is not possible")
    if minor(final)[0] != minor(newest)[0]:
        raise HardwayError(f"to: {final} is of another major version than {newest}, and no release of it is known")
    found = []
    if minor(oldest) != minor(newest) and minor(newest) != minor(final):
        # Kubelets of the former minor, or masters: they come first.
        found.append(newest)
    for number in range(_number(newest) + 1, _number(final)):
        found.append(_intermediate(number, asked, known))
    return found if not found and running == [final] else [*found, final]


def _intermediate(number: int, asked: Sequence[str], known: Iterable[str]) -> str:
    """Return the version of a minor on the way: the one asked for, or else the newest that is known."""
    choices = [version for version in asked if _number(version) == number]
    choices = choices or [version for version in known if _number(version) == number]
    if not choices:
        raise HardwayError(
            f"to: no release of 1.{number} is known, and no minor may be skipped; name one, as "
            f"-e to=1.{number}.X,{asked[-1]}"
        )
    return max(choices, key=order)


# --- What the API reports.


def deprecated(metrics: str) -> list[dict[str, str]]:
    """Return the deprecated APIs that clients have used, from the metrics of an API server."""
    found = []
    for series in _SERIES.finditer(metrics):
        labels = dict(_LABEL.findall(series["labels"]))
        if float(series["value"]) > 0:
            parts = [labels.get(name) for name in ("group", "version", "resource")]
            found.append(
                {"api": "/".join(part for part in parts if part), "removed": labels.get("removed_release", "")}
            )
    return sorted(found, key=lambda one: one["api"])


def broken_webhooks(configurations: Iterable[Object], ready: Iterable[str]) -> list[str]:
    """Return the webhooks that refuse requests because their Service is not in ``ready``, those with endpoints."""
    reachable, found = set(ready), []
    for configuration in configurations:
        for hook in configuration.get("webhooks") or []:
            service = (hook.get("clientConfig") or {}).get("service")
            if hook.get("failurePolicy", "Fail") == "Fail" and service:
                name = f"{service['namespace']}/{service['name']}"
                if name not in reachable:
                    found.append(f"{configuration['metadata']['name']} ({hook['name']}, Service {name})")
    return sorted(found)


def ready_services(slices: Iterable[Object]) -> set[str]:
    """Return namespace and name of the Services with an endpoint that is ready."""
    return {
        f"{item['metadata']['namespace']}/{item['metadata']['labels']['kubernetes.io/service-name']}"
        for item in slices
        if "kubernetes.io/service-name" in (item["metadata"].get("labels") or {})
        and any((one.get("conditions") or {}).get("ready") is not False for one in item.get("endpoints") or [])
    }


# --- The plan.


@dataclass(frozen=True)
class Facts:
    """What an upgrade is planned from.

    servers and kubelets are versions by host and node; drains are the results of module node_drain in check mode by
    node; cordoned has the nodes that an interrupted upgrade has left cordoned; forced has what is not refused; flags
    are those of the inventory with what module flag_check reports about them.
    """

    asked: Sequence[str]
    known: Sequence[str]
    servers: Mapping[str, str]
    kubelets: Mapping[str, str]
    not_ready: Sequence[str]
    cordoned: Sequence[str]
    deprecated: Sequence[Object]
    webhooks: Sequence[str]
    drains: Mapping[str, Object]
    forced: Sequence[str] = ()
    flags: Sequence[Object] = ()


def plan(facts: Facts) -> dict[str, Any]:
    """Return the hops, the reasons to refuse the upgrade, what should be known before, and a text of all."""
    try:
        hops = targets(facts.asked, facts.servers, facts.kubelets, facts.known)
    except HardwayError as exc:
        return {"hops": [], "refusals": [str(exc)], "warnings": [], "text": []}
    if facts.cordoned and not hops:
        hops = [facts.asked[-1]]
    drained = sorted({node for hop in hops for node in _drains(facts.kubelets, hop)})
    refusals = [*_refusals(facts, hops, drained)] if hops else []
    warnings = [*_warnings(facts, hops)] if hops else []
    return {"hops": hops, "refusals": refusals, "warnings": warnings, "text": [*_text(facts, hops), *warnings]}


def _drains(kubelets: Mapping[str, str], version: str) -> list[str]:
    """Return the nodes that are drained for a version, because their kubelets are of another minor."""
    return sorted(node for node, runs in kubelets.items() if minor(runs) != minor(version))


def _refusals(facts: Facts, hops: Sequence[str], drained: Iterable[str]) -> Iterable[str]:
    """Yield what stands in the way."""
    # One that an interrupted upgrade has left is brought back by it.
    if not_ready := sorted(set(facts.not_ready) - set(facts.cordoned)):
        yield f"nodes {shortened(not_ready)}: not Ready; repair them, or remove them with remove_node"
    for webhook in facts.webhooks if "webhooks" not in facts.forced else ():
        yield (
            f"webhook {webhook}: has no endpoint and so refuses requests, pods of drained nodes included; repair it, "
            "set its failurePolicy to Ignore, or go on with -e force=webhooks"
        )
    for one in facts.deprecated if "apis" not in facts.forced else ():
        if _is_removed(one, hops[-1]):
            yield (
                f"API {one['api']}: removed in {one['removed']}, and clients have used it since the API servers started"
                "; move them to its successor (the audit log names them: annotation k8s.io/deprecated), or go on with "
                "-e force=apis"
            )
    for one in facts.flags:
        where = f"{one['variable']} of {shortened(one['hosts'])}: {one['binary']} {hops[-1]}"
        if one["unknown"]:
            yield f"{where} does not know {', '.join(one['unknown'])}; remove it from the variable"
        if one["error"]:
            yield f"{where} refuses the flags: {one['error']}; correct the variable"
    # A drain in check mode that is refused has a message.
    yield from (str(facts.drains[node]["msg"]) for node in drained if "msg" in facts.drains.get(node, {}))


def _is_removed(api: Object, version: str) -> bool:
    """Return whether a version no longer has a deprecated API."""
    return bool(api["removed"]) and minor(f"{api['removed']}.0") <= minor(version)


def _warnings(facts: Facts, hops: Sequence[str]) -> Iterable[str]:
    """Yield what does not stand in the way."""
    for one in facts.deprecated:
        if one["removed"] and not _is_removed(one, hops[-1]):
            yield f"API {one['api']}: clients use it, and {one['removed']} removes it"
    for one in facts.flags:
        if one["gates"]:
            where = f"{one['variable']} of {shortened(one['hosts'])}: {one['binary']} {hops[-1]}"
            yield f"{where} ignores the gates {', '.join(one['gates'])}"
    if facts.cordoned:
        yield f"nodes {shortened(sorted(facts.cordoned))}: cordoned by an interrupted upgrade, which goes on with them"


def _text(facts: Facts, hops: Sequence[str]) -> Iterable[str]:
    """Yield the steps, for display."""
    if not hops:
        yield f"Everything runs {facts.asked[-1]}."
        return
    servers, kubelets = dict(facts.servers), dict(facts.kubelets)
    for hop in hops:
        masters = sorted(host for host, runs in servers.items() if runs != hop)
        nodes = sorted(node for node, runs in kubelets.items() if runs != hop)
        steps = []
        if masters:
            former = _versions(servers[host] for host in masters)
            steps.append(f"control plane of {shortened(masters)}, one host at a time, from {former}")
        moved = [node for node in nodes if node in _drains(kubelets, hop)]
        if moved:
            steps.append(f"nodes {shortened(moved)}, drained, from {_versions(kubelets[node] for node in moved)}")
        patched = [node for node in nodes if node not in moved]
        if patched:
            former = _versions(kubelets[node] for node in patched)
            steps.append(f"nodes {shortened(patched)}, without a drain, from {former}")
        yield f"To {hop}: {'; then '.join(steps) or 'finish what was interrupted'}"
        servers, kubelets = dict.fromkeys(servers, hop), dict.fromkeys(kubelets, hop)


def _versions(found: Iterable[str]) -> str:
    """Return different versions for display."""
    return " and ".join(sorted(set(found), key=order))


# --- The batches.


def batch_size(asked: str, nodes: int) -> int:
    """Return how many nodes are upgraded together, from a number or a percentage; at least one."""
    found = re.fullmatch(r"(\d+)(%?)", asked.strip())
    if not found or not int(found[1]):
        raise HardwayError(
            f"cluster_batch: {asked!r} is not a number of nodes or a percentage above zero; set one such as 2 or 10%"
        )
    return max(1, nodes * int(found[1]) // 100 if found[2] else int(found[1]))


def batches(nodes: Sequence[str], size: int, zones: Optional[Mapping[str, str]] = None) -> list[list[str]]:
    """Return the nodes in batches, in their order; of one zone, never two in a batch."""
    found: list[list[str]] = []
    for node in nodes:
        zone = (zones or {}).get(node)
        place = next(
            (
                batch
                for batch in found
                if len(batch) < size and (zone is None or all((zones or {}).get(other) != zone for other in batch))
            ),
            None,
        )
        if place is None:
            found.append([node])
        else:
            place.append(node)
    return found


def batch_plan(hosts: Sequence[Object], nodes: Sequence[Object], version: str, size: str) -> dict[str, Any]:
    """Return the hosts whose nodes are upgraded drained, in batches, with those of the batches before.

    hosts are hosts and nodes of the play; nodes are those of module upgrade_info. Nodes that an interrupted upgrade has
    left cordoned are among them, whatever their kubelets run.
    """
    known = {node["name"]: node for node in nodes}
    left = [host["host"] for host in hosts if known.get(host["name"], {}).get("cordoned_by") == OURS]
    others = [
        host["host"]
        for host in hosts
        if host["host"] not in left
        and host["name"] in known
        and minor(known[host["name"]]["version"]) != minor(version)
    ]
    # First those that would leave the pods of the others too little room.
    due = [*left, *others]
    zones = {host["host"]: known[host["name"]]["zone"] for host in hosts if host["host"] in due}
    found = batches(due, batch_size(size, len(nodes)), {host: zone for host, zone in zones.items() if zone})
    return {
        "batches": found,
        "batch_of": {host: number for number, batch in enumerate(found) for host in batch},
        "before": [[host for batch in found[:number] for host in batch] for number in range(len(found))],
    }

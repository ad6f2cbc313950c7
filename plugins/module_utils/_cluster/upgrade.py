# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans an upgrade of Kubernetes: its hops, and what stands in its way. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import upgrade_state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import VERSION, minor, order
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import OURS

Object = Mapping[str, Any]
# A kubelet may be so many minors older than an API server (version skew policy of Kubernetes).
KUBELETS_BEHIND = 3
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
    are those of the inventory with what module flag_check reports about them. state is that of the last upgrade in the
    cluster record, emulates the minors that API servers emulate by host; soak, finish and masters_only are what is
    asked: a soak time, its end, and nodes that stay as they are. down are the hosts whose API servers do not answer.
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
    state: Mapping[str, str] = field(default_factory=dict)
    emulates: Mapping[str, str] = field(default_factory=dict)
    soak: bool = False
    finish: bool = False
    masters_only: bool = False
    down: Sequence[str] = ()

    @property
    def soaking(self) -> bool:
        """Return whether the control plane soaks, and goes on with that."""
        return bool(self.state.get("emulated")) and not self.finish

    @property
    def soaked(self) -> bool:
        """Return whether the control plane soaks, or an interrupted run has ended that on some masters only."""
        return bool(self.state.get("emulated") or self.emulates)

    @property
    def stay(self) -> bool:
        """Return whether the nodes stay as they are."""
        return self.soak or self.soaking or self.masters_only

    @property
    def option(self) -> str:
        """Return the extra variable for which the nodes stay."""
        return "upgrade_soak" if self.soak else "scope"

    @property
    def moving(self) -> Mapping[str, str]:
        """Return the versions of the kubelets that are upgraded."""
        return {} if self.stay else self.kubelets


def facts_of(found: Object, masters: Mapping[str, str], drains: Iterable[Object], **asked: Any) -> Facts:
    """Return the facts from what modules upgrade_info and node_drain have returned; masters are hosts by URL."""
    nodes = found["nodes"]
    return Facts(
        **{"asked": (), "known": (), **asked},
        servers={masters.get(url, url): version for url, version in found["servers"].items() if version},
        down=[masters.get(url, url) for url, version in found["servers"].items() if not version],
        kubelets={node["name"]: node["version"] for node in nodes},
        not_ready=[node["name"] for node in nodes if not node["ready"]],
        cordoned=[node["name"] for node in nodes if node["cordoned_by"] == OURS],
        deprecated=found["deprecated"],
        webhooks=found["webhooks"],
        drains={one["node"]: one for one in drains},
        state=found["state"],
        emulates={masters.get(url, url): emulated for url, emulated in found["emulates"].items()},
    )


def plan(facts: Facts) -> dict[str, Any]:
    """Return the hops with the state in which each begins, the reasons to refuse the upgrade, and a text of all."""
    if facts.finish and facts.servers:
        facts = replace(facts, asked=[max(facts.servers.values(), key=order)])
    try:
        hops = targets(facts.asked, facts.servers, facts.moving, facts.known)
    except HardwayError as exc:
        return {"hops": [], "states": [], "refusals": [str(exc)], "warnings": [], "text": [], "back": []}
    if facts.finish and not facts.soaked and "nodes" in facts.state:
        problem = f"finish: the control plane does not soak; to upgrade the nodes, run it with -e to={facts.asked[-1]}"
        return {"hops": [], "states": [], "refusals": [problem], "warnings": [], "text": [], "back": []}
    left = facts.cordoned or (facts.finish and facts.emulates) or ("nodes" in facts.state and not facts.stay)
    if not hops and left:
        hops = [facts.asked[-1]]
    drained = sorted({node for hop in hops for node in _drains(facts.moving, hop)})
    refused = [*_stay_refusals(facts, hops), *refusals(facts, hops, drained)] if hops else []
    warnings = [*_warnings(facts, hops)] if hops else []
    states = [_state(facts, hops, number) for number in range(len(hops))]
    back = [] if refused else [*upgrade_state.ways_back(states[-1] if states else facts.state, facts.asked[-1])]
    return {
        "hops": hops,
        "states": states,
        "refusals": refused,
        "warnings": warnings,
        "text": [*_text(facts, hops), *warnings, *back],
        "back": back,
    }


def _state(facts: Facts, hops: Sequence[str], number: int) -> dict[str, str]:
    """Return the state with which a hop begins."""
    if facts.soaking:
        return dict(facts.state)
    former = [hops[number - 1]] if number else []
    servers, kubelets = former or facts.servers.values(), (former if not facts.stay else []) or facts.kubelets.values()
    return upgrade_state.of_hop(facts.state, hops[number], servers, kubelets, soak=facts.soak, stay=facts.stay)


def _stay_refusals(facts: Facts, hops: Sequence[str]) -> Iterable[str]:
    """Yield what stands in the way of a soak time, and of nodes that stay as they are."""
    final = hops[-1]
    if facts.soaking:
        if not upgrade_state.soaks(facts.state, final):
            yield (
                f"to: the control plane soaks as {facts.state['emulated']}; end that first with -e finish=true, or go "
                "back with rollback.yml"
            )
        return
    if facts.soak:
        yield from _soak_refusals(facts, hops)
    if not facts.stay:
        return
    if len({minor(runs) for runs in facts.kubelets.values()}) > 1:
        yield f"{facts.option}: nodes run {_versions(facts.kubelets.values())}; upgrade them to one minor first"
    if old := sorted(node for node, runs in facts.kubelets.items() if _number(final) - _number(runs) > KUBELETS_BEHIND):
        yield (
            f"{facts.option}: nodes {shortened(old)} would be more than {KUBELETS_BEHIND} minors behind; upgrade them "
            "first"
        )


def _soak_refusals(facts: Facts, hops: Sequence[str]) -> Iterable[str]:
    """Yield what would close the way back of a soak time."""
    final, target = hops[-1], f"1.{_number(hops[-1]) - 1}"
    newer = [host for host, runs in facts.servers.items() if minor(runs) == minor(final)]
    if started := sorted(host for host in newer if facts.emulates.get(host) != target):
        yield (
            f"upgrade_soak: the API servers of {shortened(started)} run {final} without it, and may have stored "
            f"objects in a form that {target} does not know; leave it out"
        )
    if len(hops) > 1:
        yield (
            f"upgrade_soak: for one minor at a time, and this upgrade goes by {', '.join(hops)}; upgrade to {hops[-2]} "
            "without it first"
        )


def _drains(kubelets: Mapping[str, str], version: str) -> list[str]:
    """Return the nodes that are drained for a version, because their kubelets are of another minor."""
    return sorted(node for node, runs in kubelets.items() if minor(runs) != minor(version))


def refusals(facts: Facts, hops: Sequence[str], drained: Iterable[str]) -> Iterable[str]:
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
        yield f"nodes {shortened(sorted(facts.cordoned))}: left by an interrupted upgrade, which goes on with them"


def _text(facts: Facts, hops: Sequence[str]) -> Iterable[str]:
    """Yield the steps, for display."""
    if not hops:
        yield _all_done(facts)
        return
    servers, kubelets = dict(facts.servers), dict(facts.moving)
    for hop in hops:
        masters = sorted(host for host, runs in servers.items() if runs != hop)
        nodes = sorted(node for node, runs in kubelets.items() if runs != hop)
        steps = []
        if masters:
            former = _versions(servers[host] for host in masters)
            steps.append(f"control plane of {shortened(masters)}, one host at a time, from {former}")
        ending = sorted(host for host in facts.emulates if host not in masters)
        if ending and not facts.soaking:
            steps.append(f"control plane of {shortened(ending)}, one host at a time, ends its soak time")
        moved = [node for node in nodes if node in _drains(kubelets, hop)]
        if moved:
            steps.append(f"nodes {shortened(moved)}, drained, from {_versions(kubelets[node] for node in moved)}")
        patched = [node for node in nodes if node not in moved]
        if patched:
            former = _versions(kubelets[node] for node in patched)
            steps.append(f"nodes {shortened(patched)}, without a drain, from {former}")
        yield f"To {hop}: {'; then '.join(steps) or 'finish what was interrupted'}"
        servers, kubelets = dict.fromkeys(servers, hop), dict.fromkeys(kubelets, hop)
    if facts.soak or facts.soaking:
        yield (
            f"Soak time: the control plane emulates 1.{_number(hops[-1]) - 1}, and nodes stay at "
            f"{_versions(facts.kubelets.values())}, since no kubelet may be newer; -e finish=true ends it, and "
            "upgrades them"
        )
    elif facts.masters_only:
        yield (
            f"Nodes stay at {_versions(facts.kubelets.values())}, also with site.yml; upgrade.yml -e to={hops[-1]} "
            "upgrades them"
        )


def _all_done(facts: Facts) -> str:
    """Return what runs where nothing is to be done, for display."""
    runs = facts.asked[-1]
    if facts.soaking:
        return f"The API servers run {runs} and soak as {facts.state['emulated']}; -e finish=true ends that."
    if facts.masters_only:
        return f"The control plane runs {runs}; nodes run {_versions(facts.kubelets.values())}."
    return f"Everything runs {runs}."


def _versions(found: Iterable[str]) -> str:
    """Return different versions for display."""
    return " and ".join(sorted(set(found), key=order))

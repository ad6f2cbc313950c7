# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether pods have room on other nodes. No I/O.

Requests against allocatable resources, taints, node selectors and required node affinity, as the scheduler compares
them. Not affinity between pods, topology spread, host ports, or volumes that are bound to a node.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import full_name

Object = Mapping[str, Any]
Amounts = Mapping[str, Fraction]
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([KMGTPE]i|[numkMGTPE])?")
_DECIMAL = {suffix: Fraction(1000) ** power for power, suffix in enumerate(["n", "u", "m", "", "k", *"MGTPE"], -3)}
_BINARY = {f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)}
_FACTORS = {**_DECIMAL, **_BINARY}


@cache
def quantity(text: str) -> Fraction:
    """Return a quantity of the API, such as 250m, 1.5Gi or 1e3, as a number."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(f"not a quantity: {text!r}")
    return Fraction(found[1]) * _FACTORS[found[2] or ""]


def _requests(owner: Object) -> dict[str, Fraction]:
    requests = (owner.get("resources") or {}).get("requests") or {}
    return {name: quantity(str(value)) for name, value in requests.items()}


def _sum(parts: Iterable[Amounts]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = defaultdict(Fraction)
    for part in parts:
        for name, amount in part.items():
            total[name] += amount
    return total


def requests_of(pod: Object) -> dict[str, Fraction]:
    """Return what the scheduler counts for a pod: init containers run one after the other, sidecars go on."""
    spec = pod["spec"]
    sidecars: list[dict[str, Fraction]] = []
    peaks: list[dict[str, Fraction]] = []
    for container in spec.get("initContainers") or []:
        request = _requests(container)
        peaks.append(_sum([*sidecars, request]))
        if container.get("restartPolicy") == "Always":
            sidecars.append(request)
    peaks.append(_sum([*sidecars, *(_requests(container) for container in spec["containers"])]))
    total = {name: max(peak.get(name, Fraction(0)) for peak in peaks) for peak in peaks for name in peak}
    total.update(_requests(spec))
    overhead = {name: quantity(str(value)) for name, value in (spec.get("overhead") or {}).items()}
    return {**_sum([total, overhead]), "pods": Fraction(1)}


def is_usable(node: Object) -> bool:
    """Return whether a node gets new pods: ready, not cordoned, not being removed."""
    cordoned = (node.get("spec") or {}).get("unschedulable")
    return bool(is_ready(node) and not cordoned and not node["metadata"].get("deletionTimestamp"))


def tolerates(tolerations: Iterable[Object], taint: Object) -> bool:
    """Return whether one of the tolerations fits a taint."""
    return any(_fits(toleration, taint) for toleration in tolerations)


def _fits(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    operator, key = toleration.get("operator") or "Equal", toleration.get("key") or ""
    if operator == "Exists":
        return key in ("", taint["key"])
    return operator == "Equal" and key == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def _is_met(requirement: Object, labels: Mapping[str, str]) -> bool:
    """Return whether labels meet one requirement of a node selector term."""
    operator, values, value = requirement["operator"], requirement.get("values") or [], labels.get(requirement["key"])
    if operator in ("NotIn", "DoesNotExist"):
        return value is None or (operator == "NotIn" and value not in values)
    if value is None:
        return False
    if operator in ("In", "Exists"):
        return operator == "Exists" or value in values
    try:
        return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
    except ValueError:
        return False


def _is_term_met(term: Object, node: Object) -> bool:
    """Return whether a node meets a term; an empty term matches no node."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    labels, names = node["metadata"].get("labels") or {}, {"metadata.name": node["metadata"]["name"]}
    return bool(expressions or fields) and (
        all(_is_met(one, labels) for one in expressions) and all(_is_met(one, names) for one in fields)
    )


def is_eligible(pod: Object, node: Object) -> bool:
    """Return whether the taints and labels of a node allow a pod there."""
    spec = pod["spec"]
    taints = [taint for taint in node["spec"].get("taints") or [] if taint["effect"] in ("NoSchedule", "NoExecute")]
    if not all(tolerates(spec.get("tolerations") or [], taint) for taint in taints):
        return False
    labels = node["metadata"].get("labels") or {}
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_is_term_met(term, node) for term in required["nodeSelectorTerms"])


class Room:
    """What usable nodes have left, with the pods that were placed so far."""

    def __init__(self, nodes: Sequence[Object], running: Iterable[Object]) -> None:
        """Subtract the requests of running pods from what the nodes have."""
        self.nodes = {node["metadata"]["name"]: node for node in nodes if is_usable(node)}
        self.left = {
            name: {key: quantity(str(value)) for key, value in (node["status"].get("allocatable") or {}).items()}
            for name, node in self.nodes.items()
        }
        self._eligible: dict[str, list[str]] = {}
        for pod in running:
            if pod["spec"].get("nodeName") in self.nodes:
                self._take(pod["spec"]["nodeName"], requests_of(pod))

    def _take(self, name: str, requests: Amounts) -> None:
        left = self.left[name]
        for key, amount in requests.items():
            left[key] = left.get(key, Fraction(0)) - amount

    def eligible(self, pod: Object) -> list[str]:
        """Return the names of the nodes on which a pod may run; equal pods share the answer."""
        spec = pod["spec"]
        form = [spec.get("tolerations"), spec.get("nodeSelector"), (spec.get("affinity") or {}).get("nodeAffinity")]
        key = json.dumps(form, sort_keys=True)
        if key not in self._eligible:
            self._eligible[key] = [name for name, node in self.nodes.items() if is_eligible(pod, node)]
        return self._eligible[key]

    def place(self, pod: Object) -> str:
        """Place a pod; return why it fits nowhere, or an empty string."""
        if not self.nodes:
            return "no other node is ready and schedulable"
        names, requests = self.eligible(pod), requests_of(pod)
        if not names:
            return "no other node has the labels and taints for it"
        short: set[str] = set()
        for name in names:
            left = self.left[name]
            lacking = {key for key, amount in requests.items() if amount and amount > left.get(key, Fraction(0))}
            if not lacking:
                self._take(name, requests)
                return ""
            short |= lacking
        return f"too little {', '.join(sorted(short))} on {', '.join(names[:3])}{' ...' if names[3:] else ''}"


def unplaceable(pods: Iterable[Object], nodes: Sequence[Object], running: Iterable[Object]) -> list[tuple[Object, str]]:
    """Return the pods that fit on none of the nodes, and why.

    First those that may run on few nodes, and large ones before small ones, so that few are refused a place in vain.
    """
    room = Room(nodes, running)

    def rank(pod: Object) -> tuple[int, Fraction, Fraction, str]:
        requests = requests_of(pod)
        cpu, memory = requests.get("cpu", Fraction(0)), requests.get("memory", Fraction(0))
        return len(room.eligible(pod)), -memory, -cpu, full_name(pod)

    found = [(pod, reason) for pod in sorted(pods, key=rank) if (reason := room.place(pod))]
    return sorted(found, key=lambda entry: full_name(entry[0]))

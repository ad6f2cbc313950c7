# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pods have room on other nodes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain_room import (
    is_eligible,
    is_usable,
    quantity,
    requests_of,
    tolerates,
    unplaceable,
)

GPU = {"key": "gpu", "value": "a", "effect": "NoSchedule"}


def container(restart: str = "", **requests: str) -> dict[str, Any]:
    """Return a container with requests."""
    return {"resources": {"requests": requests}, **({"restartPolicy": restart} if restart else {})}


def pod(name: str = "p", on: str = "", spec: dict[str, Any] | None = None, **requests: str) -> dict[str, Any]:
    """Return a pod with one container."""
    found = {"containers": [container(**requests)], "nodeName": on, **(spec or {})}
    return {"metadata": {"namespace": "a", "name": name}, "spec": found}


def node(name: str = "n2", taints: list[Any] | None = None, ready: str = "True", **allocatable: str) -> dict[str, Any]:
    """Return a node with labels rack and size."""
    status = {
        "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10", **allocatable},
    }
    labels = {"name": name, "rack": "7", "size": "10"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints or []}, "status": status}


def reasons(pods: list[Any], nodes: list[Any], running: Any = ()) -> dict[str, str]:
    """Return by name why pods fit nowhere."""
    return {found["metadata"]["name"]: reason for found, reason in unplaceable(pods, nodes, running)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("250m", Fraction(1, 4)), ("2", 2), ("1.5Gi", 3 * 2**29), ("1e3", 1000), ("2E", 2 * 10**18)),
        *(
            ("1Ei", 2**60),
            ("100k", 100000),
            ("5n", Fraction(5, 10**9)),
            ("0", 0),
            (".5", Fraction(1, 2)),
            ("1E3", 1000),
        ),
        *(("128974848", 128974848), ("129M", 129 * 10**6), ("123Mi", 123 * 2**20), ("12e-1", Fraction(6, 5))),
    ],
)
def test_quantities(text: str, expected: Any) -> None:
    assert quantity(text) == expected


def test_a_text_that_is_no_quantity() -> None:
    with pytest.raises(ValueError):
        quantity("2 cores")


def test_requests_are_counted_as_the_scheduler_does() -> None:
    spec: dict[str, Any] = {"containers": [container(cpu="1"), container(cpu="500m", memory="1Gi")]}
    assert requests_of(pod(spec=spec)) == {"cpu": Fraction(3, 2), "memory": 2**30, "pods": 1}
    # Init containers run one after the other, and before the containers.
    spec["initContainers"] = [container(cpu="2"), container(cpu="1")]
    assert requests_of(pod(spec=spec))["cpu"] == 2
    # A sidecar goes on beside those that start after it.
    spec["initContainers"] = [container(cpu="2"), container("Always", cpu="1"), container(cpu="1750m")]
    assert requests_of(pod(spec=spec))["cpu"] == Fraction(11, 4)
    spec["overhead"] = {"cpu": "250m"}
    assert requests_of(pod(spec=spec))["cpu"] == 3
    spec["resources"] = {"requests": {"cpu": "4"}}
    assert requests_of(pod(spec=spec)) == {"cpu": Fraction(17, 4), "memory": 2**30, "pods": 1}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "cpu", "operator": "Exists"}, False),
        ({"key": "gpu", "value": "a", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "value": "b"}, False),
        ({"key": "gpu"}, False),
        ({"key": "gpu", "operator": "Gt", "value": "a"}, False),
    ],
)
def test_tolerations(toleration: dict[str, str], expected: bool) -> None:
    assert tolerates([toleration], GPU) == expected
    assert is_eligible(pod(spec={"tolerations": [toleration]}), node(taints=[GPU])) == expected


def test_a_preference_keeps_no_pod_away() -> None:
    assert is_eligible(pod(), node(taints=[{"key": "gpu", "effect": "PreferNoSchedule"}]))
    assert not is_eligible(pod(), node(taints=[{"key": "gpu", "effect": "NoExecute"}]))


def test_node_selectors() -> None:
    assert is_eligible(pod(spec={"nodeSelector": {"rack": "7"}}), node())
    assert not is_eligible(pod(spec={"nodeSelector": {"rack": "7", "disk": "ssd"}}), node())


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (("rack", "In", "6", "7"), True),
        (("rack", "In", "6"), False),
        (("disk", "In", "ssd"), False),
        (("rack", "NotIn", "7"), False),
        (("rack", "NotIn", "6"), True),
        (("disk", "NotIn", "ssd"), True),
        (("rack", "Exists"), True),
        (("disk", "Exists"), False),
        (("rack", "DoesNotExist"), False),
        (("disk", "DoesNotExist"), True),
        (("size", "Gt", "9"), True),
        (("size", "Gt", "10"), False),
        (("size", "Lt", "11"), True),
        (("name", "Gt", "9"), False),
    ],
)
def test_required_node_affinity(term: tuple[str, ...], expected: bool) -> None:
    requirement = {"key": term[0], "operator": term[1], "values": list(term[2:])}

    def affine(*terms: dict[str, Any]) -> bool:
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
        return is_eligible(pod(spec={"affinity": {"nodeAffinity": required}}), node())

    met = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}
    assert affine({"matchExpressions": [requirement]}) == expected
    assert affine({}, {"matchExpressions": [requirement]}) == expected
    assert affine({"matchExpressions": [requirement], **met}) == expected
    assert affine({"matchExpressions": [requirement]}, met) and not affine({})


def test_nodes_that_get_no_pods() -> None:
    assert is_usable(node()) and not is_usable(node(ready="False")) and not is_usable(node(ready="Unknown"))
    cordoned, removed = node(), node()
    cordoned["spec"]["unschedulable"] = True
    removed["metadata"]["deletionTimestamp"] = "now"
    assert not is_usable(cordoned) and not is_usable(removed)
    assert reasons([pod()], [cordoned, removed]) == {"p": "no other node is ready and schedulable"}


def test_pods_share_the_room() -> None:
    pods = [pod(f"p{number}", cpu="900m") for number in range(3)]
    assert reasons(pods, [node()]) == {"p2": "too little cpu on n2"}
    assert reasons(pods, [node(), node("n3")]) == {}
    assert reasons([pod("a"), pod("b")], [node(pods="1")]) == {"b": "too little pods on n2"}


def test_running_pods_take_room() -> None:
    running = [pod("r", "n2", cpu="1500m", memory="1Gi"), pod("s", "n9", memory="9Gi"), pod("t", cpu="9")]
    assert reasons([pod(cpu="500m", memory="3Gi")], [node()], running) == {}
    assert reasons([pod(cpu="501m", memory="4Gi")], [node()], running) == {"p": "too little cpu, memory on n2"}


def test_a_resource_that_no_node_has() -> None:
    want = pod(spec={"containers": [{"resources": {"requests": {"example.org/gpu": "1"}}}]})
    assert reasons([want], [node()]) == {"p": "too little example.org/gpu on n2"}
    # Nothing is not too much, also of that.
    assert reasons([pod(cpu="0")], [node(cpu="1")], [pod("r", "n2", cpu="2")]) == {}


def test_a_pod_with_few_nodes_goes_first_and_large_ones_before_small_ones() -> None:
    free, bound = pod("a", cpu="2"), pod("b", spec={"nodeSelector": {"name": "n2"}}, cpu="2")
    assert reasons([free, bound], [node(), node("n3")]) == {}
    sizes = [pod("a", memory="1Gi"), pod("b", memory="1Gi"), pod("c", memory="3Gi"), pod("d", memory="3Gi")]
    assert reasons(sizes, [node(), node("n3")]) == {}


def test_a_pod_that_no_node_may_run() -> None:
    assert reasons([pod()], [node(taints=[GPU])]) == {"p": "no other node has the labels and taints for it"}

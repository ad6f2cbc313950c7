# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliberate faults in the result of roles node and flannel, each found in the rehearsal as by the real programs."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api.joining import CSRS
from tests.support.api.kinds import directory, kinds
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.node import TOKEN, Node, own_network
from tests.support.api.programs import Issuer, binary
from tests.support.api.requests import NEVER, plural
from tests.support.roles.node import host, render

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_kubernetes,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root"),
]
COMPONENTS = ("kubelet", "kube-proxy", "flanneld")


@pytest.fixture(scope="module", params=kinds())
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKubernetes]:
    """Return an API of one kind of programs that expects a node, in a network of its own."""
    place = directory(request.param)
    missing = [name for name in ("etcd", *COMPONENTS) if binary(name, place) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not available")
    with own_network():
        made = RealKubernetes(tmp_path_factory.mktemp(f"node-{request.param}"), place)
        try:
            made.start()
            expect_a_node(made)
            yield made
        finally:
            made.stop()


def expect_a_node(cluster: RealKubernetes) -> None:
    """Create the objects of role addons, a token, and the node with its range."""
    api = cluster.api()
    for item in filter(None, yaml.safe_load_all(render(host("m1"), "addons", "rbac.yaml.j2"))):
        api.post(f"/apis/{item['apiVersion']}/{plural(item['kind'])}", item)
    secret = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token"}
    api.post("/api/v1/namespaces/kube-system/secrets", {**secret, "stringData": TOKEN})
    ranges = {"podCIDR": "10.244.7.0/24", "podCIDRs": ["10.244.7.0/24"]}
    api.post("/api/v1/nodes", {"metadata": {"name": "n1"}, "spec": ranges})


@pytest.fixture
def make(cluster: RealKubernetes, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Return a function that creates a node; its programs end with the test, and its CSRs are deleted."""
    made: list[Node] = []

    def node(**settings: Any) -> Node:
        runtime = tmp_path / "containerd.sock"
        config = {"containerRuntimeEndpoint": f"unix://{runtime}", **settings.pop("node_kubelet_config", {})}
        made.append(Node(tmp_path, cluster, node_kubelet_config=config, **settings))
        return made[-1]

    # A listening socket is all that a kubelet needs before it has a certificate.
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.bind(str(tmp_path / "containerd.sock"))
        runtime.listen(50)
        yield node
    for one in made:
        one.programs.stop_all()
    for csr in cluster.api().get(CSRS)["items"]:
        cluster.api().delete(f"{CSRS}/{csr['metadata']['name']}")


def foreign_ca(node: Node) -> None:
    """Let the node trust a CA that did not sign the API server's certificate."""
    made = Issuer(node.directory / "foreign", "kubernetes-ca")
    (node.pki / "ca.crt").write_bytes(made.ca.read_bytes())


def other_token(node: Node) -> None:
    """Let the node join with a token that does not exist."""
    node.kubeconfig("/etc/kubernetes/bootstrap-kubelet.conf", token="abcdef.fedcba9876543210")


def swapped(one: str, other: str) -> Callable[[Node], None]:
    """Return a fault that replaces one identity by another."""
    return lambda node: node.issue(one, other) and None


def other_key(name: str) -> Callable[[Node], Any]:
    """Return a fault that leaves a certificate with a key that is not its own."""
    return lambda node: (node.pki / f"{name}.key").write_bytes((node.pki / "flannel.key").read_bytes())


def other_node(node: Node) -> None:
    """Let flannel request a node that is not there."""
    node.environment["NODE_NAME"] = "n2"


Fault = tuple[str, dict[str, Any], Callable[[Node], Any] | None, str]
# The finding, and the words that name the cause: another failure must not be mistaken for it.
UNTRUSTED = "x509: certificate signed by unknown authority"
STUCK = "does not get anywhere"
FAULTS: dict[str, Fault] = {
    "a misspelt flag of the kubelet": (
        "kubelet", {"node_kubelet_args": {"node-lables": "a=b"}}, None, "kubelet ends.*unknown flag: --node-lables"),
    "a text for a list": (
        "kubelet", {"node_kubelet_config": {"clusterDNS": "10.96.0.10"}}, None, "kubelet ends.*unmarshal string"),
    "a foreign CA for the kubelet": ("kubelet", {}, foreign_ca, f"({STUCK}|ends).*{UNTRUSTED}"),
    "a wrong token": ("kubelet", {}, other_token, f"({STUCK}|ends).*signed certificate.*Unauthorized"),
    "another node's name": ("kubelet", {"node_kubelet_args": {"hostname-override": "n2"}}, None, "asks to be"),
    "no such proxy mode": ("kube-proxy", {"node_kube_proxy_mode": "iptable"}, None, "proxy ends.*Invalid.*iptable"),
    "a number for a range": (
        "kube-proxy", {"node_kube_proxy_config": {"clusterCIDR": 5}}, None, "kube-proxy ends.*cannot unmarshal number"),
    "a foreign CA for the proxy": ("kube-proxy", {}, foreign_ca, f"{STUCK}.*{UNTRUSTED}"),
    "a proxy without rights": (
        "kube-proxy", {}, swapped("kube-proxy", "stranger"), f"{STUCK}.*stranger.* cannot list resource"),
    "another's key": ("kube-proxy", {}, other_key("kube-proxy"), f"{STUCK}.*tls: private key does not match"),
    "a misspelt flag of flannel": (
        "flanneld", {"flannel_args": {"ifacee": "eth0"}}, None, "flanneld ends.*not defined: -ifacee"),
    "no such backend": ("flanneld", {"flannel_backend": "vxlam"}, None, "flanneld ends.*unknown backend type: vxlam"),
    "no network": (
        "flanneld", {"flannel_network_config": {"Network": "10.244.0.0"}}, None, "flanneld ends.*error parsing subnet"),
    "a flannel without rights": (
        "flanneld", {}, swapped("flannel", "stranger"), f"({STUCK}|ends).*stranger.* cannot (list|get) resource"),
    "a lease of another node": ("flanneld", {}, other_node, "flanneld ends.*node .{1,2}n2.{1,2} not found"),
}  # fmt: skip


@pytest.mark.parametrize("component", COMPONENTS)
def test_without_a_fault_there_is_no_finding(make: Callable[..., Node], component: str) -> None:
    node = make()
    assert node.inspect(component) == "", node.log(component)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(make: Callable[..., Node], name: str) -> None:
    component, settings, change, finding = FAULTS[name]
    node = make(**settings)
    if change:
        change(node)
    found = node.inspect(component, finding.rpartition(".*")[2] if STUCK in finding else NEVER)
    assert re.search(finding, found or "nothing", re.DOTALL), (found, node.log(component))

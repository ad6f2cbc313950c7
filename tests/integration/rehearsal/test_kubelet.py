# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubelet that has joined: how its node is registered, and which clients its port serves, directly and by the API."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request

from tests.support.api.joining import CSRS
from tests.support.api.kinds import directory, kinds
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.node import ADDRESS, TOKEN, Node, own_network
from tests.support.api.programs import Issuer, binary, free_ports
from tests.support.api.requests import admin, ask, plural, until
from tests.support.hosts.sandbox import lab
from tests.support.roles.node import host, render

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_kubernetes,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root"),
]
US = "kube-apiserver-kubelet-client"
NODE, PROXY = "/api/v1/nodes/n1", "/api/v1/nodes/n1/proxy/healthz"
PORT = f"https://{ADDRESS}:10250"
# Other processes of this machine must not affect the kubelet: no process groups, no kernel settings.
MODEST = {
    "cgroupsPerQOS": False,
    "enforceNodeAllocatable": [],
    "makeIPTablesUtilChains": False,
    "systemReserved": {},
    "kubeReserved": {},
}
# Without these, which role host sets, the real one ends. A sandbox restores them.
KERNEL = "sysctl -qw kernel.panic=10 kernel.panic_on_oops=1 vm.overcommit_memory=1 vm.panic_on_oom=0"
TAINTS = [
    {"key": "example.org/a", "value": "b", "effect": "NoSchedule"},
    {"key": "example.org/c", "effect": "NoExecute"},
    {"key": "example.org/d", "effect": "NoExecute"},
]


class WithKubelets(RealKubernetes):
    """An API with access to kubelets, as role master sets it up."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        """Issue the certificate for kubelets, and the same by another CA."""
        super().__init__(directory, binaries)
        self.other = Issuer(directory / "other", "kubernetes-ca")
        for ca in (self.ca, self.other):
            ca.issue("kubelet-client", US)

    def _apiserver(self) -> list[str | Path]:
        """Return the command line with the flags for kubelets."""
        addresses = "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"
        return [*super()._apiserver(), addresses, *self.kubelets(self.ca, self.ca)]

    def kubelets(self, trusted: Issuer, by: Issuer) -> list[str]:
        """Return the flags for the CA of kubelets and for our own certificate."""
        pair = by.directory / "kubelet-client"
        return [f"--kubelet-certificate-authority={trusted.ca}", f"--kubelet-client-certificate={pair}.crt",
                f"--kubelet-client-key={pair}.key"]  # fmt: skip

    @contextlib.contextmanager
    def another(self, trusted: Issuer, by: Issuer) -> Iterator[None]:
        """Start a second server of the same cluster with other flags for kubelets."""
        first, self.port = self.url, *free_ports(1)
        self.url = f"https://127.0.0.1:{self.port}"
        try:
            self.programs.start("other", [*self._apiserver(), *self.kubelets(trusted, by)])
            self.programs.wait_until("other", self.ready)
            yield
        finally:
            self.programs.stop("other")
            self.url = first


@pytest.fixture(scope="module", params=kinds())
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Return a node that has joined, in a network of its own."""
    place = directory(request.param)
    if missing := [name for name in ("etcd", "containerd") if binary(name, place) is None]:
        pytest.skip(f"{', '.join(missing)} not available")
    path = tmp_path_factory.mktemp(f"kubelet-{request.param}")
    with kernel_set(request.param, path), own_network():
        cluster = WithKubelets(path, place)
        socket = path / "containerd.sock"
        config = {**MODEST, "containerRuntimeEndpoint": f"unix://{socket}", "registerWithTaints": TAINTS[2:],
                  "podLogsDir": str(path / "logs"), "volumePluginDir": str(path / "plugins")}  # fmt: skip
        # A flag takes precedence over the configuration file.
        flag = {"register-with-taints": "example.org/a=b:NoSchedule,example.org/c:NoExecute"}
        made = Node(
            path, cluster, node_kubelet_args=flag, node_kubelet_config=config, node_labels={"example.org/zone": "a"}
        )
        try:
            cluster.start()
            runtime = ["--root", path / "root", "--state", path / "state", "--address", socket]
            made.programs.start("containerd", [cluster.binary("containerd"), *runtime])
            until(socket.exists)
            join(made)
            yield made
        finally:
            made.programs.stop_all()
            cluster.stop()
            # The real one mounts its directory onto itself.
            subprocess.run(["umount", "--quiet", path / "var/lib/kubelet"], check=False, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def kernel_set(kind: str, directory: Path) -> Iterator[None]:
    """Set the kernel parameters that the kubelet checks, while the block runs."""
    if kind != "real":
        yield
        return
    (directory / "lab").mkdir()
    with lab(directory / "lab", 1) as host:
        host.inside("n1", KERNEL)
        yield


def join(node: Node) -> None:
    """Start the kubelet, approve its CSRs, and wait for its node."""
    api = node.cluster.api()
    for item in filter(None, yaml.safe_load_all(render(host("m1"), "addons", "rbac.yaml.j2"))):
        api.post(f"/apis/{item['apiVersion']}/{plural(item['kind'])}", item)
    secret = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token"}
    api.post("/api/v1/namespaces/kube-system/secrets", {**secret, "stringData": TOKEN})
    assert node.inspect("kubelet") == "", node.log("kubelet")
    (csr,) = api.get(CSRS)["items"]
    csr["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "Test", "message": "test"}]}
    api.put(f"{CSRS}/{csr['metadata']['name']}/approval", csr)
    assert until(lambda: admin(node.cluster, NODE).status == 200), node.log("kubelet")


def test_a_node_is_registered_as_configured(node: Node) -> None:
    found = admin(node.cluster, NODE).json()
    labels = found["metadata"]["labels"]
    assert (
        labels.items() >= {"example.org/zone": "a", "kubernetes.io/hostname": "n1", "kubernetes.io/os": "linux"}.items()
    )
    assert [t for t in found["spec"]["taints"] if t["key"].startswith("example.org")] == TAINTS[:2]


@pytest.mark.parametrize(
    ("trusted", "by", "wanted"), [(0, 0, (200, "ok")), (0, 1, (401, "Unauthorized")), (1, 0, (503, "x509"))]
)
def test_the_api_server_reaches_a_kubelet(node: Node, trusted: int, by: int, wanted: tuple[int, str]) -> None:
    """Where one does not trust the other, the client gets that error."""
    cluster: Any = node.cluster
    cas = (cluster.ca, cluster.other)
    with cluster.another(cas[trusted], cas[by]) if trusted or by else contextlib.nullcontext():
        assert until(lambda: admin(cluster, PROXY).status == wanted[0], 30), admin(cluster, PROXY)
        assert wanted[1] in admin(cluster, PROXY).body.decode()
    assert ask(cluster, PROXY, cert=cluster.ca.issue("unknown", "unknown")).status == 403


def asked(node: Node, path: str, by: Issuer | None = None, name: str = "", token: str | None = None) -> Any:
    """Send a request to the kubelet itself; return the status."""
    cert = (by or node.cluster.ca).issue(f"asks-{name}", name) if name else None
    pair = {"cert": f"{cert}.crt", "key": f"{cert}.key"} if cert else {}
    return request(PORT + path, tls=Tls(ca=str(node.cluster.ca.ca), **pair), token=token).status


def test_a_kubelet_answers_only_the_api_server(node: Node) -> None:
    assert until(lambda: asked(node, "/healthz", name=US) == 200), node.log("kubelet")
    assert asked(node, "/pods", name=US) == 200
    assert asked(node, "/healthz", name="unknown") == 403
    assert asked(node, "/healthz", token="abcdef.0123456789abcdef") == 403
    assert asked(node, "/healthz", token="abcdef.fedcba9876543210") == 401
    assert asked(node, "/healthz") == 401
    assert asked(node, "/healthz", by=node.cluster.other, name=US) == 401

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy and flanneld: they read their configuration, authenticate, write what others need, and keep running."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Optional

from .core import configuration
from .core.client import ApiError, Connection, from_kubeconfig
from .core.flags import Refusal, read_file, unknown_gates
from .core.program import Program
from .core.server import Server, health_app, log, notify, stopping

BACKENDS = ("vxlan", "host-gw", "wireguard", "udp", "ipip")


def place(text: str, default: str) -> tuple[str, int]:
    """Return address and port of host:port."""
    host, _colon, port = (text or default).rpartition(":")
    return host.strip("[]"), int(port)


def proxy(program: Program) -> int:
    """Run as kube-proxy."""
    stop = stopping()
    # Beside a file, flags do not count.
    content: dict[str, Any] = {"mode": program.get("proxy-mode"), "detectLocalMode": program.get("detect-local-mode")}
    if path := program.get("config"):
        versions = ("kubeproxy.config.k8s.io/v1alpha1",)
        content = configuration.read(path, "KubeProxyConfiguration", program.fields, strict=False, versions=versions)
    unknown_gates(content.get("featureGates") or {}, program.gates)
    program.hold(content, "KubeProxyConfiguration")
    kubeconfig = (content.get("clientConnection") or {}).get("kubeconfig") or program.get("kubeconfig", "")
    if not kubeconfig:
        words = "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
        raise Refusal(f"unable to load in-cluster configuration, {words}")
    api = from_kubeconfig(kubeconfig, "kube-proxy")
    known = threading.Event()
    # Healthy only once the services were read, as the real one is once it has written its rules.
    Server(*place(content.get("healthzBindAddress", ""), "0.0.0.0:10256"), health_app(known.is_set)).serve()
    Server(*place(content.get("metricsBindAddress", ""), "127.0.0.1:10249"), health_app(lambda: True)).serve()
    log("I", f"REHEARSAL stand-in of kube-proxy {program.version}: it writes no packet rules")
    while not stop.is_set():
        try:
            api.send("GET", "/api/v1/services?limit=500")
            api.send("GET", "/apis/discovery.k8s.io/v1/endpointslices?limit=500")
            known.set()
        except ApiError as exc:
            log("E", f'"Failed to watch" err="failed to list *v1.Service: {exc}"')
        stop.wait(30 if known.is_set() else 1)
    return 0


class Flannel:
    """A node's lease of the pod network."""

    def __init__(self, program: Program) -> None:
        """Read and check the configuration."""
        self.program = program
        self.name = os.environ.get("NODE_NAME", "")
        path = program.get("net-config-path", "/etc/kube-flannel/net-conf.json")
        try:
            self.config = json.loads(read_file(path))
            if "/" not in self.config["Network"]:
                raise ValueError(f"invalid CIDR address: {self.config['Network']}")
            self.network = ipaddress.ip_network(self.config["Network"])
        except (ValueError, KeyError) as exc:
            raise Refusal(f"Failed to create SubnetManager: error parsing subnet config: {exc}") from None
        if (self.config.get("Backend") or {}).get("Type", "udp") not in BACKENDS:
            raise Refusal(f"Error fetching backend: unknown backend type: {self.config['Backend']['Type']}")

    def lease(self, api: Connection) -> Optional[str]:
        """Return the node's pod range; nothing while it has none."""
        range_ = (api.send("GET", f"/api/v1/nodes/{self.name}").get("spec") or {}).get("podCIDR")
        if not range_:
            return None
        given: Any = ipaddress.ip_network(range_)
        if not given.subnet_of(self.network):
            raise Refusal(f"subnet {range_} specified in the flannel net config doesn't contain {self.network}")
        return str(range_)

    def write(self, range_: str) -> None:
        """Write the lease into the file that CNI waits for."""
        subnet = ipaddress.ip_network(range_)
        path = Path(self.program.get("subnet-file", "/run/flannel/subnet.env"))
        path.parent.mkdir(parents=True, exist_ok=True)
        masquerade = str(bool(self.program.get("ip-masq"))).lower()
        lines = {
            "FLANNEL_NETWORK": self.network, "FLANNEL_SUBNET": f"{subnet[1]}/{subnet.prefixlen}", "FLANNEL_MTU": 1450,
            "FLANNEL_IPMASQ": masquerade,
        }  # fmt: skip
        path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")

    def add_interface(self) -> None:
        """Add an interface of the name that flannel's has, as a unit on a sandbox host only; it moves no packets."""
        backend = self.config.get("Backend") or {}
        if backend.get("Type") == "vxlan" and "INVOCATION_ID" in os.environ:
            name = f"flannel.{backend.get('VNI', 1)}"
            if not Path("/sys/class/net", name).exists():
                subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)

    def publish(self, api: Connection) -> None:
        """Publish our address to the other nodes."""
        prefix, backend = "flannel.alpha.coreos.com", (self.config.get("Backend") or {}).get("Type", "vxlan")
        marks = {f"{prefix}/kube-subnet-manager": "true", f"{prefix}/backend-type": backend}
        marks |= {f"{prefix}/public-ip": self.program.get("public-ip", ""), f"{prefix}/backend-data": "null"}
        path = f"/api/v1/nodes/{self.name}/status"
        old = (api.send("GET", f"/api/v1/nodes/{self.name}").get("status") or {}).get("conditions") or []
        up = {"type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp"}
        conditions = [c for c in old if c["type"] != "NetworkUnavailable"] + [up]
        body = {"metadata": {"annotations": marks}, "status": {"conditions": conditions}}
        api.send("PATCH", path, body)


def main(program: Program) -> int:
    """Run as the program of this name."""
    return {"kube-proxy": proxy, "flanneld": flanneld}[program.name](program)


def flanneld(program: Program) -> int:
    """Run as flanneld."""
    stop = stopping()
    if not program.get("kube-subnet-mgr"):
        raise Refusal("a rehearsal knows flannel's Kubernetes subnet manager only")
    flannel = Flannel(program)
    api = from_kubeconfig(program.get("kubeconfig-file", ""), "flanneld")
    log("I", f"REHEARSAL stand-in of flanneld {program.version}: it moves no packets")
    port = program.get("healthz-port", 0)
    if port:
        Server(program.get("healthz-ip", "0.0.0.0"), port, health_app(lambda: True)).serve()  # noqa: S104
    while not stop.is_set():
        try:
            if range_ := flannel.lease(api):
                flannel.publish(api)
                flannel.add_interface()
                flannel.write(range_)
                notify("READY=1")
                stop.wait()
        except ApiError as exc:
            if exc.status == 404:
                problem = f'failed to acquire lease: node "{flannel.name}" not found'
                raise Refusal(f"Error registering network: {problem}") from None
            log("E", f"Failed to create SubnetManager: error retrieving pod spec for {flannel.name!r}: {exc}")
        time.sleep(1)
    return 0

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubelet: requests its certificate, registers its node, reports its health, and serves its port. No pods."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any, Optional
from urllib.parse import urlsplit

from .core import configuration, x509
from .core.client import CSRS, ApiError, Connection, current, from_kubeconfig
from .core.flags import Refusal, unknown_gates
from .core.leases import renew, seen
from .core.moments import micro, moment
from .core.program import Program, architecture
from .core.schema import GO
from .core.server import Answer, Request, Server, health_app, log, stopping
from .core.tls import Tls
from .core.values import TAINT, label_problem

INVALID = "failed to validate kubelet configuration, error"
# Mappings of text to text, to Go.
TEXTS = ("evictionHard", "evictionSoft", "evictionSoftGracePeriod", "kubeReserved", "systemReserved", "qosReserved")


class Kubelet:
    """One node's agent."""

    def __init__(self, program: Program) -> None:
        """Read and check the configuration."""
        get = program.get
        self.program = program
        self.name = get("hostname-override") or socket.gethostname().lower()
        self.directory = Path(get("root-dir", "/var/lib/kubelet"))
        self.config: dict[str, Any] = {}
        if path := get("config"):
            versions = ("kubelet.config.k8s.io/v1beta1",)
            # Unknown fields are ignored with a warning, as by the real kubelet.
            self.config = configuration.read(
                path, "KubeletConfiguration", program.fields, strict=False, versions=versions
            )
        unknown_gates(self.config.get("featureGates") or {}, program.gates)
        self._check()

    def _check(self) -> None:
        """Raise Refusal where the real kubelet would not start."""
        self.program.hold(self.config, "KubeletConfiguration")
        _check_texts(self.config)
        for taint in self.config.get("registerWithTaints") or []:
            key, effect = taint.get("key", ""), taint.get("effect", "")
            if not re.fullmatch(TAINT, f"{key}:{effect}"):
                raise Refusal(f"{INVALID}: invalid taint: {{{key}  {effect} <nil>}}")
        if words := label_problem(self.program.get("node-labels", {})):
            raise Refusal(f"failed to validate kubelet flags: {words}")
        cert, key = self.config.get("tlsCertFile", ""), self.config.get("tlsPrivateKeyFile", "")
        if cert:
            x509.pair(cert, key)
        ca = (self.config.get("authentication") or {}).get("x509", {}).get("clientCAFile", "")
        self.cas = x509.certificates(ca) if ca else []
        if self.config.get("failSwapOn", True) and len(Path("/proc/swaps").read_text("utf-8").splitlines()) > 1:
            reason = "please disable swap or set --fail-swap-on flag to false"
            raise Refusal(f"running with swap on is not supported, {reason}")
        if self.config.get("failCgroupV1") and not Path("/sys/fs/cgroup/cgroup.controllers").exists():
            raise Refusal(f"{INVALID}: kubelet is configured to not run on a host using cgroup v1")
        if not self.runtime_answers():
            reason = f'validate CRI v1 runtime API for endpoint "{self.config.get("containerRuntimeEndpoint", "")}"'
            raise Refusal(f"failed to run Kubelet: validate service connection: {reason}")

    def runtime_answers(self) -> bool:
        """Return whether a program listens on the container runtime's socket."""
        path = urlsplit(self.config.get("containerRuntimeEndpoint", "unix:///run/containerd/containerd.sock")).path
        with socket.socket(socket.AF_UNIX) as tried:
            return tried.connect_ex(path) == 0

    def connect(self) -> Connection:
        """Return the API, after asking for a certificate where there is none yet."""
        get = self.program.get
        return joined(self.name, get("kubeconfig", ""), get("bootstrap-kubeconfig", ""), self.directory / "pki")

    def node(self) -> dict[str, Any]:
        """Return the Node object to register."""
        facts = {"hostname": self.name, "os": "linux", "arch": architecture()}
        labels = {f"kubernetes.io/{name}": value for name, value in facts.items()}
        labels |= self.program.get("node-labels", {})
        taints = self.program.get("register-with-taints", self.config.get("registerWithTaints") or [])
        return {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels},
            "spec": {"taints": taints} if taints else {}, "status": self.status(),
        }  # fmt: skip

    def status(self) -> dict[str, Any]:
        """Return the status of the node."""
        network = any(Path("/etc/cni/net.d").glob("*.conf*")) if Path("/etc/cni/net.d").is_dir() else False
        problem = "" if network else "container runtime network not ready: cni plugin not initialized"
        problem = problem if self.runtime_answers() else "container runtime is down"
        ready = {
            "type": "Ready", "status": "False" if problem else "True", "lastHeartbeatTime": moment(),
            "reason": "KubeletNotReady" if problem else "KubeletReady",
            "message": problem or "kubelet is posting ready status (rehearsal)",
        }  # fmt: skip
        ip = self.program.get("node-ip") or socket.gethostbyname(socket.gethostname())
        capacity = {"cpu": str(os.cpu_count()), "pods": str(self.config.get("maxPods", 110)), "memory": "1Gi"}
        info = {
            "kubeletVersion": f"v{self.program.version}", "containerRuntimeVersion": "rehearsal://0",
            "operatingSystem": "linux", "architecture": architecture(), "kernelVersion": os.uname().release,
            "osImage": "rehearsal", "kubeProxyVersion": "",
            **dict.fromkeys(("bootID", "machineID", "systemUUID"), self.name),
        }  # fmt: skip
        addresses = [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": self.name}]
        return {
            "conditions": [ready], "addresses": addresses, "capacity": capacity, "allocatable": capacity,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}, "nodeInfo": info,
        }  # fmt: skip

    def register(self, api: Connection) -> None:
        """Create the Node object, with our labels."""
        node = self.node()
        try:
            api.send("POST", "/api/v1/nodes", node)
        except ApiError as exc:
            if exc.status != 409:
                raise
            own = {"metadata": {"labels": node["metadata"]["labels"]}}
            api.send("PATCH", f"/api/v1/nodes/{self.name}", own)

    def beat(self, api: Connection, number: int) -> None:
        """Renew the lease; send the status from time to time, and when it changes."""
        spec = {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": micro()}
        renew(api, "kube-node-lease", self.name, spec, seen(api, "kube-node-lease", self.name))
        path = f"/api/v1/nodes/{self.name}/status"
        status = self.status()
        old = (api.send("GET", f"/api/v1/nodes/{self.name}").get("status") or {}).get("conditions") or []
        before: Optional[dict[str, Any]] = next((c for c in old if c["type"] == "Ready"), None)
        ready = status["conditions"][0]
        if before and before["status"] == ready["status"] and number % 20:
            return
        ready["lastTransitionTime"] = moment()
        status["conditions"] += [c for c in old if c["type"] != "Ready"]
        api.send("PATCH", path, {"status": status})

    def serve(self, api: Connection) -> None:
        """Serve the kubelet's port and its health."""
        cert, key = self.config.get("tlsCertFile", ""), self.config.get("tlsPrivateKeyFile", "")
        if not cert:
            cert = key = x509.self_signed("kubelet")
        address = self.config.get("address", "0.0.0.0")  # noqa: S104
        tls = Tls(cert, key, self.config.get("tlsMinVersion", "VersionTLS12"))
        Server(address, self.config.get("port", 10250), lambda request: self.answer(api, request), tls).serve()
        health = self.config.get("healthzBindAddress", "127.0.0.1")
        Server(health, self.config.get("healthzPort", 10248), health_app(lambda: True)).serve()

    def answer(self, api: Connection, request: Request) -> Answer:
        """Answer clients with a certificate of our CA, or a token that the API accepts, if they may access nodes."""
        name, groups = self.who(api, request)
        if not name:
            return Answer(401, "Unauthorized")
        asked = {"group": "", "resource": "nodes", "subresource": "proxy", "verb": "get", "name": self.name}
        spec = {"user": name, "groups": [*groups, "system:authenticated"], "resourceAttributes": asked}
        if not review(api, "authorization", "SubjectAccessReview", spec)["allowed"]:
            return Answer(403, f"Forbidden (user={name}, verb=get, resource=nodes, subresource=proxy)")
        if request.path == "/pods":
            return Answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []})
        return Answer(200, "ok") if request.path == "/healthz" else Answer(404, "404 page not found\n")

    def who(self, api: Connection, request: Request) -> tuple[str, list[str]]:
        """Return name and groups of the requesting user; no name where there is none."""
        if request.peer:
            problem = x509.client_problem(request.peer, self.cas, x509.now())
            return ("", []) if problem else x509.subject(request.peer[0])
        token = (request.headers.get("Authorization") or "").partition(" ")[2]
        user = review(api, "authentication", "TokenReview", {"token": token}).get("user", {}) if token else {}
        return user.get("username", ""), user.get("groups") or []


def review(api: Connection, about: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the API's answer to a review of a user."""
    place = f"{about}.k8s.io/v1"
    asked = {"apiVersion": place, "kind": kind, "spec": spec}
    return dict(api.send("POST", f"/apis/{place}/{kind.lower()}s", asked)["status"])


def joined(name: str, path: str, first: str, directory: Path) -> Connection:
    """Return the API by the node's own kubeconfig, which is created from the bootstrap kubeconfig where needed."""
    if not _usable(path):
        if not first or not Path(first).is_file():
            problem = f"unable to load bootstrap kubeconfig: stat {first}: no such file or directory"
            raise Refusal(f"failed to run Kubelet: {problem}")
        _bootstrap(name, first, path, directory)
    return from_kubeconfig(path, "kubelet")


def _usable(path: str) -> bool:
    """Return whether a kubeconfig has a client certificate that is valid now."""
    try:
        certificate = x509.certificates(from_kubeconfig(path, "kubelet").files.cert)[0]
    except Refusal:
        return False
    return bool(certificate.not_valid_after > x509.now())


def _bootstrap(node: str, first: str, path: str, directory: Path) -> None:
    """Write the kubeconfig, as the kubelet does first, request its client certificate and wait for it."""
    link = directory / "kubelet-client-current.pem"
    _write(Path(path), json.dumps(own_kubeconfig(first, str(link))).encode())
    api = from_kubeconfig(first, "kubelet")
    key, request = x509.request(f"system:node:{node}", "system:nodes")
    asked = {"request": base64.b64encode(request).decode(), "signerName": x509.CLIENT}
    spec = {**asked, "usages": ["digital signature", "client auth"]}
    head = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    body = {**head, "metadata": {"generateName": "node-csr-"}, "spec": spec}
    name = _until(lambda: api.send("POST", CSRS, body))["metadata"]["name"]
    pem = _until(lambda: _issued(api.send("GET", f"{CSRS}/{name}")))
    made = directory / f"kubelet-client-{datetime.datetime.now():%Y-%m-%d-%H-%M-%S}.pem"
    _write(made, pem + key)
    link.unlink(missing_ok=True)
    link.symlink_to(made)


def own_kubeconfig(first: str, pair: str) -> dict[str, Any]:
    """Return the kubeconfig that takes the place of the first one: the same cluster, but our own certificate."""
    cluster, _user = current(first)
    names = ("server", "certificate-authority", "certificate-authority-data")
    entry = {name: cluster[name] for name in names if name in cluster}
    context = {"cluster": "default-cluster", "namespace": "default", "user": "default-auth"}
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "default-context",
        "clusters": [{"name": "default-cluster", "cluster": entry}],
        "contexts": [{"name": "default-context", "context": context}],
        "users": [{"name": "default-auth", "user": {"client-certificate": pair, "client-key": pair}}],
    }  # fmt: skip


def _issued(csr: dict[str, Any]) -> bytes:
    """Return the certificate of a request; nothing yet, or Refusal when it was denied."""
    status = csr.get("status") or {}
    if any(condition["type"] == "Denied" for condition in status.get("conditions") or []):
        raise Refusal("failed to run Kubelet: cannot create certificate signing request: denied")
    return base64.b64decode(status.get("certificate") or "")


def _until(ask: Any) -> Any:
    """Return the first non-empty answer; the API may be unreachable, and approval takes its time."""
    while True:
        try:
            if answer := ask():
                return answer
        except ApiError as exc:
            log("E", f'"Failed while requesting a signed certificate from the control plane" err="{exc}"')
        time.sleep(1)


def _write(path: Path, content: bytes) -> None:
    """Write a private file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:  # noqa: PTH123
        stream.write(content)


def main(program: Program) -> int:
    """Join, register and report, until the stop signal."""
    stop = stopping()
    kubelet = Kubelet(program)
    log("I", f"REHEARSAL stand-in of kubelet {program.version}: it starts no pods")
    threading.Thread(target=_work, args=(kubelet,), daemon=True).start()
    stop.wait()
    return 0


def _check_texts(config: dict[str, Any]) -> None:
    """Raise Refusal at a quantity that is no text."""
    for name in TEXTS:
        for value in (config.get(name) or {}).values():
            if value is not None and not isinstance(value, str):
                field = f"KubeletConfiguration.{name}"
                raise Refusal(f"json: cannot unmarshal {GO[type(value)]} into Go struct field {field} of type string")


def _work(kubelet: Kubelet) -> None:
    """Do what a kubelet does; end the whole program where it cannot."""
    try:
        api = kubelet.connect()
        kubelet.serve(api)
    except (Refusal, OSError) as exc:
        log("E", f'"command failed" err="{exc}"')
        os._exit(1)
    registered, number = False, 0
    while True:
        try:
            if not registered:
                kubelet.register(api)
                registered = True
            kubelet.beat(api, number)
            number += 1
        except ApiError as exc:
            # As the real one, it does not register again where its node was deleted.
            log("E", f'"Unable to update node status" err="{exc}"')
        time.sleep(3 if registered else 1)

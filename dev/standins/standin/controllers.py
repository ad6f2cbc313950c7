# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-controller-manager: signs, gives out pod ranges, publishes the CA, cleans up."""

from __future__ import annotations

import base64
import ipaddress
import time
from typing import Any, Optional

from .core import x509
from .core.client import CSRS, ApiError, Connection, from_kubeconfig
from .core.flags import Refusal, read_file
from .core.kinds import ALL
from .core.leases import Election, serve, times
from .core.moments import moment, over
from .core.program import Program
from .core.server import log, stopping

# Controllers that work only when named.
OFF = ("token-cleaner-controller",)
ACCOUNTS = "/api/v1/namespaces/kube-system/serviceaccounts"


class Controllers:
    """All control loops; each works as its own service account where the flags ask for that."""

    def __init__(self, program: Program, api: Connection) -> None:
        """Remember the connection; files are read when we lead."""
        self.program, self.api = program, api
        self.signing: dict[str, tuple[Any, Any]] = {}
        self.root = ""
        self._clients: dict[str, tuple[Connection, float]] = {}
        self._made: set[str] = set()
        bare = {name: name.removeprefix("-") for name in program.get("controllers") or ["*"]}
        canonical = program.tables.get("aliases", {})
        self.chosen = {name.replace(old, canonical.get(old, old)) for name, old in bare.items()}

    def enabled(self, name: str) -> bool:
        """Say whether a controller is to work."""
        return name in self.chosen or ("*" in self.chosen and name not in OFF and f"-{name}" not in self.chosen)

    def prepare(self) -> None:
        """Read what the loops need when we begin to lead: the real program fails of it only then, too."""
        get = self.program.get
        if get("allocate-node-cidrs"):
            self.program.hold({**self.program.line.values, "cluster-cidr": get("cluster-cidr") or "none"}, "pods")
            pods = ipaddress.ip_network(get("cluster-cidr").split(",")[0], strict=False)
            if get("node-cidr-mask-size", 24) < pods.prefixlen:
                reason = "mask size of cluster CIDR must be less than or equal to --node-cidr-mask-size configured"
                raise Refusal(f"Controller: Invalid --cluster-cidr, {reason} for CIDR family")
        if get("service-account-private-key-file"):
            x509.private_key(get("service-account-private-key-file"))
        if get("root-ca-file"):
            x509.certificates(get("root-ca-file"))
            self.root = read_file(get("root-ca-file")).decode()
        for name, part in x509.SIGNERS.items():
            for begin in (f"cluster-signing-{part}", "cluster-signing"):
                cert, key = (get(f"{begin}-{kind}-file", "") for kind in ("cert", "key"))
                # A signer that was given no pair signs nothing.
                if (cert or key) and name not in self.signing:
                    try:
                        self.signing[name] = x509.pair(cert, key)
                    except Refusal as exc:
                        raise Refusal(f"Error building controllers: error reading CA cert file {exc}") from None

    def as_account(self, name: str) -> Connection:
        """Return the API as seen by a controller's own account."""
        if not self.program.get("use-service-account-credentials"):
            return self.api
        client, end = self._clients.get(name, (self.api, 0.0))
        if end > time.monotonic():
            return client
        # Not remembered as created: an account that is deleted comes back.
        self._made.discard(f"{ACCOUNTS}/{name}")
        self._ensure(self.api, ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        token = self.api.send("POST", f"{ACCOUNTS}/{name}/token", asked)["status"]["token"]
        # The token alone authenticates: no client certificate is sent.
        files = type(self.api.files)(self.api.files.ca)
        client = Connection(self.api.url, files, token, f"kube-controller-manager/{name}")
        self._clients[name] = (client, time.monotonic() + 2400)
        return client

    def work(self) -> None:
        """Run every loop once; an error of one does not stop the others."""
        if not self.signing:
            self.prepare()
        for controller, account, loop in (
            ("certificatesigningrequest-signing", "certificate-controller", self.sign),
            ("node-ipam", "node-controller", self.ranges),
            ("node-lifecycle", "node-controller", self.silence),
            ("root-ca-certificate-publisher", "root-ca-cert-publisher", self.publish),
            ("serviceaccount", "service-account-controller", self.accounts),
            ("deployment", "deployment-controller", self.deployments),
            ("token-cleaner", "token-cleaner", self.tokens),
            ("namespace", "namespace-controller", self.namespaces),
        ):
            if not self.enabled(f"{controller}-controller"):
                continue
            try:
                loop(self.as_account(account))
            except ApiError as exc:
                log("E", f'"Unhandled Error" err="{controller}: {exc}"')
                self._clients.pop(account, None)

    def sign(self, api: Connection) -> None:
        """Sign what was approved and is what its signer is for."""
        for csr in api.send("GET", CSRS)["items"]:
            status, spec = csr.get("status") or {}, csr["spec"]
            kinds = {condition["type"] for condition in status.get("conditions") or []}
            done = "Failed" in kinds or status.get("certificate")
            if "Approved" not in kinds or done or spec["signerName"] not in self.signing:
                continue
            request, usages = base64.b64decode(spec["request"]), spec.get("usages") or []
            if problem := x509.signer_problem(spec["signerName"], request, usages):
                failure = {"reason": "SignerValidationFailure", "message": problem, "lastUpdateTime": moment()}
                failed = {"type": "Failed", "status": "True", **failure}
                csr["status"] = {**status, "conditions": [*status["conditions"], failed]}
            else:
                limit = self.program.get("cluster-signing-duration", 31536000.0)
                validity = min(limit, spec.get("expirationSeconds") or limit)
                pem = x509.sign(request, self.signing[spec["signerName"]], usages, validity)
                csr["status"] = {**status, "certificate": base64.b64encode(pem).decode()}
            api.send("PUT", f"{CSRS}/{csr['metadata']['name']}/status", csr)

    def ranges(self, api: Connection) -> None:
        """Give nodes their pod ranges."""
        if not self.program.get("allocate-node-cidrs"):
            return
        nodes = self.api.send("GET", "/api/v1/nodes")["items"]
        taken = {node["spec"]["podCIDR"] for node in nodes if (node.get("spec") or {}).get("podCIDR")}
        for node in nodes:
            if not (node.get("spec") or {}).get("podCIDR"):
                given = self.free_range(taken)
                taken.add(given)
                patch = {"spec": {"podCIDR": given, "podCIDRs": [given]}}
                api.send("PATCH", f"/api/v1/nodes/{node['metadata']['name']}", patch)

    def silence(self, api: Connection) -> None:
        """Mark nodes whose kubelet no longer renews its lease as not ready."""
        leases = self.api.send("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")["items"]
        renewed = {lease["metadata"]["name"]: lease["spec"].get("renewTime") for lease in leases}
        for node in self.api.send("GET", "/api/v1/nodes")["items"]:
            self._doubt(api, node, renewed.get(node["metadata"]["name"]))

    def free_range(self, taken: set[str]) -> str:
        """Return a pod range that is free."""
        whole = ipaddress.ip_network(self.program.get("cluster-cidr").split(",")[0], strict=False)
        size = self.program.get("node-cidr-mask-size", 24)
        free = (str(part) for part in whole.subnets(new_prefix=size) if str(part) not in taken)
        return next(free, "")

    def _doubt(self, api: Connection, node: dict[str, Any], renewed: Optional[str]) -> None:
        """Set the condition Ready of an unresponsive node to Unknown."""
        grace = self.program.get("node-monitor-grace-period", 50.0)
        conditions = (node.get("status") or {}).get("conditions") or []
        if not over(renewed, grace) or all(c["status"] == "Unknown" for c in conditions if c["type"] == "Ready"):
            return
        unknown = {
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
        }
        changed = [{**c, **unknown, "lastTransitionTime": moment()} if c["type"] == "Ready" else c for c in conditions]
        path = f"/api/v1/nodes/{node['metadata']['name']}/status"
        api.send("PATCH", path, {"status": {"conditions": changed}})

    def publish(self, api: Connection) -> None:
        """Publish the CA certificate in every namespace."""
        if self.root:
            self._everywhere(api, "configmaps", "ConfigMap", {"name": "kube-root-ca.crt"}, data={"ca.crt": self.root})

    def accounts(self, api: Connection) -> None:
        """Create the default service account in every namespace."""
        self._everywhere(api, "serviceaccounts", "ServiceAccount", {"name": "default"})

    def _everywhere(self, api: Connection, resource: str, kind: str, metadata: dict[str, str], **more: Any) -> None:
        """Have an object in all namespaces that are not going."""
        item = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}
        for one in self.api.send("GET", "/api/v1/namespaces")["items"]:
            if not one["metadata"].get("deletionTimestamp"):
                self._ensure(api, f"/api/v1/namespaces/{one['metadata']['name']}/{resource}", item)

    def _ensure(self, api: Connection, path: str, item: dict[str, Any]) -> None:
        """Make an object, or give it back the data it should have."""
        name = item["metadata"]["name"]
        key = f"{path}/{name}"
        if key in self._made:
            return
        try:
            api.send("POST", path, item)
        except ApiError as exc:
            if exc.status != 409:
                raise
            if "data" in item:
                api.send("PUT", key, item)
        self._made.add(key)

    def deployments(self, api: Connection) -> None:
        """Record that deployments were observed; pods are not started in a rehearsal."""
        for item in self.api.send("GET", "/apis/apps/v1/deployments")["items"]:
            wanted = (item.get("spec") or {}).get("replicas", 1)
            generation, status = item["metadata"].get("generation", 1), item.get("status") or {}
            if status.get("observedGeneration") != generation:
                state: dict[str, int] = {"observedGeneration": generation}
                if wanted:
                    state |= {"replicas": wanted, "updatedReplicas": wanted, "unavailableReplicas": wanted}
                place, name = item["metadata"]["namespace"], item["metadata"]["name"]
                path = f"/apis/apps/v1/namespaces/{place}/deployments/{name}/status"
                api.send("PUT", path, {**item, "kind": "Deployment", "apiVersion": "apps/v1", "status": state})

    def tokens(self, api: Connection) -> None:
        """Remove bootstrap tokens whose time is over."""
        path = "/api/v1/namespaces/kube-system/secrets"
        for item in api.send("GET", f"{path}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken")["items"]:
            end = base64.b64decode((item.get("data") or {}).get("expiration", "")).decode()
            if over(end):
                api.send("DELETE", f"{path}/{item['metadata']['name']}")

    def namespaces(self, api: Connection) -> None:
        """Empty namespaces that are being deleted, then finalize them."""
        for item in self.api.send("GET", "/api/v1/namespaces")["items"]:
            if not item["metadata"].get("deletionTimestamp"):
                continue
            name = item["metadata"]["name"]
            for (place, resource), known in ALL.items():
                if known.namespaced:
                    root = f"/apis/{place}" if "/" in place else f"/api/{place}"
                    api.send("DELETE", f"{root}/namespaces/{name}/{resource}")
            api.send("PUT", f"/api/v1/namespaces/{name}/finalize", {})
            self._made = {key for key in self._made if f"/namespaces/{name}/" not in key}


def main(program: Program) -> int:
    """Hold the lease and work until the stop signal."""
    stop = stopping()
    api = from_kubeconfig(program.get("kubeconfig", ""), "kube-controller-manager")
    controllers = Controllers(program, api)
    serve(program, 10257)
    log("I", f"REHEARSAL stand-in of kube-controller-manager {program.version}")
    election = Election(api, "kube-controller-manager", times(program))
    return election.lead(stop, controllers.work)

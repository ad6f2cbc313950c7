# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-controller-manager: signs, gives out pod ranges, publishes the authority, cleans up."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import time
from pathlib import Path
from typing import Any, Optional

from . import settings, signers, x509
from .client import ApiError, Connection, from_kubeconfig
from .flags import Refusal
from .identity import _over
from .kinds import ALL
from .leases import Election, serve, times
from .objects import moment
from .program import Program
from .server import log, stopping

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
MERGE = "application/merge-patch+json"
ACCOUNTS = "/api/v1/namespaces/kube-system/serviceaccounts"


class Controllers:
    """All control loops; each works as its own service account where the flags ask for that."""

    def __init__(self, program: Program, api: Connection) -> None:
        """Read the files that the loops need."""
        get = program.get
        self.program, self.api = program, api
        self._signing: Optional[dict[str, tuple[Any, Any]]] = None
        self.root = Path(settings.readable(get("root-ca-file", ""))).read_text(encoding="utf-8")
        x509.private_key(get("service-account-private-key-file", ""))
        self._clients: dict[str, tuple[Connection, float]] = {}
        self._made: set[str] = set()

    def signing(self) -> dict[str, tuple[Any, Any]]:
        """Return what each signer signs with; read when we lead, and where it does not fit we end only then.

        So does the real one, and a signer that was given no pair signs nothing.
        """
        if self._signing is None:
            try:
                pairs = {name: self._pair(part) for name, part in signers.SIGNERS.items()}
            except Refusal as exc:
                raise Refusal(f"Error building controllers: error reading CA cert file {exc}") from None
            self._signing = {name: pair for name, pair in pairs.items() if pair}
        return self._signing

    def _pair(self, part: str) -> Optional[tuple[Any, Any]]:
        """Return the pair of one signer, its own or that of all."""
        for begin in (f"cluster-signing-{part}", "cluster-signing"):
            cert, key = (self.program.get(f"{begin}-{kind}-file", "") for kind in ("cert", "key"))
            if cert or key:
                return x509.pair(cert, key)
        return None

    def as_account(self, name: str) -> Connection:
        """Return the API as seen by a controller's own account."""
        if not self.program.get("use-service-account-credentials"):
            return self.api
        client, end = self._clients.get(name, (self.api, 0.0))
        if end > time.monotonic():
            return client
        try:
            self.api.send("GET", f"{ACCOUNTS}/{name}")
        except ApiError as exc:
            if exc.status != 404:
                raise
            head = {"apiVersion": "v1", "kind": "ServiceAccount"}
            self.api.send("POST", ACCOUNTS, {**head, "metadata": {"name": name}})
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        token = self.api.send("POST", f"{ACCOUNTS}/{name}/token", asked)["status"]["token"]
        # The token alone says who asks: no certificate goes along.
        files = type(self.api.files)(self.api.files.ca)
        client = Connection(self.api.url, files, token, f"kube-controller-manager/{name}")
        self._clients[name] = (client, time.monotonic() + 2400)
        return client

    def work(self) -> None:
        """Let every loop look once; trouble of one is not trouble of the others."""
        self.signing()
        for account, loop in (
            ("certificate-controller", self.sign),
            ("node-controller", self.nodes),
            ("root-ca-cert-publisher", self.publish),
            ("service-account-controller", self.accounts),
            ("deployment-controller", self.deployments),
            ("token-cleaner", self.tokens),
            ("namespace-controller", self.namespaces),
        ):
            try:
                loop(self.as_account(account))
            except ApiError as exc:
                log("E", f'"Unhandled Error" err="{account}: {exc}"')
                self._clients.pop(account, None)

    def sign(self, api: Connection) -> None:
        """Sign what was approved and is what its signer is for."""
        for csr in api.send("GET", CSRS)["items"]:
            status, spec = csr.get("status") or {}, csr["spec"]
            kinds = {condition["type"] for condition in status.get("conditions") or []}
            done = "Failed" in kinds or status.get("certificate")
            if "Approved" not in kinds or done or spec["signerName"] not in self.signing():
                continue
            request, usages = base64.b64decode(spec["request"]), spec.get("usages") or []
            if problem := signers.problem(spec["signerName"], request, usages):
                told = {"reason": "SignerValidationFailure", "message": problem, "lastUpdateTime": moment()}
                failed = {"type": "Failed", "status": "True", **told}
                csr["status"] = {**status, "conditions": [*status["conditions"], failed]}
            else:
                limit = self.program.get("cluster-signing-duration", 31536000.0)
                life = min(limit, spec.get("expirationSeconds") or limit)
                pem = x509.sign(request, self.signing()[spec["signerName"]], usages, life)
                csr["status"] = {**status, "certificate": base64.b64encode(pem).decode()}
            api.send("PUT", f"{CSRS}/{csr['metadata']['name']}/status", csr)

    def nodes(self, api: Connection) -> None:
        """Give nodes their pod ranges, and doubt those that are silent."""
        nodes = self.api.send("GET", "/api/v1/nodes")["items"]
        if self.program.get("allocate-node-cidrs"):
            taken = {node["spec"]["podCIDR"] for node in nodes if (node.get("spec") or {}).get("podCIDR")}
            for node in nodes:
                if not (node.get("spec") or {}).get("podCIDR"):
                    given = self.free_range(taken)
                    taken.add(given)
                    patch = {"spec": {"podCIDR": given, "podCIDRs": [given]}}
                    api.send("PATCH", f"/api/v1/nodes/{node['metadata']['name']}", patch, MERGE)
        leases = self.api.send("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")["items"]
        renewed = {lease["metadata"]["name"]: lease["spec"].get("renewTime") for lease in leases}
        for node in nodes:
            self._doubt(api, node, renewed.get(node["metadata"]["name"]))

    def free_range(self, taken: set[str]) -> str:
        """Return a pod range that nobody has."""
        whole = ipaddress.ip_network(self.program.get("cluster-cidr", "10.244.0.0/16").split(",")[0])
        size = self.program.get("node-cidr-mask-size", 24)
        free = (str(part) for part in whole.subnets(new_prefix=size) if str(part) not in taken)
        return next(free, "")

    def _doubt(self, api: Connection, node: dict[str, Any], renewed: Optional[str]) -> None:
        """Say of a node whose kubelet is silent that nobody knows how it is."""
        grace = self.program.get("node-monitor-grace-period", 50.0)
        limit = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=grace)
        silent = renewed and datetime.datetime.fromisoformat(renewed.replace("Z", "+00:00")) < limit
        conditions = (node.get("status") or {}).get("conditions") or []
        if not silent or all(c["status"] == "Unknown" for c in conditions if c["type"] == "Ready"):
            return
        told = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        changed = [{**c, **told, "lastTransitionTime": moment()} if c["type"] == "Ready" else c for c in conditions]
        path = f"/api/v1/nodes/{node['metadata']['name']}/status"
        api.send("PATCH", path, {"status": {"conditions": changed}}, MERGE)

    def publish(self, api: Connection) -> None:
        """Have the authority's certificate in every namespace."""
        for name in self._names():
            path = f"/api/v1/namespaces/{name}/configmaps"
            head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}
            self._ensure(api, path, {**head, "data": {"ca.crt": self.root}})

    def accounts(self, api: Connection) -> None:
        """Have a default account in every namespace."""
        for name in self._names():
            head = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            self._ensure(api, f"/api/v1/namespaces/{name}/serviceaccounts", head)

    def _names(self) -> list[str]:
        """Return the namespaces that are not going."""
        found = self.api.send("GET", "/api/v1/namespaces")["items"]
        return [item["metadata"]["name"] for item in found if not item["metadata"].get("deletionTimestamp")]

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
        """Note that deployments were seen; pods are not started in a rehearsal."""
        for item in self.api.send("GET", "/apis/apps/v1/deployments")["items"]:
            wanted = (item.get("spec") or {}).get("replicas", 1)
            generation, status = item["metadata"].get("generation", 1), item.get("status") or {}
            if status.get("observedGeneration") != generation:
                told: dict[str, int] = {"observedGeneration": generation}
                if wanted:
                    told |= {"replicas": wanted, "updatedReplicas": wanted, "unavailableReplicas": wanted}
                place, name = item["metadata"]["namespace"], item["metadata"]["name"]
                path = f"/apis/apps/v1/namespaces/{place}/deployments/{name}/status"
                api.send("PUT", path, {**item, "kind": "Deployment", "apiVersion": "apps/v1", "status": told})

    def tokens(self, api: Connection) -> None:
        """Remove bootstrap tokens whose time is over."""
        path = "/api/v1/namespaces/kube-system/secrets"
        for item in api.send("GET", f"{path}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken")["items"]:
            end = base64.b64decode((item.get("data") or {}).get("expiration", "")).decode()
            if _over(end):
                api.send("DELETE", f"{path}/{item['metadata']['name']}")

    def namespaces(self, api: Connection) -> None:
        """Empty namespaces that are to go, and let them go."""
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
    """Hold the lease and work, until told to stop."""
    told = stopping()
    api = from_kubeconfig(settings.readable(program.get("kubeconfig", "")), "kube-controller-manager")
    controllers = Controllers(program, api)
    serve(program, 10257)
    log("I", f"REHEARSAL stand-in of kube-controller-manager {program.version}")
    election = Election(api, "kube-controller-manager", times(program))
    return election.lead(told, controllers.work)

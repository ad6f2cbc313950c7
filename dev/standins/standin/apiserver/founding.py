# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first objects of a cluster, and the endpoints of the API server's own service: the servers that are running."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

from ..core.client import ApiError
from ..core.kinds import BY_NAME, Target
from ..core.server import Request, log
from .identity import User
from .rest import Rest
from .store import Conflict

SERVER = User("system:apiserver", ["system:masters"])
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
# A server that has not renewed its lease for so long is gone; seconds.
LEASE, PAUSE = 15, 10


def own_address(bound: str) -> str:
    """Return where others reach a server: the address it listens on, else that of the default route."""
    address = ipaddress.ip_address(bound or "0.0.0.0")  # noqa: S104
    if not (address.is_unspecified or address.is_loopback):
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return bound
        return str(asked.getsockname()[0])


class Founding:
    """The first objects, and the endpoints of the first service."""

    def __init__(self, rest: Rest, address: str, port: int) -> None:
        """Remember the address for other servers."""
        self.rest, self.address, self.port = rest, address, port
        self.gone = threading.Event()

    def begin(self, services: str, roles: list[dict[str, Any]]) -> None:
        """Create the first objects."""
        for name in NAMESPACES:
            self._ensure("namespaces", "", name, {"kind": "Namespace"})
        for item in roles:
            kind, metadata = item["kind"].lower(), item["metadata"]
            self._ensure(f"{kind}s", metadata.get("namespace", ""), metadata["name"], item)
        first = str(ipaddress.ip_network(services, strict=False)[1])
        ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": self.port}]
        labels = {"component": "apiserver", "provider": "kubernetes"}
        service = {"metadata": {"labels": labels}, "spec": {"clusterIP": first, "ports": ports}}
        self._ensure("services", "default", "kubernetes", {"kind": "Service", **service})
        self.publish()

    def publish(self) -> None:
        """Renew our lease, and write all servers with a lease into the endpoints."""
        key, store = f"masterleases/{self.address}", self.rest.store
        if not self.gone.is_set():
            lease = store.ask("/v3/lease/grant", {"TTL": str(LEASE), "ID": "0"})["ID"]
            mine = {"kind": "Endpoints", "apiVersion": "v1", "metadata": {}, "subsets": [self._subset([self.address])]}
            store.put(key, mine, store.get(key), lease)
        elif old := store.get(key):
            store.delete(key, old)
        living = [one["subsets"][0]["addresses"][0]["ip"] for one in store.below("masterleases/")[0]]
        labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
        points = {"metadata": {"labels": labels}, "subsets": [self._subset(living)] if living else []}
        self._ensure("endpoints", "default", "kubernetes", {"kind": "Endpoints", **points}, again=True)
        slices = {
            "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1",
            "metadata": {"labels": {"kubernetes.io/service-name": "kubernetes"}},
            "addressType": "IPv6" if ":" in self.address else "IPv4", "ports": self._subset([])["ports"],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in living],
        }  # fmt: skip
        self._ensure("endpointslices", "default", "kubernetes", slices, again=True)

    def _subset(self, addresses: list[str]) -> dict[str, Any]:
        """Return addresses with the port of each."""
        port = {"name": "https", "port": self.port, "protocol": "TCP"}
        return {"addresses": [{"ip": address} for address in addresses], "ports": [port]}

    def stay(self) -> None:
        """Renew the lease in time, until we leave."""
        while not self.gone.wait(PAUSE):
            try:
                self.publish()
            except (ApiError, Conflict) as exc:
                log("E", f"unable to sync kubernetes service: {exc}")

    def leave(self) -> None:
        """Remove our address at once."""
        self.gone.set()
        try:
            self.publish()
        except (ApiError, Conflict) as exc:
            log("E", f"Error removing old endpoints from kubernetes service: {exc}")

    def _ensure(self, resource: str, namespace: str, name: str, item: dict[str, Any], again: bool = False) -> None:
        """Create an object that does not exist, or recreate it; another server may be faster."""
        aim = Target(BY_NAME[resource], namespace, name)
        old = self.rest.store.get(self.rest.key(aim))
        if old is not None and not again:
            return
        metadata = {**(old or {}).get("metadata", {}), **item.get("metadata", {}), "name": name}
        request = Request("POST", "", {}, {"User-Agent": "kube-apiserver"}, b"", [], "127.0.0.1")
        try:
            self.rest.stored(aim, request, SERVER, old, {"apiVersion": "v1", **item, "metadata": metadata}, "Update")
        except ApiError as exc:
            if exc.status != 409:
                raise

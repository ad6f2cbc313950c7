# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leader election by a lease, and what controller-manager and scheduler share beside it."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import Any, Callable, Optional

from . import x509
from .client import ApiError, Connection, from_kubeconfig
from .flags import Refusal
from .moments import micro
from .program import Program
from .server import Server, health_app, log
from .tls import Tls

LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


def renew(api: Connection, namespace: str, name: str, spec: dict[str, Any], lease: Optional[dict[str, Any]]) -> None:
    """Write a lease that is ours, or make it."""
    path = LEASES.format(namespace)
    if lease is None:
        head = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
        api.send("POST", path, {**head, "spec": spec})
    else:
        api.send("PUT", f"{path}/{name}", {**lease, "spec": spec})


def seen(api: Connection, namespace: str, name: str) -> Optional[dict[str, Any]]:
    """Return a lease, if there is one."""
    try:
        return dict(api.send("GET", f"{LEASES.format(namespace)}/{name}"))
    except ApiError as exc:
        if exc.status != 404:
            raise
        return None


class Election:
    """Holds a lease, or waits until its holder is gone."""

    def __init__(self, api: Connection, name: str, times: tuple[float, float, float]) -> None:
        """Remember the lease and its times: duration, deadline of a renewal, and pause."""
        self.api, self.name = api, name
        self.duration, self.deadline, self.pause = times
        for wrong, words in (
            (self.duration <= self.deadline, "leaseDuration must be greater than renewDeadline"),
            (self.deadline <= self.pause * 1.2, "renewDeadline must be greater than retryPeriod*JitterFactor"),
            (self.pause <= 0, "retryPeriod must be greater than zero"),
        ):
            if wrong:
                raise Refusal(f"panic: {words}", 2)
        self.me = f"{os.uname().nodename}_{uuid.uuid4()}"
        self._seen = ("", 0.0)
        self.refusal: Optional[Refusal] = None

    def try_once(self) -> bool:
        """Take or renew the lease; say whether it is ours."""
        lease = seen(self.api, "kube-system", self.name)
        spec = (lease or {}).get("spec") or {}
        holder, renewed = spec.get("holderIdentity", ""), spec.get("renewTime", "")
        if self._seen[0] != renewed:
            self._seen = (renewed, time.monotonic())
        # By our own clock since we last saw a renewal: clocks of hosts may differ.
        alive = holder and time.monotonic() - self._seen[1] < spec.get("leaseDurationSeconds", 0)
        if holder != self.me and alive:
            return False
        self._write(lease)
        return True

    def _write(self, lease: Optional[dict[str, Any]]) -> None:
        """Write our name and the time."""
        old = (lease or {}).get("spec") or {}
        mine = old.get("holderIdentity") == self.me
        now = micro()
        changes = old.get("leaseTransitions", 0) + (0 if mine or not old else 1)
        spec = {
            "holderIdentity": self.me, "leaseDurationSeconds": int(self.duration), "renewTime": now,
            "acquireTime": old.get("acquireTime", now) if mine else now, "leaseTransitions": changes,
        }  # fmt: skip
        renew(self.api, "kube-system", self.name, spec, lease)

    def lead(self, stop: threading.Event, work: Callable[[], None]) -> int:
        """Renew the lease, work beside; return the exit status on the stop signal or when the lease is lost."""
        renewed = wait = 0.0
        worker = threading.Thread(target=self._work, args=(work,), daemon=True)
        while not stop.wait(wait) and self.refusal is None:
            wait = min(self.pause, 1.0) if renewed else self.pause
            try:
                if self.try_once():
                    if not renewed:
                        log("I", f"successfully acquired lease kube-system/{self.name}")
                        worker.start()
                    renewed = time.monotonic()
                elif renewed:
                    break
            except ApiError as exc:
                log("E", f"error retrieving resource lock kube-system/{self.name}: {exc}")
                if renewed and time.monotonic() - renewed > self.deadline:
                    break
        if self.refusal is not None:
            raise self.refusal
        if stop.is_set():
            return 0
        log("E", '"leaderelection lost"')
        return 1

    def _work(self, work: Callable[[], None]) -> None:
        """Work again and again: however long it takes, the lease is renewed in time."""
        try:
            while True:
                try:
                    work()
                except ApiError as exc:
                    log("E", f'"Unhandled Error" err="{exc}"')
                time.sleep(min(self.pause, 1.0))
        except Exception as exc:
            # A program that cannot work must not lead.
            self.refusal = exc if isinstance(exc, Refusal) else Refusal(f"panic: {exc!r}")


def serve(program: Program, port: int) -> Server:
    """Serve health on the component's own port."""
    get = program.get
    cert, key = get("tls-cert-file", ""), get("tls-private-key-file", "")
    if not cert:
        cert = key = x509.self_signed(program.name)
    x509.pair(cert, key)
    for flag in ("authentication-kubeconfig", "authorization-kubeconfig"):
        if get(flag):
            from_kubeconfig(get(flag), program.name)
    for flag in ("client-ca-file", "requestheader-client-ca-file"):
        if get(flag):
            x509.certificates(get(flag))
    tls = Tls(cert, key, get("tls-min-version", "VersionTLS12"))
    address = get("bind-address", "0.0.0.0")  # noqa: S104
    return Server(address, get("secure-port", port), health_app(lambda: True), tls).serve()


def times(program: Program) -> tuple[float, float, float]:
    """Return the times of the election that flags give."""
    flags = (("leader-elect-lease-duration", 15.0), ("leader-elect-renew-deadline", 10.0))
    (duration, deadline), pause = (program.get(n, d) for n, d in flags), program.get("leader-elect-retry-period", 2.0)
    return duration, deadline, pause

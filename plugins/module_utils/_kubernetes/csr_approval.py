# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approves the CSRs of expected nodes, denies invalid ones, and collects certificates."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import csr_policy
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases as kubernetes_leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.csr_policy import CLIENT, Decision

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
# Number of foreign CSRs to process at a time, so that a flood of them does not delay the nodes.
AT_ONCE = 100


class Approver:
    """Processes pending CSRs, and records what was done."""

    def __init__(
        self,
        api: Api,
        nodes: Sequence[Mapping[str, Any]],
        signers: Sequence[str],
        *,
        requesters: Sequence[str] = (),
        check_mode: bool = False,
    ) -> None:
        """Take the expected nodes, and validate the CSRs from their hosts."""
        self.api, self.signers, self.requesters, self.check_mode = api, signers, requesters, check_mode
        self.nodes: dict[str, list[str]] = {node["name"]: node["addresses"] for node in nodes}
        self.stopped = {node["name"] for node in nodes if node["stopped"]}
        self.requests: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        # Why a node gets no certificate, whatever the time.
        self.problems: dict[str, str] = {}
        self.approved: dict[str, dict[str, str]] = {}
        self.denied: dict[str, dict[str, str]] = {}
        self.left: dict[str, dict[str, str]] = {}
        self.unseen = 0
        self.certificates: dict[str, str] = {}
        self.issued: set[str] = set()
        self.joined: set[str] = set()
        self.trouble = ""
        self._given: dict[str, str] = {}
        self._ours: dict[str, str] = {}
        self._renewals: dict[str, str] = {}
        for node in nodes:
            if node.get("request"):
                self._accept(node["name"], node["request"])

    def _accept(self, node: str, request: str) -> None:
        """Accept the CSR from the node's own host after validating it like any other."""
        wrong, key = csr_policy.problems_of(request, node)
        if wrong:
            self.problems[node] = "; ".join(wrong)
            self.denied[f"of host {node}"] = {"name": f"of host {node}", "node": node, "reason": self.problems[node]}
        else:
            self.requests[node], self.keys[node] = request, key

    def inspect(self) -> list[str]:
        """Process pending CSRs; return the expected nodes to wait for."""
        try:
            if set(self.nodes) - set(self.requests) - set(self.problems):
                self._find_running_kubelets()
            for node in sorted(set(self.requests) - set(self._ours.values()) - set(self.problems)):
                self._submit(node)
            self._review()
            self.trouble = ""
        except ApiError as exc:
            # A restarting server or a concurrent write is temporary; try again until the timeout.
            if exc.status in (0, 409, 429) or exc.status >= 500:
                self.trouble = str(exc)
            else:
                raise
        return sorted(set(self.nodes) - self.issued - self.joined - set(self.problems))

    @property
    def missing(self) -> list[str]:
        """The expected nodes that have neither joined nor got a certificate."""
        return sorted(set(self.nodes) - self.issued - self.joined)

    def _find_running_kubelets(self) -> None:
        """Find the nodes whose kubelets run: the lease is current, or was renewed since the last call."""
        leases = self.api.items(LEASES)
        now = kubernetes_leases.server_time(self.api.date)
        for lease in leases:
            name = lease["metadata"]["name"]
            renewed = (lease.get("spec") or {}).get("renewTime", "")
            held = name not in self.stopped and kubernetes_leases.held(lease, now)
            if held or self._renewals.get(name, renewed) != renewed:
                self.joined.add(name)
            self._renewals[name] = renewed
        self.joined &= set(self.nodes) - set(self.requests) - set(self.problems)

    def _submit(self, node: str) -> None:
        """Submit the CSR of the node's host as the administrator, and approve it."""
        if self.check_mode:
            return
        spec = {
            "request": base64.b64encode(self.requests[node].encode()).decode(),
            "signerName": CLIENT,
            "usages": sorted(csr_policy.USAGES[CLIENT], reverse=True),
        }
        head = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
        made = self.api.post(CSRS, {**head, "metadata": {"generateName": "hardway-node-"}, "spec": spec})
        self._ours[made["metadata"]["name"]] = node
        self._approve_ours(made, node)

    def _approve_ours(self, csr: dict[str, Any], node: str) -> None:
        """Approve a CSR that was submitted here."""
        name, reason = csr["metadata"]["name"], f"the CSR created on node {node}"
        try:
            self._write(csr, "Approved", "MatchesInventory", reason)
        except ApiError as exc:
            # The controller manager was quicker: it approves what an administrator submits.
            if exc.status != 409:
                raise
        self.approved[name] = {"name": name, "node": node, "reason": reason}

    def _review(self) -> None:
        """Collect issued certificates, and review the CSRs of others."""
        pending = {}
        for csr in self.api.items(CSRS):
            name, status = csr["metadata"]["name"], csr.get("status") or {}
            conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
            if name in self._ours:
                self._follow(csr, self._ours[name], conditions)
            elif name in self.approved:
                self._note_signed(csr, conditions)
            elif not conditions and name not in self.denied and name not in self.left:
                pending[name] = csr
        self._decide(pending)

    def _follow(self, csr: dict[str, Any], node: str, conditions: Mapping[str, Any]) -> None:
        """Collect the certificate for a CSR that was submitted here, or note why there is none."""
        certificate = (csr.get("status") or {}).get("certificate")
        for kind in ("Denied", "Failed"):
            if kind in conditions:
                message = csr_policy.shown(str(conditions[kind].get("message")))
                remedy = "check the controller-manager's signing certificate and key"
                self.problems[node] = (
                    f"its CSR was {'denied' if kind == 'Denied' else 'not signed'}: {message}; {remedy}"
                )
                return
        if certificate:
            self.certificates[node] = base64.b64decode(certificate).decode("utf-8", "replace")
            self.issued.add(node)
        elif not conditions:
            self._approve_ours(csr, node)

    def _note_signed(self, csr: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        """Note that a kubelet's CSR which was approved here is signed."""
        name = csr["metadata"]["name"]
        if "Failed" in conditions:
            raise HardwayError(
                f"certificate request {name}: not signed: {conditions['Failed'].get('message')}; "
                "check the controller-manager's signing certificate and key"
            )
        if (csr.get("status") or {}).get("certificate") and csr["spec"]["signerName"] == CLIENT:
            self.issued.add(self.approved[name]["node"])

    def _decide(self, pending: Mapping[str, dict[str, Any]]) -> None:
        """Decide on the CSRs of others together, and carry the decisions out."""
        some = dict(list(pending.items())[:AT_ONCE])
        self.unseen = len(pending) - len(some)
        decided = {
            name: csr_policy.decide(csr, self.nodes, self.signers, keys=self.keys, requesters=self.requesters)
            for name, csr in some.items()
        }
        for name, decision in csr_policy.one_key_each(decided, self._given).items():
            try:
                self._carry_out(some[name], decision)
            except ApiError as exc:
                # Deleted, or decided by another client; the next call shows it.
                if exc.status not in (404, 409):
                    raise

    def _carry_out(self, csr: dict[str, Any], decision: Decision) -> None:
        """Approve, deny or leave a CSR of others."""
        name = csr["metadata"]["name"]
        line = {"name": name, "node": decision.node, "reason": decision.reason}
        if decision.verdict == "approve":
            self._write(csr, "Approved", "MatchesInventory", decision.reason)
            self.approved[name] = line
            if csr["spec"]["signerName"] == CLIENT:
                self._given[decision.node] = decision.key
        elif decision.verdict == "deny":
            self._write(csr, "Denied", "DoesNotMatchInventory", decision.reason)
            self.denied[name] = line
        elif csr["spec"].get("signerName") in self.signers:
            self.left[name] = line

    def _write(self, csr: dict[str, Any], kind: str, reason: str, message: str) -> None:
        """Set the condition of the CSR, which has none yet."""
        if self.check_mode:
            return
        condition = {"type": kind, "status": "True", "reason": reason, "message": f"hardway.kubernetes: {message}"}
        body = {**csr, "status": {**(csr.get("status") or {}), "conditions": [condition]}}
        self.api.put(f"{CSRS}/{csr['metadata']['name']}/approval", body)

    def warnings(self) -> list[str]:
        """Return one line for each CSR that was denied or left pending."""
        lines = [*self.denied.values(), *self.left.values()]
        found = [
            f"certificate request {line['name']} {'denied' if line['name'] in self.denied else 'left pending'}: "
            f"{line['reason']}"
            for line in lines
        ]
        return found + ([f"{self.unseen} more pending CSRs were not validated"] if self.unseen else [])

    def reasons(self, timeout: float) -> dict[str, str]:
        """Return why nodes have no certificate, by node."""
        waiting = {line["node"] for line in self.approved.values()}
        found = {}
        for node in self.missing:
            if node in self.problems:
                found[node] = self.problems[node]
            elif node in waiting:
                found[node] = f"approved, but not signed within {timeout} s; check kube-controller-manager"
            elif self.trouble:
                found[node] = self.trouble
            else:
                found[node] = f"no valid CSR within {timeout} s; check the kubelet's log there (journalctl -u kubelet)"
        return found

    def result(self, timeout: float) -> dict[str, Any]:
        """Return the module result."""
        done = [("approved", line) for line in self.approved.values()]
        done += [("denied", line) for line in self.denied.values()]
        after = "".join(f"{verb} {line['name']} of node {line['node']}: {line['reason']}\n" for verb, line in done)
        return {
            "changed": bool(done) or (self.check_mode and bool(self.missing)),
            "approved": list(self.approved.values()),
            "denied": list(self.denied.values()),
            "left": list(self.left.values()),
            "issued": sorted(self.issued),
            "certificates": self.certificates,
            "joined": sorted(self.joined),
            "missing": self.missing,
            "problems": self.reasons(timeout),
            "diff": {"before": "", "after": after},
        }

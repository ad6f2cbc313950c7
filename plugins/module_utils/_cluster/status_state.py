# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was gathered for the status of a cluster, and questions about it. No I/O."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import durations
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.addresses import host_port
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.leases import moment

# The worst first.
SEVERITIES = ("critical", "warning", "ok")
# Longer messages, such as those of ssh, are cut.
LONGEST = 160


@dataclass(frozen=True)
class Finding:
    """One problem."""

    severity: str
    section: str
    object: str
    reason: str
    remedy: str

    @property
    def text(self) -> str:
        """Return it as one sentence."""
        return f"{self.object}: {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class Limits:
    """From which values on something is a problem."""

    backup_hours: float = 26.0
    # Shares of etcd's quota. At the whole of it etcd rejects writes.
    quota_warning: float = 0.75
    quota_critical: float = 0.9
    # Entries of the raft log. A member that is further behind than 5000 must fetch a snapshot.
    raft_lag: int = 1000


@dataclass(frozen=True)
class State:
    """What the inventory says, what each host has reported, and what the cluster has."""

    inventory: Mapping[str, Any]
    # Results of module host_status by host.
    hosts: Mapping[str, Mapping[str, Any]]
    # The result of module cluster_status, or nothing.
    cluster: Mapping[str, Any]
    now: datetime.datetime
    limits: Limits = Limits()

    def reached(self, host: str) -> bool:
        """Return whether the host has reported its state."""
        return "units" in self.hosts.get(host, {})

    def group(self, name: str) -> list[Mapping[str, Any]]:
        """Return host, name and address of the hosts of a group."""
        return list(self.inventory.get(name) or [])

    def groups_of(self, host: str) -> list[str]:
        """Return the groups of a host."""
        return [
            name for name in ("etcd", "masters", "nodes", "lb") if any(one["host"] == host for one in self.group(name))
        ]

    def host_of_server(self, url: str) -> str:
        """Return the host of an API server by its URL."""
        port = self.inventory.get("api_port", 6443)
        names = {f"https://{host_port(one['address'], port)}": one["host"] for one in self.group("masters")}
        return str(names.get(url, url))

    def units(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield host and unit, for all hosts that were reached."""
        for host in self.hosts:
            if self.reached(host):
                for unit in self.hosts[host]["units"]:
                    yield host, unit

    def unit_error(self, host: str, name: str) -> str:
        """Return what is wrong with a unit of a host; empty for nothing, or if that is not known."""
        units = self.hosts.get(host, {}).get("units") or []
        error = next((unit["error"] for unit in units if unit["unit"] == f"{name}.service"), "")
        return str(error).partition("; ")[0]

    def lost_parts(self, host: str) -> list[str]:
        """Return what has failed together with an unreached host; nothing where a part of it still answers.

        The cluster counts a node as ready for a while after its host has died, so other parts matter more.
        """
        if self.reached(host):
            return []
        nodes = {one["name"] for one in self.group("nodes") if one["host"] == host}
        members = {one["name"] for one in self.group("etcd") if one["host"] == host}
        direct = [("API server", server["ready"]) for server in self.servers if server["host"] == host]
        direct += [("etcd member", member["healthy"]) for member in self.members if self.member_name(member) in members]
        found = [*direct, *(("node", node["ready"]) for node in self.nodes if node["name"] in nodes)]
        if any(answers for _part, answers in direct or found):
            return []
        return [part for part, answers in found if not answers]

    @property
    def servers(self) -> list[Mapping[str, Any]]:
        """Return the API servers, each with its host."""
        return [{**one, "host": self.host_of_server(one["url"])} for one in self.cluster.get("servers") or []]

    @property
    def ready_servers(self) -> list[Mapping[str, Any]]:
        """Return the API servers that are ready."""
        return [server for server in self.servers if server["ready"]]

    @property
    def api_answers(self) -> bool:
        """Return whether objects could be read from the API."""
        return "nodes" in self.cluster

    @property
    def nodes(self) -> list[Mapping[str, Any]]:
        """Return the nodes that the cluster has."""
        return list(self.cluster.get("nodes") or [])

    @property
    def cni(self) -> str:
        """Return the pod network; none is one that the operator installs."""
        return str(self.inventory.get("cni") or "flannel")

    @property
    def awaiting(self) -> list[str]:
        """Return the nodes that are not ready because the operator has installed no pod network there yet."""
        return [node["name"] for node in self.nodes if self.cni == "none" and node["awaits_network"]]

    @property
    def members(self) -> list[Mapping[str, Any]]:
        """Return the etcd members that were queried or are in the member list."""
        return list((self.cluster.get("etcd") or {}).get("members") or [])

    def member_name(self, member: Mapping[str, Any]) -> str:
        """Return the name of an etcd member; of one that no list names, by its endpoint."""
        if member["name"]:
            return str(member["name"])
        hosts = {one["address"]: one["name"] for one in self.group("etcd") if one["address"]}
        address = member["endpoint"].partition("://")[2].rpartition(":")[0].strip("[]")
        return str(hosts.get(address) or member["endpoint"] or member["id"])

    @property
    def voters(self) -> list[Mapping[str, Any]]:
        """Return the etcd members that count for the quorum."""
        return [member for member in self.members if not member["learner"]]

    @property
    def healthy_voters(self) -> int:
        """Return how many of them are healthy."""
        return sum(bool(member["healthy"]) for member in self.voters)

    @property
    def quorum(self) -> int:
        """Return how many voters etcd needs."""
        return len(self.voters) // 2 + 1

    def holders(self, address: str) -> list[str]:
        """Return the load balancers that have a virtual address."""
        names = [one["host"] for one in self.group("lb")]
        return [host for host in names if address in (self.hosts.get(host, {}).get("addresses") or [])]

    @property
    def backup(self) -> Mapping[str, Any]:
        """Return the newest proven backup that any host knows, with its moment; nothing where there is none."""
        found = []
        for host, result in self.hosts.items():
            last = (result.get("backup") or {}).get("last") or {}
            when = time_of(last.get("time"))
            if when:
                found.append({**last, "host": host, "moment": when})
        return max(found, key=lambda one: one["moment"], default={})

    @property
    def backup_deployed(self) -> bool:
        """Return whether any host creates backups."""
        return any((result.get("backup") or {}).get("deployed") for result in self.hosts.values())

    def certificates(self) -> list[dict[str, Any]]:
        """Return every certificate once, with all its places, the first to expire first."""
        found: dict[str, dict[str, Any]] = {}
        for host, result in self.hosts.items():
            for item in result.get("certificates") or []:
                one = found.setdefault(item["fingerprint"], {**item, "places": []})
                if item["kind"] != "endpoint":
                    one["places"].append((host, item["where"]))
        kept = [one for one in found.values() if one["places"]]
        return sorted(kept, key=lambda one: (one["days_left"], one["places"]))


def time_of(value: Any) -> Optional[datetime.datetime]:
    """Return the moment that a manifest names, as RFC 3339 or in seconds since 1970."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return moment(value) if isinstance(value, str) else None


def age(seconds: float) -> str:
    """Return a time span for people."""
    return durations.short(datetime.timedelta(seconds=max(0.0, seconds)))


def shown_time(when: datetime.datetime) -> str:
    """Return a moment with its zone."""
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def shown_size(size: float) -> str:
    """Return bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return ""


def one_line(text: Any) -> str:
    """Return a message as one line that is not too long."""
    words = " ".join(str(text).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def worst(severities: Sequence[str]) -> str:
    """Return the worst severity; ok for none."""
    return min(severities, key=SEVERITIES.index, default="ok")

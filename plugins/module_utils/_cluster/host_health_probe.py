# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspects one host: units, served certificates, DNS and pod network. Read-only."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems as state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import dns
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_health_problems as health
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests, durations
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import served_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen, full_name
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, health_problem

Run = Callable[[list[str]], "tuple[int, str, str]"]

# With two DNS pods, one of them cut off, all of so many queries go to the other one once in 250 times.
QUERIES = 8
LOGIND = [
    "busctl",
    "get-property",
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
]

# Where host-local notes which sandbox has which address, and where containerd has those that run.
RESERVED = "/var/lib/cni/networks"
RUNNING = "/run/containerd/io.containerd.runtime.v2.task/k8s.io"


class HostHealthProbe:
    """Inspects one host as often as needed."""

    def __init__(self, params: Mapping[str, Any], run: Run) -> None:
        """Remember what to inspect, and how commands are run."""
        self.params, self._run = params, run
        self._systemd = Systemd(run)

    def inspect(self) -> dict[str, Any]:
        """Return the state of all that was asked for, with its problems."""
        params = self.params
        awaits = bool(params["cni_dir"]) and not health.cni_configurations(names_in(params["cni_dir"]))
        seen: dict[str, Any] = {
            "served": served(params["served"]),
            "services": self.services(params["services"]),
            "awaits_network": awaits,
            "dns": [] if awaits else resolved(params["dns"]),
            "held": [address for address in params["addresses"] if is_local(address)],
        }
        seen["problems"] = [
            *health.service_problems(seen["services"]),
            *health.served_problems(seen["served"]),
            *self._file_problems(),
            *health.dns_problems(seen["dns"], params["host"] or "this host"),
        ]
        return seen

    def _file_problems(self) -> list[str]:
        """Return what is wrong with the network configuration and the kernel's settings."""
        params, here = self.params, self.params["host"] or "this host"
        found = health.sysctl_problems(read_sysctls(params["sysctls"]), params["sysctls"])
        if params["cni_config"]:
            directory, name = os.path.split(params["cni_config"])
            found.append(health.cni_problem(names_in(directory), name, directory))
            found.append(health.address_problem(*pod_addresses(params["cni_config"])))
        if params["shutdown_delay"]:
            _code, out, _err = self._run([*LOGIND, "InhibitDelayMaxUSec"])
            wanted = durations.parse(params["shutdown_delay"], "shutdown_delay", zero=True)
            found.append(health.shutdown_problem(out, wanted.total_seconds()))
        return [f"{here}: {problem}" for problem in found if problem]

    def services(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the state of units of this host, and what speaks against each."""
        names = [full_name(item["unit"]) for item in items]
        shown = self._systemd.show(names) if names else {}
        histories = self._histories(names)

        def inspect(item: Mapping[str, Any]) -> dict[str, Any]:
            unit = full_name(item["unit"])
            error = self._error(item, unit, shown[unit], histories.get(unit, (0, float("inf"))))
            state = f"{shown[unit].active} ({shown[unit].sub})"
            return {"name": item["name"] or unit, "unit": unit, "state": state, "error": error}

        return map_concurrently(inspect, items)

    def _error(self, item: Mapping[str, Any], unit: str, seen: Seen, history: tuple[int, float]) -> str:
        """Return what is wrong with one unit, empty for nothing."""
        if seen.load == "not-found":
            return "there is no such unit; run its role"
        if seen.load == "masked":
            return f"it is masked; run systemctl unmask {unit}, and site.yml again"
        if not seen.running:
            return f"it is {seen.active} ({seen.sub}); see journalctl -u {unit}"
        if looping := health.crash_loop(*history):
            return f"{looping}; see journalctl -u {unit}"
        if item["url"] and (problem := health_problem({**item, "status": 200}, verify=bool(item["ca"]))):
            return problem
        if item["check"]:
            code, out, err = self._run(item["check"])
            if code != 0:
                words = " ".join((err or out).split())[-500:]
                return f"it runs, but would not start again: {words}; run site.yml again"
        if item["complaints"]:
            # Of this start alone: what an earlier one has said is over.
            command = ["journalctl", "-q", "--no-pager", "-o", "cat", f"_SYSTEMD_INVOCATION_ID={seen.invocation}"]
            if words := health.complaint(self._run(command)[1], item["complaints"]):
                return f"it says: {words}; repair what it names and restart it"
        return ""

    def _histories(self, names: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Return how often systemd has restarted each unit by itself, and how old its process is in seconds."""
        if not names:
            return {}
        wanted = "--property=Id,NRestarts,ExecMainStartTimestampMonotonic"
        _code, out, _err = self._run(["systemctl", "show", wanted, "--", *names])
        now, found = time.clock_gettime(time.CLOCK_MONOTONIC), {}
        for block in out.strip().split("\n\n"):
            values = dict(line.partition("=")[::2] for line in block.splitlines())
            started = values.get("ExecMainStartTimestampMonotonic", "")
            if values.get("Id") and started.isdigit():
                found[values["Id"]] = (int(values.get("NRestarts") or 0), now - int(started) / 1e6)
        return found


def names_in(directory: str) -> list[str]:
    """Return the names in a directory; none where there is no directory."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


def pod_addresses(config: str, reserved: str = RESERVED, running: str = RUNNING) -> tuple[list[str], list[str]]:
    """Return the addresses of this host's running pods, and the ranges from which a new pod would get its own."""
    try:
        with open(config, encoding="utf-8") as stream:
            network = json.load(stream)
        plugin = network["plugins"][0]["ipam"]
        ranges = [each["subnet"] for group in plugin["ranges"] for each in group]
        directory = os.path.join(plugin.get("dataDir", reserved), network["name"])
    except (OSError, ValueError, LookupError, TypeError):
        return [], []
    found = []
    for name in names_in(directory):
        # Beside addresses there is a lock and the last address given.
        if re.fullmatch(r"[0-9.]+|[0-9a-f:]+", name):
            sandbox = (atomic_files.read(os.path.join(directory, name)) or b"").decode().split()
            # A host that lost its power keeps addresses of pods that are no more.
            if sandbox and os.path.isdir(os.path.join(running, sandbox[0])):
                found.append(name)
    return sorted(found), ranges


def read_sysctls(names: Mapping[str, str]) -> dict[str, str]:
    """Return those of the kernel's settings that there are."""
    found = {}
    for name in names:
        try:
            with open("/proc/sys/" + name.replace(".", "/"), encoding="ascii") as stream:
                found[name] = stream.read().strip()
        except OSError:
            continue
    return found


def is_local(address: str) -> bool:
    """Return whether an interface of this host has the address: the kernel then routes it to itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        try:
            link.connect((address, 9))
            return bool(link.getsockname()[0] == address)
        except OSError:
            return False


def resolved(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each name what stood in the way of some of its queries."""

    def one(item: Mapping[str, Any]) -> str:
        try:
            return dns.disagreement(dns.resolve(item["server"], item["name"], port=item["port"]), item["answer"])
        except dns.DnsError as exc:
            return str(exc)

    return [
        {
            "server": item["server"],
            "name": item["name"],
            "queries": QUERIES,
            "errors": [error for error in map_concurrently(one, [item] * QUERIES) if error],
        }
        for item in items
    ]


def served(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fingerprints that listeners serve and that their files have, on this host."""

    def compare(item: Mapping[str, Any]) -> dict[str, Any]:
        seen = {name: item[name] for name in ("name", "host", "port", "path")}
        seen.update(served="", on_disk="")
        host = f"[{item['host']}]" if ":" in item["host"] else item["host"]
        try:
            with open(item["path"], encoding="ascii", errors="replace") as file:
                seen["on_disk"] = digests.of_bytes(state.pem_to_der(file.read()))
            der = served_certificate(f"https://{host}:{item['port']}", server_name=item["server_name"])
            return {**seen, "served": digests.of_bytes(der), "error": ""}
        except HardwayError as exc:
            return {**seen, "error": str(exc)}
        except (OSError, ValueError) as exc:
            return {**seen, "error": f"{item['path']} cannot be read: {exc}; restore it, or run its role again"}

    return map_concurrently(compare, items)

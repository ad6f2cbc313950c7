# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower bound of a deployment's time: everything is installed and configured, services only have to start."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from dev.tools.lab import Lab

CONTROL = "haproxy keepalived kube-apiserver kube-controller-manager kube-scheduler etcd"
UNITS = f"{CONTROL} containerd kubelet kube-proxy flanneld"
EMPTY = "rm -rf /var/lib/etcd/member /etc/etcd/formed; touch /etc/etcd/founding"
# The API server first: without etcd, it ends after a minute.
STOP = f"systemctl stop kube-apiserver; systemctl stop {UNITS}; {EMPTY}; systemctl reset-failed"
START = f"systemctl start --no-block {UNITS}"
# What the hosts spend, as against the seconds until something is ready.
PROCESSOR = "processor seconds of the hosts"
READYZ = "curl -sk --max-time 1 -o /dev/null -w '%{http_code}' https://127.0.0.1:8443/readyz | grep -q 200"
READY = "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers 2>/dev/null | grep -cw Ready"


def everywhere(lab: Lab, command: str) -> list[str]:
    """Run a command on all hosts at once; return what each printed."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda host: lab.exec(host, command).stdout.strip(), lab.hosts()))


def floor(lab: Lab, attempts: int = 3) -> list[dict[str, float]]:
    """Start the emptied cluster more than once; return the seconds of each start.

    A kubelet that just misses the API retries after up to seven seconds, other programs after up to twenty.
    """
    return [start(lab) for _ in range(attempts)]


def fastest(starts: list[dict[str, float]]) -> dict[str, float]:
    """Return the start that was over first."""
    return min(starts, key=lambda found: max(seconds for name, seconds in found.items() if name != PROCESSOR))


def start(lab: Lab, limit: float = 120) -> dict[str, float]:
    """Start the emptied cluster; return the seconds until API and nodes are ready, and what they cost the hosts."""
    everywhere(lab, STOP)
    hosts = lab.hosts()
    spent, begin = lab.processor_seconds(), time.monotonic()
    everywhere(lab, START)
    found: dict[str, float] = {}
    while time.monotonic() - begin < limit:
        if "API on every host" not in found and all(lab.exec(host, READYZ).returncode == 0 for host in hosts):
            found["API on every host"] = time.monotonic() - begin
        if lab.exec(hosts[0], READY).stdout.strip() == str(len(hosts)):
            found.setdefault("API on every host", time.monotonic() - begin)
            found[f"{len(hosts)} nodes Ready"] = time.monotonic() - begin
            break
        time.sleep(0.1)
    else:
        found["gave up after"] = limit
    found[PROCESSOR] = lab.processor_seconds() - spent
    return found

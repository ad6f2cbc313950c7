# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a cluster up on this machine: sandbox hosts, the real playbook, and a table of what runs where."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.standins import use as rehearsal
from dev.tools.lab import TOP, Lab, kubernetes_version, require_binaries, table, tool

HOSTS = {"ha": 3, "single-master": 2}
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
ETCDCTL = (
    "ETCDCTL_API=3 etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt"
    " --cert /etc/etcd/pki/healthcheck-client.crt --key /etc/etcd/pki/healthcheck-client.key"
)


def refusal() -> str | None:
    """Return why no demo can run here; nothing when it can."""
    if platform.system() != "Linux":
        return f"The demo's hosts are systemd containers: they need Linux, this is {platform.system()}."
    if os.geteuid() != 0:
        return "The demo makes network namespaces and systemd containers: run it as root."
    return require_binaries()


def ask(lab: Lab, host: str, command: str) -> str:
    """Return what a command on a host prints; nothing when it fails."""
    done = lab.exec(host, command)
    return done.stdout.strip() if done.returncode == 0 else ""


def ask_json(lab: Lab, host: str, command: str) -> Any:
    """Return what a command on a host prints, as data."""
    return json.loads(ask(lab, host, command) or "null")


def node_rows(nodes: dict[str, Any]) -> list[list[str]]:
    """Return name, readiness, version, address, runtime of each Node object."""
    rows = []
    for node in nodes["items"]:
        status = node["status"]
        ready = next((c["status"] for c in status["conditions"] if c["type"] == "Ready"), "Unknown")
        address = next((a["address"] for a in status["addresses"] if a["type"] == "InternalIP"), "")
        info = status["nodeInfo"]
        state = "Ready" if ready == "True" else "NotReady"
        rows.append([node["metadata"]["name"], state, info["kubeletVersion"], address, info["containerRuntimeVersion"]])
    return rows


def leaders(lab: Lab, hosts: list[str]) -> list[list[str]]:
    """Return which host leads what."""
    first = hosts[0]
    rows = []
    for row in ask_json(lab, first, f"{ETCDCTL} endpoint status --cluster --write-out json") or []:
        if row["Status"]["leader"] == row["Status"]["header"]["member_id"]:
            rows.append(["etcd", row["Endpoint"]])
    for lease in ("kube-controller-manager", "kube-scheduler"):
        path = "{.spec.holderIdentity}"
        holder = ask(lab, first, f"{KUBECTL} -n kube-system get lease {lease} -o jsonpath='{path}'")
        rows.append([lease, holder.rpartition("_")[0] or holder or "none"])
    if address := lab.virtual_address():
        holder = next((host for host in hosts if ask(lab, host, f"ip -o addr show to {address}")), "none")
        rows.append([f"virtual address {address}", holder])
    return rows


def summary(lab: Lab, seconds: dict[str, float]) -> str:
    """Return the tables shown at the end."""
    hosts, version = lab.hosts(), kubernetes_version()
    nodes = ask_json(lab, hosts[0], f"{KUBECTL} get nodes -o json") or {"items": []}
    report = json.loads(lab.timing.read_text(encoding="utf-8"))
    phases = [[name, f"{value:.1f}"] for name, value in seconds.items()]
    phases += [[f"  {play['name']}", f"{play['seconds']:.1f}"] for play in report["plays"]]
    kubeconfig = (lab.pki / "admin.kubeconfig").relative_to(TOP)
    kubectl = shutil.which("kubectl") or shown(str(rehearsal.binary_directory(version) / version / "kubectl"))
    run = f"dev/sandbox/sandbox run --name {lab.name} --"
    parts = [
        table(["node", "state", "version", "address", "runtime"], node_rows(nodes)),
        table(["leads", "who"], leaders(lab, hosts)),
        table(["phase", "seconds"], phases),
        f"kubeconfig: {kubeconfig}\n"
        "The hosts live in a network of their own; commands reach it so:\n"
        f"  {run} {kubectl} --kubeconfig {kubeconfig} get pods -A\n"
        f"  {run} {shown(tool('ansible-playbook'))} site.yml -i {lab.inventory.relative_to(TOP)}\n"
        f"  dev/sandbox/sandbox exec --name {lab.name} {hosts[0]} -- journalctl -u kube-apiserver\n"
        "Remove it all: make demo-down",
    ]
    if rehearsal.replaced(version):
        parts.append(table(["REHEARSAL", "what it is"], rehearsal.rows(version)))
    return "\n\n".join(parts)


def shown(program: str) -> str:
    """Return the path of a program as a user types it here."""
    return os.path.relpath(program, TOP) if Path(program).is_relative_to(TOP) else program


def up(lab: Lab) -> int:
    """Make hosts, deploy, show; return the exit status."""
    version = kubernetes_version()
    if first := rehearsal.first_words(version):
        print(first + "\n", flush=True)
    if subprocess.run([TOP / "dev/tools" / "needs.sh"], check=False).returncode:
        return 1
    if reason := refusal():
        print(f"make demo: {reason}", file=sys.stderr)
        return 1
    if (notice := rehearsal.notice(version)) != first and notice:
        print(notice + "\n", flush=True)
    seconds: dict[str, float] = {}
    lab.down()
    begin = time.monotonic()
    lab.up(HOSTS[lab.topology])
    seconds["sandbox hosts"] = time.monotonic() - begin
    begin = time.monotonic()
    command = lab.playbook_command("site.yml")
    environment = {"ANSIBLE_STDOUT_CALLBACK": "hardway.kubernetes.phases", **lab.playbook_environment()}
    status = subprocess.run(command, cwd=TOP, env=environment, check=False).returncode
    seconds["site.yml"] = time.monotonic() - begin
    if status:
        print(
            "make demo: the playbook failed; the hosts are left for a look, `make demo-down` removes them",
            file=sys.stderr,
        )
        return status
    print("\n" + summary(lab, seconds))
    return 0


def main() -> int:
    """Bring the demo up or down; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("--topology", choices=sorted(HOSTS), default="ha")
    arguments = parser.parse_args()
    lab = Lab("demo", arguments.topology)
    try:
        if arguments.verb == "down":
            lab.down()
            return 0
        return up(lab)
    except subprocess.CalledProcessError as failure:
        print(f"make demo: {' '.join(map(str, failure.cmd))} failed", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the answer of a simulated host to a module, and to the few shell commands that ansible-core sends itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable

from dev.bench.simulated import cluster, pki, system
from dev.bench.simulated.state import Host, Stored

Answer = Callable[[Host, Mapping[str, Any], Stored], dict[str, Any]]
ANSWERS: dict[str, Answer] = {
    **{
        function.__name__: function
        for function in (
            *(system.setup, system.stat, system.group, system.user),
            *(system.host_preflight, system.running_info, system.cached_results, system.up_to_date),
            *(system.host_settings, system.files, system.artifact, system.image_archive, system.unit),
            *(system.host_health, pki.pki_certificate, pki.kubeconfig, pki.kubelet_certificate, pki.pki_info),
            *(cluster.etcd_health, cluster.manifest, cluster.cluster_lock, cluster.cluster_record, cluster.command),
            *(cluster.csr_approval, cluster.node_settings, cluster.cluster_info, cluster.workload_check),
            *(cluster.host_status, cluster.cluster_status),
        )
    },
    "etcd_auth": cluster.unchanging("etcd_auth", {"commands": []}, "roles", "users"),
    "etcd_key": cluster.unchanging("etcd_key", {"path": ""}, "path", "value"),
}


class Unanswerable(Exception):
    """A simulated host has no answer to this."""


def answer(stored: Stored, address: str, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a module on a host, with its arguments as ansible-core's modules return them."""
    function = ANSWERS.get(module)
    if function is None:
        return {
            "failed": True,
            "msg": f"module {module}: simulated hosts have no answer; add one in dev/bench/simulated",
        }
    if arguments.get("_ansible_check_mode"):
        return {"failed": True, "msg": f"module {module}: simulated hosts do not know check mode"}
    with stored.host(address) as host:
        result = function(host, arguments, stored)
    own = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
    return {**result, "invocation": {"module_args": own}}


def shell(command: str) -> str:
    """Return what a shell command of ansible-core prints: for its temporary directory and modes of files."""
    if "mkdir -p" in command and (found := re.search(r"ansible-tmp-[0-9.-]+", command)):
        return f"{found[0]}=/root/.ansible/tmp/{found[0]}\n"
    if re.search(r"(chmod|rm -f -r|chown) ", command):
        return ""
    if command.strip().startswith("echo ~") or "echo ~" in command:
        return "/root\n"
    raise Unanswerable(f"shell command: simulated hosts have no answer: {command[:200]}")

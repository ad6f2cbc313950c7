# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host joins by the printed commands, runs pods, and is managed once it is in the inventory."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import SANDBOX, tool
from tests.support.hosts.cluster import Cluster, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/join_info.yml"
GROUPS = ["etcd=n1", "master=n1", "lb="]
# Written by join.sh on the host.
LOG = "/root/join.log"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster with one node beside its master, and a host that is in no group."""
    need_cluster()
    made = Cluster("h-join", [*GROUPS, "node=n2"])
    with made.standing(3):
        made.deploy()
        yield made


def on_controller(cluster: Cluster, *command: str) -> str:
    """Run a command in the network of the hosts, and require success."""
    line = [str(SANDBOX), "run", "--name", cluster.name, "--", *command]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kernel_of_the_sandbox(cluster: Cluster) -> dict[str, Any]:
    """Return the variables by which the commands suit a host that shares the kernel of this machine."""
    command = [tool("ansible"), "n3", "-i", str(cluster.inventory), "-m", "hardway.kubernetes.host_settings", "--check"]
    answer = on_controller(cluster, "env", "ANSIBLE_CALLBACK_RESULT_FORMAT=json", *command)
    found, _end = json.JSONDecoder().raw_decode(answer[answer.index("{") :])
    features = found["ansible_facts"]["host_features"]
    return {"_node_features": features, "_containerd_features": features, "host_swap": True}


def printed(output: str, begin: str) -> str:
    """Return the rest of the printed line that begins so."""
    # Ansible wraps long lines.
    lines = re.sub(r"\n {6,}(?!-)", " ", output)
    found = re.search(rf"^\s*- '?\"?{re.escape(begin)}(.*?)'?\"?$", lines, re.MULTILINE)
    assert found, output[-4000:]
    return found[1].replace("''", "'")


def follow(cluster: Cluster, output: str) -> None:
    """Do what the playbook has printed, line by line."""
    directory = Path(printed(output, "Directory with the token, for the administrator of this host alone: "))
    for kind, begin in {"binaries": "binaries/NAME: ", "images": "images/NAME.tar: "}.items():
        paths = re.search(rf"as {re.escape(begin)}(.*?)['\"]?$", re.sub(r"\n {6,}(?!-)", " ", output), re.MULTILINE)
        (directory / kind).mkdir(exist_ok=True)
        for path in map(Path, paths[1].split() if paths else ()):
            (directory / kind / path.name).write_bytes(path.read_bytes())
    described = cluster.described()["vars"]
    options = [*shlex.split(described["ansible_ssh_args"]), "-i", described["ansible_ssh_private_key_file"]]
    program, *rest = shlex.split(printed(output, "Copy it to the host: "))
    on_controller(cluster, program, *options, *rest)
    start = printed(output, "Run there, as root: ")
    cluster.exec("n3", f"cd /root && systemd-run --unit=join --working-directory=/root sh -c '{start} > {LOG} 2>&1'")
    for begin in ("When it waits for them, approve: kubectl ", "Then: kubectl "):
        approval = printed(output, begin)
        wait_for(partial(says, cluster, f"waiting for an administrator: kubectl {approval}"), 300)
        cluster.kubectl("n1", approval)
    wait_for(lambda: "node n3 is Ready" in log(cluster) or not active(cluster, "join"), 300)
    assert "node n3 is Ready" in log(cluster), log(cluster)


def says(cluster: Cluster, line: str) -> bool:
    """Return whether the commands have printed a line."""
    return line in log(cluster)


def log(cluster: Cluster) -> str:
    """Return what the commands have printed on the host."""
    return cluster.exec("n3", f"cat {LOG}").stdout


def active(cluster: Cluster, unit: str) -> bool:
    """Return whether a unit of the host is active."""
    return cluster.exec("n3", f"systemctl is-active {unit}").stdout.strip() in ("active", "activating")


def address(cluster: Cluster) -> str:
    """Return the address of the host."""
    return str(cluster.described()["hosts"]["n3"]["ansible_host"])


def test_the_printed_commands_join_the_host(cluster: Cluster) -> None:
    asked = ("-e", "node=n3", "-e", f"address={address(cluster)}", "-e", json.dumps(kernel_of_the_sandbox(cluster)))
    checked = cluster.run(*asked, "--check", playbook=PLAYBOOK)
    assert checked.status == 0 and not (cluster.inventory / ".joins").exists(), checked.failure
    done = cluster.run(*asked, playbook=PLAYBOOK)
    assert done.status == 0, done.failure
    follow(cluster, done.output)
    revoke = shlex.split(printed(done.output, "To revoke the token: "))
    number = revoke[-1].removeprefix("revoke=")
    assert cluster.run("-e", "list=true", playbook=PLAYBOOK).output.count(number) == 1
    revoked = cluster.run(*revoke[-2:], playbook=PLAYBOOK)
    assert revoked.status == 0 and f"Removed: {number}" in revoked.output, revoked.failure
    assert number not in cluster.run("-e", "list=true", playbook=PLAYBOOK).output


def test_pods_run_on_it_and_their_logs_can_be_read(cluster: Cluster) -> None:
    """The kubelet serves with a certificate that the API server accepts, and the network reaches the pod."""
    dns = "-n kube-system get pods -l k8s-app=kube-dns -o json"
    cluster.kubectl("n1", "cordon n2")
    try:
        cluster.kubectl("n1", "-n kube-system delete pods -l k8s-app=kube-dns --wait=true --timeout=120s")

        def ready() -> list[dict[str, Any]]:
            pods = json.loads(cluster.kubectl("n1", dns))["items"]
            return [
                pod
                for pod in pods
                if all(one["ready"] for one in pod["status"].get("containerStatuses", [{"ready": False}]))
            ]

        wait_for(lambda: bool(ready()), 180)
        (pod, *_others) = ready()
        assert pod["spec"]["nodeName"] == "n3"
        assert cluster.kubectl("n1", f"-n kube-system logs {pod['metadata']['name']}")
        answer = cluster.exec(
            "n2", f"curl -s --max-time 5 -o /dev/null -w '%{{http_code}}' http://{pod['status']['podIP']}:8181/ready"
        )
        assert answer.stdout == "200"
    finally:
        cluster.kubectl("n1", "uncordon n2")


def test_verify_and_site_report_it_and_leave_it_alone(cluster: Cluster) -> None:
    started = cluster.starts()
    done = cluster.run()
    assert done.status != 0 and done.changed == {}, done.failure
    assert "node n3: not in the inventory; add it there, or run remove_node.yml" in " ".join(done.output.split())
    assert cluster.starts() == started


def test_site_manages_it_once_it_is_in_the_inventory(cluster: Cluster) -> None:
    """The same Node, with its client certificate; then a second run changes nothing."""
    shown = "get node n3 -o jsonpath='{.metadata.uid} {.spec.podCIDR}'"
    before = cluster.kubectl("n1", shown)
    certificate = cluster.exec("n3", "sha256sum /var/lib/kubelet/pki/kubelet-client-current.pem").stdout
    cluster.groups = [*GROUPS, "node=n2,n3"]
    cluster.write_inventory()
    cluster.deploy()
    assert cluster.kubectl("n1", shown) == before
    assert cluster.exec("n3", "sha256sum /var/lib/kubelet/pki/kubelet-client-current.pem").stdout == certificate
    assert cluster.deploy().changed == {}

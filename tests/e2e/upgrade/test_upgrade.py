# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A highly available cluster goes to the next minor, killed in the middle, while clients go on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.tools.lab import SANDBOX, TOP
from tests.support.hosts.cluster import Cluster, Run, unharmed
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/upgrade.yml"
BEFORE, AFTER = "1.35.6", "1.36.2"
CONFIRM = ("-e", "confirm=kubernetes")
TO = ("-e", f"to={AFTER}")
CLIENT = Path(__file__).with_name("dns_client.py")
KILLS = int(os.environ.get("HARDWAY_KILLS", "4"))
# Tasks of a run: before the verification, and about where the nodes begin.
FIRST, LAST = 12, 150
# An operator's drop-in with which the newer kubelet does not start.
DROP_IN = "/etc/systemd/system/kubelet.service.d/50-own.conf"
OLD_ONLY = f'[Service]\nExecStartPre=/bin/sh -c "/usr/local/bin/kubelet --version | grep -q v{BEFORE}"'
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of the minor before; its inventory names no version of Kubernetes."""
    need_versions(BEFORE, AFTER)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBERNETES_VERSION", BEFORE)
        need_cluster()
        made = Cluster("e2e-upgrade", [])
        with made.standing(3):
            made.deploy()
            expose = "expose deployment coredns --name dns-client --type NodePort --port 53 --protocol UDP"
            made.kubectl("n1", f"-n kube-system {expose}")
            yield made


def upgrade(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def refusal(cluster: Cluster, *arguments: str) -> str:
    """Run the playbook, which must change nothing and fail; return what it says."""
    before = cluster.starts()
    done = upgrade(cluster, *arguments)
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert cluster.starts() == before
    return " ".join(done.output.split())


def versions(cluster: Cluster) -> set[str]:
    """Return the versions of the kubelets and of all API servers."""
    nodes = "get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}"
    # Each host's kubeconfig has its own API server.
    served = [json.loads(cluster.kubectl(host, "version -o json")) for host in cluster.hosts()]
    found = [one["serverVersion"]["gitVersion"] for one in served]
    return {version.lstrip("v") for version in (*cluster.kubectl("n1", nodes).split(), *found)}


def cordoned(cluster: Cluster) -> list[str]:
    """Return the nodes that are cordoned."""
    return cluster.kubectl(
        "n1", "get nodes --field-selector spec.unschedulable=true -o jsonpath={.items[*].metadata.name}"
    ).split()


@contextmanager
def resolving(cluster: Cluster, host: str) -> Iterator[dict[str, int]]:
    """Query the cluster DNS through a node port while the block runs; the result is available after it."""
    port = cluster.kubectl("n1", "-n kube-system get service dns-client -o jsonpath={.spec.ports[0].nodePort}")
    address = cluster.kubectl("n1", f"get node {host} -o jsonpath={{.status.addresses[0].address}}")
    line = [str(SANDBOX), "run", "--name", cluster.name, "--", sys.executable, str(CLIENT), address, port]
    environment = {**os.environ, "PYTHONPATH": str(TOP / ".collections")}
    seen: dict[str, int] = {}
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP, env=environment
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield seen
        finally:
            answer, _errors = process.communicate("stop\n", timeout=60)
            seen.update(json.loads(answer))


def test_a_version_that_cannot_be_reached_is_refused(cluster: Cluster) -> None:
    assert "to: not set; name the version" in refusal(cluster)
    assert f"run {BEFORE}, and 1.35.1 is older" in refusal(cluster, "-e", "to=1.35.1", *CONFIRM)
    assert "no release of 1.37 is known" in refusal(cluster, "-e", "to=1.38.0", *CONFIRM)
    assert "confirm: prod is not the name" in refusal(cluster, *TO, "-e", "confirm=prod")
    assert "force: rom: unknown" in refusal(cluster, *TO, "-e", "force=rom")


def test_what_stands_in_the_way_is_reported_at_once(cluster: Cluster) -> None:
    pod = {"spec": {"nodeName": "n3", "containers": [{"name": "c", "image": "none.example.org/none"}]}}
    budget = {"spec": {"minAvailable": 2, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}}}
    client = {"service": {"namespace": "default", "name": "none"}, "caBundle": ""}
    hook = {"name": "a.example.org", "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"]}
    hook["rules"] = [
        {"apiGroups": ["none.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
    ]
    objects = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, **pod},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "strict", "namespace": "kube-system"},
            **budget,
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "gone"},
            "webhooks": [hook],
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    assert (
        cluster.exec("n1", f"echo '{document}' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -").returncode
        == 0
    )
    said = refusal(cluster, *TO, *CONFIRM)
    assert "webhook gone (a.example.org, Service default/none): has no endpoint" in said
    assert "node n3: pods without a controller would be lost: default/bare" in said and "kube-system/coredns" in said
    cluster.kubectl("n1", "delete pod/bare validatingwebhookconfiguration/gone --now")
    cluster.kubectl("n1", "-n kube-system delete pdb strict")


def test_a_flag_that_the_new_binary_does_not_know_is_refused(cluster: Cluster) -> None:
    flags = json.dumps({"master_scheduler_args": {"gone": 1}, "node_kubelet_args": {"v": 3}})
    said = refusal(cluster, *TO, *CONFIRM, "-e", flags)
    assert f"master_scheduler_args of n1, n2, n3: kube-scheduler {AFTER} does not know --gone" in said
    assert cluster.exec("n1", "ls /var/lib/hardway/upgrade").returncode != 0


def test_the_plan_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    before, plan = cluster.starts(), tmp_path / "plan.json"
    done = upgrade(cluster, *TO, "-e", f"plan_file={plan}")
    assert done.status == 0 and done.changed == {} and cluster.starts() == before, done.output[-3000:]
    text = " ".join(done.output.split())
    assert f"To {AFTER}: control plane of n1, n2, n3, one host at a time, from {BEFORE}; then nodes n1, n2, n3" in text
    assert f"-e to={AFTER} -e confirm=kubernetes" in text
    assert json.loads(plan.read_text())["hops"] == [AFTER]
    checked = upgrade(cluster, *TO, *CONFIRM, "--check")
    assert (
        checked.status == 0
        and sum(n for (_p, _r, name), n in checked.changes.items() if name == "Drain the nodes of this batch") == 3
    ), checked.output[-3000:]
    assert cluster.starts() == before and cordoned(cluster) == []


def test_killed_and_with_a_node_that_fails_it_is_finished_and_no_client_notices(cluster: Cluster) -> None:
    print(f"seed {SEED}")
    written = f"mkdir -p {Path(DROP_IN).parent} && echo '{OLD_ONLY}' > {DROP_IN} && systemctl daemon-reload"
    assert cluster.exec("n3", written).returncode == 0
    cluster.deploy()
    cluster.kubectl("n1", "cordon n2")
    chosen = random.Random(SEED)
    with cluster.polling() as poll, resolving(cluster, "n3") as resolved:
        for tasks in sorted(chosen.sample(range(FIRST, LAST), KILLS)):
            ended = kill_after(cluster, chosen.random() * 5, tasks, (*TO, *CONFIRM), PLAYBOOK)
            print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
        failed = upgrade(cluster, *TO, *CONFIRM)
        assert failed.status != 0, failed.output[-6000:]
        assert f"node n3: not upgraded, back to {BEFORE}, and cordoned" in " ".join(failed.output.split())
        assert versions(cluster) == {BEFORE, AFTER} and cordoned(cluster) == ["n2", "n3"]
        assert cluster.kubectl("n1", "wait --for condition=Ready node/n3 --timeout 60s")
        assert cluster.exec("n3", f"rm {DROP_IN} && systemctl daemon-reload").returncode == 0
        done = upgrade(cluster, *TO, *CONFIRM)
    assert done.status == 0, done.output[-6000:]
    assert versions(cluster) == {AFTER} and cordoned(cluster) == ["n2"]
    # There, no kubelet ran while the newer one did not start.
    assert {event.partition(".")[0] for event in cluster.nodes_lost()} <= {"n3"}
    print(poll, resolved)
    unharmed(poll, "upgrade to the next minor, killed in the middle")
    assert resolved["requests"] > 100 and resolved["failures"] == 0, resolved
    started = {name: int(start.split()[1]) for name, start in cluster.starts().items()}
    assert max(started[f"{host} kube-apiserver"] for host in cluster.hosts()) < min(
        started[f"{host} kubelet"] for host in cluster.hosts()
    )
    again = upgrade(cluster, *TO, *CONFIRM)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]
    assert "Nothing is to be done." in again.output

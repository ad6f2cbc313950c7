# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster goes to the next minor and back, with a soak time and without, killed in between, while clients go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.cluster import KUBECTL, Cluster, Run, unharmed
from tests.support.hosts.killed_run import kill_at, last_task
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

UPGRADE, ROLLBACK = "playbooks/upgrade.yml", "playbooks/rollback.yml"
BEFORE, AFTER = "1.35.6", "1.36.2"
CONFIRM = ("-e", "confirm=kubernetes")
TO = ("-e", f"to={AFTER}")
SOAK = (*TO, "-e", "upgrade_soak=true")
FINISH = ("-e", "finish=true")
# Restarts the masters, one after the other.
CONTROL_PLANE = "hardway.kubernetes.master : Run the control plane"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of the minor before; its inventory names no version of Kubernetes."""
    need_versions(BEFORE, AFTER)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBERNETES_VERSION", BEFORE)
        need_cluster()
        made = Cluster("e2e-rollback", [])
        with made.standing(3):
            made.deploy()
            made.forget()
            yield made


def operate(cluster: Cluster, playbook: str, *arguments: str) -> Run:
    """Run a playbook, and require success."""
    begin = time.monotonic()
    done = cluster.run(*arguments, playbook=playbook)
    seconds = time.monotonic() - begin
    print(f"{playbook} {' '.join(arguments)}: {seconds:.0f} s, {sum(done.changed.values())} changes")
    assert done.status == 0, done.output[-6000:]
    return done


def said(done: Run) -> str:
    """Return what a run has printed, in one line."""
    return " ".join(done.output.replace('"', "").split())


def unchanged(cluster: Cluster, playbook: str, *arguments: str) -> str:
    """Run a playbook, which must succeed and change nothing; return what it says."""
    before = cluster.starts()
    done = operate(cluster, playbook, *arguments)
    assert done.changed == {} and cluster.starts() == before, done.changed
    return said(done)


def killed(cluster: Cluster, playbook: str, *arguments: str) -> None:
    """Kill a playbook while it restarts the masters."""
    assert not kill_at(cluster, CONTROL_PLANE, arguments, playbook)
    print(f"{playbook} killed in {last_task(cluster)}")


def servers(cluster: Cluster) -> list[str]:
    """Return version and emulated minor of each API server."""
    found = [json.loads(cluster.kubectl(host, "get --raw /version")) for host in cluster.hosts()]
    return [f"{one['gitVersion'].lstrip('v')} as {one['emulationMajor']}.{one['emulationMinor']}" for one in found]


def kubelets(cluster: Cluster) -> set[str]:
    """Return the versions of the kubelets."""
    shown = cluster.kubectl("n1", "get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}")
    return {version.lstrip("v") for version in shown.split()}


def record(cluster: Cluster) -> dict[str, Any]:
    """Return the cluster record, of which every master has a copy."""
    found = json.loads(cluster.kubectl("n1", "-n kube-system get configmap hardway-cluster -o jsonpath={.data.*}"))
    for host in cluster.hosts():
        assert json.loads(cluster.exec(host, "cat /etc/kubernetes/hardway-cluster.json").stdout) == found
    return dict(found)


def state(cluster: Cluster) -> tuple[str, Any]:
    """Return version and state of an upgrade in the cluster record."""
    found = record(cluster)
    return found["versions"]["kubernetes"], found.get("upgrade", {})


def emulating(cluster: Cluster) -> set[str]:
    """Return the programs that run with the flag, on all hosts."""
    lines = [cluster.exec(host, "ps -eo args").stdout.splitlines() for host in cluster.hosts()]
    found = [{Path(line.split()[0]).name for line in host if "--emulated-version=1.35" in line} for host in lines]
    assert all(one == found[0] for one in found), found
    return found[0]


def write(cluster: Cluster) -> None:
    """Store objects of several kinds."""
    spec: dict[str, Any] = {"replicas": 0, "selector": {"matchLabels": {"app": "a"}}}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "example.org/c"}]}}
    rule = {"apiGroups": ["none.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    objects = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "soaked"}, "stringData": {"a": "b"}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "soaked"},
            "spec": {**spec, "template": template},
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "soaked"},
            "spec": policy,
        },
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "soaked"},
            "spec": {"holderIdentity": "test"},
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    assert cluster.exec("n1", f"echo '{document}' | {KUBECTL} apply -f -").returncode == 0


def stored(cluster: Cluster) -> list[Any]:
    """Return these objects as every API server returns them."""
    kinds = "secret,deployment,validatingadmissionpolicy,lease"
    found = []
    for host in cluster.hosts():
        items = json.loads(cluster.kubectl(host, f"get {kinds} -o json"))["items"]
        found.append(
            [(one["kind"], one.get("spec"), one.get("data")) for one in items if one["metadata"]["name"] == "soaked"]
        )
    assert found[0] == found[1] == found[2] and len(found[0]) == 4
    return found[0]


def test_without_an_upgrade_there_is_nothing_to_go_back_from(cluster: Cluster) -> None:
    assert "Nothing to go back from" in unchanged(cluster, ROLLBACK, *CONFIRM)
    refused = cluster.run(*FINISH, *TO, playbook=UPGRADE)
    assert refused.status != 0 and "finish: takes no other version" in said(refused)


def test_an_upgrade_that_soaks_goes_back_in_its_middle_and_after_it(cluster: Cluster) -> None:
    plan = unchanged(cluster, UPGRADE, *SOAK)
    assert "Way back: rollback.yml brings the control plane to 1.35.6 again" in plan
    assert f"-e to={AFTER} -e upgrade_soak=true -e confirm=kubernetes" in plan
    with cluster.polling() as poll:
        killed(cluster, UPGRADE, *SOAK, *CONFIRM)
        assert state(cluster) == (BEFORE, {"former": BEFORE, "emulated": "1.35", "nodes": BEFORE})
        operate(cluster, ROLLBACK, *CONFIRM)
        assert servers(cluster) == [f"{BEFORE} as 1.35"] * 3 and state(cluster) == (BEFORE, {})
        done = operate(cluster, UPGRADE, *SOAK, *CONFIRM)
    unharmed(poll, "upgrade with a soak time, killed and taken back in its middle")
    assert "until upgrade.yml -e finish=true ends the soak time" in said(done)
    assert servers(cluster) == [f"{AFTER} as 1.35"] * 3 and kubelets(cluster) == {BEFORE}
    assert emulating(cluster) == set(PROGRAMS)
    unchanged(cluster, "site.yml")
    assert "soak as 1.35" in unchanged(cluster, UPGRADE, *TO, *CONFIRM)
    refused = cluster.run("-e", "to=1.37.0", *CONFIRM, playbook=UPGRADE)
    assert refused.status != 0 and "the control plane soaks as 1.35; end that first" in said(refused)
    shown = cluster.run("-e", "status_fail_on=never", playbook="playbooks/status.yml")
    assert shown.status == 0 and "soaks as 1.35" in said(shown), shown.output[-6000:]

    write(cluster)
    before = stored(cluster)
    plan = unchanged(cluster, ROLLBACK)
    assert f"Control plane: can go back, since it soaks: n1, n2, n3 to {BEFORE}" in plan
    with cluster.polling() as poll:
        killed(cluster, ROLLBACK, *CONFIRM)
        done = operate(cluster, ROLLBACK, *CONFIRM)
    unharmed(poll, "rollback of the control plane, killed in the middle")
    assert f"set cluster_kubernetes_version to {BEFORE}" in said(done)
    assert servers(cluster) == [f"{BEFORE} as 1.35"] * 3 and state(cluster) == (BEFORE, {})
    assert stored(cluster) == before
    unchanged(cluster, "site.yml")
    assert "Nothing is to be done." in unchanged(cluster, ROLLBACK, *CONFIRM)


def test_the_end_of_the_soak_time_closes_the_way_back_of_the_control_plane(cluster: Cluster) -> None:
    with cluster.polling() as poll:
        operate(cluster, UPGRADE, *SOAK, *CONFIRM)
        killed(cluster, UPGRADE, *FINISH, *CONFIRM)
        done = operate(cluster, UPGRADE, *FINISH, *CONFIRM)
    unharmed(poll, "upgrade with a soak time, and its end, killed in the middle")
    assert "No way back for API servers without a soak time" in said(done)
    assert servers(cluster) == [f"{AFTER} as 1.36"] * 3 and kubelets(cluster) == {AFTER}
    assert emulating(cluster) == set() and state(cluster) == (AFTER, {"former": BEFORE})
    assert "Nothing is to be done." in unchanged(cluster, UPGRADE, *FINISH, *CONFIRM)
    plan = unchanged(cluster, ROLLBACK)
    assert f"Nodes: can go back: n1, n2, n3 to {BEFORE}" in plan
    assert f"Control plane: cannot go back: {AFTER} may have stored objects in a form that 1.35 does not know" in plan
    assert stored(cluster)


def test_nodes_go_back_without_soak_time_and_stay_there_until_the_next_upgrade(cluster: Cluster) -> None:
    with cluster.polling() as poll:
        assert not kill_at(cluster, "Drain the nodes of this batch", CONFIRM, ROLLBACK)
        operate(cluster, ROLLBACK, *CONFIRM)
    unharmed(poll, "rollback of the nodes, killed in the middle")
    assert servers(cluster) == [f"{AFTER} as 1.36"] * 3 and kubelets(cluster) == {BEFORE}
    assert state(cluster) == (AFTER, {"former": BEFORE, "nodes": BEFORE})
    unchanged(cluster, "site.yml")
    assert "Nothing is to be done." in unchanged(cluster, ROLLBACK, *CONFIRM)
    operate(cluster, UPGRADE, *TO, *CONFIRM)
    assert kubelets(cluster) == {AFTER} and state(cluster) == (AFTER, {"former": BEFORE})

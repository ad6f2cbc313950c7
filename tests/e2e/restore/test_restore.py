# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A highly available cluster with clients is restored, set back, killed in the middle, and loses its quorum."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.tools.lab import SANDBOX, TOP
from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/restore.yml"
CONFIRM = ("-e", "confirm=kubernetes")
# A Secret with a token that has no expiry.
LEGACY: dict[str, object] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/service-account-token",
    "metadata": {"name": "legacy", "annotations": {"kubernetes.io/service-account.name": "default"}},
}
INFORMER = TOP / "tests/support/hosts/informer.py"
KILLS = int(os.environ.get("HARDWAY_KILLS", "10"))
# About as many tasks as a restore has before it runs site.yml.
TASKS = 35
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


class Saved:
    """The cluster, and an archive of its state before the third node joined."""

    def __init__(self, cluster: Cluster, archive: Path) -> None:
        """Remember them."""
        self.cluster, self.archive = cluster, archive

    def restore(self, *arguments: str) -> Run:
        """Restore the archive, and require success."""
        done = self.attempt(*arguments)
        assert done.status == 0, done.output[-6000:]
        return done

    def attempt(self, *arguments: str) -> Run:
        """Try to restore the archive."""
        return self.cluster.run("-e", f"archive={self.archive}", *arguments, playbook=PLAYBOOK)

    def names(self) -> set[str]:
        """Return the ConfigMaps of the test, by every API server alike."""
        found = [
            self.cluster.kubectl(host, "get configmaps -o jsonpath='{.items[*].metadata.name}'").split()
            for host in self.cluster.hosts()
        ]
        assert all(names == found[0] for names in found), found
        return {name for name in found[0] if not name.endswith("ca.crt")}

    def starts(self) -> dict[str, str]:
        """Return the starts of etcd and the API servers."""
        return {unit: start for unit, start in self.cluster.starts().items() if unit.endswith(("etcd", "apiserver"))}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """Deploy with two nodes, take a backup, let a third node join, rotate the encryption and the token key."""
    need_cluster()
    made = Cluster("e2e-restore", ["node=n1,n2"])
    fetched = tmp_path_factory.mktemp("fetched")
    with made.standing(3):
        made.deploy()
        made.kubectl("n1", "create configmap before")
        made.kubectl("n1", "create secret generic database --from-literal=password=needle4711")
        apply(made, LEGACY)
        done = made.run("-e", f"backup_fetch_dir={fetched}", playbook="playbooks/backup.yml")
        assert done.status == 0, done.output[-4000:]
        made.groups = []
        made.write_inventory()
        made.deploy()
        at_once = ("-e", "drop=true", "-e", "ca_service_account_key_min_age=1s")
        for name, arguments in (("encryption", ()), ("service_account", ()), ("service_account", at_once)):
            rotated = made.run(*arguments, playbook=f"playbooks/rotate_{name}_key.yml")
            assert rotated.status == 0, rotated.output[-4000:]
        assert made.nodes_lost() == set()
        (archive,) = fetched.iterdir()
        yield Saved(made, archive)


@contextmanager
def informing(cluster: Cluster, log: Path) -> Iterator[None]:
    """Run an informer beside the hosts."""
    credentials = [str(cluster.pki / name) for name in ("ca.crt", "admin.crt", "admin.key")]
    url = f"https://{cluster.virtual_address()}:6443"
    line = [str(SANDBOX), "run", "--name", cluster.name, "--", sys.executable, str(INFORMER), url, *credentials]
    with log.open("w", encoding="utf-8") as output, subprocess.Popen(line, stdout=output, cwd=TOP) as process:
        try:
            wait_for(lambda: "list" in log.read_text(encoding="utf-8"))
            yield
        finally:
            process.terminate()


def test_the_plan_says_what_is_lost_and_changes_nothing(saved: Saved, tmp_path: Path) -> None:
    cluster = saved.cluster
    cluster.kubectl("n2", "create configmap after")
    before, plan = saved.starts(), tmp_path / "plan.json"
    done = saved.restore("-e", f"plan_file={plan}")
    assert done.changed == {} and saved.starts() == before
    text = " ".join(done.output.split())
    assert "created since, will be lost: " in text and "configmaps 1, csinodes 1, nodes 1" in text, text[-3000:]
    assert "nodes that joined since, and join again: n3" in text
    assert "-e confirm=kubernetes" in text
    assert json.loads(plan.read_text())["kind"] == "archive"
    listed = cluster.run(playbook=PLAYBOOK)
    assert listed.status == 0 and ":/var/backups/hardway/kubernetes-" in listed.output
    assert saved.restore("--check", *CONFIRM).changed["Put the restored data in place"] == 3
    assert saved.starts() == before and "after" in saved.names()


def test_what_does_not_fit_is_refused_before_anything_stops(saved: Saved, tmp_path: Path) -> None:
    before = saved.starts()
    content = bytearray(gzip.decompress(saved.archive.read_bytes()))
    content[len(content) // 2] ^= 1
    flipped = tmp_path / "flipped.tar.gz"
    flipped.write_bytes(gzip.compress(content))
    for archive, message in (
        (flipped, "damaged, take another copy"),
        (tmp_path / "none.tar.gz", "none.tar.gz"),
    ):
        done = saved.cluster.run("-e", f"archive={archive}", *CONFIRM, playbook=PLAYBOOK)
        assert done.status != 0 and message in " ".join(done.output.split()), done.output[-3000:]
    retired = saved.cluster.pki / "retired"
    retired.rename(retired.with_name("away"))
    try:
        keyless = saved.attempt(*CONFIRM)
    finally:
        retired.with_name("away").rename(retired)
    assert keyless.status != 0 and "encrypted with key key1, which" in " ".join(keyless.output.split())
    wrong = saved.attempt("-e", "confirm=another")
    assert wrong.status != 0 and "another is not the name of this cluster" in " ".join(wrong.output.split())
    assert saved.starts() == before


def test_a_restored_cluster_works_and_clients_notice(saved: Saved, tmp_path: Path) -> None:
    """Secrets and tokens are readable, the third node is back, an informer and kube-proxy follow."""
    cluster, log = saved.cluster, tmp_path / "informer.log"
    token = cluster.kubectl("n1", "create token default --duration=2h")
    legacy = cluster.kubectl("n1", "get secret legacy -o jsonpath='{.data.token}' | base64 -d")
    assert "Unauthorized" in identity(cluster, legacy)
    with informing(cluster, log):
        begin = time.monotonic()
        done = saved.restore(*CONFIRM)
        print(f"restored and verified in {time.monotonic() - begin:.0f} s")
        assert saved.names() == {"before"}
        wait_for(lambda: "expired\nlist before" in log.read_text(encoding="utf-8"))
    assert "needle4711" not in done.output
    secret = cluster.kubectl("n3", "get secret database -o jsonpath='{.data.password}' | base64 -d")
    assert secret == "needle4711"
    for each in (token, legacy):
        assert "system:serviceaccount:default:default" in identity(cluster, each)
    ready = cluster.kubectl("n1", "wait node --all --for condition=Ready --timeout 60s")
    assert ready.count("condition met") == 3
    follows(cluster)
    assert cluster.deploy().changed == {}
    repeated = saved.restore(*CONFIRM)
    assert repeated.changed == {} and "restored before" in " ".join(repeated.output.split())


def identity(cluster: Cluster, token: str) -> str:
    """Return whom the API server takes the bearer of a token for, or its error."""
    done = cluster.exec(
        "n1",
        f"kubectl --kubeconfig /dev/null --server https://{cluster.virtual_address()}:6443"
        f" --certificate-authority /etc/kubernetes/pki/ca.crt --token {token} auth whoami",
    )
    return str(done.stdout + done.stderr)


def apply(cluster: Cluster, *documents: dict[str, object]) -> None:
    """Create objects, or change them."""
    for document in documents:
        done = cluster.exec(
            "n1", f"echo '{json.dumps(document)}' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -"
        )
        assert done.returncode == 0, done.stderr


def follows(cluster: Cluster) -> None:
    """Require that kube-proxy on each node serves a new Service, whose endpoint is an API server."""
    name = f"again-{time.time_ns() % 10**8}"
    target = cluster.described()["hosts"]["n1"]["ansible_host"]
    ports = [{"name": "https", "port": 443, "targetPort": 6443}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}}
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": 6443}],
        "endpoints": [{"addresses": [target], "conditions": {"ready": True}}],
    }
    apply(cluster, service, endpoints)
    address = cluster.kubectl("n1", f"get service {name} -o jsonpath='{{.spec.clusterIP}}'")
    begin = time.monotonic()
    for host in cluster.hosts():
        wait_for(lambda host=host: cluster.exec(host, f"curl -ksm 2 https://{address}/healthz").stdout == "ok")  # type: ignore[misc]
    print(f"every kube-proxy serves a new Service after {time.monotonic() - begin:.1f} s")


def test_an_undo_brings_back_what_the_restore_has_replaced(saved: Saved, tmp_path: Path) -> None:
    cluster, log = saved.cluster, tmp_path / "informer.log"
    undo = ("-e", "undo=true")
    cluster.kubectl("n2", "create configmap between")
    with informing(cluster, log):
        done = cluster.run(*undo, *CONFIRM, playbook=PLAYBOOK)
        assert done.status == 0, done.output[-6000:]
        assert {"before", "after"} <= saved.names() and "between" not in saved.names()
        wait_for(lambda: "expired\nlist after before" in log.read_text(encoding="utf-8"))
    follows(cluster)
    again = cluster.run(*undo, *CONFIRM, playbook=PLAYBOOK)
    assert again.status == 0 and again.changed == {} and "has undone" in again.output


def test_a_restore_killed_at_random_points_is_finished_by_the_same_command(saved: Saved) -> None:
    cluster, chance = saved.cluster, random.Random(SEED)
    command = ("-e", f"archive={saved.archive}", "-e", "again=true", *CONFIRM)
    for attempt in range(KILLS):
        cluster.kubectl("n1", f"create configmap lost-{attempt}")
        tasks, seconds = 8 + attempt * (TASKS - 8) // KILLS + chance.randrange(3), chance.uniform(0, 4)
        ended = kill_after(cluster, seconds, tasks, command, PLAYBOOK)
        how = "finished before" if ended else "killed in"
        print(f"HARDWAY_SEED={SEED}: {how} task {tasks} + {seconds:.1f} s: {last_task(cluster)}")
        done = cluster.run(*command, playbook=PLAYBOOK)
        assert done.status == 0, done.output[-6000:]
        assert saved.names() == {"before"}, attempt
    states = cluster.exec("n1", "cat /var/lib/etcd/restore-*/state.json").stdout
    assert '"prepared"' not in states and states.count('"finished"') >= 2
    follows(cluster)


def test_a_surviving_member_forms_a_new_cluster(saved: Saved) -> None:
    """Two members lose their data. What the survivor has is served again by three members."""
    cluster = saved.cluster
    cluster.kubectl("n1", "create configmap kept")
    lost = ("-e", "mode=lost_quorum")
    healthy = cluster.run(*lost, *CONFIRM, playbook=PLAYBOOK)
    assert healthy.status == 0 and "etcd has a quorum" in healthy.output and healthy.changed == {}
    for host in ("n2", "n3"):
        cluster.exec(host, "systemctl stop etcd && rm -rf /var/lib/etcd/*")
    plan = cluster.run(*lost, playbook=PLAYBOOK)
    assert plan.status == 0 and "form a new cluster of n1, n2, n3" in " ".join(plan.output.split()), plan.output[-3000:]
    begin = time.monotonic()
    done = cluster.run(*lost, *CONFIRM, playbook=PLAYBOOK)
    assert done.status == 0, done.output[-6000:]
    print(f"from one member to a verified cluster in {time.monotonic() - begin:.0f} s")
    assert {"before", "kept"} <= saved.names()
    follows(cluster)
    assert cluster.deploy().changed == {}

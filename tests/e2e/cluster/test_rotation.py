# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, CAs and the token key are replaced while a client works; a cluster outlives their expiry."""

from __future__ import annotations

import json
import random
import subprocess
import time

import pytest

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.cluster import Cluster, unharmed, wait_for
from tests.support.hosts.rotation import CAS, KUBELET, SEED, fingerprints, on_hosts, run

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

# A validity period of seven minutes: of twelve minutes five are backdated.
SHORT = {
    "cluster_certificate_expiry": "12m",
    "master_controller_manager_args": {"cluster-signing-duration": "7m"},
}


def killed(cluster: Cluster, playbook: str, seconds: float) -> None:
    """Run a playbook and kill it with all its workers."""
    with (cluster.directory / "killed.log").open("a", encoding="utf-8") as log:
        line = cluster.command(playbook=f"playbooks/{playbook}.yml")
        process = subprocess.Popen(line, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(seconds)
        kill(family(process.pid))
        process.wait()


@pytest.mark.long
def test_cas_are_replaced_though_the_run_is_killed(cluster: Cluster) -> None:
    first = cluster.hosts()[0]
    before = {path: fingerprints(cluster, path) for path in CAS}
    pods, lost = cluster.kubectl(first, "get pods --namespace kube-system --output name"), cluster.nodes_lost()
    seconds = random.Random(SEED).uniform(5, 60)
    print(f"HARDWAY_SEED={SEED}: killed after {seconds:.0f} s")
    with cluster.polling() as poll:
        killed(cluster, "rotate_ca", seconds)
        run(cluster, "rotate_ca")
    unharmed(poll, "three CAs replaced")
    # Controllers with an old state would take the nodes for dead, and their pods out of all services.
    assert cluster.nodes_lost() == lost
    for path in CAS:
        after = fingerprints(cluster, path)
        assert len(after) == 1 and not after & before[path], path
    # openssl verifies: the kubelets' own certificates are of the new CA, and there is no other.
    verified = on_hosts(cluster, f"openssl verify -CAfile {CAS[0]} {KUBELET}")
    assert set(verified.values()) == {f"{KUBELET}: OK"}
    assert set(on_hosts(cluster, f"grep -c BEGIN {CAS[0]}").values()) == {"1"}
    published = cluster.kubectl(first, r"get configmap kube-root-ca.crt --output jsonpath='{.data.ca\.crt}'")
    assert published == cluster.exec(first, f"cat {CAS[0]}").stdout.strip()
    assert not set(pods.split()) & set(cluster.kubectl(first, "get pods -n kube-system -o name").split())
    assert not (cluster.pki / "rotation.json").exists()
    assert cluster.deploy().changed == {}


@pytest.mark.long
def test_all_certificates_are_reissued(cluster: Cluster) -> None:
    paths = (
        "/etc/kubernetes/pki/apiserver.crt",
        "/etc/etcd/pki/server.crt",
        "/etc/kubernetes/pki/kubelet.crt",
        KUBELET,
    )
    before = {path: fingerprints(cluster, path) for path in paths}
    etcd = {name: start for name, start in cluster.starts().items() if name.endswith(" etcd")}
    with cluster.polling() as poll:
        run(cluster, "renew")
    unharmed(poll, "every certificate renewed")
    assert all(not fingerprints(cluster, path) & before[path] for path in paths)
    assert cluster.took_turns("kubelet"), "each joins again when the one before is healthy"
    assert {name: start for name, start in cluster.starts().items() if name.endswith(" etcd")} == etcd
    assert cluster.deploy().changed == {}


@pytest.mark.long
def test_only_the_named_certificates_are_reissued(cluster: Cluster) -> None:
    before, starts = fingerprints(cluster, "/etc/kubernetes/pki/*.crt"), cluster.starts()
    run(cluster, "renew", renew_certificates=["apiserver"])
    assert len(before - fingerprints(cluster, "/etc/kubernetes/pki/*.crt")) <= 1
    after = cluster.starts()
    restarted = {name.split()[1] for name in after if after[name] != starts[name]}
    assert restarted == {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}


@pytest.mark.long
def test_tokens_of_the_old_key_are_valid_until_it_is_dropped(cluster: Cluster) -> None:
    first = cluster.hosts()[0]
    token = cluster.kubectl(first, "create token default")
    ask = f"kubectl --server https://{cluster.virtual_address()}:6443 --certificate-authority {CAS[0]}"
    ask += f" --token {token} auth whoami"
    with cluster.polling() as poll:
        run(cluster, "rotate_service_account_key")
        assert set(on_hosts(cluster, f"{ask} >/dev/null && echo valid").values()) == {"valid"}
        newer = cluster.kubectl(first, "create token default")
        early = cluster.run("-e", "drop=true", playbook="playbooks/rotate_service_account_key.yml")
        assert early.status != 0 and "tokens of the old key until" in " ".join(early.output.split())
        run(cluster, "rotate_service_account_key", drop=True, ca_service_account_key_min_age="1s")
    unharmed(poll, "token key replaced")
    assert set(on_hosts(cluster, f"{ask} >/dev/null && echo valid").values()) == {""}
    assert set(on_hosts(cluster, f"{ask.replace(token, newer)} >/dev/null && echo valid").values()) == {"valid"}
    assert cluster.deploy().changed == {}


@pytest.mark.long
def test_certificates_are_renewed_before_they_expire_and_repaired_afterwards(cluster: Cluster) -> None:
    first = cluster.hosts()[0]
    # Also the kubelets' own, which site.yml would leave alone for the year that they have.
    run(cluster, "renew", **SHORT, cluster_certificate_renew_before=0.01)
    containers = on_hosts(cluster, "pgrep coredns")
    wait_for(lambda: ends_within(cluster, 330), 300)
    with cluster.polling() as poll:
        assert cluster.deploy("-e", json.dumps({**SHORT, "cluster_certificate_renew_before": 0.5})).changed
    unharmed(poll, "saved before the expiry")
    # Kubelets renew theirs as long as there is an API.
    wait_for(lambda: ends_within(cluster, 0), 1200)
    assert "certificate" in cluster.exec(first, "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes").stderr
    cluster.deploy()
    assert on_hosts(cluster, "pgrep coredns") == containers, "pods never noticed"
    assert cluster.deploy().changed == {}


def ends_within(cluster: Cluster, seconds: int) -> bool:
    """True when every certificate of every host, and the administrator's, ends within so many seconds."""
    time.sleep(10)
    script = "for file in /etc/kubernetes/pki/apiserver*.crt /etc/kubernetes/pki/kube*.crt /etc/etcd/pki/[hps]*.crt"
    script += f" {KUBELET}; do openssl x509 -checkend {seconds} -noout -in $file >/dev/null && echo $file; done"
    return not any(on_hosts(cluster, script).values())

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose CAs' keys are on another machine: one run for all CSRs, then one to deploy."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import UNITS, Cluster
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

CAS = ("ca", "etcd/ca", "etcd-peer-ca", "front-proxy-ca")
PKI = "/etc/kubernetes/pki /etc/etcd/pki"
SERIALS = f"for path in $(find {PKI} -name '*.crt'); do openssl x509 -noout -serial -in $path; done | sort -u"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Return a directory that stands for the other machine, with CAs created by openssl."""
    for name in CAS:
        stem = tmp_path / name
        stem.parent.mkdir(exist_ok=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
        place = ["-subj", f"/O=Company/CN={stem.name}", "-keyout", f"{stem}.key", "-out", f"{stem}.crt"]
        extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        subprocess.run(["openssl", "req", "-x509", *key, *extensions, *place], check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def cluster(vault: Path) -> Iterator[Cluster]:
    """Return clean hosts of a single master and a node, with only the certificates of the CAs."""
    need_cluster()
    made = Cluster("e2e-elsewhere", [])
    made.topology = "single-master"
    made.groups = ["node=n1,n2"]
    with made.standing(2):
        settings = {"cluster_kubelet_intermediate": True}
        (made.inventory / "group_vars" / "all" / "cas.yml").write_text(json.dumps(settings), encoding="utf-8")
        for name in CAS:
            (made.pki / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(vault / f"{name}.crt", made.pki / f"{name}.crt")
        yield made


def sign(cluster: Cluster, vault: Path) -> list[str]:
    """Sign all waiting CSRs, as docs/operations/offline_csrs.md says; return them."""
    requests = sorted((cluster.pki / "requests").glob("*/*/*.csr"))
    for request in requests:
        name = request.parts[-3]
        stem = vault / {"etcd-ca": "etcd/ca"}.get(name, name)
        signer = ["-CA", f"{stem}.crt", "-CAkey", f"{stem}.key", "-copy_extensions", "copy", "-days", "365"]
        line = ["openssl", "x509", "-req", "-in", str(request), *signer, "-out", str(request.with_suffix(".crt"))]
        subprocess.run(line, check=True, capture_output=True)
    return [str(request) for request in requests]


def collected(cluster: Cluster, *arguments: str) -> str:
    """Run offline_csrs.yml and require success; return its output."""
    done = cluster.run(*arguments, playbook="playbooks/offline_csrs.yml")
    assert done.status == 0, done.output[-6000:]
    return done.output


def test_one_run_collects_all_csrs_and_one_deploys(cluster: Cluster, vault: Path) -> None:
    said = collected(cluster)
    requests = sign(cluster, vault)
    # Of the master 7 for Kubernetes and 3 for etcd, of each node 3, the administrator's, and the CA for kubelets.
    assert len(requests) == 7 + 3 + 2 * 3 + 1 + 1
    assert all(request in said for request in requests)
    for host in cluster.hosts():
        active = cluster.exec(host, f"systemctl is-active {' '.join(UNITS)}").stdout.split()
        assert "active" not in active
        assert cluster.exec(host, f"find {PKI} -name '*.crt'").stdout == ""
    assert "No CSR is waiting to be signed" in collected(cluster)

    cluster.deploy()
    assert not [path for path in (cluster.pki / "requests").rglob("*") if path.is_file()]
    assert cluster.deploy().changed == {}
    for playbook in ("playbooks/verify.yml", "playbooks/certificates.yml"):
        done = cluster.run(playbook=playbook)
        assert done.status == 0, done.output[-6000:]
    assert not [name for name in CAS if (cluster.pki / f"{name}.key").exists()]
    for host in cluster.hosts():
        assert cluster.exec(host, "find /etc -name 'ca.key' -o -name 'front-proxy-ca.key'").stdout == ""

    # Renewal works the same way, also for certificates that are not due.
    before = {host: set(cluster.exec(host, SERIALS).stdout.split()) for host in cluster.hosts()}
    starts = cluster.starts()
    renew = json.dumps({"cluster_certificate_renew": ["apiserver", "kubelet", "peer"]})
    collected(cluster, "-e", renew)
    assert cluster.starts() == starts
    assert len(sign(cluster, vault)) == 4
    cluster.deploy()
    assert cluster.deploy().changed == {}
    new = {host: set(cluster.exec(host, SERIALS).stdout.split()) - before[host] for host in cluster.hosts()}
    assert sorted(map(len, new.values())) == [1, 3]
    restarted = {unit for unit, start in cluster.starts().items() if start != starts[unit]}
    with_it = {"n1 kube-controller-manager", "n1 kube-scheduler"}
    assert restarted == {"n1 kube-apiserver", "n1 kubelet", "n2 kubelet"} | with_it

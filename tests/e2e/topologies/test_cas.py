# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters with CAs created elsewhere, of which one is no root, and with one for kubelets alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.standins import binaries
from dev.tools.lab import kubernetes_version
from tests.support.ca.company import of_a_company
from tests.support.hosts.cluster import Cluster, deploy_twice_and_verify
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

CA = "/etc/kubernetes/pki/ca.crt"
SIGNERS = "/etc/kubernetes/pki/*-signer.crt"
KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"


def of_kubeadm(directory: Path) -> None:
    """Let kubeadm create its files: three roots, and the key of the service accounts."""
    version = kubernetes_version()
    if not (kubeadm := binaries.READY / version / "kubeadm").is_file():
        pytest.skip(f"CAs of kubeadm are not tried: {kubeadm} is not available, and no stand-in for it")
    for phase in ("ca", "etcd-ca", "front-proxy-ca", "sa"):
        command = [str(kubeadm), "init", "phase", "certs", phase, "--cert-dir", str(directory)]
        subprocess.run([*command, "--kubernetes-version", f"v{version}"], check=True, capture_output=True)


CAS: dict[str, tuple[Callable[[Path], None], bool]] = {
    "kubeadm": (of_kubeadm, False),
    "company": (of_a_company, False),
    "company-and-kubelets": (of_a_company, True),
}


@pytest.fixture(params=CAS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """Return clean hosts, and the CAs that their inventory uses."""
    need_cluster()
    make, intermediate = CAS[request.param]
    make(tmp_path)
    made = Cluster("e2e-cas", ["lb=n1,n2,n3"])
    with made.standing(3):
        settings = {"ca_import_dir": str(tmp_path), "cluster_kubelet_intermediate": intermediate}
        (made.inventory / "group_vars" / "all" / "cas.yml").write_text(json.dumps(settings), encoding="utf-8")
        yield made


def test_a_cluster_is_deployed_below_them_left_alone_and_verified(cluster: Cluster, tmp_path: Path) -> None:
    deploy_twice_and_verify(cluster)
    reported = cluster.run(playbook="playbooks/certificates.yml")
    assert reported.status == 0, reported.output[-6000:]

    given = next(path for path in (tmp_path / "ca.crt", tmp_path / "ca.pem") if path.is_file()).read_text()
    ca = given[: given.index("-----END CERTIFICATE-----")]
    for host in cluster.hosts():
        trusted = cluster.exec(host, f"cat {CA}").stdout
        assert trusted.startswith(ca) and trusted.count("BEGIN") == 1, "only the CA, not the one above it"
        # openssl verifies that the certificates of kubelets lead there, over the CA that signs for them.
        verify = f"openssl verify -partial_chain -CAfile {CA} -untrusted {SIGNERS} {KUBELET}"
        done = cluster.exec(host, verify)
        assert done.stdout.strip() == f"{KUBELET}: OK", done.stderr
        up = cluster.exec(host, "echo 'show stat' | socat stdio /run/haproxy/admin.sock").stdout
        assert len([line for line in up.splitlines() if line.startswith("api,n") and ",UP," in line]) == 3, up

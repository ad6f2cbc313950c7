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
from tests.e2e.cluster.cluster import Cluster, mispredicted
from tests.e2e.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

CA = "/etc/kubernetes/pki/ca.crt"
SIGNERS = "/etc/kubernetes/pki/*-signer.crt"
KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"


def openssl(directory: Path, *arguments: str) -> None:
    """Run openssl in a directory."""
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def of_kubeadm(directory: Path) -> None:
    """Let kubeadm create its files: three roots, and the key of the service accounts."""
    version = kubernetes_version()
    if not (kubeadm := binaries.READY / version / "kubeadm").is_file():
        pytest.skip(f"CAs of kubeadm are not tried: {kubeadm} is not available, and no stand-in for it")
    for phase in ("ca", "etcd-ca", "front-proxy-ca", "sa"):
        command = [str(kubeadm), "init", "phase", "certs", phase, "--cert-dir", str(directory)]
        subprocess.run([*command, "--kubernetes-version", f"v{version}"], check=True, capture_output=True)


def of_a_company(directory: Path) -> None:
    """Create a CA signed by a root whose key is removed; both certificates are in the file, as cfssl names it."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
    root = ["-subj", "/O=Company/CN=root", "-keyout", "root-key.pem", "-out", "root.pem"]
    openssl(directory, "req", "-x509", *key, *root)
    below = ["-subj", "/O=Company/CN=cluster", "-CA", "root.pem", "-CAkey", "root-key.pem"]
    below += [
        "-addext",
        "basicConstraints=critical,CA:true,pathlen:1",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ]
    openssl(directory, "req", "-x509", *key, *below, "-keyout", "ca-key.pem", "-out", "ca.pem")
    (directory / "root-key.pem").unlink()
    with (directory / "ca.pem").open("a", encoding="utf-8") as bundle:
        bundle.write((directory / "root.pem").read_text(encoding="utf-8"))


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
    cluster.found()
    assert mispredicted(cluster.checked, cluster.first) == {}
    before = cluster.starts()
    assert cluster.deploy().changed == {}
    assert cluster.starts() == before
    verified = cluster.run(playbook="playbooks/verify.yml")
    assert verified.status == 0, verified.output[-6000:]
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

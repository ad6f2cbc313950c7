# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs and intermediate CAs are replaced while runs are killed in every step, and by the CA of a company."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.ca.company import of_a_company, openssl
from tests.support.hosts.cluster import Cluster, unharmed, wait_for
from tests.support.hosts.rotation import CAS, KUBELET, SEED, fingerprints, on_hosts, run

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow, pytest.mark.long]

SIGNER = "/etc/kubernetes/pki/kubelet-ca-signer.crt"
VERIFY = f"openssl verify -partial_chain -CAfile {CAS[0]} -untrusted {SIGNER} {KUBELET}"


def steps(cluster: Cluster) -> set[str]:
    """Return the steps of the rotations."""
    path = cluster.pki / "rotation.json"
    return {state["step"] for state in json.loads(path.read_text()).values()} if path.is_file() else set()


def killed_in(cluster: Cluster, step: str, seconds: float) -> None:
    """Run the rotation, and kill it with all its workers so long after it has taken a step."""
    with (cluster.directory / "killed.log").open("a", encoding="utf-8") as log:
        line = cluster.command(playbook="playbooks/rotate_ca.yml")
        process = subprocess.Popen(line, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: steps(cluster) == {step}, 600)
        time.sleep(seconds)
        assert process.poll() is None and steps(cluster) == {step}, "it is killed in that step"
        kill(family(process.pid))
        process.wait()


def forged_kubeconfig(cluster: Cluster, directory: Path) -> Path:
    """Return an administrator's kubeconfig made with a stolen key of a master's CA."""
    stem = ["-out", "thief.csr", "-keyout", "thief.key", "-nodes", "-subj", "/O=system:masters/CN=thief"]
    openssl(directory, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *stem)
    signer = ["-CA", str(cluster.pki / "kubelet-ca.crt"), "-CAkey", str(cluster.pki / "kubelet-ca.key")]
    openssl(directory, "x509", "-req", "-in", "thief.csr", *signer, "-days", "1", "-out", "thief.crt")
    return directory / "thief"


def admitted(cluster: Cluster, who: Path) -> str:
    """Return the API's answer to a client with this certificate."""
    url = f"https://{cluster.virtual_address()}:6443/api/v1/secrets"
    line = ["curl", "--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}"]
    line += ["--cert", f"{who}.crt", "--key", f"{who}.key", url]
    return str(cluster.sandbox("run", "--", *line, capture_output=True).stdout.strip())


def test_all_are_replaced_though_a_run_is_killed_in_every_step(cluster: Cluster, tmp_path: Path) -> None:
    cluster.settings["cluster_kubelet_intermediate"] = True
    cluster.deploy()
    before = {path: fingerprints(cluster, path) for path in (*CAS, SIGNER)}
    thief, chance = forged_kubeconfig(cluster, tmp_path), random.Random(SEED)
    assert admitted(cluster, thief) == "200"
    with cluster.polling() as poll:
        for step in ("trust", "issue", "drop"):
            seconds = chance.uniform(2, 40)
            print(f"HARDWAY_SEED={SEED}: killed {seconds:.0f} s after {step}")
            killed_in(cluster, step, seconds)
        run(cluster, "rotate_ca")
    unharmed(poll, "four CAs replaced, killed in every step")
    for path, old in before.items():
        after = fingerprints(cluster, path)
        assert len(after) == 1 and not after & old, path
    assert set(on_hosts(cluster, VERIFY).values()) == {f"{KUBELET}: OK"}
    assert admitted(cluster, thief) == "401"
    assert not (cluster.pki / "rotation.json").exists()
    assert cluster.deploy().changed == {}


def test_the_ca_of_a_company_replaces_ours(cluster: Cluster, tmp_path: Path) -> None:
    of_a_company(tmp_path)
    given = (tmp_path / "ca.pem").read_text(encoding="utf-8")
    with cluster.polling() as poll:
        run(cluster, "rotate_ca", ca_rotated=["ca"], ca_rotation_import_dir=str(tmp_path))
    unharmed(poll, "CA replaced by one of a company")
    trusted = set(on_hosts(cluster, f"cat {CAS[0]}").values())
    assert trusted == {given[: given.index("-----BEGIN", 1)].strip()}, "only that CA, not the one above it"
    assert set(on_hosts(cluster, VERIFY).values()) == {f"{KUBELET}: OK"}
    assert cluster.deploy().changed == {}

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/certificates.yml on a finished cluster: all certificates, thresholds, listeners."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]


def look(cluster: Cluster, **options: object) -> Run:
    """Run the playbook with these options."""
    return cluster.run("-e", json.dumps(options), playbook="playbooks/certificates.yml")


def fingerprint(cluster: Cluster, host: str, command: str) -> str:
    """Return the SHA-256 that openssl gives to a certificate on a host."""
    said = cluster.exec(host, f"{command} | openssl x509 -noout -fingerprint -sha256").stdout
    return said.strip().rpartition("=")[2].replace(":", "").lower()


def test_every_certificate_of_every_host_is_reported(cluster: Cluster, tmp_path: Path) -> None:
    written, metrics = tmp_path / "all.json", tmp_path / "certificates.prom"
    done = look(cluster, certificates_json=str(written), certificates_textfile=str(metrics))
    assert done.status == 0, done.output[-3000:]
    assert done.changed == {}
    assert max(task["results"] for task in done.tasks) == len(cluster.hosts())
    found = json.loads(written.read_text())["certificates"]
    for host in cluster.hosts():
        mine = [item for item in found if item["host"] == host]
        ports = {item["endpoint"].rpartition(":")[2] for item in mine if item["kind"] == "endpoint"}
        assert ports == {"2379", "2380", "6443", "10257", "10259", "10250"}
        assert all(item["served_matches"] for item in mine if item["kind"] == "endpoint")
        places = "/etc/kubernetes /etc/etcd/pki /var/lib/kube-proxy"
        lines = cluster.exec(
            host, f"grep -rlE 'BEGIN CERT|certificate-authority-data|client-certificate:' {places}"
        ).stdout
        assert {item["path"] for item in mine} >= set(lines.split()) - {"/etc/kubernetes/kubelet.conf"}
        assert "/var/lib/kubelet/pki/kubelet-client-current.pem" in {item["path"] for item in mine}
        for item in mine:
            if item["kind"] == "file":
                assert item["used_by"], item
                assert fingerprint(cluster, host, f"cat {item['path']}") == item["fingerprint"]
    assert {item["path"] for item in found if item["host"] == "localhost"} >= {f"{cluster.pki}/etcd/ca.crt"}
    assert metrics.read_text().count("\nhardway_certificate_not_after_timestamp_seconds{") == len(found)


def test_thresholds_decide_whether_the_playbook_fails(cluster: Cluster) -> None:
    assert look(cluster, certificates_warning_days=400).status == 0
    warned = look(cluster, certificates_warning_days=400, certificates_fail_on="warning")
    assert warned.status != 0
    assert "days left" in warned.output
    assert look(cluster, certificates_critical_days=400).status != 0
    assert look(cluster, certificates_critical_days=400, certificates_fail_on="never").status == 0


def test_a_listener_that_differs_from_its_file_is_named(cluster: Cluster) -> None:
    """The kubelet's certificate is replaced by another: it serves its own, because the key does not fit."""
    host, path = cluster.hosts()[1], "/etc/kubernetes/pki/kubelet.crt"
    address = cluster.described()["hosts"][host]["ansible_host"]
    served = fingerprint(cluster, host, f"openssl s_client -connect {address}:10250 </dev/null 2>/dev/null")
    cluster.exec(host, f"cp -p {path} /root/kubelet.crt && cp /etc/kubernetes/pki/kube-proxy.crt {path}")
    try:
        done = look(cluster)
        held = fingerprint(cluster, host, f"cat {path}")
    finally:
        cluster.exec(host, f"mv /root/kubelet.crt {path}")
    assert done.status != 0
    assert f"{host}: {address}:10250: serves {served}, but {path} holds {held}; restart kubelet" in done.output
    assert f"{host}: {path}: the key next to it belongs to another certificate" in done.output

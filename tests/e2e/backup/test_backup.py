# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a real cluster: by the playbook, by the timer, and what they contain."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backup import verify
from tests.support.hosts.cluster import Cluster, deploy_twice_and_verify
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

TEXTFILE = "/var/lib/node_exporter/hardway_backup.prom"
PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a single master, deployed twice."""
    need_cluster()
    made = Cluster("e2e-backup", ["node=n1"])
    made.topology = "single-master"
    with made.standing(1):
        deploy_twice_and_verify(made)
        yield made


def shell(cluster: Cluster, command: str) -> str:
    """Return what a command prints on the host, and require success."""
    done = cluster.exec("n1", command)
    assert done.returncode == 0, done.stderr + done.stdout
    return str(done.stdout).strip()


def archives(cluster: Cluster) -> list[str]:
    """Return the archives on the host."""
    return shell(cluster, "ls /var/backups/hardway | grep -v last.json || true").split()


def test_the_timer_waits_and_systemd_accepts_the_units(cluster: Cluster) -> None:
    assert shell(cluster, "systemctl is-active hardway-backup.timer") == "active"
    assert shell(cluster, "systemctl is-enabled hardway-backup.timer") == "enabled"
    units = "/etc/systemd/system/hardway-backup.timer /etc/systemd/system/hardway-backup*.service"
    assert shell(cluster, f"systemd-analyze verify {units} 2>&1") == ""
    assert shell(cluster, "stat -c %a /etc/hardway/backup.json /var/backups/hardway").split() == ["600", "700"]


def test_the_playbook_takes_a_proven_backup_and_fetches_it(cluster: Cluster, tmp_path: Path) -> None:
    cluster.kubectl("n1", "create secret generic database --from-literal=password=needle4711")
    fetched = json.dumps({"backup_fetch_dir": str(tmp_path / "fetched")})
    (tmp_path / "fetched").mkdir()
    before = archives(cluster)
    check = cluster.run("--check", "-e", fetched, playbook="playbooks/backup.yml")
    assert check.status == 0 and check.changed == {"Take a backup and prove it": 1}, check.output[-3000:]
    assert archives(cluster) == before

    done = cluster.run("-e", fetched, playbook="playbooks/backup.yml")
    assert done.status == 0, done.output[-3000:]
    (name,) = set(archives(cluster)) - set(before)
    print([line for line in done.output.splitlines() if name in line])
    assert f"/var/backups/hardway/{name} on n1: " in done.output
    archive = tmp_path / "fetched" / name
    assert archive.stat().st_mode & 0o777 == 0o600
    report = verify(archive)
    assert report.returncode == 0 and "one Secret decrypted by secretbox, key key1" in report.stdout, report
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert {"manifest.json", "snapshot.db", "files/etc/kubernetes/encryption.yaml"} < set(names)
    for path in ("pki/sa.key", "pki/sa.pub", "pki/ca.crt", "pki/front-proxy-ca.crt"):
        assert f"files/etc/kubernetes/{path}" in names, names
    assert {"files/etc/etcd/pki/ca.crt", "files/etc/etcd/pki/peer-ca.crt"} < set(names)
    assert [found for found in names if found.endswith(".key")] == ["files/etc/kubernetes/pki/sa.key"]
    # The Secret is encrypted in the snapshot, and nowhere in the logs.
    assert b"needle4711" not in archive.read_bytes()
    assert shell(cluster, "journalctl -q -o cat -u hardway-backup-now | grep -c needle4711 || true") == "0"


def test_a_change_of_settings_is_deployed_and_used_by_the_timer(cluster: Cluster, tmp_path: Path) -> None:
    """Encrypted from now on, with metrics; the service of the timer takes the backup of the period once."""
    shell(cluster, "mkdir -p /var/lib/node_exporter")
    cluster.settings |= {"backup_passphrase": PASSPHRASE, "backup_textfile": TEXTFILE, "backup_calendar": "hourly"}
    changed = cluster.deploy("--tags", "backup")
    assert set(changed.changed) == {"Write the backup program, its settings and units", "Run the backup timer"}
    assert PASSPHRASE not in changed.output
    assert cluster.deploy("--tags", "backup").changed == {}

    before = archives(cluster)
    shell(cluster, "systemctl start hardway-backup.service")
    (name,) = set(archives(cluster)) - set(before)
    assert name.endswith(".tar.gz.enc")
    shell(cluster, "systemctl start hardway-backup.service")
    assert set(archives(cluster)) - set(before) == {name}
    assert "n1 has taken the backup of this period" in shell(cluster, "journalctl -q -o cat -u hardway-backup")
    metrics = shell(cluster, f"cat {TEXTFILE}")
    assert "hardway_backup_success 1" in metrics
    program = "/usr/local/libexec/hardway-backup"
    shell(cluster, f"{program} verify /var/backups/hardway/{name} --passphrase-file /etc/hardway/backup.passphrase")


def test_a_failure_is_reported_with_its_reason(cluster: Cluster) -> None:
    shell(cluster, "mv /usr/local/bin/etcdutl /usr/local/bin/etcdutl.away && ln -s /bin/false /usr/local/bin/etcdutl")
    before = archives(cluster)
    try:
        done = cluster.run(playbook="playbooks/backup.yml")
    finally:
        shell(cluster, "mv -f /usr/local/bin/etcdutl.away /usr/local/bin/etcdutl")
    assert done.status == 2 and "hardway-backup: etcdutl: no message" in done.output, done.output[-3000:]
    assert archives(cluster) == before
    assert "hardway_backup_success 0" in shell(cluster, f"cat {TEXTFILE}")

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/support.yml on two hosts: no secret is in the archive or the output; a dead API, a dead host.

Each test leaves more broken than the one before it.
"""

from __future__ import annotations

import base64
import json
import re
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.key_search import found, secrets_in
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

# The third host is in no group: a virtual IP needs three.
GROUPS = ["etcd=n1", "master=n1", "lb=n1", "node=n1,n2"]
REGISTRY = {"host": "registry.example", "username": "alice", "password": 'Regi"stry sesame 7'}
PROXY = "Pr0xy-sesame"
PASSPHRASE = "backup sesame open"
SECRET = "value of a Secret 4711"
TOKEN = "abcdef.0123456789abcdef"
PLACES = "/etc/etcd /etc/kubernetes /var/lib/kubelet /var/lib/kube-proxy"
ENCRYPTION = "/etc/kubernetes/encryption.yaml"


@dataclass
class Bundle:
    """One run, and its archive."""

    run: Run
    directory: Path

    def text(self, name: str) -> str:
        """Return a file of the archive."""
        return (self.directory / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a deployed cluster in whose journals secrets are."""
    need_cluster()
    made = Cluster("e2e-support", GROUPS)
    with made.standing(3):
        made.settings = {
            "containerd_registries": [REGISTRY],
            "containerd_https_proxy": f"http://carol:{PROXY}@192.0.2.9:3128",
            "backup_passphrase": PASSPHRASE,
            "keepalived_password": "Tr0ub4do",
        }
        made.deploy()
        made.kubectl("n1", f"create secret generic sesame --from-literal=password='{SECRET}'")
        token_id, token = TOKEN.split(".")
        made.kubectl(
            "n1",
            f"--namespace kube-system create secret generic bootstrap-token-{token_id}"
            f" --type=bootstrap.kubernetes.io/token --from-literal=token-id={token_id}"
            f" --from-literal=token-secret={token}",
        )
        leak(made)
        yield made


def leak(cluster: Cluster) -> None:
    """Make kube-proxy log the secrets of its host, as programs do by mistake."""
    files = "/etc/etcd/pki/server.key /etc/kubernetes/pki/sa.key /etc/kubernetes/admin.conf /var/lib/kubelet/pki/*.pem"
    lines = ["Tr0ub4do", REGISTRY["password"], f"token {TOKEN}", f"url http://carol:{PROXY}@h/", PASSPHRASE]
    lines.append(f"Authorization: Bearer {cluster.kubectl('n1', 'create token default')}")
    conf = "/etc/systemd/system/kube-proxy.service.d/leak.conf"
    cluster.exec("n1", f"cat > /etc/leak <<'END'\n{chr(10).join(lines)}\nEND\ncat {ENCRYPTION} {files} >> /etc/leak")
    cluster.exec(
        "n1",
        f"mkdir -p {conf.rpartition('/')[0]} && printf '[Service]\\nExecStartPost=+/bin/cat /etc/leak\\n' > {conf}"
        " && systemctl daemon-reload && systemctl restart kube-proxy",
    )
    journal = "journalctl --unit kube-proxy --output cat --no-pager"
    wait_for(lambda: "PRIVATE KEY" in cluster.exec("n1", journal).stdout)
    logged = cluster.exec("n1", journal).stdout
    assert all(line in logged for line in lines), logged[-3000:]


def strings(cluster: Cluster) -> dict[str, str]:
    """Return every secret of the cluster that is no private key."""
    keys = re.findall(r"secret: *['\"]?([A-Za-z0-9+/=]+)", cluster.exec("n1", f"cat {ENCRYPTION}").stdout)
    assert keys
    made = {
        "VRRP": "Tr0ub4do",
        "registry": REGISTRY["password"],
        "registry as JSON": json.dumps(REGISTRY["password"])[1:-1],
        "proxy": PROXY,
        "backup": PASSPHRASE,
        "Secret": SECRET,
        "token": TOKEN.split(".")[1],
        "jwt": "eyJhbGciOi",
        **{f"encryption {number}": key for number, key in enumerate(keys)},
    }
    coded = {f"{name} in base64": base64.b64encode(value.encode()).decode()[:-4] for name, value in made.items()}
    return {**made, **{name: value for name, value in coded.items() if len(value) >= 8}}


def private_keys(cluster: Cluster) -> list[bytes]:
    """Return every private key of hosts and controller."""
    keys = [secret for path in cluster.pki.rglob("*.key") for secret in secrets_in(path.read_bytes())]
    for host in [host for host in ("n1", "n2") if host in cluster.hosts()]:
        listed = cluster.exec(
            host, f"grep -rlIE 'PRIVATE KEY-----|client-key-data' {PLACES} 2>/dev/null"
        ).stdout.split()
        assert listed
        for path in listed:
            keys += secrets_in(cluster.exec(host, f"cat {path}").stdout.encode())
    return keys


def support(cluster: Cluster, directory: Path, *arguments: str) -> Bundle:
    """Run the playbook, which changes nothing, and unpack its archive."""
    archive = directory / "bundle.tar.gz"
    run = cluster.run(*arguments, "-e", f"support_file={archive}", playbook="playbooks/support.yml")
    assert run.status == 0, run.output[-6000:]
    assert run.changed == {} and "Traceback" not in run.output
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as content:
        # The argument filter is newer than Python 3.11.2 of Debian 12, and the archive is ours.
        content.extractall(directory)
    print(archive.stat().st_size, sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()))
    return Bundle(run, directory / "bundle")


def test_no_secret_is_in_the_archive_or_the_output(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.starts()
    bundle = support(cluster, tmp_path, "-vvv")
    (tmp_path / "output").write_text(bundle.run.output, encoding="utf-8")
    (tmp_path / "bundle.tar.gz").unlink()
    texts = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    seen = {
        (name, path.name) for name, value in strings(cluster).items() for path, text in texts.items() if value in text
    }
    assert seen == set()
    keys = private_keys(cluster)
    assert len(keys) > 15
    assert found(keys, tmp_path) == {}
    assert cluster.starts() == before


def test_the_archive_has_what_support_needs(cluster: Cluster, tmp_path: Path) -> None:
    bundle = support(cluster, tmp_path, "-e", "lines=300")
    names = {str(path.relative_to(bundle.directory)) for path in bundle.directory.rglob("*") if path.is_file()}
    print(bundle.text("index.txt"))
    assert {
        *("index.txt", "status.txt", "status.json", "status-hosts.json", "status-cluster.json"),
        *("cluster/nodes.txt", "cluster/pods-kube-system.json", "cluster/events-kube-system.txt", "cluster/readyz.txt"),
        *("cluster/kubelet-metrics/n1.txt", "cluster/kubelet-metrics/n2.txt"),
        *("hosts/n1/metrics/kube-apiserver.txt", "hosts/n1/metrics/etcd.txt", "hosts/n1/metrics/kube-scheduler.txt"),
        *("hosts/n1/journal/etcd.log", "hosts/n1/units/kube-apiserver.unit", "hosts/n1/units/kube-proxy.state"),
        *("hosts/n1/config/etc/kubernetes/encryption.yaml", "hosts/n1/config/etc/kubernetes/admin.conf"),
        *("hosts/n1/config/etc/keepalived/keepalived.conf", "hosts/n1/config/etc/haproxy/haproxy.cfg"),
        *("hosts/n2/journal/kubelet.log", "hosts/n2/config/var/lib/kubelet/config.yaml", "hosts/n2/files.txt"),
        *("hosts/n2/system/ip-route.txt", "hosts/n2/system/ip-rule.txt", "hosts/n2/system/mounts.txt"),
        *("hosts/n2/system/disks.txt", "hosts/n2/system/memory.txt", "hosts/n2/system/uname.txt"),
        *("hosts/n2/system/versions.txt", "hosts/n2/system/iptables.txt"),
    } <= names
    # Only the secrets are gone.
    assert "auth_type PASS" in bundle.text("hosts/n1/config/etc/keepalived/keepalived.conf")
    assert "auth_pass (redacted)" in bundle.text("hosts/n1/config/etc/keepalived/keepalived.conf")
    assert "aescbc" in (text := bundle.text("hosts/n1/config/etc/kubernetes/encryption.yaml")) or "secretbox" in text
    assert "client-certificate-data" in bundle.text(
        "hosts/n1/config/etc/kubernetes/admin.conf"
    ) or "client-key" in bundle.text("hosts/n1/config/etc/kubernetes/admin.conf")
    assert "ExecStartPost=+/bin/cat /etc/leak" in bundle.text("hosts/n1/units/kube-proxy.unit")
    assert "n2" in bundle.text("cluster/nodes.txt") and "apiserver_request_total" in bundle.text(
        "hosts/n1/metrics/kube-apiserver.txt"
    )
    assert "kubelet_" in bundle.text("cluster/kubelet-metrics/n2.txt")
    assert len(bundle.text("hosts/n1/journal/kube-apiserver.log").splitlines()) <= 302
    assert bundle.text("index.txt").count("Not reached:\n  none") == 1


def test_check_mode_gathers_the_same_and_writes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.tar.gz"
    run = cluster.run("--check", "-e", f"support_file={archive}", playbook="playbooks/support.yml")
    assert run.status == 0 and run.changed == {}, run.output[-3000:]
    assert "not written" in run.output and not archive.exists()


def test_without_an_api_the_hosts_report(cluster: Cluster, tmp_path: Path) -> None:
    cluster.exec("n1", "systemctl stop kube-apiserver")
    bundle = support(cluster, tmp_path)
    assert "no server is ready" in bundle.text("index.txt")
    assert "CRITICAL" in bundle.text("status.txt")
    assert bundle.text("hosts/n1/journal/kube-apiserver.log") and bundle.text("hosts/n1/metrics/etcd.txt")
    assert not (bundle.directory / "cluster/nodes.txt").exists()


def test_a_dead_host_is_listed(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sandbox("poweroff", "n2")
    bundle = support(cluster, tmp_path)
    assert re.search(r"Not reached:\n  n2: .*\n", bundle.text("index.txt"))
    assert (bundle.directory / "hosts/n1").is_dir() and not (bundle.directory / "hosts/n2").exists()
    assert "not reached: n2" in bundle.run.output


def test_without_any_host_there_is_an_archive(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sandbox("poweroff", "n1")
    bundle = support(cluster, tmp_path)
    assert "n1: " in bundle.text("index.txt") and not (bundle.directory / "hosts").exists()

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles ca and etcd alone, in a playbook of the user's own: first run, second run, changes, and faults."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.hosts.single_role import Hosts, etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

MEMBERS = ["n1", "n2", "n3"]
PKI = "/etc/etcd/pki"
TLS = f"--cacert {PKI}/ca.crt --cert {PKI}/healthcheck-client.crt --key {PKI}/healthcheck-client.key"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Return three hosts with nothing on them."""
    made = etcd_hosts("etcd-only", MEMBERS)
    with made.standing(3):
        yield made


def etcdctl(hosts: Hosts, command: str, host: str = "n1") -> str:
    """Return what etcdctl prints, run on one host for all members."""
    endpoints = ",".join(f"https://{hosts.address(member)}:2379" for member in MEMBERS)
    return hosts.shell(host, f"etcdctl --endpoints {endpoints} {TLS} {command} 2>&1")


def test_check_predicts_the_first_run(hosts: Hosts) -> None:
    """A check on clean hosts succeeds and changes nothing there."""
    assert all(count > 0 for count in hosts.apply("--check", "--diff").values())
    assert hosts.shell("n1", "ls /etc/etcd /var/lib/etcd 2>&1 | grep -c 'No such file'").strip() == "2"


def test_one_host_alone_bootstraps_nothing(hosts: Hosts) -> None:
    """Under a limit it is unknown whether the others have a cluster; the run soon fails with that message."""
    begin = time.monotonic()
    status, output = hosts.attempt("--limit", "localhost,n1", "-e", "etcd_health_timeout=900")
    assert status != 0 and "may not bootstrap a cluster" in output and "over all hosts of the group" in output
    assert time.monotonic() - begin < 600
    assert hosts.exec("n1", "ls -d /var/lib/etcd/member /etc/etcd/founding").stdout == ""


def test_bootstraps_a_cluster(hosts: Hosts) -> None:
    """Three healthy members, and a value written through one is read from another."""
    hosts.apply()
    assert etcdctl(hosts, "endpoint health").count("is healthy") == 3
    etcdctl(hosts, "put invoice 4711")
    endpoint = f"https://{hosts.address('n3')}:2379"
    assert hosts.shell("n3", f"etcdctl --endpoints {endpoint} {TLS} get invoice --print-value-only").strip() == "4711"
    # The permission ends with the bootstrap.
    assert [hosts.exec(host, "ls /etc/etcd/founding").returncode for host in MEMBERS] == [2, 2, 2]


def test_second_run_changes_nothing(hosts: Hosts) -> None:
    """Nothing is changed and nothing restarted."""
    before = hosts.started("etcd")
    assert set(hosts.apply().values()) == {0}
    assert hosts.started("etcd") == before


def test_speaks_only_mutual_tls(hosts: Hosts) -> None:
    """Plain HTTP and clients without a certificate get nothing."""
    place = f"{hosts.address('n1')}:2379"
    trusting = "curl -sf --cacert /etc/etcd/pki/ca.crt"
    client = "--cert /etc/etcd/pki/healthcheck-client.crt --key /etc/etcd/pki/healthcheck-client.key"
    assert hosts.exec("n2", f"{trusting} {client} https://{place}/health").returncode == 0
    assert hosts.exec("n2", f"curl -sf http://{place}/health").returncode != 0
    assert hosts.exec("n2", f"{trusting} https://{place}/health").returncode != 0


def test_systemd_finds_no_problem_in_the_unit(hosts: Hosts) -> None:
    """systemd-analyze verify prints nothing about the unit, and the service is sandboxed."""
    assert hosts.shell("n1", "systemd-analyze verify /etc/systemd/system/etcd.service 2>&1") == ""
    assert "etcd" in hosts.shell("n1", "ps -o user= -C etcd")


def test_changed_option_restarts_one_member_after_the_other(hosts: Hosts) -> None:
    """All members restart, never two at a time, and the data are still there."""
    changed = hosts.apply("-e", "etcd_auto_compaction_retention=9h")
    assert all(changed[member] > 0 for member in MEMBERS)
    # One kernel, one clock: each member leaves its active state only after the one before it is active again.
    spans = sorted(
        tuple(
            int(hosts.shell(member, f"systemctl show -P Active{edge}TimestampMonotonic etcd"))
            for edge in ("Exit", "Enter")
        )
        for member in MEMBERS
    )
    assert all(left < back for left, back in spans)
    assert all(before[1] < after[0] for before, after in zip(spans, spans[1:]))
    assert "4711" in etcdctl(hosts, "get invoice")


def test_renewed_key_pairs_are_served_without_a_restart(hosts: Hosts) -> None:
    """A new server certificate is what a handshake brings, from the process that ran before."""
    serial = "openssl x509 -noout -serial -in /etc/etcd/pki/server.crt"
    before, old = hosts.started("etcd"), hosts.shell("n1", serial)
    hosts.shell("n1", "rm /etc/etcd/pki/server.crt")
    hosts.apply("-e", "etcd_auto_compaction_retention=9h")
    new = hosts.shell("n1", serial)
    served = "openssl s_client -connect 127.0.0.1:2379 </dev/null 2>/dev/null | openssl x509 -noout -serial"
    assert hosts.shell("n1", served) == new != old
    assert hosts.started("etcd") == before


def test_member_without_its_data_does_not_bootstrap_another_cluster(hosts: Hosts) -> None:
    """It refuses with a reason, takes part again once it is removed and added, and never affected the others."""
    hosts.shell("n3", "systemctl stop etcd && rm -rf /var/lib/etcd/member && systemctl start --no-block etcd")
    assert "n3 already took part" in wait_for(hosts, "n3", "journalctl -q -o cat -u etcd -n 20 | grep etcd-start:")
    status, output = hosts.attempt("-e", "etcd_auto_compaction_retention=9h", "-e", "etcd_health_timeout=600")
    # The message of the journal and the remedy are printed long before the wait would have ended.
    assert status != 0 and "n3 already took part" in output and "run playbook replace" in output
    # Its disk is replaced while the others are down: it still does not bootstrap with them.
    for host in ("n1", "n2"):
        hosts.shell(host, "systemctl stop etcd")
    hosts.shell("n3", "systemctl stop etcd && rm -rf /var/lib/etcd/member /etc/etcd/formed")
    retention = ("-e", "etcd_auto_compaction_retention=9h", "-e", "etcd_health_timeout=600")
    status, output = hosts.attempt("--limit", "localhost,n3", *retention)
    assert status != 0 and "may not bootstrap a cluster" in output
    assert hosts.exec("n3", "ls /var/lib/etcd/member").returncode != 0
    for host in ("n1", "n2"):
        hosts.shell(host, "systemctl start --no-block etcd")
    endpoint = f"https://{hosts.address('n1')}:2379"
    identity = hosts.shell("n1", f"etcdctl --endpoints {endpoint} {TLS} member list | sed -n 's/, .* n3,.*//p'").strip()
    # etcd refuses while it does not see the others for some seconds.
    wait_for(hosts, "n1", f"etcdctl --endpoints {endpoint} {TLS} member remove {identity}", 60)
    peer = f"https://{hosts.address('n3')}:2380"
    wait_for(hosts, "n1", f"etcdctl --endpoints {endpoint} {TLS} member add n3 --peer-urls={peer}", 60)
    hosts.apply("-e", "etcd_auto_compaction_retention=9h")
    assert "4711" in etcdctl(hosts, "get invoice", host="n3")
    assert set(hosts.apply("-e", "etcd_auto_compaction_retention=9h").values()) == {0}


def test_a_loss_of_all_data_bootstraps_no_empty_cluster(hosts: Hosts) -> None:
    """Only a mark outside of the disks shows the loss; to get a new cluster, remove it."""
    # A member that sees another one's data would report that its own are gone.
    for host in MEMBERS:
        hosts.shell(host, "systemctl stop etcd && rm -rf /var/lib/etcd/member")
    for host in MEMBERS:
        hosts.shell(host, "systemctl start --no-block etcd")
    for host in MEMBERS:
        wait_for(hosts, host, "journalctl -q -o cat -u etcd -n 5 | grep 'etcd-start:.*restore a backup'")
    for host in MEMBERS:
        hosts.shell(host, "rm /etc/etcd/formed")
    hosts.apply("-e", "etcd_auto_compaction_retention=9h")
    assert etcdctl(hosts, "get invoice") == ""


def wait_for(hosts: Hosts, host: str, command: str, seconds: float = 15) -> str:
    """Return what a command prints, as soon as it prints anything."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if said := hosts.exec(host, command).stdout:
            return said
        time.sleep(0.3)
    pytest.fail(f"{host}: {command}: nothing within {seconds} s")

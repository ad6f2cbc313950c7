# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd grows, shrinks and gets wiped members back, while a client writes; names and addresses are alike."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.etcd_members import BYTES, CONFIRM, SITE, Etcd
from tests.support.hosts.etcd_writer import Writer
from tests.support.hosts.single_role import etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]


def unharmed(writer: Writer) -> None:
    """Require that no acknowledged write is lost, and that nearly all succeed: elections refuse some."""
    assert writer.end() == set() and len(writer.acknowledged) > 20
    assert writer.refused <= len(writer.acknowledged) // 10, writer.reasons


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return five hosts, of which the first runs etcd."""
    made = etcd_hosts("etcd-members", ["n1"])
    with made.standing(5):
        found = Etcd(made)
        found.group("n1")
        found.site()
        yield found


def test_one_member_grows_to_three_and_to_five(etcd: Etcd) -> None:
    writer = etcd.writer("n1", prefix="grow")
    before: list[str] = []
    for members in (["n1", "n2", "n3"], list(BYTES)):
        etcd.group(*members)
        changed = etcd.site()
        assert etcd.members() == etcd.voters(*members)
        assert [changed[host] > 1 for host in members[-2:]] == [True, True]
        assert set(etcd.site().values()) == {0}
        # One for both additions; the one of an earlier run is removed.
        saved = etcd.hosts.shell(
            "n1", "find /var/backups/hardway -name 'etcd-before-join-*' -printf '%m %p\\n'"
        ).split()
        assert len(saved) == 2 and saved[0] == "600" and saved != before
        before = saved
        keys = etcd.hosts.shell("n1", f"etcdutl snapshot status {saved[1]} -w json")
        assert json.loads(keys)["totalKey"] > 0
    unharmed(writer)


def test_a_wiped_member_is_back_by_one_command(etcd: Etcd) -> None:
    etcd.hosts.shell("n3", "systemctl stop etcd; rm -rf /var/lib/etcd/member; systemctl start --no-block etcd")
    before = etcd.members()
    status, output = etcd.playbook("replace", "-e", "hosts=n3")
    assert status == 0 and "n3: remove the dead voter" in output and "4 of 5 voters are healthy" in output, output
    assert "-e hosts=n3 -e confirm=ledger" in output and etcd.members() == before
    status, output = etcd.playbook("replace", "-e", "hosts=n3", "-e", "confirm=other")
    assert status != 0 and "is not the name of this cluster" in output and etcd.members() == before
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM, "--check")
    assert status == 0 and etcd.members() == before, output
    writer = etcd.writer(*BYTES, prefix="wiped")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    unharmed(writer)
    assert status == 0 and etcd.members() == etcd.voters(*BYTES), output
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    assert status == 0 and "n3: healthy, not replaced" in output and "changed=1" not in output, output
    assert set(etcd.site().values()) == {0}


def test_data_of_a_replaced_member_are_kept(etcd: Etcd) -> None:
    etcd.hosts.shell("n5", "systemctl stop etcd; touch /var/lib/etcd/member/witness")
    status, output = etcd.playbook("replace", "-e", "hosts=n5", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters(*BYTES), output
    assert etcd.hosts.shell("n5", "ls /var/lib/etcd.removed-*/member/witness").strip()


def test_five_shrink_to_three_and_grow_again(etcd: Etcd) -> None:
    status, output = etcd.playbook("remove_member", "-e", "hosts=n4,n5")
    assert status == 0 and "n4: " in output and "n5: " in output and "Nothing was changed" in output, output
    assert etcd.members() == etcd.voters(*BYTES)
    writer = etcd.writer(*BYTES, prefix="shrink")
    status, output = etcd.playbook("remove_member", "-e", "hosts=n4,n5", *CONFIRM)
    assert status == 0 and "Take n4, n5 out of group etcd of the inventory" in output, output
    assert etcd.members() == etcd.voters("n1", "n2", "n3")
    for host in ("n4", "n5"):
        assert etcd.hosts.exec(host, "systemctl is-active etcd; systemctl is-enabled etcd").stdout.split() == [
            "inactive",
            "disabled",
        ]
        assert etcd.hosts.shell(host, "ls -d /var/lib/etcd.removed-*/member").strip()
    etcd.group("n1", "n2", "n3")
    started = etcd.hosts.shell("n1", "systemctl show -P ActiveEnterTimestampMonotonic etcd")
    # The list of hosts that a member without data would query.
    assert set(etcd.site().values()) == {0, 1}
    assert set(etcd.site().values()) == {0}
    assert etcd.hosts.shell("n1", "systemctl show -P ActiveEnterTimestampMonotonic etcd") == started
    etcd.group(*BYTES)
    etcd.site()
    unharmed(writer)
    assert etcd.members() == etcd.voters(*BYTES)
    assert set(etcd.site().values()) == {0}


def test_a_quorum_is_never_given_up(etcd: Etcd) -> None:
    for host in ("n4", "n5"):
        etcd.hosts.shell(host, "systemctl stop etcd")
    try:
        status, output = etcd.playbook("remove_member", "-e", "hosts=n3", *CONFIRM)
        assert status != 0 and "without it, 2 of 4 voters are healthy, 3 are needed" in output, output
        assert etcd.members() == etcd.voters(*BYTES)
    finally:
        for host in ("n4", "n5"):
            etcd.hosts.shell(host, "systemctl start etcd")


def test_a_full_database_accepts_writes_again(etcd: Etcd) -> None:
    etcd.site("-e", "etcd_quota_backend_bytes=6000000")
    write = f"head -c 300000 /dev/zero | tr '\\0' x | {etcd.etcdctl()} put big 2>&1"
    assert "space exceeded" in etcd.hosts.shell("n1", f"for i in $(seq 100); do {write} || break; done")
    alarms = f"{etcd.etcdctl()} alarm list"
    status, output = etcd.playbook("defragment", "--check")
    assert status == 0 and "NOSPACE" in etcd.hosts.shell("n1", alarms), output
    status, output = etcd.playbook("defragment")
    assert status == 0 and "disarmed: true" in output, output
    assert etcd.hosts.shell("n1", alarms) == ""
    etcd.hosts.shell("n1", write)
    status, output = etcd.playbook("defragment")
    assert status == 0 and "changed=1" not in output, output
    etcd.site()


def test_an_operator_sees_what_a_run_waits_for(etcd: Etcd) -> None:
    etcd.hosts.shell("n2", "systemctl kill -s STOP etcd")
    try:
        etcd.hosts.site = SITE
        status, output = etcd.hosts.attempt()
        assert status != 0 and f"https://{etcd.address('n2')}:2379" in output, output
        assert "s: hardway.kubernetes.etcd : Wait until all etcd members are healthy [n1]" in output, output
    finally:
        etcd.hosts.shell("n2", "systemctl kill -s CONT etcd")
    assert set(etcd.site().values()) == {0}

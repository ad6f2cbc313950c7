# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd with users and roles grows; a member whose host is lost is replaced by another host, and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.etcd_members import CONFIRM, Etcd
from tests.support.hosts.single_role import etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]
LOST = ("-e", "hosts=n3", "-e", "lost=n3")
ROOT = "--cert /etc/etcd/pki/root.crt --key /etc/etcd/pki/root.key"


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return four hosts, of which the first runs etcd with users and roles."""
    made = etcd_hosts("etcd-lost", ["n1"])
    made.settings["etcd_auth"] = True
    with made.standing(4):
        found = Etcd(made)
        found.group("n1")
        found.site()
        yield found


def test_etcd_with_users_and_roles_grows(etcd: Etcd) -> None:
    refused = etcd.hosts.exec("n1", f"{etcd.etcdctl()} put invoice 4711")
    assert "user name is empty" in refused.stderr or "permission denied" in refused.stderr, refused
    etcd.group("n1", "n2", "n3")
    etcd.site()
    assert etcd.members() == etcd.voters("n1", "n2", "n3")
    assert etcd.hosts.shell("n1", "ls /var/backups/hardway/etcd-before-join-*.db").strip()
    assert set(etcd.site().values()) == {0}


def test_a_host_that_answers_is_not_lost(etcd: Etcd) -> None:
    etcd.group("n1", "n2", "n3", "n4")
    status, output = etcd.playbook("replace", *LOST)
    assert status == 0 and "n3: healthy, not replaced" in output, output
    replace = ("replace", *LOST, "-e", "by=n4", *CONFIRM)
    status, output = etcd.playbook(*replace)
    assert status != 0 and f"{etcd.address('n3')} answers on port 22, so this host is not lost" in output, output
    etcd.hosts.shell("n3", "systemctl stop ssh.socket ssh.service")
    try:
        status, output = etcd.playbook(*replace)
        assert status != 0 and "answers on port 2379, so this host is not lost" in output, output
    finally:
        etcd.hosts.shell("n3", "systemctl start ssh.service")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", "-e", "by=n4")
    assert status != 0 and "n3: still in group etcd, to which site would add it again" in output, output
    etcd.group("n1", "n2", "n4")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", "-e", "by=n4", *CONFIRM)
    assert status != 0 and "n3: a healthy member; stop etcd there first" in output, output
    etcd.group("n1", "n2", "n3")
    assert etcd.members() == etcd.voters("n1", "n2", "n3")


def test_a_lost_host_is_replaced_by_another_one(etcd: Etcd, tmp_path: Path) -> None:
    etcd.hosts.sandbox("poweroff", "n3")
    # The lost one is still in the inventory.
    etcd.group("n1", "n2", "n3", "n4")
    before, plan = etcd.members(), tmp_path / "plan.json"
    arguments = (*LOST, "-e", "by=n4")
    status, output = etcd.playbook("replace", *arguments, "-e", f"plan_file={plan}", "--check")
    assert status == 0 and "lost and never contacted: it must stay off; add n4 as a learner" in output, output
    assert f"-e hosts=n3 -e by=n4 -e lost=n3 {' '.join(CONFIRM)}" in output
    (step,) = json.loads(plan.read_text(encoding="utf-8"))["members"]
    assert (step["host"], step["state"], step["added"], step["member"]["healthy"]) == ("n3", "lost", "n4", False)
    status, output = etcd.playbook("replace", *arguments, *CONFIRM, "--check")
    assert status == 0 and etcd.members() == before, output
    etcd.kill_in("Add the host as a learner", 0.5, tmp_path / "log", *arguments)
    status, output = etcd.playbook("replace", *arguments, *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters("n1", "n2", "n4"), output
    assert "unreachable=1" not in output and "Take n3 out of the inventory" in output, output
    status, output = etcd.playbook("replace", *arguments, *CONFIRM)
    assert status == 0 and "changed=1" not in output and "not in the member list any more" in output, output
    # Out of the inventory, its member has a name all the same.
    etcd.group("n1", "n2", "n4")
    status, output = etcd.playbook("replace", "-e", "hosts=etcd-22", "-e", "lost=etcd-22", "-e", "by=n4", *CONFIRM)
    assert status == 0 and "changed=1" not in output and "etcd-22: not in the member list" in output, output


def test_a_member_on_a_lost_host_is_removed(etcd: Etcd) -> None:
    etcd.hosts.sandbox("poweroff", "n4")
    status, output = etcd.playbook("remove_member", "-e", "hosts=n4", "-e", "lost=n4", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters("n1", "n2"), output
    assert "Take n4 out of the inventory" in output and "unreachable=1" not in output, output
    assert etcd.hosts.shell("n1", f"{etcd.etcdctl()} {ROOT} put invoice 4712").strip() == "OK"

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a highly available cluster reboot, killed in the middle, while clients go on."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.hosts.cluster import Cluster, Run, unharmed
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/reboot.yml"
CONFIRM = ("-e", "confirm=kubernetes")
KILLS = int(os.environ.get("HARDWAY_KILLS", "3"))
# Tasks of a run: about where the reboots begin and end.
FIRST, LAST = 20, 80
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))
# A unit that counts the boots of its host.
COUNTER = (
    '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo boot >> /root/boots"\n[Install]\nWantedBy=multi-user.target'
)
HOOK = """
- name: Patch the host
  ansible.builtin.lineinfile: {path: /root/patched, line: "{{ cluster_node_name }}", create: true, mode: "0600"}
- name: Check whether it was tried before
  ansible.builtin.stat: {path: /root/tried}
  register: tried
- name: Note the try
  ansible.builtin.copy: {dest: /root/tried, content: "", mode: "0600"}
- name: Fail at the first try
  ansible.builtin.assert: {that: tried.stat.exists}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of three hosts with all roles; the first and the last must reboot."""
    need_cluster()
    if rehearsal.lacking(kubernetes_version()):
        pytest.skip("needs the real binaries of Kubernetes, since stand-ins evict no pods")
    made = Cluster("e2e-reboot")
    with made.standing(3):
        made.deploy()
        for host in made.hosts():
            made.exec(host, f"echo '{COUNTER}' > /etc/systemd/system/boots.service && systemctl enable boots")
        for host in ("n1", "n3"):
            made.exec(host, "touch /run/reboot-required; echo linux-image-amd64 > /run/reboot-required.pkgs")
        yield made


def reboot(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def boots(cluster: Cluster) -> dict[str, int]:
    """Return how often each host has booted since the counter was installed."""
    return {host: cluster.exec(host, "cat /root/boots").stdout.count("boot") for host in cluster.hosts()}


def refusal(cluster: Cluster, *arguments: str) -> str:
    """Run the playbook, which must change nothing and fail; return what it says."""
    before = boots(cluster)
    done = reboot(cluster, *arguments)
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert boots(cluster) == before
    return " ".join(done.output.split())


def cordoned(cluster: Cluster) -> list[str]:
    """Return the nodes that are cordoned."""
    selected = "--field-selector spec.unschedulable=true -o jsonpath={.items[*].metadata.name}"
    return cluster.kubectl("n1", f"get nodes {selected}").split()


def test_wrong_names_and_hooks_are_refused(cluster: Cluster) -> None:
    assert "hosts: n9: no host of the cluster" in refusal(cluster, "-e", "hosts=n9")
    assert "force: rom: unknown; use some of pdb, room, bare" in refusal(cluster, "-e", "force=rom")
    assert "confirm: prod is not the name" in refusal(cluster, "-e", "confirm=prod")
    hooks = json.dumps({"cluster_hooks": {"after_dain": []}})
    assert "after_dain" in refusal(cluster, "-e", hooks)
    hooks = json.dumps({"cluster_hooks": {"after_drain": ["/none.yml"]}})
    assert "cluster_hooks: after_drain: /none.yml: no such file" in refusal(cluster, "-e", hooks, *CONFIRM)


def test_a_host_is_not_rebooted_while_etcd_needs_it(cluster: Cluster) -> None:
    cluster.exec("n2", "systemctl stop etcd")
    said = refusal(cluster, *CONFIRM)
    assert "n1: without it, 1 of 3 voters of etcd are healthy, and 2 are needed" in said
    cluster.exec("n2", "systemctl start etcd")


def test_the_plan_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    done = reboot(cluster, "-e", f"plan_file={plan}")
    assert done.status == 0 and done.changed == {}, done.output[-3000:]
    text = " ".join(done.output.split())
    assert "Drain and reboot n1: /run/reboot-required (linux-image-amd64)" in text, text[-2000:]
    assert "To go on: ansible-playbook hardway.kubernetes.reboot" in text and "-e confirm=kubernetes" in text
    assert json.loads(plan.read_text())["batches"] == [["n1"], ["n3"]]
    checked = reboot(cluster, *CONFIRM, "--check")
    assert checked.status == 0, checked.output[-3000:]
    found = [name for (_play, _role, name), count in checked.changes.items() for _each in range(count)]
    assert found.count("Drain the nodes of this batch") == 2 and found.count("Reboot") == 2, checked.changes
    assert boots(cluster) == dict.fromkeys(cluster.hosts(), 0) and cordoned(cluster) == []


def test_killed_in_the_middle_it_is_finished_and_no_client_notices(cluster: Cluster, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    hook = tmp_path / "patch.yml"
    hook.write_text(HOOK, encoding="utf-8")
    hooks = ("-e", json.dumps({"cluster_hooks": {"after_drain": [{"file": str(hook), "retries": 1, "delay": 1}]}}))
    cluster.kubectl("n1", "cordon n3")
    chosen = random.Random(SEED)
    with cluster.polling() as poll:
        for tasks in sorted(chosen.sample(range(FIRST, LAST), KILLS)):
            ended = kill_after(cluster, chosen.random() * 3, tasks, (*CONFIRM, *hooks), PLAYBOOK)
            print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
        done = reboot(cluster, *CONFIRM, *hooks)
    assert done.status == 0, done.output[-6000:]
    print(poll)
    assert boots(cluster) == {"n1": 1, "n2": 0, "n3": 1}
    assert cordoned(cluster) == ["n3"]
    patched = {host: cluster.exec(host, "cat /root/patched").stdout.strip() for host in cluster.hosts()}
    assert patched == {"n1": "n1", "n2": "", "n3": "n3"}
    unharmed(poll, "two hosts rebooted, killed in the middle")
    again = reboot(cluster, *CONFIRM, *hooks)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]
    assert "Nothing is to be done." in again.output


def test_a_host_can_be_rebooted_without_need(cluster: Cluster) -> None:
    cluster.kubectl("n1", "uncordon n3")
    before = boots(cluster)
    planned = reboot(cluster, "-e", "hosts=n2", "-e", "always=true")
    assert planned.status == 0 and planned.changed == {}, planned.output[-3000:]
    since = " ".join(planned.output.split()).partition("-e booted_before=")[2].split()[0]
    command = ("-e", "hosts=n2", "-e", f"booted_before={since}", *CONFIRM)
    done = reboot(cluster, *command)
    assert done.status == 0 and done.changed["Reboot"] == 1, done.output[-4000:]
    again = reboot(cluster, *command)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]
    assert boots(cluster) == {**before, "n2": before["n2"] + 1} and cordoned(cluster) == []

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role etcd alone on a running cluster: other versions, another address, and the timer of the defragmentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.support.hosts.etcd_members import SITE, Etcd
from tests.support.hosts.single_role import etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]
MEMBERS = ("n1", "n2", "n3")


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return three members whose etcd counts as 3.5.25."""
    made = etcd_hosts("etcd-changes", list(MEMBERS))
    made.settings["cluster_component_versions"] = {"etcd": "3.5.25"}
    with made.standing(3):
        found = Etcd(made)
        found.group(*MEMBERS)
        found.site()
        yield found


def refusal(etcd: Etcd, **variables: Any) -> str:
    """Return why the role refuses these variables; no host is changed."""
    etcd.hosts.site = SITE
    status, output = etcd.hosts.attempt("-e", json.dumps(variables))
    assert status != 0 and output.count("changed=0") == len(MEMBERS) + 1, output
    return " ".join(output.split())


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("3.6.14", "the cluster runs 3.5.25, this inventory asks for 3.6.14: bring it to 3.5.26 or a later 3.5 first"),
        ("3.7.0", "and no minor may be skipped: bring it to a release of 3.6 first"),
        ("3.5.24", "which is older, and a downgrade is not possible"),
    ],
)
def test_an_unsafe_version_is_refused_before_any_host_is_changed(etcd: Etcd, version: str, words: str) -> None:
    assert words in refusal(etcd, cluster_component_versions={"etcd": version}, cluster_allow_minor_upgrade=True)


def test_another_data_directory_is_refused(etcd: Etcd) -> None:
    words = "etcd_data_dir: n1, n2, n3 runs with /var/lib/etcd, the inventory asks for /srv/etcd; it cannot be changed"
    assert words in refusal(etcd, etcd_data_dir="/srv/etcd")


def test_the_timer_defragments_one_member_after_the_other_on_one_host(etcd: Etcd) -> None:
    timer = "systemctl is-active hardway-defragment.timer; systemctl is-enabled hardway-defragment.timer"
    assert etcd.hosts.exec("n1", timer).stdout.split() == ["inactive", "disabled"]
    on = ("-e", "etcd_defragment_timer=true")
    etcd.site(*on)
    assert set(etcd.site(*on).values()) == {0}
    units = "/etc/systemd/system/hardway-defragment.service /etc/systemd/system/hardway-defragment.timer"
    for host in MEMBERS:
        assert etcd.hosts.shell(host, timer).split() == ["active", "enabled"]
        assert etcd.hosts.shell(host, f"systemd-analyze verify {units} 2>&1") == ""
    begin(etcd)
    assert [len(lines) for lines in said(etcd, "MiB before").values()] == [0, 0, 0]
    write = f"head -c 300000 /dev/zero | tr '\\0' x | {etcd.etcdctl()} put big"
    etcd.hosts.shell("n1", f"for i in $(seq 40); do {write} >/dev/null; done; {etcd.etcdctl()} put big small")
    revision = json.loads(etcd.hosts.shell("n1", f"{etcd.etcdctl()} get big -w json"))["header"]["revision"]
    # Freed pages are counted with the next write.
    etcd.hosts.shell("n1", f"{etcd.etcdctl()} compact {revision} --physical; sleep 2; {etcd.etcdctl()} put big smaller")
    status = json.loads(etcd.hosts.shell("n1", f"{etcd.etcdctl()} endpoint status -w json"))
    (leader,) = [one["Endpoint"] for one in status if one["Status"]["leader"] == one["Status"]["header"]["member_id"]]
    begin(etcd)
    (done,) = [lines for lines in said(etcd, "MiB before").values() if lines]
    assert len(done) == 3 and leader in done[-1], done
    sizes = json.loads(etcd.hosts.shell("n1", f"{etcd.etcdctl()} endpoint status -w json"))
    assert max(one["Status"]["dbSize"] for one in sizes) < 2_000_000, sizes
    etcd.site("-e", "etcd_defragment_timer=false")
    assert etcd.hosts.exec("n1", timer).stdout.split() == ["inactive", "disabled"]


def begin(etcd: Etcd) -> None:
    """Run the service on all hosts at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: etcd.hosts.shell(host, "systemctl start hardway-defragment.service"), MEMBERS))


def said(etcd: Etcd, words: str) -> dict[str, list[str]]:
    """Return the lines of the service with some words, by host."""
    journal = "journalctl -q -o cat -t hardway-defragment"
    return {h: [line for line in etcd.hosts.shell(h, journal).splitlines() if words in line] for h in MEMBERS}


def move(etcd: Etcd, host: str, byte: int) -> None:
    """Give a host of the inventory another address."""
    path = etcd.hosts.inventory / "host_vars" / f"{host}.yml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**found, "cluster_node_ip": f"198.18.0.{byte}"}), encoding="utf-8")


def test_two_members_do_not_move_at_once(etcd: Etcd) -> None:
    for host, byte in (("n2", 42), ("n3", 43)):
        move(etcd, host, byte)
    assert "n2, n3: new addresses; let one member move at a time" in refusal(etcd)
    for host, byte in (("n2", 21), ("n3", 22)):
        move(etcd, host, byte)
    assert set(etcd.site().values()) == {0}


def test_a_member_moves_to_another_address(etcd: Etcd) -> None:
    before = etcd.members()
    writer = etcd.writer("n1", "n2", prefix="moved")
    new, old = "198.18.0.43", etcd.address("n3")
    # As after a move to another network: the old address is gone, so the member is dead.
    commands = (f"address add {new}/24 dev eth0", f"route replace 198.18.0.0/24 dev eth0 src {new}")
    etcd.hosts.shell("n3", " && ".join(f"ip {command}" for command in (*commands, f"address del {old}/24 dev eth0")))
    move(etcd, "n3", 43)
    assert etcd.site("--check")["n3"] > 0 and etcd.members() == before
    changed = etcd.site()
    assert changed["n3"] > 1, changed
    after = {**etcd.voters("n1", "n2"), f"etcd-22 https://{new}:2380": "voter"}
    assert etcd.members() == after
    assert set(etcd.site().values()) == {0}
    lost = writer.end()
    assert lost == set() and writer.acknowledged
    healthy = f"{etcd.etcdctl().replace(old, new)} endpoint health 2>&1"
    assert etcd.hosts.shell("n1", healthy).count("is healthy") == 3

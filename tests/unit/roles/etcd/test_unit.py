# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd unit that the role writes, rendered without any host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.etcd import etcd
from tests.support.roles.rendered import Rendered


def flags(role: Rendered) -> dict[str, str]:
    """Return the flags of the unit, of which there is one on each line."""
    lines = [line.strip(" \\") for line in role.template("etcd.service.j2").splitlines() if line.startswith("  --")]
    return {name: value for name, _equals, value in (line[2:].partition("=") for line in lines)}


def test_only_mutual_tls() -> None:
    """The flags of audits are there, and no listener is without TLS."""
    found = flags(etcd())
    assert found["client-cert-auth"] == found["peer-client-cert-auth"] == "true"
    assert found["auto-tls"] == found["peer-auto-tls"] == "false"
    assert "http://" not in str(found)
    assert found["listen-client-urls"] == "https://192.0.2.1:2379,https://127.0.0.1:2379"


def test_a_member_that_moves_is_at_both_addresses() -> None:
    role = etcd(_cluster_moving={"m1": ["192.0.2.9"]})
    found = flags(role)
    assert found["listen-client-urls"] == "https://192.0.2.1:2379,https://127.0.0.1:2379,https://192.0.2.9:2379"
    assert found["listen-peer-urls"] == "https://192.0.2.1:2380,https://192.0.2.9:2380"
    announced = {found["advertise-client-urls"], found["initial-advertise-peer-urls"]}
    assert announced == {"https://192.0.2.1:2379", "https://192.0.2.1:2380"}
    names = {item["path"].rpartition("/")[2]: item.get("sans", []) for item in role.value("_etcd_certificates")}
    assert "192.0.2.9" in names["server"] and "192.0.2.9" in names["peer"]
    assert "192.0.2.9" not in str(flags(etcd(_cluster_moving={"m2": ["192.0.2.9"]})))


def test_members_are_accepted_where_they_come_from() -> None:
    """A host whose address is not the first of its interface connects from that one."""
    peer = etcd(_cluster_preflight={"sources": ["192.0.2.7"]}).value("_etcd_certificates")[1]
    assert peer["sans"][-1] == "192.0.2.7"
    usual = etcd(_cluster_preflight={"sources": ["192.0.2.1"]}).value("_etcd_certificates")[1]
    assert usual["sans"] == etcd().value("_etcd_certificates")[1]["sans"]


def test_unit_does_not_name_the_other_members() -> None:
    """So a growing cluster restarts no member."""
    assert "192.0.2.2" not in etcd().template("etcd.service.j2")


@pytest.mark.parametrize(
    ("settings", "present", "absent"),
    [
        ({}, "feature-gates", "experimental-initial-corrupt-check"),
        ({"cluster_component_versions": {"etcd": "3.5.30"}}, "experimental-initial-corrupt-check", "feature-gates"),
        ({}, "pre-vote", "snapshot-count"),
        ({"cluster_component_versions": {"etcd": "3.5.30"}}, "snapshot-count", "feature-gates"),
        ({"cluster_binary_dir": "/srv/bin"}, "pre-vote", "feature-gates"),
        ({"etcd_config": {"pre-vote": None, "max-txn-ops": 256}}, "max-txn-ops", "pre-vote"),
    ],
)
def test_flags_by_version_and_choice(settings: dict[str, Any], present: str, absent: str) -> None:
    """No flag that the version does not have; a null removes one."""
    found = flags(etcd(**settings))
    assert present in found
    assert absent not in found


@pytest.mark.parametrize(("members", "minimum"), [(1, 0), (3, 2), (5, 3)])
def test_gate_requires_a_quorum_of_the_others(members: int, minimum: int) -> None:
    """A member stops only while the others are a quorum without it."""
    hosts = {f"m{number}": f"192.0.2.{number}" for number in range(1, members + 1)}
    gate = etcd(hosts=hosts).value("_etcd_gate")
    assert gate["minimum"] == minimum
    assert len(gate["urls"]) == members - 1
    assert "https://192.0.2.1:2379/health" not in gate["urls"]


def test_memory_priority_only_where_it_may_be_set() -> None:
    """A container without the capability would not start the unit."""
    bound = {"ansible_facts": {"host_features": {"cap_sys_resource": False}}}
    assert "OOMScoreAdjust=-900" in etcd().template("etcd.service.j2")
    assert "OOMScoreAdjust" not in etcd(**bound).template("etcd.service.j2")


def test_log_of_its_own_is_writable() -> None:
    """A directory for the log is created, and the unit may write to it."""
    role = etcd(etcd_config={"wal-dir": "/srv/wal"})
    assert "ReadWritePaths=/var/lib/etcd /srv/wal" in role.template("etcd.service.j2")
    assert "/srv/wal" in [item["path"] for item in role.value("_etcd_files")]


def checked(**found: list[str] | None) -> dict[str, Any]:
    """Return the variables of hosts after their check; None: one that was not checked."""
    addresses = {name: f"192.0.2.{number}" for number, name in enumerate(found, 1)}
    results: dict[str, dict[str, Any]] = {
        name: {"_host_cached_results": {"found": signs}} if signs is not None else {} for name, signs in found.items()
    }
    hostvars = {name: {"ansible_host": address, **results[name]} for name, address in addresses.items()}
    return {"hosts": addresses, "hostvars": hostvars}


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        ({"m1": [], "m2": [], "m3": []}, True),
        # An interrupted bootstrap: some have started, none has finished.
        ({"m1": ["data", "founding"], "m2": ["founding"], "m3": []}, True),
        # One was installed again, or has lost its disk; the others may be down.
        ({"m1": [], "m2": ["data", "formed"], "m3": ["data", "formed"]}, False),
        ({"m1": [], "m2": ["formed"], "m3": []}, False),
        ({"m1": [], "m2": ["data"], "m3": []}, False),
        ({"m1": ["data", "founding"], "m2": ["data", "formed"], "m3": ["founding"]}, False),
        # A limit, or an unreachable host: unknown.
        ({"m1": [], "m2": None, "m3": []}, False),
        ({"m1": []}, True),
    ],
)
def test_bootstrap_needs_the_result_of_every_host(found: dict[str, list[str] | None], allowed: bool) -> None:
    """If any host has a cluster, or was not checked, no host may bootstrap one."""
    role = etcd(**checked(**found))
    assert role.value("_etcd_may_bootstrap") is allowed


@pytest.mark.parametrize(("found", "allowed"), [([], True), (["formed"], False)])
def test_without_role_host_the_role_checks_itself(found: list[str], allowed: bool) -> None:
    """If role host has checked, that task is skipped, which is registered, too."""
    here = {"_etcd_marker_check": {"changed": False, "found": found}}
    skipped = {"_etcd_marker_check": {"changed": False, "skipped": True}, "_host_cached_results": {"found": []}}
    for other, answer in ((skipped, allowed), ({"_etcd_marker_check": skipped["_etcd_marker_check"]}, False)):
        role = etcd(hosts={"m1": "192.0.2.1", "m2": "192.0.2.2"}, hostvars={"m1": here, "m2": other})
        assert role.value("_etcd_may_bootstrap") is answer


def test_clients_have_no_certificate_of_the_peers_ca() -> None:
    """The peer port trusts another CA than the client port, and that one signs the peers' certificates alone."""
    role = etcd(etcd_auth=True)
    found = flags(role)
    assert found["peer-trusted-ca-file"] == "/etc/etcd/pki/peer-ca.crt" != found["trusted-ca-file"]
    signed = {item["path"].rpartition("/")[2]: item["ca"] for item in role.value("_etcd_certificates")}
    assert [name for name, ca in signed.items() if ca == "etcd-peer-ca"] == ["peer"]
    assert set(signed.values()) == {"etcd-ca", "etcd-peer-ca"}

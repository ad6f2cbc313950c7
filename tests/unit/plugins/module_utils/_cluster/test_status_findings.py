# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which problems the status of a cluster names, how severe they are, and what it says is safe."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_findings import findings
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_report import report
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import State
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_text import verdict

from tests.support.api import status

Found = list[tuple[str, str]]


def found(state: State) -> Found:
    """Return severity and text of each problem."""
    return [(finding.severity, finding.text) for finding in findings(state)]


def with_etcd(index: int = 0, **more: Any) -> State:
    """Return a healthy cluster, of whose etcd one member differs."""
    state = status.changed(status.healthy())
    state.cluster["etcd"]["members"][index].update(more)
    return state


def with_cluster(**more: Any) -> State:
    """Return a healthy cluster that reports something else."""
    state = status.changed(status.healthy())
    return status.changed(state, cluster={**state.cluster, **more})


def only(state: State) -> tuple[str, str]:
    """Return the one problem of a cluster."""
    (one,) = found(state)
    return one


def promises(state: State) -> dict[str, str]:
    """Return the states of what a cluster promises."""
    return {promise["name"]: promise["state"] for promise in report(state)["promises"]}


def test_a_healthy_cluster_has_no_problem() -> None:
    assert found(status.healthy()) == []
    assert promises(status.healthy()) == {"Data": "ok", "Clients": "ok", "Workloads": "ok"}
    assert {section["severity"] for section in report(status.healthy())["sections"]} == {"ok"}


def test_a_dead_host_is_one_problem_with_its_consequences() -> None:
    (severity, etcd), (warning, host) = found(status.dead_host())
    assert severity == "critical" and etcd.startswith(
        "etcd: 2 of 3 members are healthy, so the next loss stops it; bring"
    )
    assert warning == "warning"
    assert host.startswith("host n3: not reached, and its API server, etcd member and node do not answer (ssh: connect")
    assert promises(status.dead_host()) == {"Data": "warning", "Clients": "ok", "Workloads": "warning"}


def test_a_host_that_only_ssh_does_not_reach_is_a_warning() -> None:
    state = status.changed(status.healthy())
    severity, text = only(status.changed(state, hosts={**state.hosts, "n3": status.UNREACHABLE}))
    assert severity == "warning"
    assert "host n3: not reached, but its node is ready and its API server is ready" in text


def test_a_dead_api_names_the_reason_of_each_unit_once() -> None:
    severity, text = only(status.dead_api())
    assert severity == "critical"
    assert text.startswith(
        "API: no API server is ready (n1: inactive (dead), n2: inactive (dead), n3: inactive (dead)); "
    )
    assert promises(status.dead_api()) == {"Data": "ok", "Clients": "critical", "Workloads": "unknown"}


def test_the_last_api_server_of_several_is_critical() -> None:
    state = status.changed(status.healthy())
    for server in state.cluster["servers"][1:]:
        server.update(ready=False, reason="does not answer")
    texts = found(state)
    assert texts[0] == ("critical", "API servers: 1 of 3 is ready, so the next loss stops the API; bring n2, n3 back")
    assert texts[1][0] == "warning" and "API server on n2: does not answer, 1 of 3 are left" in texts[1][1]
    # A single master was not built to survive a failure.
    alone = status.healthy()
    one = [alone.group("masters")[0]]
    single = with_cluster(servers=[alone.cluster["servers"][0]])
    assert found(status.changed(single, inventory={**single.inventory, "masters": one})) == []


def test_an_endpoint_that_does_not_answer_is_critical() -> None:
    broken = {"url": status.ENDPOINT, "ready": False, "version": "", "reason": "refuses connections"}
    severity, text = only(with_cluster(endpoint=broken))
    assert severity == "critical" and text.startswith(f"endpoint {status.ENDPOINT}: refuses connections, though API")


def test_without_any_host_everything_is_unknown() -> None:
    hosts = dict.fromkeys(status.HOSTS, status.UNREACHABLE)
    state = status.changed(status.healthy(), hosts=hosts, cluster={})
    critical = [text for severity, text in found(state) if severity == "critical"]
    assert [text.partition(":")[0] for text in critical] == ["etcd", "API servers"]
    assert promises(state) == dict.fromkeys(("Data", "Clients", "Workloads"), "unknown")


def test_a_host_that_failed_is_named_with_its_reason() -> None:
    state = status.changed(status.healthy())
    broken = status.changed(state, hosts={**state.hosts, "n2": {"failed": True, "msg": "no module named json"}})
    assert only(broken) == ("warning", "host n2: not inspected: no module named json; fix that and run again")


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"learner": True}, "warning", "etcd member n1: still a learner"),
        ({"raft_index": 90000}, "warning", "etcd member n1: 3211 raft entries behind"),
        ({"db_size": 1700000000, "db_size_in_use": 1600000000}, "warning", "1.6 GiB, 79% of its quota; raise"),
        ({"db_size": 2000000000, "db_size_in_use": 400000000}, "critical", "93% of its quota; defragment it"),
        ({"version": "3.5.26"}, "warning", "etcd: members run 3.5.26 and 3.6.14"),
        ({"name": "old1"}, "warning", "etcd member old1: in the member list, but not in the inventory"),
    ],
)
def test_problems_of_an_etcd_member(changes: dict[str, Any], severity: str, words: str) -> None:
    assert any(one == severity and words in text for one, text in found(with_etcd(**changes))), found(
        with_etcd(**changes)
    )


def test_etcd_without_a_quorum_and_with_alarms() -> None:
    """The member that runs is not healthy either, but it need not be brought back."""
    state = with_etcd(0, healthy=False, error="has no leader")
    for member in state.cluster["etcd"]["members"][1:]:
        member.update(healthy=False, error="does not answer", version="")
    state.cluster["etcd"].update(alarms=["NOSPACE on n1"], leaders=[], leader="")
    broken = status.changed(state, cluster={**state.cluster, "api_error": "https://192.0.2.11:6443 does not answer"})
    texts = [text for severity, text in found(broken) if severity == "critical"]
    assert texts[0] == (
        "etcd: no quorum: 1 of 3 members run, it needs 2, so no write succeeds; "
        "bring n2, n3 back; do not remove a member now"
    )
    assert texts[1].startswith("etcd: alarm NOSPACE on n1; run defragment.yml")
    assert texts[2].startswith("API: no object can be read: etcd has no quorum; repair etcd first")
    assert (promises(broken)["Data"], promises(broken)["Clients"]) == ("critical", "critical")


def test_etcd_without_a_leader_whose_members_run() -> None:
    state = with_etcd()
    for member in state.cluster["etcd"]["members"]:
        member.update(healthy=False, error="has no leader")
    text = only(state)[1]
    assert text.startswith("etcd: no leader, although 3 of 3 members run, so no write succeeds; check the connections")


def test_etcd_of_five_survives_a_loss_and_learners_have_no_vote() -> None:
    state = status.changed(status.healthy())
    members = state.cluster["etcd"]["members"]
    members += [{**status.member("n1"), "name": name, "endpoint": "", "id": name} for name in ("n4", "n5")]
    members[1].update(healthy=False, error="does not answer")
    assert not any(severity == "critical" for severity, _text in found(state))
    members[3].update(learner=True)
    assert state.quorum == 3 and len(state.voters) == 4
    assert any(
        text.startswith("etcd: 3 of 4 members are healthy, so the next loss stops") for _severity, text in found(state)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ready": False, "reason": "PLEG is not healthy."}, "node n2: not ready: PLEG is not healthy; run journalctl"),
        ({"unschedulable": True}, "node n2: cordoned"),
        ({"pressure": ["DiskPressure: disk is full"]}, "node n2: DiskPressure: disk is full; free"),
        ({"version": "v1.37.0"}, "node n2: kubelet 1.37.0 is newer than an API server (1.36.2)"),
        ({"version": "v1.32.9"}, "node n2: kubelet 1.32.9 is more than 3 minors older"),
    ],
)
def test_problems_of_a_node(changes: dict[str, Any], words: str) -> None:
    nodes = [status.node("n1"), status.node("n2", **changes), status.node("n3")]
    severity, text = only(with_cluster(nodes=nodes))
    assert severity == "warning" and text.startswith(words)


def test_nodes_are_compared_with_the_inventory() -> None:
    texts = [
        text for _severity, text in found(with_cluster(nodes=[status.node("n1"), status.node("n2"), status.node("n9")]))
    ]
    assert texts[0].startswith("node n3: in the inventory, but not in the cluster")
    assert texts[1].startswith("node n9: in the cluster, but not in the inventory")


def test_nodes_that_runs_have_left_out_are_named_unless_they_were_removed() -> None:
    record = {"left_out": {"n2": "2026-11-30T20:00:00Z", "n9": "2026-11-30T20:00:00Z"}}
    severity, text = only(with_cluster(record=record))
    assert severity == "warning" and text.startswith("node n2: not updated since 2026-11-30T20:00:00Z")


def test_all_nodes_not_ready_is_critical() -> None:
    nodes = [status.node(name, ready=False, reason="x") for name in status.HOSTS]
    assert {severity for severity, _text in found(with_cluster(nodes=nodes))} == {"critical"}


def test_a_lost_leader_is_critical() -> None:
    held, lost = (
        status.lease("kube-controller-manager", "n1"),
        status.lease("kube-scheduler", "n3", held=False, age=95.0),
    )
    severity, text = only(with_cluster(leaders=[held, lost]))
    assert severity == "critical"
    assert text.startswith("kube-scheduler: has no leader, lease last renewed 1m35s ago by n3; run journalctl")


@pytest.mark.parametrize(
    ("holders", "words"), [((), "held by no load balancer"), (("n1", "n3"), "held by n1 and n3 at once")]
)
def test_a_virtual_address_has_one_holder(holders: tuple[str, ...], words: str) -> None:
    state = status.changed(status.healthy())
    for name, host in state.hosts.items():
        host.update(addresses=[status.VIRTUAL] if name in holders else [])  # type: ignore[attr-defined]
    severity, text = only(state)
    assert severity == "critical" and text.startswith(f"virtual IP {status.VIRTUAL}: {words}")
    # A load balancer that was not reached may have it.
    if not holders:
        missing = status.changed(state, hosts={**state.hosts, "n2": status.UNREACHABLE})
        assert not any("virtual IP" in text for _severity, text in found(missing))


def test_what_needs_attention_soon() -> None:
    texts = found(status.expiring())
    assert texts[0] == (
        "critical",
        "certificate /etc/kubernetes/pki/apiserver.crt on n1: expires in 3d9h; run renew.yml",
    )
    words = (
        "cordoned",
        "expires in 19d",
        "the last proven one is 3d2h old",
        "pending for 7m11s",
        "config.yaml changed",
    )
    for word in words:
        assert any(severity == "warning" and word in text for severity, text in texts), word
    assert len(texts) == 1 + len(words)


def test_a_certificate_on_many_hosts_is_one_problem() -> None:
    state = status.changed(status.healthy())
    for host in state.hosts.values():
        host["certificates"][0] = status.certificate("/p/ca.crt", -2.0, "kubernetes", is_ca=True, fingerprint="ca")
    text = "certificate /p/ca.crt on n1 and 2 more places: expired 2d ago; run rotate_ca.yml"
    assert only(state) == ("critical", text)


def test_a_listener_that_was_not_restarted_is_named() -> None:
    state = status.changed(status.healthy())
    served = status.certificate("192.0.2.11:6443", 300, "x", kind="endpoint", endpoint="192.0.2.11:6443")
    served.update(path="/etc/kubernetes/pki/apiserver.crt", served_matches=False, used_by=["kube-apiserver"])
    state.hosts["n1"]["certificates"].append(served)
    severity, text = only(state)
    assert severity == "warning"
    assert text.startswith(
        "192.0.2.11:6443 on n1: serves another certificate than /etc/kubernetes/pki/apiserver.crt; run site"
    )


def test_a_backup_matters_where_it_is_deployed() -> None:
    state = status.changed(status.healthy())
    for host in state.hosts.values():
        host["backup"]["last"] = {}
    severity, text = only(state)
    assert severity == "warning" and text.startswith("backup: no proven backup is known; run backup.yml")
    for host in state.hosts.values():
        host["backup"]["deployed"] = False
    assert found(state) == []


def test_a_unit_that_does_not_work_is_a_warning() -> None:
    state = status.changed(status.healthy())
    state.hosts["n2"]["units"][8]["error"] = "it is failed (failed); see journalctl -u kube-proxy.service"
    assert only(state) == ("warning", "kube-proxy on n2: failed (failed); see journalctl -u kube-proxy.service")


def test_a_running_operation_is_shown_and_an_interrupted_one_is_a_warning() -> None:
    running = {"holder": "alice@ctrl1/11-1", "playbook": "site.yml", "age": 4.0, "held": True}
    running["since"] = "2026-11-29T03:10:00Z"
    assert found(with_cluster(operation=running)) == []
    section = report(with_cluster(operation=running))["sections"][-1]
    assert section["summary"] == "site.yml by alice@ctrl1/11-1 since 2026-11-29 03:10:00 UTC"
    running["step"] = "etcd : Run etcd"
    section = report(with_cluster(operation=running))["sections"][-1]
    assert section["summary"] == "site.yml by alice@ctrl1/11-1 since 2026-11-29 03:10:00 UTC · etcd : Run etcd"
    severity, text = only(with_cluster(operation={**running, "held": False, "age": 700.0}))
    assert severity == "warning" and text.startswith(
        "operation: site.yml of alice@ctrl1/11-1: interrupted at 'etcd : Run etcd', its lock was last renewed 11m40s"
    )


@pytest.mark.parametrize(("known", "severity", "summary"), [({}, "ok", "none"), (None, "unknown", "unknown")])
def test_without_an_api_server_etcd_knows_the_operation(known: Any, severity: str, summary: str) -> None:
    state = status.dead_api()
    state.cluster.pop("operation", None)
    state.cluster.update({} if known is None else {"operation": known})
    section = report(state)["sections"][-1]
    assert (section["name"], section["severity"], section["summary"]) == ("operation", severity, summary)


def test_severity_decides_whether_a_run_fails() -> None:
    broken, cordoned = (
        report(status.dead_host()),
        report(with_cluster(nodes=[status.node(n, unschedulable=n == "n2") for n in status.HOSTS])),
    )
    assert verdict(broken, "critical") == (
        "cluster prod: critical: etcd: 2 of 3 members are healthy, so the next loss stops it"
    )
    assert "warning: host n3" in verdict(broken, "warning") and "\n" not in verdict(broken, "warning")
    assert verdict(broken, "never") == verdict(cordoned, "critical") == ""
    assert verdict(cordoned, "warning") == "cluster prod: warning: node n2: cordoned, so it gets no new pods"


def test_a_stopped_cluster_is_one_problem() -> None:
    state = status.changed(status.healthy())
    for unit in (unit for host in state.hosts.values() for unit in host["units"]):
        unit.update(state="inactive (dead)", active=False, error="it is inactive (dead)")
    assert found(state) == [("critical", "cluster: stopped on all hosts; start it with the playbook start")]
    state.hosts["n1"]["units"][0]["state"] = "failed (failed)"
    assert len(found(state)) > 1


def with_nodes(cni: str = "flannel", **more: dict[str, Any]) -> State:
    """Return a healthy cluster of which some nodes differ, with this pod network."""
    nodes = [status.node(name, **more.get(name, {})) for name in status.HOSTS]
    state = with_cluster(nodes=nodes)
    return status.changed(state, inventory={**state.inventory, "cni": cni})


def network(state: State) -> dict[str, Any]:
    """Return the section of the pod network."""
    (section,) = (one for one in report(state)["sections"] if one["name"] == "network")
    return section


def test_the_leases_of_flannel_are_a_table() -> None:
    section = network(with_nodes(n1={"pod_cidr": "10.244.1.0/24"}, n2={"pod_cidr": "10.244.2.0/24"}))
    assert section["columns"] == ["Node", "Subnet", "Public IP", "Backend"]
    assert [row["cells"] for row in section["rows"]][:2] == [
        ["n1", "10.244.1.0/24", "192.0.2.11", "vxlan"],
        ["n2", "10.244.2.0/24", "192.0.2.12", "vxlan"],
    ]
    assert (section["severity"], section["summary"]) == ("ok", "flannel vxlan · 3 of 3 nodes have a lease")


def test_a_subnet_of_two_nodes_is_critical() -> None:
    state = with_nodes(n1={"pod_cidr": "10.244.1.0/24"}, n3={"pod_cidr": "10.244.1.0/24"})
    severity, text = only(state)
    assert severity == "critical" and text.startswith("pod subnet 10.244.1.0/24: the subnet of n1 and n3, so packets")
    assert [row["severity"] for row in network(state)["rows"]] == ["critical", "critical", "ok"]


def test_a_public_address_in_two_leases_is_critical() -> None:
    severity, text = only(with_nodes(n2={"flannel": {"public_ip": "192.0.2.11", "backend": "vxlan"}}))
    assert severity == "critical" and text.startswith("public IP 192.0.2.11: in the leases of n1 and n2")


def test_a_node_without_a_lease_is_a_warning() -> None:
    assert only(with_nodes(n2={"flannel": {}})) == (
        "warning",
        "node n2: has no lease of flannel; run journalctl -u flanneld on n2",
    )
    state = with_nodes(n2={"flannel": {}})
    in_etcd = status.changed(state, inventory={**state.inventory, "flannel_store": "etcd"})
    assert (found(in_etcd), network(in_etcd)["summary"]) == ([], "flannel · leases in etcd")


def test_a_network_that_is_awaited_is_one_warning() -> None:
    waits = {"ready": False, "reason": "cni plugin not initialized", "awaits_network": True, "flannel": {}}
    state = with_nodes("none", n1=waits, n2=waits, n3=waits)
    severity, text = only(state)
    assert (severity, text) == (
        "warning",
        "pod network: awaited on n1, n2, n3, so no pod runs there; install it, see docs/pod-network.md",
    )
    assert promises(state)["Workloads"] == "warning"
    assert network(state)["summary"] == "installed by you (cluster_cni is none) · awaited on n1, n2, n3"
    lost = {**waits, "awaits_network": False}
    assert found(with_nodes("none", n1=lost, n2=lost, n3=lost))[0][0] == "critical", "for another reason"
    assert "critical" in {severity for severity, _text in found(with_nodes(n1=waits, n2=waits, n3=waits))}, "flannel"

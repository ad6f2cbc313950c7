# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_firewall with the real ufw, firewalld and nftables, with packets between hosts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hosts.packages import install
from tests.support.hosts.sandbox import Lab, lab
from tests.support.hosts.traffic import NFTABLES, RESET, from_controller, from_host, opening, serve, vrrp_from
from tests.support.repository import SANDBOX

pytestmark = [pytest.mark.needs_root, pytest.mark.slow, pytest.mark.long]
FORWARD = "table inet filter { chain forward { type filter hook forward priority filter; policy drop; }; }"
START = {
    "n1": "ufw allow 22/tcp; ufw deny from 203.0.113.9; ufw --force enable",
    "n2": "systemctl enable -q --now firewalld; firewall-cmd -q --permanent --add-port=99/tcp; "
    "firewall-cmd -q --reload",
    "n3": f"printf '%s' '{NFTABLES}{FORWARD}' >/etc/nftables.conf; systemctl enable -q --now nftables",
}
# What belongs to the operators.
SHOW = {
    "n1": "ufw show added; grep -v -e '^### tuple' /etc/ufw/ufw.conf",
    "n2": "firewall-cmd --list-all-zones; firewall-cmd --list-all-policies; ls /etc/firewalld/*/; "
    "firewall-cmd --permanent --list-all-zones; firewall-cmd --permanent --list-all-policies",
    "n3": "nft -s list ruleset; systemctl list-unit-files 'hardway*'; ls /etc/hardway 2>&1 || true",
}
RELOAD = {"n1": "ufw reload", "n2": "firewall-cmd --reload", "n3": "systemctl reload nftables; sleep 2"}
UNTIL_BOOTED = "until systemctl is-system-running | grep -q -e running -e degraded; do sleep 0.5; done"
PODS = "10.244.0.0/16"
# A pod with a network of its own, as the CNI plugins connect it.
POD = """
sysctl -qw net.ipv4.ip_forward=1
ip netns add pod; ip link add cni0 type bridge; ip addr add 10.244.{number}.1/24 dev cni0; ip link set cni0 up
ip link add veth0 type veth peer name eth0 netns pod; ip link set veth0 master cni0 up
ip -n pod addr add 10.244.{number}.2/24 dev eth0; ip -n pod link set eth0 up; ip -n pod link set lo up
ip -n pod route add default via 10.244.{number}.1
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return three hosts with different firewalls that let nothing in but ssh."""
    with lab(tmp_path_factory.mktemp("fwall"), 3) as ready:
        install(ready, "n1", "ufw")
        install(ready, "n2", "firewalld")
        for number, host in enumerate(ready.hosts, 1):
            ready.inside(host, POD.format(number=number))
            for other, address in ready.addresses.items():
                if other != host:
                    ready.inside(host, f"ip route add 10.244.{other[1:]}.0/24 via {address}")
            serve(ready, host, [2379, 2380, 10250])
            serve(ready, host, [8472], "UDP")
            ready.inside(host, START[host])
        yield ready


def run(hosts: Lab, leave: str = "", check: bool = False, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the results of the module, which lets in each host at the others, but one that leaves."""
    stay = {host: address for host, address in hosts.addresses.items() if host != leave}
    peers = "{{ (stay | difference([ansible_host])) }}"
    openings = [
        {**opening(2379), "sources": peers},
        {**opening(8472, protocol="udp"), "sources": peers},
        {**opening("", protocol="vrrp"), "sources": peers},
        opening(10250, PODS),
    ]
    forwards = [{"source": PODS}]
    task = {"hardway.kubernetes.host_firewall": {"openings": openings, "forwards": forwards, **options}}
    return hosts.play(task, check=check, stay=sorted(stay.values()))


def state(hosts: Lab) -> dict[str, str]:
    """Return what belongs to the operators."""
    return {host: hosts.inside(host, SHOW[host]) for host in hosts.hosts}


def pairs(hosts: Lab, port: int, kind: str = "tcp") -> set[str]:
    """Return which hosts reach which, c being the controller, that is no host of the cluster."""
    found = {
        f"{one}>{other}"
        for one in hosts.hosts
        for other in hosts.hosts
        if one != other and from_host(hosts, one, hosts.addresses[other], port, kind)
    }
    return found | {
        f"c>{host}" for host in hosts.hosts if from_controller(hosts, hosts.addresses[host], port, kind=kind)
    }


ALL = {f"{one}>{other}" for one in ("n1", "n2", "n3") for other in ("n1", "n2", "n3") if one != other}


def pod_reaches_pod(hosts: Lab, one: str, other: str) -> bool:
    """Return whether the pod of a host reaches that of another one."""
    ping = f"ip netns exec pod ping -c 1 -W 1 10.244.{other[1:]}.2 >/dev/null && echo yes || true"
    return hosts.inside(one, ping) == "yes"


def test_from_the_first_rule_to_the_reset(hosts: Lab) -> None:
    former = state(hosts)
    assert pairs(hosts, 2379) == set() and not pod_reaches_pod(hosts, "n1", "n2")
    predicted = run(hosts, check=True)
    assert all(result["changed"] for result in predicted.values()) and state(hosts) == former
    done = run(hosts)
    names = {host: result["firewall"] for host, result in done.items()}
    assert names == {"n1": "ufw", "n2": "firewalld", "n3": "nftables"}
    assert {host: result["changes"] for host, result in done.items()} == {
        host: result["changes"] for host, result in predicted.items()
    }
    # Hosts of the cluster reach what is open for them, the controller nothing, and no host another port.
    assert pairs(hosts, 2379) == ALL and pairs(hosts, 8472, "udp") == ALL and pairs(hosts, 2380) == set()
    assert [vrrp_from(hosts, "n1" if host != "n1" else "n2", host) for host in hosts.hosts] == [
        [hosts.addresses["n2"]],
        [hosts.addresses["n1"]],
        [hosts.addresses["n1"]],
    ]
    assert all(pod_reaches_pod(hosts, *pair.split(">")) for pair in ALL)
    reached = "ip netns exec pod socat -T1 - TCP:10.244.{0}.1:10250,connect-timeout=1 </dev/null"
    assert hosts.everywhere(reached.format("1"))["n1"] == "answered"
    assert not any(result["changed"] for result in run(hosts).values())
    # The operators load their rules again.
    for host in hosts.hosts:
        hosts.inside(host, RELOAD[host])
    assert pairs(hosts, 2379) == ALL
    assert not any(result["changed"] for result in run(hosts).values())
    # n3 leaves; while it does, it is still let in.
    assert not any(result["changed"] for result in run(hosts, leave="n3", exclusive=False).values())
    assert run(hosts, leave="n3", check=True)["n1"]["changed"]
    run(hosts, leave="n3")
    assert pairs(hosts, 2379) == ALL - {"n3>n1", "n3>n2"}
    assert not any(result["changed"] for result in run(hosts, leave="n3").values())
    # All of it goes with the rest of the cluster, and nothing else.
    hosts.everywhere("mkdir -p /var/lib/hardway")
    assert all(result["changed"] for result in hosts.play(RESET).values())
    assert state(hosts) == former and pairs(hosts, 2379) == set()
    assert not any(result["changed"] for result in hosts.play(RESET).values())


def test_a_boot_keeps_the_rules(hosts: Lab) -> None:
    run(hosts)
    for verb in ("poweroff", "poweron"):
        for host in hosts.hosts:
            subprocess.run([SANDBOX, verb, "--name", hosts.name, host], check=True, capture_output=True)
    for host in hosts.hosts:
        hosts.inside(host, f"timeout 60 sh -c '{UNTIL_BOOTED}'")
        serve(hosts, host, [2379])
    time.sleep(2)
    assert pairs(hosts, 2379) == ALL
    assert not any(result["changed"] for result in run(hosts).values())


def test_what_the_operator_denies_stays_denied(hosts: Lab) -> None:
    run(hosts)
    rule = f"deny from {hosts.addresses['n2']} to any port 2379 proto tcp"
    # ufw replaces a rule by another one for the same packets.
    hosts.inside("n1", f"ufw {rule}")
    result = run(hosts)["n1"]
    assert not result["changed"]
    (problem,) = result["problems"]
    assert problem.startswith(f"the rule {rule} comes first and denies") and problem.endswith("; delete that rule")
    assert "n2>n1" not in pairs(hosts, 2379)
    hosts.inside("n1", f"ufw delete {rule}")
    assert run(hosts)["n1"]["changed"] and "n2>n1" in pairs(hosts, 2379)


def test_a_reload_that_would_lose_settings_is_refused(hosts: Lab) -> None:
    hosts.everywhere("mkdir -p /var/lib/hardway")
    hosts.play(RESET)
    hosts.inside("n2", "firewall-cmd -q --add-port=77/tcp")
    result = run(hosts)["n2"]
    assert result["failed"] and "would lose what is not permanent (public ports: 77/tcp); keep it" in result["msg"]
    assert hosts.inside("n2", "firewall-cmd --list-ports") == "77/tcp 99/tcp"
    hosts.inside("n2", "firewall-cmd -q --reload")
    assert run(hosts)["n2"]["changed"]


def test_an_inactive_firewall_is_left_alone(hosts: Lab) -> None:
    hosts.everywhere("mkdir -p /var/lib/hardway")
    hosts.play(RESET)
    hosts.inside("n1", "ufw disable")
    hosts.inside("n2", "systemctl stop firewalld")
    hosts.inside("n3", "systemctl stop nftables")
    assert [(result["changed"], result["firewall"]) for result in run(hosts).values()] == [(False, "")] * 3
    # Rules that a firewall has while it is off go with a reset.
    hosts.inside("n1", "ufw --force enable")
    run(hosts)
    hosts.inside("n1", "ufw disable")
    hosts.everywhere("mkdir -p /var/lib/hardway")
    assert hosts.play(RESET)["n1"]["changed"]
    assert "hardway" not in hosts.inside("n1", "ufw show added")

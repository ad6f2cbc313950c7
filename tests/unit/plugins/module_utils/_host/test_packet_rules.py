# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which chains, rules and tables a reset removes."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._host import packet_rules

NAT = r"""
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING DROP [0:0]
:OPERATOR - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SEP-AB - [0:0]
:FLANNEL-POSTRTG - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-DN-0123ab - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A PREROUTING -s 10.0.0.1/32 -m comment --comment "never -j KUBE-SERVICES" -j OPERATOR
-A OPERATOR -d 203.0.113.9/32 -j RETURN
-A KUBE-SERVICES -j KUBE-SEP-AB
-A KUBE-SEP-AB -j RETURN
-A FLANNEL-POSTRTG -j RETURN
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"NETWORK\" id: \"ab\"" -j CNI-DN-0123ab
-A CNI-DN-0123ab -j DNAT --to-destination 10.244.1.2:80
COMMIT
"""


def test_only_our_chains_and_the_jumps_to_them_are_removed() -> None:
    text, chains = packet_rules.removal(NAT.replace("NETWORK", "flannel"), "flannel")
    assert chains == [
        f"nat/{name}"
        for name in ("KUBE-SERVICES", "KUBE-SEP-AB", "FLANNEL-POSTRTG", "CNI-HOSTPORT-DNAT", "CNI-DN-0123ab")
    ]
    lines = text.splitlines()
    assert lines[0] == "*nat" and lines[-1] == "COMMIT"
    assert [line for line in lines if line.startswith("-D")] == [
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
    ]
    # No line with a policy, and none for chains of others.
    assert not any(line.startswith((":", "-F OPERATOR", "-X OPERATOR")) for line in lines)
    assert lines.index("-F KUBE-SERVICES") < lines.index("-X KUBE-SEP-AB")


def test_ports_of_containers_of_another_network_stay() -> None:
    _text, chains = packet_rules.removal(NAT.replace("NETWORK", "bridge"), "flannel")
    assert chains == ["nat/KUBE-SERVICES", "nat/KUBE-SEP-AB", "nat/FLANNEL-POSTRTG"]


def test_chains_with_similar_names_stay() -> None:
    text = "*filter\n:INPUT DROP [0:0]\n:FLANNEL - [0:0]\n:MY-KUBE-X - [0:0]\n:CNI-ADMIN - [0:0]\n"
    text += "-A INPUT -j MY-KUBE-X\nCOMMIT\n"
    assert packet_rules.removal(text, "flannel") == ("", [])


def test_only_our_tables_of_nftables() -> None:
    text = "table inet operator\ntable ip kube-proxy\ntable inet kube-proxy\ntable ip6 flannel-ipv6\ntable ip nat\n"
    assert packet_rules.tables(text) == ["ip kube-proxy", "ip6 flannel-ipv6"]

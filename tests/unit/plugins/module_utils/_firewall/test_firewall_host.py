# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which firewall of a host is active, and what is opened there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import host, openings
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import Forward, Rule


def opening(port: str, *sources: str, protocol: str = "tcp") -> dict[str, Any]:
    """Return one port of a unit."""
    return {"port": port, "protocol": protocol, "sources": list(sources)}


def test_rules_are_by_source() -> None:
    given = [
        opening("2380", "192.0.2.12", "192.0.2.2"),
        opening("2379", "192.0.2.12", "192.0.2.2"),
        opening("", "192.0.2.2", protocol="vrrp"),
        opening("30000-32767", "10.9.1.1/16"),
        opening("31000", "10.9.0.0/16"),
        opening("6443"),
    ]
    assert openings.rules(given) == [
        Rule("10.9.0.0/16", "tcp", ("30000-32767",)),
        Rule("192.0.2.2", "tcp", ("2379", "2380")),
        Rule("192.0.2.2", "vrrp", ()),
        Rule("192.0.2.12", "tcp", ("2379", "2380")),
    ]
    assert openings.rules(reversed(given)) == openings.rules(given)


def test_forwards_are_without_repetitions() -> None:
    pods = {"source": "10.244.0.0/16", "destination": ""}
    assert openings.forwards([pods, pods, {"source": "", "destination": ""}]) == [Forward("10.244.0.0/16", "")]


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        ("-P INPUT ACCEPT\n", False),
        ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", True),
        ("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n", True),
        ("-P INPUT ACCEPT\n-A INPUT -j KUBE-FIREWALL\n", False),
    ],
)
def test_iptables_that_block_everything(rules: str, closed: bool) -> None:
    assert host.closed_iptables(rules) is closed


@pytest.mark.parametrize(
    ("chains", "name"),
    [
        ("table inet f {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n", "nftables"),
        ("table inet f {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t}\n}\n", ""),
        # Rules of iptables are not added to: it could no longer read its table.
        ("table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n", ""),
    ],
)
def test_nothing_is_opened_where_no_firewall_is_active(
    chains: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "is_active", lambda: False)
    monkeypatch.setattr(host, "SETTINGS", str(tmp_path / "none"))
    monkeypatch.setattr(host, "program", lambda name: name if name == "nft" else None)

    def run(command: list[str], _text: str | None = None) -> tuple[int, str, str]:
        return (0, chains, "") if command[0] == "nft" and "chain" in command[2] else (1, "", "")

    found = host.active(run, [opening("2379", "192.0.2.12")], [])
    assert (found.name if found else "") == name
    assert host.prediction(run, [opening("2379", "192.0.2.12")], [])["pending"] is bool(name)
    assert list(host.closed_chains(run)[0]) == ([] if "accept" in chains else [f"nftables chain {_name(chains)}"])


def _name(chains: str) -> str:
    words = chains.split()
    return f"{words[1]} {words[2]} {words[5]}"

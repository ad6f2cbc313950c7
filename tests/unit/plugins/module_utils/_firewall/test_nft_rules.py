# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in chains of nftables, as nft 1.0.6 lists them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import nft_rules, nftables
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import ANYWHERE, Forward, Rule

RECORDED = Path(__file__).parent / "recorded"
CHAINS = (RECORDED / "nft-chains.txt").read_text()
OWN = (RECORDED / "nft-own.txt").read_text()
RULES = [
    Rule(ANYWHERE, "tcp", ("30000-32767",)),
    Rule("10.9.0.0/16", "tcp", ("6443",)),
    Rule("10.244.0.0/16", "tcp", ("6443",)),
    Rule("198.18.0.11", "tcp", ("2379", "2380", "6443", "10250")),
    Rule("198.18.0.11", "udp", ("8472",)),
    Rule("198.18.0.11", "vrrp", ()),
    Rule("198.18.0.12", "tcp", ("2379", "2380", "6443")),
    Rule("198.18.0.12", "udp", ("8472",)),
    Rule("198.18.0.12", "vrrp", ()),
    Rule("fd00::1", "tcp", ("2379",)),
]


def test_rules_are_those_that_nft_lists() -> None:
    listed = nft_rules.listed_rules(OWN)
    wrote = [nft_rules.canonical(rule) for rule in nft_rules.of_input(RULES, "ip")]
    # One has been added by hand.
    assert sorted(listed[1:]) == sorted(wrote)
    assert nft_rules.canonical("ip6 saddr fd00::1 tcp dport 2379 accept") in nft_rules.of_input(RULES, "inet")


def test_a_set_over_several_lines_is_one_rule() -> None:
    text = OWN.replace("198.18.0.24, ", "198.18.0.24,\n\t\t\t     ")
    assert nft_rules.listed_rules(text) == nft_rules.listed_rules(OWN)


def test_answers_to_pods_are_forwarded() -> None:
    forwards = [Forward("10.244.0.0/16", ""), Forward("198.18.0.12", "10.244.0.0/16"), Forward("fd00::/64", "")]
    assert nft_rules.of_forward(forwards, "ip") == [
        "ip saddr 10.244.0.0/16 accept",
        "ip daddr 10.244.0.0/16 ct state established,related accept",
        "ip saddr 198.18.0.12 ip daddr 10.244.0.0/16 accept",
    ]


def test_chains_that_guard_the_host() -> None:
    found = nft_rules.base_chains(CHAINS)
    assert [(chain.place, chain.name, chain.hook, chain.is_iptables) for chain in found] == [
        ("inet filter", "input", "input", False),
        ("inet filter", "forward", "forward", False),
        ("ip other", "in", "input", False),
        ("ip filter", "INPUT", "input", True),
        ("ip filter", "FORWARD", "forward", True),
    ]
    assert nft_rules.own_chains(CHAINS) == [
        ("inet filter", "hardway-kubernetes"),
        ("inet filter", "hardway-pods"),
        ("ip other", "hardway-kubernetes"),
    ]


def test_other_kinds_of_chains_guard_nothing() -> None:
    text = (
        "table ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n"
        "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0;\n\t}\n\tchain X {\n\t}\n}\n"
        "table bridge b {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"
    )
    assert nft_rules.base_chains(text) == [("ip", "filter", "INPUT", "input")]


@pytest.mark.parametrize(
    ("chain", "closed"),
    [
        ("type filter hook input priority filter; policy accept;\ntcp dport 22 accept", False),
        ("type filter hook input priority filter; policy drop;", True),
        ("type filter hook input priority 0; policy accept;\nct state established accept\nreject with icmp x", True),
        ("type filter hook input priority 0; policy accept;\nct state invalid drop\njump KUBE-FIREWALL", False),
        ("type filter hook input priority 0; policy accept;\ncounter packets 0 bytes 0 drop", True),
    ],
)
def test_chains_that_block_everything(chain: str, closed: bool) -> None:
    assert nft_rules.is_closed(f"table inet filter {{\nchain input {{\n{chain}\n}}\n}}") is closed


@pytest.mark.parametrize("name", ["nft-input.txt", "nft-forward.txt", "nft-other.txt"])
def test_recorded_chains_are_closed(name: str) -> None:
    assert nft_rules.is_closed((RECORDED / name).read_text())


def test_the_jump_is_found_by_its_handle() -> None:
    text = (RECORDED / "nft-input.txt").read_text()
    assert nft_rules.handles(text, "hardway-kubernetes") == ["23"]
    assert nft_rules.handles(text, "hardway-pods") == []


def test_the_unit_follows_the_operators_rules() -> None:
    text = nftables.unit_text([nft_rules.Chain("inet", "filter", "input", "input")], "/usr/sbin/nft")
    assert "PartOf=nftables.service\nReloadPropagatedFrom=nftables.service\n" in text
    assert text.count("insert rule inet filter input jump hardway-kubernetes comment hardway.kubernetes'") == 2


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are written, and nft has not been called: the commands are still left to do."""
    monkeypatch.setattr(nftables, "FILE", str(tmp_path / "firewall.nft"))
    monkeypatch.setattr(nftables, "UNIT_FILE", str(tmp_path / "unit"))

    def run(command: list[str], text: str | None = None) -> tuple[int, str, str]:
        if text is not None:
            raise KeyboardInterrupt
        listing = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
        return (0, listing, "") if command[-1] in ("chains", "input") else (1, "", "No such file")

    first = nftables.Nftables(run, RULES, ())
    planned = first.changes()
    with pytest.raises(KeyboardInterrupt):
        first.apply()
    left = nftables.Nftables(run, RULES, ()).changes()
    assert [line for line in planned if not line.startswith("write ")] == left
    assert left[0] == "nft add chain inet filter hardway-kubernetes" and any("insert rule" in line for line in left)

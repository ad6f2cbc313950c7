# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ufw, as the program of Debian 12 keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import openings, ufw_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import ANYWHERE, Forward, Rule

RECORDED = Path(__file__).parent / "recorded"
FOUND = ufw_rules.parse("".join((RECORDED / name).read_text() for name in ("ufw-user.rules", "ufw-user6.rules")))
# What is recorded as ours.
RULES = [
    Rule("198.18.0.12", "tcp", ("2379", "2380", "6443")),
    Rule("198.18.0.12", "vrrp", ()),
    Rule(ANYWHERE, "tcp", ("30000-32767",)),
    Rule("fd00::1", "tcp", ("2379",)),
]
FORWARDS = [Forward("10.244.0.0/16", ""), Forward("198.18.0.12", "10.244.0.0/16")]


def test_all_rules_are_read() -> None:
    assert len(FOUND) == 14
    assert [rule.comment for rule in FOUND if rule.comment not in ("", openings.MARK)] == [
        "own words",
        "of the operator",
    ]
    assert [rule.verb for rule in FOUND if rule.direction != "in"] == ["deny", "deny"]


def test_what_is_there_is_neither_added_nor_deleted() -> None:
    want = ufw_rules.wanted(RULES, FORWARDS)
    assert ufw_rules.missing(FOUND, want) == []
    assert ufw_rules.surplus(FOUND, want) == []


def test_a_host_that_left_loses_its_rules_and_no_others() -> None:
    want = ufw_rules.wanted([rule for rule in RULES if rule.source != "198.18.0.12"], FORWARDS[:1])
    commands = [" ".join(ufw_rules.command(rule, delete=True)) for rule in ufw_rules.surplus(FOUND, want)]
    assert commands == [
        "ufw delete allow proto tcp from 198.18.0.12 to any port 2379,2380,6443",
        "ufw delete allow proto vrrp from 198.18.0.12",
        "ufw route delete allow from 198.18.0.12 to 10.244.0.0/16",
    ]


def test_a_rule_of_the_operator_stays_the_operators() -> None:
    want = ufw_rules.wanted([Rule("198.18.0.14", "tcp", ("2379",)), Rule("198.18.0.14", "udp", ("8472",))], [])
    assert [" ".join(ufw_rules.command(rule)) for rule in ufw_rules.missing(FOUND, want)] == [
        "ufw allow proto udp from 198.18.0.14 to any port 8472 comment hardway.kubernetes"
    ]


@pytest.mark.parametrize("action", ["deny", "allow_log"])
def test_a_rule_for_the_same_packets_is_not_replaced(action: str) -> None:
    """ufw keeps one of them, the newer."""
    (want,) = ufw_rules.wanted([Rule("198.18.0.12", "tcp", ("2379",))], [])
    found = [want._replace(action=action, comment="")]
    assert ufw_rules.missing(found, [want]) == [] and ufw_rules.surplus(found, []) == []
    assert [rule for rule, _one in ufw_rules.denied(found, [want])] == (found if action == "deny" else [])


@pytest.mark.parametrize(
    ("rule", "denied"),
    [
        (Rule("198.18.0.99", "tcp", ("2379",)), "deny from 198.18.0.99 to any"),
        (Rule("198.18.0.13", "tcp", ("2379", "2380")), "deny in on eth0 from any to any port 2380 proto tcp"),
        (Rule("198.18.0.13", "udp", ("2380",)), ""),
        (Rule("198.18.0.13", "tcp", ("2379",)), ""),
        (Rule("198.18.0.13", "vrrp", ()), ""),
        # An earlier rule decides.
        (Rule("198.18.0.99", "tcp", ("22",)), ""),
    ],
)
def test_rules_that_deny_what_is_wanted(rule: Rule, denied: str) -> None:
    found = [ufw_rules.in_words(one) for one, _want in ufw_rules.denied(FOUND, ufw_rules.wanted([rule], []))]
    assert found == ([denied] if denied else [])


def test_many_ports_are_several_rules() -> None:
    ports = tuple(str(port) for port in range(2000, 2016))
    assert [rule.ports.count(",") + 1 for rule in ufw_rules.wanted([Rule("192.0.2.1", "tcp", ports)], [])] == [15, 1]
    (rule,) = ufw_rules.wanted([Rule("192.0.2.1", "tcp", ("22", "30000-32767"))], [])
    assert rule.ports == "22,30000:32767"


@pytest.mark.parametrize(
    ("version", "before", "known"),
    [
        ("ufw 0.36.2\nCopyright 2008-2023 Canonical Ltd.", "", True),
        ("ufw 0.36.1\n", "", False),
        ("ufw 0.37", "", True),
        ("ufw 0.36\n", "-A ufw-before-input -s 192.0.2.1 -p vrrp -j ACCEPT\n", True),
        ("", "# -A ufw-before-input -p vrrp -j ACCEPT\n", False),
    ],
)
def test_older_releases_have_no_rules_for_vrrp(version: str, before: str, known: bool) -> None:
    assert ufw_rules.knows_vrrp(version, before) is known

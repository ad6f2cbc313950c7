# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of firewalld, as the program of Debian 12 prints them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import firewalld_rules as rules_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import ANYWHERE, Forward, Rule

RECORDED = Path(__file__).parent / "recorded"
POLICIES = rules_of.parse((RECORDED / "firewalld-policies.txt").read_text())
API = ("2379", "2380", "6443")
RULES = [
    Rule(ANYWHERE, "tcp", ("30000-32767",)),
    Rule("10.9.0.0/16", "tcp", ("6443",)),
    Rule("10.244.0.0/16", "tcp", ("6443",)),
    Rule("198.18.0.11", "tcp", API),
    Rule("198.18.0.11", "udp", ("8472",)),
    Rule("198.18.0.11", "vrrp", ()),
    Rule("198.18.0.13", "tcp", (*API, "10250")),
    Rule("198.18.0.13", "udp", ("8472",)),
    Rule("198.18.0.13", "vrrp", ()),
]
FORWARDS = [Forward("10.244.0.0/16", ""), Forward("198.18.0.13", "10.244.0.0/16")]


def listed(name: str) -> rules_of.Listed:
    """Return the recorded zones."""
    return rules_of.parse((RECORDED / name).read_text())


def test_rules_are_written_as_firewalld_prints_them() -> None:
    want = rules_of.rich_rules(RULES, FORWARDS)
    assert {name: POLICIES[name][rules_of.RICH] for name in rules_of.EGRESS} == want


def test_a_policy_of_ours_applies_to_what_it_must() -> None:
    assert all(rules_of.is_ours(name, POLICIES[name]) for name in rules_of.EGRESS)
    assert not rules_of.is_ours(rules_of.PODS, POLICIES[rules_of.INPUT])
    assert not rules_of.is_ours(rules_of.PODS, None)


def test_a_new_policy_is_what_firewalld_makes_of_it() -> None:
    wrote = rules_of.policy_xml(rules_of.PODS, rules_of.rich_rules(RULES, FORWARDS)[rules_of.PODS])
    assert wrote == (RECORDED / "hardway-pods.xml").read_text().rstrip() + "\n"
    root = ElementTree.fromstring(rules_of.policy_xml(rules_of.INPUT, rules_of.rich_rules(RULES, [])[rules_of.INPUT]))
    assert len(root.findall("rule")) == 14
    assert [one.attrib for one in root.iter("protocol")] == [{"value": "vrrp"}] * 2
    assert {"port": "10250", "protocol": "tcp"} in [one.attrib for one in root.iter("port")]


def test_what_a_reload_would_lose() -> None:
    runtime, permanent = listed("firewalld-zones.txt"), listed("firewalld-zones-permanent.txt")
    assert list(rules_of.lost_by_reload(runtime, permanent)) == ["internal ports: 99/tcp"]
    assert list(rules_of.lost_by_reload(permanent, permanent)) == []
    # Our own are added again.
    assert list(rules_of.lost_by_reload(POLICIES, {"allow-host-ipv6": POLICIES["allow-host-ipv6"]})) == []

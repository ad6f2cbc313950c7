# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of firewalld. No I/O.

Ours come before its zones and leave what they do not accept to them, so that zones of the operator stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Optional
from xml.sax.saxutils import quoteattr

from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import (
    MARK,
    Forward,
    Rule,
    is_ipv6,
)

# Each with the zone to which its packets go. Names of firewalld have no more than 18 characters.
INPUT, PODS = "hardway-kubernetes", "hardway-pods"
EGRESS = {INPUT: "HOST", PODS: "ANY"}
PRIORITY = "-100"
RICH = "rich rules"
# Which zones have which interfaces, NetworkManager restores after a reload.
INTERFACES = "interfaces"
Listed = dict[str, dict[str, list[str]]]


def rich_rules(rules: Iterable[Rule], forwards: Iterable[Forward]) -> dict[str, list[str]]:
    """Return the rules of each policy as firewalld prints them."""
    found: dict[str, list[str]] = {INPUT: [], PODS: []}
    for rule in rules:
        begin = f'rule family="{_family(rule.source)}" source address="{rule.source}"'
        if not rule.ports:
            found[INPUT].append(f'{begin} protocol value="{rule.protocol}" accept')
        found[INPUT] += [f'{begin} port port="{port}" protocol="{rule.protocol}" accept' for port in rule.ports]
    for source, destination in forwards:
        words = [f'rule family="{_family(source or destination)}"']
        words += [f'source address="{source}"'] if source else []
        words += [f'destination address="{destination}"'] if destination else []
        found[PODS].append(" ".join([*words, "accept"]))
    return found


def _family(address: str) -> str:
    return "ipv6" if is_ipv6(address) else "ipv4"


def policy_xml(name: str, rules: Iterable[str]) -> str:
    """Return a new policy."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<policy priority="{PRIORITY}" target="CONTINUE">']
    lines += [f"  <short>{MARK}</short>"]
    for rule in rules:
        family = next(iter(re.findall(r'^rule family="([^"]*)"', rule)), "ipv4")
        lines.append(f"  <rule family={quoteattr(family)}>")
        pattern = r'(source|destination|port|protocol) ((?:(?:address|port|protocol|value)="[^"]*" ?)+)'
        lines += [f"    <{element} {attributes.strip()}/>" for element, attributes in re.findall(pattern, rule)]
        lines += ["    <accept/>", "  </rule>"]
    lines += ['  <ingress-zone name="ANY"/>', f'  <egress-zone name="{EGRESS[name]}"/>', "</policy>", ""]
    return "\n".join(lines)


def parse(text: str) -> Listed:
    """Return what --list-all-policies or --list-all-zones prints, by name and by what each line is about."""
    found: Listed = {}
    name = key = ""
    for line in text.splitlines():
        if line.startswith("\t"):
            found.setdefault(name, {}).setdefault(key, []).append(line.strip())
        elif line.startswith("  "):
            key, _colon, value = line.strip().partition(":")
            found.setdefault(name, {})[key] = value.split()
        elif line.strip():
            name = line.split()[0]
            found.setdefault(name, {})
    return found


def is_ours(name: str, policy: Optional[Mapping[str, list[str]]]) -> bool:
    """Return whether a policy applies to the packets to which ours must."""
    found = {"priority": [PRIORITY], "target": ["CONTINUE"], "ingress-zones": ["ANY"], "egress-zones": [EGRESS[name]]}
    return policy is not None and all(policy.get(key) == value for key, value in found.items())


def lost_by_reload(runtime: Listed, permanent: Listed, kept: Iterable[str] = ()) -> Iterator[str]:
    """Yield what is only in the runtime configuration: a reload, which a new policy needs, would lose it."""
    for name, settings in runtime.items():
        if name in EGRESS:
            continue
        for key, values in settings.items():
            known = permanent.get(name, {}).get(key, [])
            if key not in kept and sorted(values) != sorted(known):
                extra = [value for value in values if value not in known] or values
                yield f"{name} {key}: {' '.join(extra) or 'none'}"

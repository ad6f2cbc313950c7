# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ufw. No I/O.

ufw takes the first rule that matches. Ours are behind those of others: a rule that denies what ours allow is a decision
of the operator, and reported.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import (
    ANYWHERE,
    MARK,
    Forward,
    Rule,
    is_ipv6,
    port_range,
)

# The first release that knows the protocol vrrp.
VRRP_SINCE = (0, 36, 2)
# Of one rule, by iptables' multiport; a range counts as two.
MOST_PORTS = 15
ANY = (ANYWHERE, "::/0", "any")


class Found(NamedTuple):
    """A rule in user.rules or user6.rules."""

    action: str
    protocol: str
    ports: str
    destination: str
    source: str
    source_ports: str
    direction: str
    comment: str

    @property
    def is_route(self) -> bool:
        """Return whether the rule is for forwarded packets."""
        return self.action.startswith("route:")

    @property
    def verb(self) -> str:
        """Return allow, deny, reject or limit."""
        return self.action.rpartition(":")[2].partition("_")[0]

    @property
    def key(self) -> tuple[object, ...]:
        """Return what ufw compares: of two rules with the same one it keeps the newer, whatever both do."""
        return (self.is_route, *self[1:7])


def parse(text: str) -> list[Found]:
    """Return the rules of user.rules, in their order."""
    found = []
    for line in re.findall(r"^### tuple ### (.*)$", text, re.MULTILINE):
        words = line.split()
        comment = next((word[8:] for word in words if word.startswith("comment=")), "")
        fields = [word for word in words if not word.startswith("comment=")]
        if len(fields) not in (7, 9):
            continue
        action, protocol, ports, destination, source_ports, source = fields[:6]
        # Between source and direction, names of applications.
        found.append(Found(action, protocol, ports, destination, source, source_ports, fields[-1], _from_hex(comment)))
    return found


def _from_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode("utf-8", "replace")
    except ValueError:
        return text


def wanted(rules: Iterable[Rule], forwards: Iterable[Forward]) -> list[Found]:
    """Return the rules as ufw keeps them."""
    found = []
    for rule in rules:
        anywhere = "::/0" if is_ipv6(rule.source) else ANYWHERE
        for ports in _parts(rule.ports):
            found.append(Found("allow", rule.protocol, ports, anywhere, rule.source, "any", "in", MARK))
    for source, destination in forwards:
        anywhere = "::/0" if is_ipv6(source or destination) else ANYWHERE
        found.append(Found("route:allow", "any", "any", destination or anywhere, source or anywhere, "any", "in", MARK))
    return found


def _parts(ports: Sequence[str]) -> Iterator[str]:
    """Yield the ports of one rule each, as ufw writes them."""
    part: list[str] = []
    for port in ports:
        if sum(2 if "-" in one else 1 for one in [*part, port]) > MOST_PORTS:
            yield ",".join(part).replace("-", ":")
            part = []
        part.append(port)
    yield ",".join(part).replace("-", ":") or "any"


def command(rule: Found, *, delete: bool = False) -> list[str]:
    """Return the command that adds or deletes a rule."""
    words = ["ufw", *(["route"] if rule.is_route else []), *(["delete"] if delete else []), "allow"]
    words += ["proto", rule.protocol] if rule.protocol != "any" else []
    words += ["from", rule.source]
    if rule.ports != "any":
        words += ["to", "any", "port", rule.ports]
    elif rule.destination not in ANY:
        words += ["to", rule.destination]
    return words if delete else [*words, "comment", MARK]


def missing(found: Sequence[Found], want: Iterable[Found]) -> list[Found]:
    """Return the rules to add. A rule of others for the same packets would become ours, and a reset delete it."""
    known = {rule.key for rule in found}
    return [rule for rule in want if rule.key not in known]


def surplus(found: Iterable[Found], want: Iterable[Found]) -> list[Found]:
    """Return those of our rules that are no longer wanted."""
    keys = {rule.key for rule in want}
    return [rule for rule in found if rule.comment == MARK and rule.key not in keys]


def denied(found: Sequence[Found], want: Sequence[Found]) -> Iterator[tuple[Found, Found]]:
    """Yield rules of others that deny what is wanted, each with the first that it denies."""
    foreign = [rule for rule in found if rule.comment != MARK]
    reported = set()
    for one in want:
        for rule in foreign:
            if rule.is_route == one.is_route and _covers(rule, one):
                if rule.verb in ("deny", "reject") and rule not in reported:
                    reported.add(rule)
                    yield rule, one
                break


def _covers(rule: Found, one: Found) -> bool:
    """Return whether a rule decides on all packets, or some ports, of another one."""
    if rule.source_ports != "any" or rule.protocol not in ("any", one.protocol):
        return False
    if not (_contains(rule.source, one.source) and _contains(rule.destination, one.destination)):
        return False
    if "any" in (rule.ports, one.ports):
        return rule.ports == "any"
    theirs = [port_range(port) for port in rule.ports.split(",")]
    ours = [port_range(port) for port in one.ports.split(",")]
    if rule.verb in ("allow", "limit"):
        return all(any(low <= first and last <= high for low, high in theirs) for first, last in ours)
    return any(low <= last and first <= high for low, high in theirs for first, last in ours)


def _contains(outer: str, inner: str) -> bool:
    if outer in ANY:
        return True
    try:
        networks = [ipaddress.ip_network(text, strict=False) for text in (outer, inner)]
    except ValueError:
        return False
    return networks[0].version == networks[1].version and (
        int(networks[0].network_address) <= int(networks[1].network_address)
        and int(networks[1].broadcast_address) <= int(networks[0].broadcast_address)
    )


def in_words(rule: Found) -> str:
    """Return a rule of others as `ufw show added` begins it."""
    words = [*(["route"] if rule.is_route else []), rule.verb]
    words += [] if rule.direction == "in" else [rule.direction.replace("_", " on ", 1)]
    words += ["from", "any" if rule.source in ANY else rule.source]
    words += ["to", "any" if rule.destination in ANY else rule.destination]
    words += ["port", rule.ports] if rule.ports != "any" else []
    return " ".join(words + (["proto", rule.protocol] if rule.protocol != "any" else []))


def knows_vrrp(version: str, before_rules: str) -> bool:
    """Return whether VRRP can be opened, or is: by the text of `ufw version` and of before.rules."""
    numbers = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    known = tuple(int(part or 0) for part in numbers.groups()) if numbers else (0, 0, 0)
    return known >= VRRP_SINCE or bool(re.search(r"^-A .*-p (vrrp|112)\b.*ACCEPT", before_rules, re.MULTILINE))

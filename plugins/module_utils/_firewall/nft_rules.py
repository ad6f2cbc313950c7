# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in chains of nftables. No I/O.

To accept a packet in a chain of our own does not keep another chain from dropping it. So the rules are in a chain of
their own in each table that drops, to which the chain that drops jumps first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import (
    ANYWHERE,
    MARK,
    Forward,
    Rule,
    is_ipv6,
)

# The names of our chains, by the hook of the chains that jump to them.
CHAINS = {"input": "hardway-kubernetes", "forward": "hardway-pods"}
FAMILIES = ("ip", "ip6", "inet")
# Words for numbers that a host may lack.
NUMBERS = {"vrrp": "112"}


class Chain(NamedTuple):
    """A chain that filters what comes in for the host, or what it forwards."""

    family: str
    table: str
    name: str
    hook: str

    @property
    def place(self) -> str:
        """Return family and table."""
        return f"{self.family} {self.table}"

    @property
    def is_iptables(self) -> bool:
        """Return whether it is one of iptables, which no longer reads a table with rules that it cannot express."""
        return self.table == "filter" and self.family != "inet" and self.name in ("INPUT", "FORWARD")


def base_chains(text: str) -> list[Chain]:
    """Return the chains in `nft list chains` that filter what comes in for the host, and what it forwards."""
    found, table, chain = [], ("", ""), ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["table"] and len(words) > 2:
            table = (words[1], words[2])
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif table[0] in FAMILIES and (hook := re.search(r"type filter hook (input|forward) ", line)):
            found.append(Chain(*table, chain, hook[1]))
    return found


def own_chains(text: str) -> list[tuple[str, str]]:
    """Return place and name of the chains in `nft list chains` that are ours."""
    found, place = [], ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["table"] and len(words) > 2:
            place = f"{words[1]} {words[2]}"
        elif words[:1] == ["chain"] and words[1] in CHAINS.values():
            found.append((place, words[1]))
    return found


def is_closed(text: str) -> bool:
    """Return whether a chain, as nft lists it, ends by dropping or rejecting what no rule has accepted."""
    rules = [line.strip() for line in text.splitlines() if line.strip().strip("{}")]
    return any("policy drop" in rule for rule in rules) or bool(
        rules and re.match(r"(counter( packets \d+ bytes \d+)? )?(drop|reject\b.*)$", rules[-1])
    )


def of_input(rules: Iterable[Rule], family: str) -> list[str]:
    """Return the rules of our chain for what comes in, sources with the same ports together."""
    sources: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for rule in rules:
        if _fits(rule.source, family):
            sources.setdefault((rule.protocol, rule.ports), []).append(rule.source)
    found = []
    for (protocol, ports), addresses in sources.items():
        for what in _ports(protocol, ports):
            found += [f"{source}{what} accept" for source in _sources(addresses)]
    return found


def of_forward(forwards: Iterable[Forward], family: str) -> list[str]:
    """Return the rules of our chain for what is forwarded, with the answers to it."""
    found = []
    for source, destination in forwards:
        if _fits(source or destination, family):
            version = "ip6" if is_ipv6(source or destination) else "ip"
            words = [f"{version} saddr {source}"] if source else []
            words += [f"{version} daddr {destination}"] if destination else []
            found.append(" ".join([*words, "accept"]))
            if not destination:
                found.append(f"{version} daddr {source} ct state established,related accept")
    return found


def _fits(address: str, family: str) -> bool:
    return family == "inet" or (family == "ip6") == is_ipv6(address)


def _sources(addresses: list[str]) -> Iterator[str]:
    """Yield the beginnings of rules: one for all addresses of a version; nft would merge networks with others."""
    for version in ("ip", "ip6"):
        mine = [one for one in addresses if is_ipv6(one) == (version == "ip6") and one not in (ANYWHERE, "::/0")]
        if plain := [one for one in mine if "/" not in one]:
            yield f"{version} saddr {_set(plain)} "
        yield from (f"{version} saddr {one} " for one in mine if "/" in one)
    if ANYWHERE in addresses or "::/0" in addresses:
        yield ""


def _ports(protocol: str, ports: tuple[str, ...]) -> Iterator[str]:
    """Yield what the ports of a rule are: single ones together, each range alone."""
    if not ports:
        yield f"meta l4proto {NUMBERS.get(protocol, protocol)}"
    if plain := [port for port in ports if "-" not in port]:
        yield f"{protocol} dport {_set(plain)}"
    yield from (f"{protocol} dport {port}" for port in ports if "-" in port)


def _set(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{{ {', '.join(words)} }}"


def listed_rules(text: str) -> list[str]:
    """Return the rules of a chain as nft lists it, in the form of rules written here."""
    joined = re.sub(r"\{([^{}\n]*(?:,\s*[^{}]*)?)\}", lambda match: "{" + " ".join(match[1].split()) + "}", text)
    lines = [line.strip() for line in joined.splitlines()]
    return [canonical(line) for line in lines if line and line.strip("}") and not line.endswith("{")]


def canonical(rule: str) -> str:
    """Return a rule with the elements of its sets in order, and numbers for names that not every host knows."""
    rule = re.sub(
        r"\{([^{}]*)\}", lambda match: _set(sorted(word.strip() for word in match[1].split(",") if word.strip())), rule
    )
    return re.sub(r"(?<=l4proto )(\w+)", lambda match: NUMBERS.get(match[1], match[1]), rule)


def handles(text: str, own: str) -> list[str]:
    """Return the handles of the jumps to a chain of ours in what `nft -a list chain` prints."""
    return re.findall(rf"^\s*jump {own}\b.* # handle (\d+)$", text, re.MULTILINE)


def chain_script(place: str, own: str, rules: Iterable[str]) -> list[str]:
    """Return the commands that give a chain of ours these rules, in one transaction."""
    return [
        f"add chain {place} {own}",
        f"flush chain {place} {own}",
        *(f"add rule {place} {own} {rule}" for rule in rules),
    ]


def jump(chain: Chain) -> str:
    """Return the command that lets a chain jump to ours first."""
    return f'insert rule {chain.place} {chain.name} jump {CHAINS[chain.hook]} comment "{MARK}"'

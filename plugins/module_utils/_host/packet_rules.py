# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains and tables of kube-proxy, the kubelet, flannel and the CNI plugin portmap. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

# kube-proxy and the kubelet; flannel.
OURS = re.compile(r"KUBE-[A-Z0-9-]+|FLANNEL-(POSTRTG|FWD)")
# portmap has chains for each container, and three that all networks on the host have in common.
PORTS = re.compile(r"CNI-HOSTPORT-(DNAT|SETMARK|MASQ)")
PORTS_OF_ONE = re.compile(r"CNI-DN-[0-9a-f]+")
# Of kube-proxy and of flannel in their nftables modes.
TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"), ("ip", "flannel-ipv4"), ("ip6", "flannel-ipv6"))


class Table:
    """One table of iptables-save: its chains, and its rules as written there."""

    def __init__(self, name: str) -> None:
        """Start without chains."""
        self.name = name
        self.chains: list[str] = []
        self.rules: list[tuple[str, str]] = []

    def ours(self, network: str) -> list[str]:
        """Return the names of our chains."""
        ports = {chain for chain in self.chains if PORTS_OF_ONE.fullmatch(chain)}
        ports_of_network = set(self._ports_of(network))
        shared = [chain for chain in self.chains if PORTS.fullmatch(chain)] if ports == ports_of_network else []
        return [chain for chain in self.chains if OURS.fullmatch(chain) or chain in ports_of_network or chain in shared]

    def _ports_of(self, network: str) -> Iterator[str]:
        """Yield the chains of the containers of one CNI network; the jumps to them name it."""
        for _chain, rule in self.rules:
            if (chain := target(rule)) and PORTS_OF_ONE.fullmatch(chain) and f'name: "{network}"' in comment(rule):
                yield chain

    def removal(self, network: str) -> list[str]:
        """Return the lines for iptables-restore that remove our chains and the jumps to them, and nothing else."""
        ours = self.ours(network)
        jumps = [f"-D {chain} {rule}" for chain, rule in self.rules if chain not in ours and target(rule) in ours]
        return jumps + [f"-F {chain}" for chain in ours] + [f"-X {chain}" for chain in ours]


def parse(text: str) -> list[Table]:
    """Return the tables of iptables-save."""
    found: list[Table] = []
    for line in text.splitlines():
        if line.startswith("*"):
            found.append(Table(line[1:].strip()))
        elif line.startswith(":"):
            found[-1].chains.append(line[1:].split(" ")[0])
        elif line.startswith("-A "):
            _add, chain, rule = line.split(" ", 2)
            found[-1].rules.append((chain, rule))
    return found


def words(rule: str) -> list[str]:
    """Return the words of a rule."""
    try:
        return shlex.split(rule)
    except ValueError:
        return rule.split()


def after(rule: str, *options: str) -> str:
    """Return the word after one of the options, empty without."""
    found = words(rule)
    return next((value for option, value in zip(found, found[1:]) if option in options), "")


def target(rule: str) -> str:
    """Return the chain to which a rule jumps."""
    return after(rule, "-j", "-g")


def comment(rule: str) -> str:
    """Return the comment of a rule."""
    return after(rule, "--comment")


def removal(text: str, network: str) -> tuple[str, list[str]]:
    """Return the input for iptables-restore --noflush, empty for nothing to do, and the names of the chains."""
    parts, chains = [], []
    for table in parse(text):
        if lines := table.removal(network):
            parts.append("\n".join([f"*{table.name}", *lines, "COMMIT", ""]))
            chains += [f"{table.name}/{chain}" for chain in table.ours(network)]
    return "".join(parts), chains


def tables(text: str) -> list[str]:
    """Return those of our nftables tables that `nft list tables` has, as `family name`."""
    found = {tuple(line.split()[1:3]) for line in text.splitlines() if line.startswith("table ")}
    return [" ".join(table) for table in TABLES if table in found]

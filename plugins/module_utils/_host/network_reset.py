# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes from a host what a node has added to its network; everything else stays as it is."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import Run
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import program as _program
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import packet_rules

# The default tools, and those of both kinds of rules where a host has them.
TOOLS = tuple(f"{family}{kind}" for kind in ("", "-nft", "-legacy") for family in ("iptables", "ip6tables"))


class Network:
    """The network of a host, with the names that ours have there."""

    def __init__(self, run: Run, interfaces: Sequence[str], networks: Sequence[str], cni: str) -> None:
        """Take the interfaces, the networks of the pods, and the name of the CNI network."""
        self.run, self.interfaces, self.networks, self.cni = run, interfaces, networks, cni
        self.problems: list[str] = []

    def changes(self) -> list[str]:
        """Return what there is to remove."""
        found = [f"delete interface {name}" for name in self._interfaces()]
        found += [f"delete routes to pods of other nodes: {', '.join(routes)}" for _net, routes in self._routes()]
        found += [f"{tool}: remove chains {', '.join(chains)}" for tool, _text, chains in self._chains()]
        found += [f"nft: delete table {table}" for table in self._tables()]
        found += [f"ipset: destroy {name}" for name in self._sets()]
        return found

    def remove(self) -> None:
        """Remove it: packets first go where no rule of ours sends them."""
        for tool, text, _chains in self._chains():
            self._do([f"{tool}-restore", "-w", "30", "--noflush"], text)
        for table in self._tables():
            self._do(["nft", "delete", "table", *table.split()])
        for name in self._sets():
            self._do(["ipset", "destroy", name])
        for name in self._interfaces():
            self._do(["ip", "link", "delete", name])
        for network, _routes in self._routes():
            self._do(["ip", _family(network), "route", "flush", "root", network, "proto", "boot"])

    def _do(self, command: list[str], text: Optional[str] = None) -> None:
        code, out, err = self.run([_program(command[0]) or command[0], *command[1:]], text)
        if code != 0:
            raise HardwayError(f"{' '.join(command)}: {(err or out).strip()}; see what uses it, and run again")

    def _interfaces(self) -> list[str]:
        # Not in /sys, which in some containers shows the network of the machine.
        known = {name for _number, name in socket.if_nameindex()}
        return [name for name in self.interfaces if name in known]

    def _routes(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the networks with routes that flannel has added on other interfaces than its own."""
        if not _program("ip"):
            return
        for network in self.networks:
            command = ["ip", "-json", _family(network), "route", "show", "root", network, "proto", "boot"]
            code, out, _err = self.run(command)
            routes = json.loads(out or "[]") if code == 0 else []
            if found := [route["dst"] for route in routes if route.get("dev") not in self.interfaces]:
                yield network, found

    def _chains(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield tool, input for its restore command, and chains, of each family and kind of rules that has ours."""
        seen = set()
        for tool in TOOLS:
            path = _program(f"{tool}-save")
            known = (tool.partition("-")[0], os.path.realpath(path or ""))
            if not path or known in seen:
                continue
            seen.add(known)
            code, out, err = self.run([path])
            if code != 0 and tool == "iptables":
                self.problems.append(f"{tool}-save: {err.strip()}; chains were not inspected")
            text, chains = packet_rules.removal(out, self.cni) if code == 0 else ("", [])
            if chains:
                yield tool, text, chains

    def _tables(self) -> list[str]:
        if not (program := _program("nft")):
            return []
        code, out, _err = self.run([program, "list", "tables"])
        return packet_rules.tables(out) if code == 0 else []

    def _sets(self) -> list[str]:
        """Return the sets of kube-proxy in its mode ipvs."""
        if not (program := _program("ipset")):
            return []
        code, out, _err = self.run([program, "list", "-name"])
        return [name for name in out.split() if name.startswith("KUBE-")] if code == 0 else []


def _family(network: str) -> str:
    return "-6" if ":" in network else "-4"

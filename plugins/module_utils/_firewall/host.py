# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall of a host: which one is active, and our rules in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import read
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import Run, program
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import openings
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.firewalld import Firewalld, is_active
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.nftables import Nftables
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.ufw import SETTINGS, Ufw

Backend = Union[Ufw, Firewalld, Nftables]
KINDS: tuple[type[Backend], ...] = (Firewalld, Ufw, Nftables)
# The program of each, without which it has never been used.
PROGRAMS = {"firewalld": "firewall-cmd", "ufw": "ufw", "nftables": "nft"}


def active_kind(run: Run) -> Optional[type[Backend]]:
    """Return the firewall that is active; firewalld and ufw have chains of their own in nftables or iptables."""
    if is_active():
        return Firewalld
    if program("ufw") and re.search(rb"^ENABLED=yes", read(SETTINGS) or b"", re.MULTILINE):
        return Ufw
    if not program("nft"):
        return None
    chains = Nftables(run, (), ()).closed(run(["nft", "list", "chains"])[1])
    # What others than we have made: a host where only we have chains has no firewall.
    return Nftables if any(not chain.is_iptables for chain in chains) else None


def active(
    run: Run, opened: Sequence[Mapping[str, Any]], forwarded: Sequence[Mapping[str, str]], *, exclusive: bool = True
) -> Optional[Backend]:
    """Return the active firewall, with what is wanted in it; None if there is none that rules can be added to."""
    kind = active_kind(run)
    if kind is None:
        return None
    return kind(run, openings.rules(opened), openings.forwards(forwarded), exclusive=exclusive)


class Former:
    """Our rules in all firewalls of a host, active or not, to be removed."""

    def __init__(self, run: Run) -> None:
        """Take the firewalls that the host has."""
        self.run = run
        self.notes: list[str] = []

    def _backends(self) -> Iterable[Backend]:
        for kind in KINDS:
            if kind is Firewalld and not is_active():
                continue
            if program(PROGRAMS[kind.name]):
                yield kind(self.run, (), ())

    def changes(self) -> list[str]:
        """Return what there is to remove."""
        found = [change for backend in self._backends() for change in backend.changes()]
        if not is_active():
            found += [f"delete {path}" for path in Firewalld.paths if os.path.lexists(path)]
        return found

    def remove(self) -> None:
        """Remove it, and nothing of others."""
        for backend in self._backends():
            backend.remove()
            self.notes += getattr(backend, "notes", [])
        if not is_active():
            Firewalld(self.run, (), ()).remove()


def prediction(run: Run, opened: Sequence[Mapping[str, Any]], forwarded: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the name of the active firewall, what cannot be opened, and whether there is anything left to do."""
    try:
        firewall = active(run, opened, forwarded)
        if firewall is None:
            return {"name": "", "problems": [], "pending": False}
        return {"name": firewall.name, "problems": firewall.problems(), "pending": bool(firewall.changes())}
    except HardwayError as exc:
        return {"name": "firewall", "problems": [str(exc)], "pending": True}


def closed_chains(run: Run) -> tuple[dict[str, str], dict[str, str]]:
    """Return the rules of each closed chain for what comes in, and for what is forwarded, with its whole table.

    Only nft and iptables show them.
    """
    found: dict[str, dict[str, str]] = {"input": {}, "forward": {}}
    if program("nft"):
        for chain in Nftables(run, (), ()).closed(run(["nft", "list", "chains"])[1]):
            _code, text, _err = run(["nft", "list", "table", *chain.place.split()])
            found[chain.hook][f"nftables chain {chain.place} {chain.name}"] = text
    closed = found["input"]
    for name in ("iptables-legacy", "iptables"):
        if closed or not program(name) or (name == "iptables" and program("nft")):
            continue
        if closed_iptables(run([name, "-S", "INPUT"])[1]):
            _code, closed[f"{name} chain INPUT"], _err = run([name, "-S"])
    return closed, found["forward"]


def closed_iptables(text: str) -> bool:
    """Return whether a chain, as iptables -S prints it, ends by dropping or rejecting."""
    rules = [line.strip() for line in text.splitlines() if line.strip()]
    return any(rule == "-P INPUT DROP" for rule in rules) or bool(
        rules and re.match(r"-A INPUT -j (DROP|REJECT)\b", rules[-1])
    )

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides between the PKI directory on the controller and its copies on hosts: plain data, no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import hosts_in_words
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sealing import REMEMBERED, SHORT, Header

PATH = "/etc/hardway/pki-store"


@dataclass(frozen=True)
class Base:
    """The last synchronisation: the generation, its content, and the generations before it."""

    generation: int
    sha256: str
    ancestors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, header: Header) -> Base:
        """Return the base of a directory that equals a copy."""
        return cls(header.generation, header.sha256, header.ancestors)

    def next(self, sha256: str) -> Base:
        """Return the generation after this one."""
        # Without a digest, the generation was discarded.
        known = {**self.ancestors, **({str(self.generation): self.sha256[:SHORT]} if self.sha256 else {})}
        kept = sorted(known, key=int)[-REMEMBERED:]
        return Base(self.generation + 1, sha256, {number: known[number] for number in kept})


@dataclass(frozen=True)
class Local:
    """The directory on the controller: its digest and its last synchronisation, each None where there is none."""

    directory: str
    sha256: Optional[str]
    base: Optional[Base]


@dataclass(frozen=True)
class Decision:
    """What to do: the copy that replaces the directory, or None, and the base of the directory afterwards."""

    take: Optional[Header]
    base: Optional[Base]


def decide(
    local: Local, copies: Mapping[str, Optional[Header]], unknown: Mapping[str, str], discard: int = 0
) -> Decision:
    """Return what to do, or raise where a change would be lost.

    copies are the headers by host, None where a host has no copy; unknown has the reason where it could not be read.
    discard is the generation that the directory replaces although its changes are not in it.
    """
    found = {host: header for host, header in copies.items() if header is not None}
    newest = max(found.values(), key=lambda header: header.generation, default=None)
    if newest is None:
        if local.sha256 is None and unknown:
            listed = "; ".join(f"{host}: {reason}" for host, reason in sorted(unknown.items()))
            raise HardwayError(
                f"{local.directory}: does not exist, no other host has a copy, and some could not be read ({listed});"
                " make them available, because new CAs would replace those of the cluster"
            )
        return Decision(None, local.base if local.sha256 else None)
    discarded = Decision(None, Base(newest.generation, ""))
    # After a discard, later generations do not remember those before it.
    base = local.base
    replaced = base and base.generation > newest.generation and str(newest.generation) not in base.ancestors
    if (conflict := _conflict(found, newest)) and not replaced:
        if discard == newest.generation and local.sha256:
            return discarded
        raise HardwayError(
            f"PKI store: {conflict}; remove {PATH} on the hosts of the wrong one, or, to keep the state of"
            f" {local.directory} on this controller, run again with -e cluster_pki_store_discard={newest.generation}"
        )
    if local.sha256 is None:
        return Decision(newest, Base.of(newest))
    if local.sha256 == newest.sha256:
        return Decision(None, Base.of(newest))
    if reason := _lost_update(local, newest):
        if discard == newest.generation:
            return discarded
        raise HardwayError(
            f"{local.directory}: {reason}, so one update would be lost; to use that of the store, move the directory"
            " away and run again; or, to keep the directory and discard that of the store, run again with"
            f" -e cluster_pki_store_discard={newest.generation}"
        )
    unchanged_and_older = local.base and local.base.sha256 == local.sha256 and local.base.generation < newest.generation
    return Decision(newest, Base.of(newest)) if unchanged_and_older else Decision(None, local.base)


def _conflict(found: Mapping[str, Header], newest: Header) -> str:
    """Return which hosts have updates that exclude each other, empty if none have."""
    for host, header in sorted(found.items()):
        same = header.generation == newest.generation and header.sha256 == newest.sha256
        if not same and not newest.follows(header.generation, header.sha256):
            others = sorted(name for name, other in found.items() if other == newest)
            return f"{hosts_in_words(others)}: {newest.author}, is not based on that of host {host}, {header.author}"
    return ""


def _lost_update(local: Local, newest: Header) -> str:
    """Return how the directory and the newest copy exclude each other, empty if they do not."""
    base = local.base
    if base is None:
        return f"was never synchronised with the store, which has {newest.author}"
    if base.generation > newest.generation:
        known = base.ancestors.get(str(newest.generation), newest.sha256[:SHORT])
        return "" if known == newest.sha256[:SHORT] else f"is not based on {newest.author}"
    if base.generation == newest.generation:
        return "" if base.sha256 == newest.sha256 else f"has another content of {newest.author}"
    if not newest.follows(base.generation, base.sha256):
        return f"is based on another content of generation {base.generation} than {newest.author}"
    return (
        ""
        if base.sha256 == local.sha256
        else f"was changed since generation {base.generation}; the store has {newest.author}"
    )

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pair of states of the PKI directory and of its copies on hosts."""

from __future__ import annotations

from typing import Optional

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.copies import Base, Decision, Local, decide
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sealing import SHORT, Header

# Contents by name; B and C were both made from A.
A, B, C, D = (letter * 64 for letter in "abcd")
KEEP, LOST, CONFLICT = "keep", "would be lost", "is not based on that of"


def base(generation: int, sha256: str, *before: str) -> Base:
    """Return a generation with the contents of those before it."""
    first = generation - len(before)
    return Base(generation, sha256, {str(first + number): text[:SHORT] for number, text in enumerate(before)})


def header(found: Base, writer: str = "alice@ctrl1") -> Header:
    """Return the header of a copy."""
    return Header(found.generation, found.sha256, "2026-11-29T07:00:00Z", writer, found.ancestors)


A1, B2, C2, D3, OTHER3 = base(1, A), base(2, B, A), base(2, C, A), base(3, D, A, B), base(3, D, A, C)
LOCALS: dict[str, tuple[Optional[str], Optional[Base]]] = {
    "no directory": (None, None),
    "never synchronised": (D, None),
    "1": (A, A1),
    "1, changed": (C, A1),
    "2": (B, B2),
    "2, changed": (D, B2),
    "3": (D, D3),
}
STORES: dict[str, list[Optional[Base]]] = {
    "none": [None, None],
    "1": [A1, A1],
    "2 and 1": [B2, A1],
    "2 and none": [None, B2],
    "other 2": [C2, C2],
    "3": [D3, D3],
    "3 from other 2": [OTHER3, A1],
    "both 2": [B2, C2],
    "3 beside other 2": [D3, C2],
}
# In the order of STORES. A number: the directory is replaced by the copy of this generation.
TABLE = {
    "no directory": [KEEP, 1, 2, 2, 2, 3, 3, CONFLICT, CONFLICT],
    "never synchronised": [KEEP, LOST, LOST, LOST, LOST, KEEP, KEEP, CONFLICT, CONFLICT],
    "1": [KEEP, KEEP, 2, 2, 2, 3, 3, CONFLICT, CONFLICT],
    "1, changed": [KEEP, KEEP, LOST, LOST, KEEP, LOST, LOST, CONFLICT, CONFLICT],
    "2": [KEEP, KEEP, KEEP, KEEP, LOST, 3, LOST, CONFLICT, CONFLICT],
    "2, changed": [KEEP, KEEP, KEEP, KEEP, LOST, KEEP, KEEP, CONFLICT, CONFLICT],
    "3": [KEEP, KEEP, KEEP, KEEP, LOST, KEEP, KEEP, CONFLICT, CONFLICT],
}
CELLS = [(local, store, result) for local, row in TABLE.items() for store, result in zip(STORES, row)]


def decided(local: str, store: str, discard: int = 0) -> Decision:
    """Return the decision for two states."""
    copies = {f"n{number}": found and header(found) for number, found in enumerate(STORES[store], 1)}
    return decide(Local("/pki", *LOCALS[local]), copies, {}, discard)


@pytest.mark.parametrize(("local", "store", "expected"), CELLS)
def test_decision(local: str, store: str, expected: str | int) -> None:
    if isinstance(expected, str) and expected != KEEP:
        with pytest.raises(HardwayError, match=expected) as raised:
            decided(local, store)
        # Who wrote it, when, and both ways out.
        said = str(raised.value)
        assert "alice@ctrl1" in said and "2026-11-29T07:00:00Z" in said and "cluster_pki_store_discard=" in said
        assert "move the directory away" in said or "remove /etc/hardway/pki-store" in said
    else:
        take = decided(local, store).take
        assert (take.generation if take else KEEP) == expected


@pytest.mark.parametrize(("local", "store", "expected"), CELLS)
def test_after_the_decision_every_host_accepts_the_next_generation(local: str, store: str, expected: str | int) -> None:
    """Also after a discard, which is refused where there is no directory to keep."""
    refused = isinstance(expected, str) and expected != KEEP
    found = [copy for copy in STORES[store] if copy]
    newest = max((copy.generation for copy in found), default=0)
    if refused and local == "no directory":
        with pytest.raises(HardwayError):
            decided(local, store, newest)
        return
    decision = decided(local, store, newest if refused else 0)
    following = header((decision.base or Base(0, "")).next("e" * 64))
    assert decision.take is None or not refused
    if decision.base or not found:
        assert all(following.follows(copy.generation, copy.sha256) for copy in found)


def test_no_new_cas_while_a_host_cannot_be_read() -> None:
    """It may have the only copy. With a directory here, the run continues."""
    with pytest.raises(HardwayError, match=r"n2: timed out.*new CAs would replace"):
        decide(Local("/pki", None, None), {"n1": None}, {"n2": "timed out"})
    assert decide(Local("/pki", A, A1), {"n1": None}, {"n2": "timed out"}) == Decision(None, A1)


def test_discarding_another_generation_than_the_newest_is_refused() -> None:
    """The number in the error is that of the update that will be lost."""
    with pytest.raises(HardwayError, match="cluster_pki_store_discard=2"):
        decided("1, changed", "2 and 1", discard=1)
    assert decided("1, changed", "2 and 1", discard=2).base == Base(2, "")


def test_a_discard_ends_a_conflict_between_hosts() -> None:
    """The generation that replaces both is written in the same run and in the next one, wherever it is missing."""
    discarded = decided("2", "both 2", discard=2).base
    assert discarded
    current = discarded.next(D)
    copies: dict[str, Optional[Header]] = {"n1": header(B2), "n2": header(C2)}
    assert decide(Local("/pki", D, current), copies, {}) == Decision(None, current)
    assert decide(Local("/pki", A, current), copies, {}, 2) == Decision(None, current)
    assert decide(Local("/other", None, None), {"n1": header(current), "n2": header(C2)}, {}).take == header(current)


def test_generations_are_forgotten_after_a_hundred() -> None:
    current = Base(0, "")
    for number in range(1, 151):
        current = current.next(f"{number:064d}")
    assert sorted(current.ancestors, key=int) == [str(number) for number in range(50, 150)]

# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliberate faults in the result of role etcd. etcd is the real one in a rehearsal, too."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.etcd_member import Member
from tests.support.api.programs import Issuer, binary
from tests.support.api.requests import NEVER

pytestmark = [pytest.mark.slow, pytest.mark.long]


def other_names(member: Member) -> None:
    """Give it a certificate for another host."""
    member.ca.issue("server", "m1", hosts=["192.0.2.99"])


def foreign_ca(member: Member) -> None:
    """Let it trust clients of another CA."""
    made = Issuer(member.directory / "foreign", "etcd-ca")
    swapped = f"--trusted-ca-file={made.ca}"
    member.arguments = [swapped if a.startswith("--trusted-ca-file=") else a for a in member.arguments]


def other_key(member: Member) -> None:
    """Leave its certificate with the key of another."""
    shutil.copy(member.pki / "peer.key", member.pki / "server.key")


# The finding, and the words that name the cause: another failure must not be mistaken for it.
FAULTS: dict[str, tuple[dict[str, Any], Callable[[Member], None] | None, str]] = {
    "a misspelt flag": ({"snapshot-cuont": 1}, None, "etcd ends.*not defined: -snapshot-cuont"),
    "no duration": ({"auto-compaction-retention": "soon"}, None, "etcd ends.*auto-compaction-retention"),
    "no client CA": ({"client-cert-auth": None, "trusted-ca-file": None}, None, "strangers are served"),
    "another host's names": ({}, other_names, "does not answer.*IP address mismatch"),
    "a foreign CA": ({}, foreign_ca, "does not answer.*certificate signed by unknown authority"),
    "another's key": ({}, other_key, "(does not answer|ends).*private key does not match"),
}


def found(directory: Path, name: str = "") -> str:
    """Return the finding for a fault."""
    if binary("etcd") is None:
        pytest.skip("no etcd available, not even from Debian")
    config, change, finding = FAULTS.get(name, ({}, None, ""))
    member = Member(directory, etcd_config=config)
    if change:
        change(member)
    try:
        return member.inspect(finding.rpartition(".*")[2] if "answer" in finding else NEVER)
    finally:
        member.programs.stop_all()


def test_without_a_fault_there_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    finding = found(tmp_path, name)
    assert re.search(FAULTS[name][2], finding or "nothing", re.DOTALL), finding
